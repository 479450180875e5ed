// SPDX-License-Identifier: BSD-3-Clause
// The admin socket on the file system, driven step by step: no thread, time is an argument.
#include "controlplane/admin_socket.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/fake_operations.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/unix_listener.h"

namespace posthaste::controlplane {
namespace {

using support::ScratchDirectory;
using support::UnixListener;
using test::FakeOperations;

const std::string kVersion = "{\"command\":[\"show\",\"version\"]}\n";
const std::string kPage = "{\"command\":[\"show\",\"agents\",\"--limit\",\"1000\"]}\n";

class Client {
  public:
    explicit Client(const std::string& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }

    ~Client() { close(); }

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void close() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = -1;
    }

    void end_of_input() const { EXPECT_EQ(::shutdown(fd_, SHUT_WR), 0); }

    // How many bytes the socket took.
    std::size_t send(std::string_view bytes) const {
        const ssize_t gone = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return gone < 0 ? 0 : static_cast<std::size_t>(gone);
    }

    // What is there now.
    void read() {
        std::array<char, 64 * 1024> buffer;
        for (;;) {
            const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
            ended = ended || got == 0 || (got < 0 && errno != EAGAIN);
            if (got <= 0) {
                return;
            }
            received.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }

    [[nodiscard]] std::size_t lines() const {
        return static_cast<std::size_t>(std::count(received.begin(), received.end(), '\n'));
    }

    std::string received;
    bool ended = false;

  private:
    int fd_;
};

class Socket {
  public:
    explicit Socket(std::uint64_t agents = 3, AdminSocketOptions options = {})
        : operations(agents), path(directory / "admin.sock") {
        options.path = path;
        socket = AdminSocket::open(options, operations).value_or(nullptr);
        EXPECT_NE(socket, nullptr);
    }

    [[nodiscard]] bool ready() const {
        pollfd wanted{socket->epoll_fd(), POLLIN, 0};
        return ::poll(&wanted, 1, 0) == 1;
    }

    // Until nothing is ready, `client` reading along; bounded, so a busy loop is a failure.
    void settle(Client* client = nullptr) {
        for (int turn = 0; turn < 10'000; ++turn) {
            const std::size_t before = client == nullptr ? 0 : client->received.size();
            if (client != nullptr) {
                client->read();
            }
            if (!ready()) {
                if (client == nullptr || client->received.size() == before) {
                    return;
                }
                continue;
            }
            socket->poll(now_ms);
        }
        FAIL() << "the socket never comes to rest";
    }

    ScratchDirectory directory;
    FakeOperations operations;
    std::string path;
    std::unique_ptr<AdminSocket> socket;
    std::uint64_t now_ms = 1'000;
};

std::size_t open_descriptors() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                      std::filesystem::directory_iterator()));
}

TEST(admin_socket, the_file_is_for_owner_and_group_and_goes_with_the_socket) {
    Socket box;

    struct stat made {};

    ASSERT_EQ(::stat(box.path.c_str(), &made), 0);
    EXPECT_TRUE(S_ISSOCK(made.st_mode));
    EXPECT_EQ(made.st_mode & 0777U, 0660U);
    box.socket.reset();
    EXPECT_NE(::stat(box.path.c_str(), &made), 0);
}

TEST(admin_socket, a_file_that_is_somebody_elses_by_now_stays) {
    Socket box;
    std::filesystem::remove(box.path);
    std::ofstream(box.path) << "mine";
    box.socket.reset();
    EXPECT_TRUE(std::filesystem::exists(box.path));
}

TEST(admin_socket, what_stands_at_the_path_decides_whether_it_opens) {
    const ScratchDirectory directory;
    FakeOperations operations;
    const std::string path = directory / "a.sock";
    const auto opened = [&](const std::string& where) {
        const auto socket = AdminSocket::open({.path = where}, operations);
        return socket ? std::string() : socket.error();
    };
    UnixListener other(path);
    EXPECT_EQ(opened(path),
              "admin socket " + path + ": in use by process " + std::to_string(::getpid()));
    other.die();
    EXPECT_EQ(opened(path), "");
    std::ofstream(path) << "text";
    EXPECT_EQ(opened(path), "admin socket " + path + ": there is a file of that name");
    const std::string nowhere = directory / "no/a.sock";
    EXPECT_EQ(opened(nowhere),
              "admin socket " + nowhere + ": cannot be created: No such file or directory");
    EXPECT_NE(opened(directory / std::string(200, 'x')).find("1 to 107 bytes"), std::string::npos);
    EXPECT_NE(opened("").find("1 to 107 bytes"), std::string::npos);
}

TEST(admin_socket, a_request_wakes_the_owner_and_its_answer_lets_it_rest) {
    Socket box;
    EXPECT_FALSE(box.ready());
    Client client(box.path);
    EXPECT_TRUE(box.ready());
    box.settle();
    EXPECT_FALSE(box.ready());
    client.send(kVersion.substr(0, 10));
    box.settle(&client);
    EXPECT_EQ(client.received, "");
    client.send(kVersion.substr(10));
    EXPECT_TRUE(box.ready());
    box.settle(&client);
    EXPECT_EQ(client.lines(), 1U);
    EXPECT_FALSE(box.ready());
    EXPECT_FALSE(client.ended);
}

TEST(admin_socket, many_pipelined_requests_are_all_answered) {
    Socket box;
    Client client(box.path);
    std::string rest;
    constexpr std::size_t kRequests = 5'000;
    for (std::size_t i = 0; i < kRequests; ++i) {
        rest += kVersion;
    }
    while (!rest.empty()) {
        rest.erase(0, client.send(rest));
        box.settle(&client);
    }
    EXPECT_EQ(client.lines(), kRequests);
    EXPECT_EQ(box.operations.calls, kRequests);
}

TEST(admin_socket, one_call_serves_a_bounded_share) {
    Socket box;
    Client client(box.path);
    box.settle();
    std::string requests;
    for (int i = 0; i < 100; ++i) {
        requests += kVersion;
    }
    ASSERT_EQ(client.send(requests), requests.size());
    box.socket->poll(box.now_ms);
    EXPECT_LT(box.operations.calls, 20U);
    EXPECT_TRUE(box.ready()) << "the rest would be forgotten";
    box.settle(&client);
    EXPECT_EQ(client.lines(), 100U);
}

TEST(admin_socket, one_connection_too_many_is_told_so_and_a_freed_place_is_taken) {
    Socket box;
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 16; ++i) {
        clients.push_back(std::make_unique<Client>(box.path));
    }
    box.settle();
    EXPECT_EQ(box.socket->connections(), 16U);
    Client refused(box.path);
    refused.send(kVersion);
    box.settle(&refused);
    EXPECT_TRUE(refused.ended);
    const Json answer = Json::parse(refused.received, nullptr, false);
    EXPECT_EQ(answer["error"]["code"], "busy");
    EXPECT_EQ(box.operations.calls, 0U);

    clients[3]->close();
    box.settle();
    EXPECT_EQ(box.socket->connections(), 15U);
    Client next(box.path);
    next.send(kVersion);
    box.settle(&next);
    EXPECT_EQ(next.lines(), 1U);
}

TEST(admin_socket, who_does_not_read_is_dropped_and_others_are_served_meanwhile) {
    Socket box(1'000, {.path = {}, .stall_ms = 2'000});
    Client slow(box.path);
    box.settle();
    for (int i = 0; i < 100; ++i) {
        slow.send(kPage);
    }
    box.settle();
    const unsigned built = box.operations.calls;
    EXPECT_LT(built, 20U) << "answers are built for nobody";
    EXPECT_FALSE(box.ready());

    Client quick(box.path);
    quick.send(kVersion);
    box.settle(&quick);
    EXPECT_EQ(quick.lines(), 1U);

    box.now_ms += 2'000;
    box.socket->poll(box.now_ms);
    EXPECT_EQ(box.socket->connections(), 2U);
    box.now_ms += 1;
    box.socket->poll(box.now_ms);
    EXPECT_EQ(box.socket->connections(), 1U);
    box.settle(&slow);
    EXPECT_TRUE(slow.ended);
    box.now_ms += 1'000'000;
    box.settle();
    EXPECT_EQ(box.socket->connections(), 1U) << "an idle client may stay";
}

TEST(admin_socket, a_slow_reader_that_reads_keeps_its_place) {
    Socket box(1'000, {.path = {}, .stall_ms = 2'000});
    Client slow(box.path);
    constexpr std::size_t kPages = 20;
    for (std::size_t i = 0; i < kPages; ++i) {
        slow.send(kPage);
    }
    for (int turn = 0; slow.lines() < kPages && turn < 1'000; ++turn) {
        box.now_ms += 1'500;
        box.settle();
        slow.read();
    }
    EXPECT_EQ(slow.lines(), kPages);
    EXPECT_EQ(box.socket->connections(), 1U);
}

TEST(admin_socket, a_client_that_ends_its_input_gets_its_answers_before_the_end) {
    Socket box;
    Client client(box.path);
    client.send(kVersion + kVersion.substr(0, kVersion.size() - 1));
    client.end_of_input();
    box.settle(&client);
    EXPECT_EQ(client.lines(), 2U);
    EXPECT_TRUE(client.ended);
    EXPECT_EQ(box.socket->connections(), 0U);
}

TEST(admin_socket, a_line_too_long_is_answered_once_and_ends_the_connection) {
    Socket box;
    Client client(box.path);
    std::string rest(3 * kRequestBytesMax, 'x');
    while (!rest.empty() && !client.ended) {
        const std::size_t gone = client.send(rest);
        rest.erase(0, gone);
        box.settle(&client);
        if (gone == 0) {
            break;
        }
    }
    box.settle(&client);
    EXPECT_EQ(client.lines(), 1U);
    EXPECT_NE(client.received.find("bad_request"), std::string::npos);
    EXPECT_TRUE(client.ended);
}

TEST(admin_socket, clients_that_vanish_at_any_moment_leave_nothing_behind) {
    Socket box(1'000);
    const std::size_t before = open_descriptors();
    for (int round = 0; round < 60; ++round) {
        Client client(box.path);
        if (round % 4 >= 1) {
            box.settle();
        }
        if (round % 4 >= 2) {
            client.send(kPage + kPage + kPage.substr(0, 9));
        }
        if (round % 4 >= 3) {
            box.socket->poll(box.now_ms);
        }
        client.close();
        box.settle();
        ASSERT_EQ(box.socket->connections(), 0U) << "round " << round;
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST(admin_socket, events_reach_who_watches_and_a_watcher_that_goes_leaves_nothing_behind) {
    Socket box;
    Client client(box.path);
    client.send("{\"command\":[\"events\"]}\n");
    box.settle(&client);
    EXPECT_TRUE(box.socket->has_ongoing());
    EXPECT_EQ(client.lines(), 0U);
    box.operations.make_event();
    box.socket->poll(box.now_ms);
    client.read();
    EXPECT_EQ(client.lines(), 1U);
    EXPECT_EQ(box.operations.events().watchers(), 1U);
    client.close();
    box.settle();
    EXPECT_EQ(box.socket->connections(), 0U);
    EXPECT_EQ(box.operations.events().watchers(), 0U);
    EXPECT_FALSE(box.socket->has_ongoing());
}

TEST(admin_socket, who_goes_while_others_are_asked_is_not_waited_for) {
    Socket box;
    Client client(box.path);
    client.send("{\"command\":[\"cluster\",\"check\"]}\n");
    box.settle(&client);
    EXPECT_TRUE(box.socket->has_ongoing());
    client.close();
    box.settle();
    EXPECT_EQ(box.socket->connections(), 0U);
}

}  // namespace
}  // namespace posthaste::controlplane
