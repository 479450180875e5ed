// SPDX-License-Identifier: BSD-3-Clause
// The cluster's keys on disk: one a line in standard base64, the primary first; '#' begins a
// comment. Only its owner may read or write the file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::controlplane {

// Raw keys. The error is one sentence that names the file, the line and what is allowed.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> parse_keyring(
    std::string_view text, const std::string& path);
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> read_keyring(
    const std::string& path);
// Takes the file's place at once, or leaves it as it is.
[[nodiscard]] tl::expected<void, std::string> write_keyring(const std::string& path,
                                                            std::span<const std::string> keys);

}  // namespace posthaste::controlplane
