// SPDX-License-Identifier: BSD-3-Clause
// Outcome: what an operator's command comes to, as data or as an error.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/protocol.h"

namespace posthaste::controlplane {

struct OperationError {
    std::string code;                  // one of code:: in controlplane/protocol.h
    std::string message;               // one sentence: what was asked, why not, what is allowed
    std::vector<std::string> details;  // further lines, may be empty
};

using Outcome = tl::expected<Json, OperationError>;

[[nodiscard]] inline tl::unexpected<OperationError> refuse(std::string_view why,
                                                           std::string message,
                                                           std::vector<std::string> details = {}) {
    return tl::unexpected(OperationError{std::string(why), std::move(message), std::move(details)});
}

// One page of a long table. `after` is the `next` of the page before, opaque to the caller; empty
// for the first page. An implementation may stop early, even without a row, and say so by `next`,
// so that no call walks a table of a million rows.
struct Page {
    unsigned limit = kPageDefault;  // 1..kPageMax
    std::string after;
    std::string port;  // rows of this port only; empty: all
};

}  // namespace posthaste::controlplane
