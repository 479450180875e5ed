// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/keyring_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "controlplane/cluster/sockets.h"
#include "gossip/seal/keyring.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kBytesMax = 16 * 1'024;
constexpr std::string_view kFirstLine =
    "# Keys of the cluster, the primary first. Rewritten when keys change.\n";

std::string failure(const std::string& path, const char* what) {
    return "keyring " + path + ": " + what + ": " + std::strerror(errno);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = ::write(fd, text.data(), text.size());
        if (put < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(put < 0 ? 0 : static_cast<std::size_t>(put));
    }
    return ::fsync(fd) == 0;
}

// The new name is on disk, too, when the folder is.
void sync_folder(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.is_open()) {
        ::fsync(opened.get());
    }
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> parse_keyring(std::string_view text,
                                                                  const std::string& path) {
    std::vector<std::string> keys;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        line = trimmed(line.substr(0, line.find('#')));
        if (line.empty()) {
            continue;
        }
        const auto wrong = [&](const std::string& why) {
            return tl::unexpected("keyring " + path + ":" + std::to_string(number) + ": " + why);
        };
        const auto key = gossip::seal::key_of_text(line);
        if (!key) {
            return wrong("this is no key; allowed: 16, 24 or 32 bytes in standard base64.");
        }
        if (std::ranges::find(keys, *key) != keys.end()) {
            return wrong("this key is there twice; allowed: each key once.");
        }
        if (keys.size() == gossip::seal::kKeysMax) {
            return wrong("there are too many keys; allowed: " +
                         std::to_string(gossip::seal::kKeysMax) + ".");
        }
        keys.push_back(*key);
    }
    if (keys.empty()) {
        return tl::unexpected("keyring " + path +
                              ": there is no key in it; allowed: one a line in standard base64, "
                              "or no keyring in [cluster].");
    }
    return keys;
}

tl::expected<std::vector<std::string>, std::string> read_keyring(const std::string& path) {
    // Not a pipe's open, which would wait for a writer.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open()) {
        return tl::unexpected(failure(path, "it cannot be read"));
    }

    struct stat about {};

    if (::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
        return tl::unexpected("keyring " + path + ": allowed: a regular file.");
    }
    if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return tl::unexpected("keyring " + path +
                              ": others than its owner may use it; allowed: mode 0600 or 0400.");
    }
    std::string text(kBytesMax + 1, '\0');
    std::size_t length = 0;
    while (length < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + length, text.size() - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return tl::unexpected(failure(path, "it cannot be read"));
        }
        if (got == 0) {
            break;
        }
        length += static_cast<std::size_t>(got);
    }
    if (length > kBytesMax) {
        return tl::unexpected("keyring " + path + ": it is too long; allowed: " +
                              std::to_string(kBytesMax) + " bytes.");
    }
    text.resize(length);
    return parse_keyring(text, path);
}

tl::expected<void, std::string> write_keyring(const std::string& path,
                                              std::span<const std::string> keys) {
    std::string text(kFirstLine);
    for (const std::string& key : keys) {
        text += gossip::seal::key_text(key) + "\n";
    }
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());  // of a run that was cut short
    {
        const Descriptor file(
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file.is_open()) {
            return tl::unexpected(failure(fresh, "it cannot be made"));
        }
        if (!write_all(file.get(), text)) {
            std::string why = failure(fresh, "it cannot be written");
            ::unlink(fresh.c_str());
            return tl::unexpected(std::move(why));
        }
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        std::string why = failure(path, "it cannot be replaced");
        ::unlink(fresh.c_str());
        return tl::unexpected(std::move(why));
    }
    sync_folder(path);
    return {};
}

}  // namespace posthaste::controlplane
