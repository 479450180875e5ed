// SPDX-License-Identifier: BSD-3-Clause
// Protocol of the admin socket, shared by the router and its client. Header only.
//
// A Unix stream socket carries one JSON object per line in each direction, UTF-8, answers in the
// order of the requests; a client may send several requests without waiting.
//
//   request  {"command": ["show", "agents"], "arguments": {"limit": 10}, "id": 7}
//   answer   {"id": 7, "ok": true, "data": ...}
//   or       {"id": 7, "ok": false, "error": {"code": "usage", "message": "...", "details": []}}
//
// A command that has several answers, as `events` does, marks all but the last with "more": true;
// one without end is ended by the next request, or by closing the connection. While a command takes
// time, requests behind it wait.
//
// `command` may hold the whole line as words, parameters and options included, as a person types
// it: ["agent", "add", UUID, "--port", "edge0"]. Programs may name them in `arguments` instead, by
// the names the tree gives. `id` is optional, a string or an integer, and comes back as it was.
// `details` is there only if not empty. The command "tree" gives the grammar with the names of
// ports, routers and policies, for completion. A line that is no request gets an error without id.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace posthaste::controlplane {

// Keys keep the order in which they were set: what a person reads comes first.
using Json = nlohmann::ordered_json;

inline constexpr std::string_view kDefaultSocket = "/run/posthaste/posthaste.sock";
inline constexpr std::string_view kSocketVariable = "POSTHASTE_SOCKET";

// A request line without its newline. A longer one is answered once and the connection closed:
// what follows cannot be told from the rest of it.
inline constexpr std::size_t kRequestBytesMax = 64 * 1024;
// An answer line. A command whose answer would be longer is paged or answers too_large.
inline constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

// Bytes of a payload to test policies with; none looks deeper.
inline constexpr std::size_t kPayloadBytesMax = 9'000;

inline constexpr unsigned kPageDefault = 100;  // rows of a paged command
inline constexpr unsigned kPageMax = 1'000;    // more in one answer are not given, see `next`

// A command that takes time is answered within this, unless it has answers without end.
inline constexpr int kOngoingMsMax = 30'000;

// What an error's `code` can be. Clients decide by it; the message is for people.
namespace code {
inline constexpr std::string_view bad_request = "bad_request";    // the line is no request
inline constexpr std::string_view usage = "usage";                // no such command or argument
inline constexpr std::string_view not_found = "not_found";        // nothing of that name
inline constexpr std::string_view conflict = "conflict";          // there, and not to be changed so
inline constexpr std::string_view full = "full";                  // a table has no room
inline constexpr std::string_view refused = "refused";            // not now, or not without restart
inline constexpr std::string_view bad_config = "bad_config";      // reload: the file is not sound
inline constexpr std::string_view stale_cursor = "stale_cursor";  // --after: start again
inline constexpr std::string_view too_large = "too_large";        // answer above kAnswerBytesMax
inline constexpr std::string_view busy = "busy";                  // too many connections
inline constexpr std::string_view failed = "failed";              // anything else, said in words
}  // namespace code

// One line for the wire, newline included. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] inline std::string to_line(const Json& value) {
    std::string line = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    line.push_back('\n');
    return line;
}

}  // namespace posthaste::controlplane
