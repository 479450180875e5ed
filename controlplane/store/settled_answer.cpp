// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/settled_answer.h"

#include <string>
#include <utility>

namespace posthaste::controlplane {

SettledAnswer::SettledAnswer(const SavedAgents& saved,
                             std::uint64_t ticket,
                             Json answer,
                             Clock now_ms)
    : saved_(saved),
      ticket_(ticket),
      answer_(std::move(answer)),
      now_ms_(std::move(now_ms)),
      until_ms_(now_ms_() + kWaitMaxMs) {}

std::optional<Ongoing::Answer> SettledAnswer::next() {
    if (saved_.is_settled(ticket_)) {
        return Answer{std::move(answer_)};
    }
    if (now_ms_() < until_ms_) {
        return std::nullopt;
    }
    return Answer{refuse(code::failed,
                         "it is done, but the store has not written it within " +
                             std::to_string(kWaitMaxMs) +
                             " ms; it is lost if the router ends before it has")};
}

}  // namespace posthaste::controlplane
