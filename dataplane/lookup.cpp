// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/lookup.h"

#include "dataplane/segments.h"

namespace posthaste::dataplane {

using routing::AgentId;
using routing::FibEntry;
using routing::FrameKind;

namespace {

// Keys of several lanes on their way into one bulk lookup.
class KeyBatch {
  public:
    explicit KeyBatch(const routing::Fib& fib) noexcept : fib_(fib) {}

    // The answer goes to `where` at the next flush.
    void add(const AgentId& key, const FibEntry*& where) noexcept {
        if (count_ == routing::Fib::kLookupMax) {
            flush();
        }
        key_[count_] = &key;
        where_[count_] = &where;
        ++count_;
    }

    void flush() noexcept {
        if (count_ == 0) {
            return;
        }
        fib_.lookup(std::span(key_.data(), count_), found_.data());
        for (unsigned i = 0; i < count_; ++i) {
            *where_[i] = found_[i];
        }
        count_ = 0;
    }

  private:
    const routing::Fib& fib_;
    unsigned count_ = 0;
    std::array<const AgentId*, routing::Fib::kLookupMax> key_;
    std::array<const FibEntry**, routing::Fib::kLookupMax> where_;
    std::array<const FibEntry*, routing::Fib::kLookupMax> found_;
};

}  // namespace

void lookup(Burst& burst, const PortView& port, const routing::Fib& fib) noexcept {
    const bool checks_sources = port.role == Role::edge && port.source_check != SourceCheck::off;
    KeyBatch batch(fib);
    for (const unsigned lane : burst.live) {
        const routing::FrameView& view = burst.view[lane];
        const routing::WireHeader& header = header_of(bytes_of(burst.frame[lane]), view);
        burst.target[lane] = nullptr;
        burst.sender[lane] = nullptr;
        const bool heartbeat = view.kind == FrameKind::heartbeat;
        if (heartbeat || checks_sources) {
            batch.add(header.source, burst.sender[lane]);
        }
        if (!heartbeat &&
            header.addressing() == static_cast<std::uint8_t>(routing::Addressing::agent)) {
            batch.add(header.destination, burst.target[lane]);
        }
    }
    batch.flush();
}

}  // namespace posthaste::dataplane
