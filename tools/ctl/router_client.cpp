// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/router_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace posthaste::tools {

namespace {

constexpr long kNever = -1;

long now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

std::string advice_for(int error) {
    switch (error) {
        case ENOENT:
        case ECONNREFUSED:
            return "no router listens there; start one with: posthaste CONFIG.ini, or name its "
                   "socket with --socket PATH";
        case EACCES:
        case EPERM:
            return "permission denied; be root, or in the group of the socket";
        case EAGAIN:
            return "the router does not accept connections in time";
        default:
            return std::strerror(error);
    }
}

}  // namespace

RouterClient::~RouterClient() {
    disconnect();
}

tl::expected<Json, std::string> RouterClient::ask(const std::vector<std::string>& words,
                                                  std::optional<int> patience_ms) {
    waits_ms_ = patience_ms.value_or(timeout_ms_);
    const long deadline_ms = waits_ms_ < 0 ? kNever : now_ms() + waits_ms_;
    if (fd_ >= 0 && is_stale()) {
        disconnect();
    }
    if (fd_ < 0) {
        if (auto connected = connect(); !connected) {
            return tl::unexpected(std::move(connected.error()));
        }
    }
    const auto sent = send(controlplane::to_line({{"command", words}}), deadline_ms);
    // A router that has no room for us says so and closes at once: look for its words first.
    auto answer = read_answer(deadline_ms);
    if (!answer && !sent) {
        return tl::unexpected(sent.error());
    }
    return answer;
}

tl::expected<Json, std::string> RouterClient::ask_on() {
    return read_answer(kNever);
}

tl::expected<Json, std::string> RouterClient::read_answer(long deadline_ms) {
    auto line = receive(deadline_ms);
    if (!line) {
        disconnect();
        return tl::unexpected(std::move(line.error()));
    }
    Json answer = Json::parse(*line, nullptr, false);
    if (!answer.is_object() || !answer.contains("ok") || !answer["ok"].is_boolean() ||
        !answer.contains(answer["ok"].get<bool>() ? "data" : "error")) {
        disconnect();
        return tl::unexpected(path_ + " gives answers that are not Posthaste's");
    }
    return answer;
}

tl::expected<void, std::string> RouterClient::connect() {
    const std::string prefix = "cannot reach the router at " + path_ + ": ";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.empty() || path_.size() >= sizeof address.sun_path) {
        return tl::unexpected(prefix + "the path of a socket has 1 to " +
                              std::to_string(sizeof address.sun_path - 1) + " bytes");
    }
    std::copy(path_.begin(), path_.end(), std::begin(address.sun_path));
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{timeout_ms_ / 1'000, (timeout_ms_ % 1'000) * 1'000};
    if (fd_ < 0 || ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::fcntl(fd_, F_SETFL, O_NONBLOCK) != 0) {
        const int error = errno;
        disconnect();
        return tl::unexpected(prefix + advice_for(error));
    }
    return {};
}

tl::expected<void, std::string> RouterClient::send(std::string_view line, long deadline_ms) {
    while (!line.empty()) {
        const ssize_t gone = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL);
        if (gone >= 0) {
            line.remove_prefix(static_cast<std::size_t>(gone));
        } else if (errno == EAGAIN) {
            if (auto ready = wait(POLLOUT, deadline_ms); !ready) {
                return ready;
            }
        } else if (errno != EINTR) {
            return tl::unexpected("the router at " + path_ + " closed the connection");
        }
    }
    return {};
}

tl::expected<std::string, std::string> RouterClient::receive(long deadline_ms) {
    std::array<char, 64 * 1024> buffer;
    std::size_t scanned = 0;
    for (;;) {
        const std::size_t end = input_.find('\n', scanned);
        if (end != std::string::npos) {
            std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            return line;
        }
        scanned = input_.size();
        if (scanned > controlplane::kAnswerBytesMax) {
            return tl::unexpected(path_ + " gives answers that are not Posthaste's");
        }
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (got > 0) {
            input_.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got < 0 && errno == EAGAIN) {
            if (auto ready = wait(POLLIN, deadline_ms); !ready) {
                return tl::unexpected(std::move(ready.error()));
            }
        } else if (got == 0 || errno != EINTR) {
            return tl::unexpected("the router at " + path_ +
                                  " closed the connection without an answer");
        }
    }
}

tl::expected<void, std::string> RouterClient::wait(short events, long deadline_ms) const {
    for (;;) {
        pollfd wanted{fd_, events, 0};
        const long left_ms = deadline_ms == kNever ? kNever : std::max(0L, deadline_ms - now_ms());
        const int ready = ::poll(&wanted, 1, static_cast<int>(left_ms));
        if (ready > 0) {
            return {};
        }
        if (ready == 0) {
            return tl::unexpected("the router at " + path_ + " does not answer within " +
                                  std::to_string(waits_ms_) + " ms");
        }
        if (errno != EINTR) {
            return tl::unexpected(std::string("cannot wait for the router: ") +
                                  std::strerror(errno));
        }
    }
}

// Nothing may come unasked, so anything to read is the end of the connection.
bool RouterClient::is_stale() const {
    pollfd state{fd_, POLLIN, 0};
    return ::poll(&state, 1, 0) != 0;
}

void RouterClient::disconnect() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
    fd_ = -1;
    input_.clear();
}

}  // namespace posthaste::tools
