// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/own_queries.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace posthaste::gossip::membership {

bool OwnQueries::asks_conflict() const noexcept {
    return std::ranges::any_of(queries_, [](const OwnQuery& query) {
        return std::holds_alternative<ConflictQuestion>(query.question);
    });
}

bool OwnQueries::take_answer(LamportTime time,
                             std::uint32_t id,
                             std::string_view from,
                             OwnQuery*& query) {
    const auto found = std::ranges::find_if(queries_, [&](const OwnQuery& candidate) {
        return candidate.time == time && candidate.id == id;
    });
    if (found == queries_.end() || found->answered.size() >= found->members ||
        !found->answered.emplace(from).second) {
        return false;
    }
    query = &*found;
    return true;
}

std::vector<OwnQuery> OwnQueries::take_finished(std::uint64_t now_ms) {
    const auto finished =
        std::stable_partition(queries_.begin(), queries_.end(), [&](const OwnQuery& query) {
            return query.due_ms > now_ms && query.answered.size() < query.members;
        });
    std::vector<OwnQuery> taken(std::make_move_iterator(finished),
                                std::make_move_iterator(queries_.end()));
    queries_.erase(finished, queries_.end());
    return taken;
}

std::uint64_t OwnQueries::next_due_ms() const noexcept {
    std::uint64_t due = std::numeric_limits<std::uint64_t>::max();
    for (const OwnQuery& query : queries_) {
        due = std::min(due, query.answered.size() < query.members ? query.due_ms : 0);
    }
    return due;
}

namespace {

constexpr std::size_t kMessageBytesMax = 256;
constexpr std::size_t kKeysCountedMax = 4'096;

void count_key(std::map<std::string, std::uint32_t>& keys, const std::string& key) {
    if (keys.size() < kKeysCountedMax || keys.contains(key)) {
        ++keys[key];
    }
}

}  // namespace

void count_keys(KeyQuestion& question, std::string_view from, const KeyResponse& response) {
    if (!response.result) {
        ++question.errors;
    }
    if (!response.message.empty() || !response.result) {
        question.messages.emplace_back(from, response.message.substr(0, kMessageBytesMax));
    }
    for (const std::string& key : response.keys) {
        count_key(question.keys, key);
    }
    if (!response.primary_key.empty()) {
        count_key(question.primary_keys, response.primary_key);
    }
}

KeyAnswers answers_of(const OwnQuery& query, const KeyQuestion& question) {
    return {.number = question.number,
            .action = question.action,
            .members = query.members,
            .answers = static_cast<std::uint32_t>(query.answered.size()),
            .errors = question.errors,
            .messages = question.messages,
            .keys = {question.keys.begin(), question.keys.end()},
            .primary_keys = {question.primary_keys.begin(), question.primary_keys.end()}};
}

}  // namespace posthaste::gossip::membership
