// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/payload.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "controlplane/protocol.h"

namespace posthaste::tools {

namespace {

constexpr const char* kHexDigits = "0123456789abcdef";

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

bool is_hex(const std::string& word) {
    return !word.empty() && word.size() % 2 == 0 &&
           word.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

tl::expected<std::string, std::string> read_as_hex(const std::string& path) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
    std::string bytes(controlplane::kPayloadBytesMax, '\0');
    if (file != nullptr) {
        bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
    }
    if (file == nullptr || std::ferror(file.get()) != 0) {
        return tl::unexpected(
            path + " is not hexadecimal, and as a file it cannot be read: " + std::strerror(errno));
    }
    if (bytes.empty()) {
        return tl::unexpected(path + " is empty");
    }
    std::string digits;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        digits += kHexDigits[byte >> 4];
        digits += kHexDigits[byte & 0x0f];
    }
    return digits;
}

// The first word that is neither an option nor the value of one.
std::vector<std::string>::iterator find_payload(std::vector<std::string>& words) {
    auto word = words.begin() + 2;
    while (word != words.end() && word->starts_with("--")) {
        const bool has_value = *word == "--port" || *word == "--capability";
        word += has_value && word + 1 != words.end() ? 2 : 1;
    }
    return word;
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> load_payload(std::vector<std::string> words) {
    if (words.size() < 3 || words[0] != "policy" || words[1] != "test") {
        return words;
    }
    const auto payload = find_payload(words);
    if (payload == words.end() || is_hex(*payload)) {
        return words;
    }
    auto digits = read_as_hex(*payload);
    if (!digits) {
        return tl::unexpected(std::move(digits.error()));
    }
    *payload = std::move(*digits);
    return words;
}

}  // namespace posthaste::tools
