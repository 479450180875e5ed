// SPDX-License-Identifier: BSD-3-Clause
// The admin socket's bytes: session, request parser and command tree over a fake box.
//
// The first byte sets the size of the pieces the rest comes in. Two sessions on two equal boxes
// get the same bytes, one in large pieces, the other in small ones: their answers must be the
// same, each a line of JSON with ok, and at the end nothing may be left over.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "controlplane/admin_session.h"
#include "routing/check.h"
#include "tests/support/fake_operations.h"

using posthaste::controlplane::AdminSession;
using posthaste::controlplane::Json;
using posthaste::controlplane::kAnswerBytesMax;
using posthaste::controlplane::kOutputHighBytes;
using posthaste::controlplane::kRequestBytesMax;

namespace {

// Some of the output, as a slow reader takes it; all of it at the end.
void take(AdminSession& session, std::string& answers, std::size_t bytes) {
    CHECK(session.output().size() <= kOutputHighBytes + kAnswerBytesMax);
    const std::string_view some = session.output().substr(0, bytes);
    answers.append(some);
    session.sent(some.size());
}

std::string answers_to(std::string_view input, std::size_t piece) {
    posthaste::test::FakeOperations operations;
    AdminSession session(operations);
    std::string answers;
    while (!input.empty() && !(session.room() == 0 && !session.has_work())) {
        const std::size_t bytes = std::min({piece, session.room(), input.size()});
        CHECK(session.room() <= kRequestBytesMax + 1);
        session.receive(input.substr(0, bytes));
        input.remove_prefix(bytes);
        session.work(3);
        take(session, answers, piece * 2);
        if (session.room() == 0 && !session.has_work()) {
            take(session, answers, session.output().size());
        }
    }
    session.end_of_input();
    // Each turn takes up three of at most so many lines, or all of the output.
    for (std::size_t turns = 2 * kRequestBytesMax; !session.finished(); --turns) {
        CHECK(turns > 0);
        session.work(3);
        take(session, answers, session.output().size());
    }
    return answers;
}

void check(std::string_view answers) {
    while (!answers.empty()) {
        const std::size_t end = answers.find('\n');
        CHECK(end != std::string_view::npos && end <= kAnswerBytesMax);
        const Json answer = Json::parse(answers.substr(0, end), nullptr, false);
        CHECK(answer.is_object() && answer.contains("ok"));
        CHECK(answer.contains(answer["ok"].get<bool>() ? "data" : "error"));
        answers.remove_prefix(end + 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::string answers = answers_to(input, kRequestBytesMax);
    check(answers);
    CHECK(answers == answers_to(input, std::size_t{data[0]} + 1));
    return 0;
}
