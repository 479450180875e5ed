// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench lookup: its options, and a whole run of it.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/benchmark/lookup_plan.h"

namespace posthaste::tools {

class LookupCommand {
  public:
    // Adds the subcommand, which refers to this object from then on.
    explicit LookupCommand(CLI::App& app);
    LookupCommand(const LookupCommand&) = delete;
    LookupCommand& operator=(const LookupCommand&) = delete;

    // Whether the words parsed name it.
    [[nodiscard]] bool chosen() const { return command_->parsed(); }

    // Prints the report; the exit status. Starts EAL, so once per process. With hugepages it may
    // start the program over, with the same words, to have them for malloc, too.
    [[nodiscard]] int run(char** argv) const;

  private:
    CLI::App* command_;
    LookupOptions options_;
};

}  // namespace posthaste::tools
