// SPDX-License-Identifier: BSD-3-Clause
// Verdict: commands whose exit status depends on what the answer says, and how long they may take.
#pragma once

#include <span>
#include <string>

#include "controlplane/protocol.h"

namespace posthaste::tools {

// kExitOk, unless the answer's "result" is a bad one: for cluster check 1 something differs, 2 not
// all could be asked; for cluster keys 1 not all members did it.
[[nodiscard]] int exit_code_of_answer(const controlplane::Json& data);
// Of an error the router gives, by the command: cluster check could not be asked.
[[nodiscard]] bool is_check(std::span<const std::string> words);
// Commands that ask other routers are waited for at least so long.
[[nodiscard]] int patience_ms(std::span<const std::string> words, int timeout_ms);
// A command with answers until it is ended, unless it says how many it wants.
[[nodiscard]] bool is_endless(std::span<const std::string> words);

}  // namespace posthaste::tools
