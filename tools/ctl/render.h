// SPDX-License-Identifier: BSD-3-Clause
// render: the `data` or `error` of an answer as text for people. Pure.
#pragma once

#include <span>
#include <string>

#include "controlplane/protocol.h"
#include "tools/ctl/views.h"

namespace posthaste::tools {

using controlplane::Json;

// Lists of objects become tables (numbers to the right, totals where the view has them), objects
// become lines of key and value. `wide`: every column, those of the view first. Ends with a
// newline.
[[nodiscard]] std::string render(const View& view, const Json& data, bool wide);

// One event as one line: time (UTC), what happened, to whom.
[[nodiscard]] std::string event_line(const Json& event);

// One line for the message, one for each detail.
[[nodiscard]] std::string render_error(const Json& error);

}  // namespace posthaste::tools
