// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/warm_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace posthaste::controlplane {

namespace {

using routing::AgentId;

constexpr std::string_view kFirstLine = "posthaste warm 1";
constexpr std::size_t kBytesMax = kWarmMax * 37 + 64;

class File {
  public:
    File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}

    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

    [[nodiscard]] bool is_regular() const noexcept {
        struct stat about {};

        return fstat(fd_, &about) == 0 && S_ISREG(about.st_mode);
    }

    // Up to kBytesMax + 1 bytes, so that a longer file shows; false: an error.
    [[nodiscard]] bool read_all(std::string& text) const {
        text.resize(kBytesMax + 1);
        std::size_t length = 0;
        while (length < text.size()) {
            const ssize_t got = ::read(fd_, text.data() + length, text.size() - length);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                text.resize(length);
                return got == 0;
            }
            length += static_cast<std::size_t>(got);
        }
        return true;
    }

    [[nodiscard]] bool write_all(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t put = ::write(fd_, text.data(), text.size());
            if (put < 0 && errno != EINTR) {
                return false;
            }
            text.remove_prefix(put < 0 ? 0 : static_cast<std::size_t>(put));
        }
        return fsync(fd_) == 0;
    }

  private:
    int fd_;
};

// The next line, without its end; false: there is none that ends.
bool take_line(std::string_view& text, std::string_view& line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
        return false;
    }
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return true;
}

std::string failure(const char* what, const std::string& path) {
    return std::string("cannot ") + what + " '" + path + "': " + std::strerror(errno);
}

}  // namespace

tl::expected<std::vector<AgentId>, std::string> parse_warm_list(std::string_view text) {
    const auto wrong = [](const char* why) { return tl::unexpected(std::string(why)); };
    std::string_view line;
    if (text.size() > kBytesMax) {
        return wrong("it is too long");
    }
    if (!take_line(text, line) || line != kFirstLine) {
        return wrong("it does not begin with the version it is known by");
    }
    std::vector<AgentId> agents;
    while (take_line(text, line)) {
        if (line.starts_with("end ")) {
            return line == "end " + std::to_string(agents.size()) && text.empty()
                       ? tl::expected<std::vector<AgentId>, std::string>(std::move(agents))
                       : wrong("its end does not fit what comes before");
        }
        const auto agent = AgentId::from_text(line);
        if (!agent.has_value() || agent->is_nil() || agents.size() == kWarmMax) {
            return wrong("a line is no agent's UUID, or there are too many");
        }
        agents.push_back(*agent);
    }
    return wrong("it has no end");
}

tl::expected<std::vector<AgentId>, std::string> read_warm_list(const std::string& path) {
    // Not a pipe's open, which would wait for a writer.
    const File file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file.is_open() && errno == ENOENT) {
        return std::vector<AgentId>{};
    }
    std::string text;
    if (!file.is_open() || !file.is_regular() || !file.read_all(text)) {
        return tl::unexpected(failure("read", path));
    }
    auto agents = parse_warm_list(text);
    if (!agents.has_value()) {
        return tl::unexpected("'" + path + "' is ignored: " + agents.error());
    }
    return agents;
}

tl::expected<void, std::string> write_warm_list(const std::string& path,
                                                std::span<const AgentId> agents) {
    agents = agents.first(std::min(agents.size(), kWarmMax));
    std::string text(kFirstLine);
    text += '\n';
    for (const AgentId& agent : agents) {
        text += agent.to_text() + '\n';
    }
    text += "end " + std::to_string(agents.size()) + '\n';
    const std::string fresh = path + ".new";
    {
        const File file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
        if (!file.is_open() || !file.is_regular() || !file.write_all(text)) {
            return tl::unexpected(failure("write", fresh));
        }
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) {
        return tl::unexpected(failure("replace", path));
    }
    return {};
}

}  // namespace posthaste::controlplane
