// SPDX-License-Identifier: BSD-3-Clause
// load_payload: "policy test FILE" becomes "policy test HEX", since the router reads no files of
// its operators.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::tools {

// Of any other command nothing is changed, nor where the word is hexadecimal digits already (a file
// of such a name is ./NAME). Of a long file only as much is read as policies look at. The error is
// one sentence.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> load_payload(
    std::vector<std::string> words);

}  // namespace posthaste::tools
