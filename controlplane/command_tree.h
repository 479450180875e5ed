// SPDX-License-Identifier: BSD-3-Clause
// The operator's commands: one table for parsing, help, completion and error messages.
//
// No state: a command is looked up, its arguments are checked, its function is called on the
// Operations given. What the table cannot check (does this agent exist?) the operations do.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/command_arguments.h"
#include "controlplane/ongoing.h"
#include "controlplane/operations.h"

namespace posthaste::controlplane {

enum class Need : std::uint8_t { required, optional, repeated /* and optional */ };

struct Parameter {
    std::string_view name;
    ValueKind kind;
    Need need;
    std::string_view help;
};

struct Command {
    std::string_view path;                  // words joined by one space
    std::span<const Parameter> parameters;  // by position; a repeated one comes last
    std::span<const Parameter> options;     // --name VALUE, --name=VALUE, or --name for a flag
    std::string_view help;                  // one sentence
    Outcome (*run)(Operations&, const Arguments&);
    // Instead of `run`: of a command whose answer takes time, or that has several.
    Reply (*begin)(Operations&, const Arguments&) = nullptr;
};

// By path, ascending.
[[nodiscard]] std::span<const Command> commands() noexcept;

// "agent add AGENT --port PORT --address ENDPOINT [--mac MAC] ..."
[[nodiscard]] std::string usage_of(const Command& command);

// Values given by name instead of position; a flag's value is empty.
using NamedValues = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] Reply execute(Operations& operations,
                            std::span<const std::string> words,
                            const NamedValues& named);

// {commands: [{words: [...], help, usage, parameters: [P], options: [P]}],
//  values: {port: [names], router: [names], policy: [names]}}
// where P = {name, kind, need: "required"|"optional"|"repeated", help, allowed}.
[[nodiscard]] Json describe_commands(const Operations& operations);

}  // namespace posthaste::controlplane
