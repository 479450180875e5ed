// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/admin_socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace posthaste::controlplane {

namespace {

constexpr unsigned kRequestsPerTurn = 8;  // of one connection
constexpr unsigned kAcceptsPerTurn = 16;
constexpr int kEventsPerTurn = 32;
constexpr std::uint64_t kAcceptPauseMs = 1'000;
constexpr std::uint32_t kGone = std::uint32_t{EPOLLHUP} | std::uint32_t{EPOLLERR};
constexpr std::uint64_t kListenerKey = ~0ULL;  // of epoll; connections have their slot's index

std::string failure(const std::string& path, const std::string& what, int error) {
    return "admin socket " + path + ": " + what + ": " + std::strerror(error);
}

// The path has been checked to fit.
sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    return address;
}

int new_socket() {
    return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool connect_to(int fd, const std::string& path) {
    const sockaddr_un address = address_of(path);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

AdminSocket::AdminSocket(AdminSocketOptions options, Operations& operations)
    : options_(std::move(options)), operations_(operations), slots_(options_.connections_max) {}

tl::expected<std::unique_ptr<AdminSocket>, std::string> AdminSocket::open(
    const AdminSocketOptions& options, Operations& operations) {
    std::unique_ptr<AdminSocket> socket(new AdminSocket(options, operations));
    if (auto listening = socket->listen(); !listening) {
        return tl::unexpected(std::move(listening.error()));
    }
    return socket;
}

AdminSocket::~AdminSocket() {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        close(slot);
    }
    if (listen_fd_ >= 0) {
        ::close(listen_fd_);
    }
    if (epoll_fd_ >= 0) {
        ::close(epoll_fd_);
    }

    struct stat found {};

    if (inode_ != 0 && ::lstat(options_.path.c_str(), &found) == 0 && found.st_ino == inode_ &&
        found.st_dev == device_) {
        ::unlink(options_.path.c_str());
    }
}

void AdminSocket::poll(std::uint64_t now_ms) {
    std::array<epoll_event, kEventsPerTurn> events;
    const int ready = ::epoll_wait(epoll_fd_, events.data(), kEventsPerTurn, 0);
    bool callers = false;
    for (int i = 0; i < ready; ++i) {
        const std::uint64_t key = events[static_cast<std::size_t>(i)].data.u64;
        callers = callers || key == kListenerKey;
        if (key != kListenerKey && (events[static_cast<std::size_t>(i)].events & kGone) != 0) {
            hang_up(key);
        }
        if (key != kListenerKey) {
            serve(key, now_ms);
        }
    }
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        if (slots_[slot] && slots_[slot]->session.is_waiting()) {
            serve(slot, now_ms);
        }
    }
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        if (slots_[slot] && !slots_[slot]->session.output().empty() &&
            now_ms - slots_[slot]->progress_ms > options_.stall_ms) {
            close(slot);
        }
    }
    if (!listening_ && now_ms >= resume_ms_) {
        set_listening(true);
    }
    // Last, so that a slot closed above is not taken by somebody new while its events are served.
    if (callers) {
        accept_all(now_ms);
    }
}

tl::expected<void, std::string> AdminSocket::listen() {
    const std::string& path = options_.path;
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path) ||
        path.find('\0') != std::string::npos) {
        return tl::unexpected("admin socket " + path + ": a socket's path has 1 to " +
                              std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
    }
    if (auto removed = remove_dead_socket(); !removed) {
        return removed;
    }
    epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
    listen_fd_ = new_socket();
    if (epoll_fd_ < 0 || listen_fd_ < 0) {
        return tl::unexpected(failure(path, "cannot be created", errno));
    }
    // Nobody but us may connect between bind and chmod.
    const sockaddr_un address = address_of(path);
    if (::fchmod(listen_fd_, 0600) != 0 ||
        ::bind(listen_fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return tl::unexpected(failure(path, "cannot be created", errno));
    }

    struct stat made {};

    if (::lstat(path.c_str(), &made) == 0) {
        device_ = made.st_dev;
        inode_ = made.st_ino;
    }
    if (::chmod(path.c_str(), 0660) != 0 || ::listen(listen_fd_, SOMAXCONN) != 0) {
        return tl::unexpected(failure(path, "cannot be opened for clients", errno));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kListenerKey;
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listen_fd_, &event) != 0) {
        return tl::unexpected(failure(path, "cannot be watched", errno));
    }
    listening_ = true;
    return {};
}

tl::expected<void, std::string> AdminSocket::remove_dead_socket() const {
    const std::string& path = options_.path;

    struct stat found {};

    if (::lstat(path.c_str(), &found) != 0) {
        return errno == ENOENT ? tl::expected<void, std::string>()
                               : tl::unexpected(failure(path, "cannot be looked at", errno));
    }
    if (!S_ISSOCK(found.st_mode)) {
        return tl::unexpected("admin socket " + path + ": there is a file of that name");
    }
    const int fd = new_socket();
    if (fd < 0) {
        return tl::unexpected(failure(path, "cannot be tried", errno));
    }
    // EAGAIN: somebody listens, but has no time.
    const bool connected = connect_to(fd, path);
    const bool dead = !connected && errno == ECONNREFUSED;
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = connected && ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    ::close(fd);
    if (!dead) {
        return tl::unexpected("admin socket " + path + ": in use" +
                              (known ? " by process " + std::to_string(peer.pid) : ""));
    }
    if (::unlink(path.c_str()) != 0) {
        return tl::unexpected(failure(path, "a dead socket cannot be removed", errno));
    }
    return {};
}

void AdminSocket::accept_all(std::uint64_t now_ms) {
    for (unsigned i = 0; i < kAcceptsPerTurn; ++i) {
        const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(fd, now_ms);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            set_listening(false);
            resume_ms_ = now_ms + kAcceptPauseMs;
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

void AdminSocket::admit(int fd, std::uint64_t now_ms) {
    const auto free =
        std::ranges::find_if(slots_, [](const auto& slot) { return slot == nullptr; });
    if (free == slots_.end()) {
        static const std::string refusal = to_line(
            {{"ok", false},
             {"error",
              {{"code", code::busy}, {"message", "too many connections to the admin socket"}}}});
        // A new socket's buffer takes it at once; if not, closing says enough.
        (void)::send(fd, refusal.data(), refusal.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        ::close(fd);
        return;
    }
    epoll_event event{};
    event.data.u64 = static_cast<std::uint64_t>(free - slots_.begin());
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
        ::close(fd);
        return;
    }
    *free = std::make_unique<Connection>(fd, operations_);
    (*free)->progress_ms = now_ms;
    ++count_;
    watch(event.data.u64);
}

bool AdminSocket::has_ongoing() const noexcept {
    return std::ranges::any_of(
        slots_, [](const auto& slot) { return slot != nullptr && slot->session.is_waiting(); });
}

// Nobody is there to wait for what goes on.
void AdminSocket::hang_up(std::size_t slot) {
    if (slot < slots_.size() && slots_[slot] && slots_[slot]->session.is_waiting()) {
        close(slot);
    }
}

void AdminSocket::serve(std::size_t slot, std::uint64_t now_ms) {
    if (slot >= slots_.size() || !slots_[slot]) {
        return;
    }
    Connection& connection = *slots_[slot];
    if (!receive(connection)) {
        close(slot);
        return;
    }
    if (connection.session.output().empty()) {
        connection.progress_ms = now_ms;
    }
    connection.session.work(kRequestsPerTurn);
    if (!send(connection, now_ms) || connection.session.finished()) {
        close(slot);
        return;
    }
    watch(slot);
}

// False: the connection is broken.
bool AdminSocket::receive(Connection& connection) {
    std::array<char, 16 * 1024> buffer;
    while (connection.session.room() > 0) {
        const std::size_t room = std::min(connection.session.room(), buffer.size());
        const ssize_t got = ::recv(connection.fd, buffer.data(), room, MSG_DONTWAIT);
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (got == 0) {
            connection.session.end_of_input();
            return true;
        }
        connection.session.receive({buffer.data(), static_cast<std::size_t>(got)});
    }
    return true;
}

bool AdminSocket::send(Connection& connection, std::uint64_t now_ms) {
    while (!connection.session.output().empty()) {
        const std::string_view output = connection.session.output();
        const ssize_t gone =
            ::send(connection.fd, output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (gone < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        connection.session.sent(static_cast<std::size_t>(gone));
        connection.progress_ms = now_ms;
    }
    return true;
}

// Work left over counts as wanting to write: a socket with room for answers is ready at once.
void AdminSocket::watch(std::size_t slot) {
    Connection& connection = *slots_[slot];
    const AdminSession& session = connection.session;
    epoll_event event{};
    event.events = (session.room() > 0 ? std::uint32_t{EPOLLIN} : 0U) |
                   (!session.output().empty() || session.has_work() ? std::uint32_t{EPOLLOUT} : 0U);
    event.data.u64 = slot;
    if (event.events != connection.interest) {
        connection.interest = event.events;
        (void)::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd, &event);
    }
}

void AdminSocket::close(std::size_t slot) {
    if (slots_[slot]) {
        ::close(slots_[slot]->fd);
        slots_[slot].reset();
        --count_;
    }
}

void AdminSocket::set_listening(bool on) {
    epoll_event event{};
    event.events = on ? std::uint32_t{EPOLLIN} : 0U;
    event.data.u64 = kListenerKey;
    listening_ = ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, listen_fd_, &event) == 0 && on;
}

}  // namespace posthaste::controlplane
