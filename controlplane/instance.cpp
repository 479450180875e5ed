// SPDX-License-Identifier: BSD-3-Clause
// The claim on a name; see the header.
#include "controlplane/instance.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "dataplane/vdev.h"

namespace posthaste::controlplane {
namespace {

namespace fs = std::filesystem;

std::string why(int error) {
    return std::strerror(error);
}

tl::expected<void, std::string> make_directory(const fs::path& directory) {
    std::error_code error;
    const bool made = fs::create_directories(directory, error);
    if (error || !fs::is_directory(directory)) {
        return tl::unexpected("cannot make the run directory '" + directory.string() +
                              "': " + (error ? error.message() : why(ENOTDIR)));
    }
    // Whatever the umask was. A directory that was there before is its owner's business.
    if (made && chmod(directory.c_str(), 0755) != 0) {
        return tl::unexpected("cannot open the run directory '" + directory.string() +
                              "' to readers: " + why(errno));
    }
    return {};
}

std::string read_pid(int fd) {
    std::array<char, 32> text{};
    const auto length = pread(fd, text.data(), text.size() - 1, 0);
    std::string pid(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    pid.erase(pid.find_last_not_of(" \n") + 1);
    return pid.empty() ? "not known yet" : pid;
}

bool write_pid(int fd) {
    const std::string pid = std::to_string(getpid()) + '\n';
    return ftruncate(fd, 0) == 0 &&
           pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
}

// MAJOR:MINOR:INODE, as /proc/locks names a file.
std::string file_in_locks(const struct stat& file) {
    std::array<char, 64> text{};
    const int length = std::snprintf(text.data(),
                                     text.size(),
                                     "%02x:%02x:%ju",
                                     major(file.st_dev),
                                     minor(file.st_dev),
                                     std::uintmax_t{file.st_ino});
    return {text.data(), static_cast<std::size_t>(length)};
}

tl::expected<void, std::string> clear_socket(const fs::path& socket) {
    using dataplane::SocketState;
    switch (dataplane::probe_socket(socket.string())) {
        case SocketState::absent:
            return {};
        case SocketState::stale:
            if (unlink(socket.c_str()) == 0) {
                return {};
            }
            return tl::unexpected("cannot remove the stale admin socket '" + socket.string() +
                                  "': " + why(errno));
        case SocketState::live:
            return tl::unexpected("another process listens on the admin socket '" +
                                  socket.string() + "'");
        case SocketState::other_file:
            return tl::unexpected("'" + socket.string() +
                                  "' exists and is no socket; it is left alone");
        case SocketState::unreachable:
            return tl::unexpected("cannot look at the admin socket '" + socket.string() + "'");
    }
    return {};
}

}  // namespace

tl::expected<std::unique_ptr<Instance>, std::string> Instance::claim(const fs::path& run_dir,
                                                                     const std::string& name,
                                                                     const fs::path& admin_socket) {
    if (auto made = make_directory(run_dir); !made) {
        return tl::unexpected(std::move(made).error());
    }
    std::unique_ptr<Instance> instance{new Instance};
    instance->lock_path_ = run_dir / (name + ".lock");
    const std::string path = instance->lock_path_.string();
    instance->fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (instance->fd_ < 0) {
        return tl::unexpected("cannot open the lock file '" + path + "': " + why(errno));
    }
    if (flock(instance->fd_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return tl::unexpected("cannot lock '" + path + "': " + why(errno));
        }
        return tl::unexpected("'" + name + "' is already running, pid " + read_pid(instance->fd_) +
                              " (it holds '" + path + "')");
    }
    if (!write_pid(instance->fd_)) {
        return tl::unexpected("cannot write the pid to '" + path + "': " + why(errno));
    }
    if (auto cleared = clear_socket(admin_socket); !cleared) {
        return tl::unexpected(std::move(cleared).error());
    }
    return instance;
}

bool Instance::is_claimed(const fs::path& run_dir, const std::string& name) {
    struct stat lock {};

    if (::stat((run_dir / (name + ".lock")).c_str(), &lock) != 0) {
        return false;
    }
    // "1: FLOCK  ADVISORY  WRITE 4711 fd:01:123 0 EOF". Taking the lock, even for a moment, would
    // keep out a router that starts just then.
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number;
        std::string kind;
        std::string advice;
        std::string mode;
        std::string pid;
        std::string file;
        words >> number >> kind >> advice >> mode >> pid >> file;
        if (kind == "FLOCK" && mode == "WRITE" && file == file_in_locks(lock)) {
            return true;
        }
    }
    return false;
}

Instance::~Instance() {
    if (fd_ >= 0) {
        ::close(fd_);  // and with it the lock
    }
}

}  // namespace posthaste::controlplane
