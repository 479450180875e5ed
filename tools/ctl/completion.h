// SPDX-License-Identifier: BSD-3-Clause
// complete: what may stand at the end of a line, by the router's command tree. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/protocol.h"

namespace posthaste::tools {

using controlplane::Json;

struct Candidate {
    std::string text;
    std::string help;

    friend bool operator==(const Candidate&, const Candidate&) = default;
};

struct Completion {
    std::size_t start = 0;              // of the text the candidates stand for
    std::vector<Candidate> candidates;  // in the order of the tree
    std::string hint;                   // what is wanted, where no list can say it
};

// `tree` is the data of the command "tree"; `line` ends at the cursor.
[[nodiscard]] Completion complete(const Json& tree, std::string_view line);

// What all candidates begin with.
[[nodiscard]] std::string common_beginning(const std::vector<Candidate>& candidates);

}  // namespace posthaste::tools
