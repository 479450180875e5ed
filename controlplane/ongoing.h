// SPDX-License-Identifier: BSD-3-Clause
// Ongoing: a command whose answer takes time, or that has more than one.
//
// The session asks for the next answer every turn and takes up no other request meanwhile. Owned by
// the session; ends with it. Control thread only.
#pragma once

#include <memory>
#include <optional>

#include "controlplane/outcome.h"

namespace posthaste::controlplane {

class Ongoing {
  public:
    struct Answer {
        Outcome outcome;
        bool last = true;
    };

    Ongoing() = default;
    Ongoing(const Ongoing&) = delete;
    Ongoing& operator=(const Ongoing&) = delete;
    virtual ~Ongoing() = default;

    // None: not yet. Not called again after the last one; returns soon.
    [[nodiscard]] virtual std::optional<Answer> next() = 0;
    // Goes on until it is told to end: by a further request, or by the end of the connection.
    // Others come to an end by themselves, in kOngoingMsMax at most.
    [[nodiscard]] virtual bool is_endless() const = 0;
};

// What a command gives at once: its answer, or what will give it.
struct Reply {
    Outcome outcome{Json()};
    std::unique_ptr<Ongoing> ongoing{};  // there: `outcome` is nothing
};

}  // namespace posthaste::controlplane
