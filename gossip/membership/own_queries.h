// SPDX-License-Identifier: BSD-3-Clause
// OwnQueries: what we have asked all members, and what they have answered so far. Bounded: 16 at a
// time, one answer per member and no more than there were members.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gossip/membership/serf_message.h"
#include "gossip/membership/view.h"

namespace posthaste::gossip::membership {

struct KeyQuestion {
    KeyAction action = KeyAction::list;
    std::uint32_t number = 0;  // of ask_keys()
    std::uint32_t errors = 0;
    std::vector<std::pair<std::string, std::string>> messages{};
    std::map<std::string, std::uint32_t> keys{};
    std::map<std::string, std::uint32_t> primary_keys{};
};

// Who has our name: we, or somebody at another address.
struct ConflictQuestion {
    std::uint32_t ours = 0;  // so many say that it is us
};

struct OwnQuery {
    LamportTime time = 0;
    std::uint32_t id = 0;
    std::uint64_t due_ms = 0;
    std::uint32_t members = 0;  // that were there when it was asked
    std::set<std::string> answered{};
    std::variant<KeyQuestion, ConflictQuestion> question{};
};

class OwnQueries {
  public:
    static constexpr std::size_t kQueriesMax = 16;

    [[nodiscard]] bool full() const noexcept { return queries_.size() >= kQueriesMax; }

    [[nodiscard]] bool asks_conflict() const noexcept;

    // Not full().
    void add(OwnQuery query) { queries_.push_back(std::move(query)); }

    // True: the member had not answered yet, and `query` is what it answers.
    [[nodiscard]] bool take_answer(LamportTime time,
                                   std::uint32_t id,
                                   std::string_view from,
                                   OwnQuery*& query);
    // Those with all their answers, and those whose time is over; out of the table.
    [[nodiscard]] std::vector<OwnQuery> take_finished(std::uint64_t now_ms);
    [[nodiscard]] std::uint64_t next_due_ms() const noexcept;

  private:
    std::vector<OwnQuery> queries_;
};

// Counts one member's answer in.
void count_keys(KeyQuestion& question, std::string_view from, const KeyResponse& response);
[[nodiscard]] KeyAnswers answers_of(const OwnQuery& query, const KeyQuestion& question);

}  // namespace posthaste::gossip::membership
