// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/event_stream.h"

namespace posthaste::controlplane {

std::optional<Ongoing::Answer> EventStream::next() {
    const NotedEvent* const event = watcher_.next();
    if (event == nullptr) {
        return std::nullopt;
    }
    ++given_;
    return Answer{describe(*event, watcher_.take_lost()), given_ == count_};
}

Json describe(const NotedEvent& event, std::uint64_t lost) {
    const auto text_or_null = [](const std::string& text) {
        return text.empty() ? Json(nullptr) : Json(text);
    };
    return {{"at_ms", event.at_ms},
            {"topic", kTopicNames[static_cast<std::size_t>(topic_of(event.kind))]},
            {"event", name_of(event.kind)},
            {"agent", event.agent ? Json(event.agent->to_text()) : Json(nullptr)},
            {"name", text_or_null(event.name)},
            {"detail", text_or_null(event.detail)},
            {"lost", lost}};
}

}  // namespace posthaste::controlplane
