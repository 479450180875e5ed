// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of control frames into the registrar and the Rib behind it.
//
// Input: records of one byte (what: bits 0-1 agent, 2 another host, 3 deregister, 4 IPv6, 5 the
// payload is the whole frame, 6 a second passes), one byte length in 2 bytes, payload. Holds: a
// refusal changes nothing, an answer is never larger than its request and goes back to its sender,
// the table keeps its bound.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "controlplane/registrar.h"
#include "routing/check.h"
#include "tests/support/fake_directory.h"
#include "tests/support/fake_patterns.h"
#include "tests/support/frame_builder.h"

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;
using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kAgentsMax = 3;

routing::RibLimits limits() {
    routing::RibLimits limits;
    limits.routes_max = kAgentsMax;
    return limits;
}

// An agent as the Rib has it, and what it offers.
struct Stored {
    routing::Registration registration;
    std::vector<routing::Offer> offers;
};

bool same(const std::optional<Stored>& one, const std::optional<Stored>& other) {
    if (!one || !other) {
        return one.has_value() == other.has_value();
    }
    const routing::Registration& a = one->registration;
    const routing::Registration& b = other->registration;
    return a.endpoint == b.endpoint && a.state == b.state && a.lease_ms == b.lease_ms &&
           a.name == b.name && a.origin == b.origin && a.epoch == b.epoch && a.multi == b.multi &&
           one->offers == other->offers;
}

test::FrameBytes frame_of(std::uint8_t what, Bytes payload) {
    if ((what & 0x20) != 0) {
        return {payload.begin(), payload.end()};
    }
    auto spec = (what & 0x10) != 0 ? test::ipv6_spec() : test::FrameSpec{};
    spec.type = (what & 0x80) != 0   ? routing::Type::query
                : (what & 0x08) != 0 ? routing::Type::deregister
                                     : routing::Type::register_agent;
    spec.destination = routing::kRouterId;
    spec.source = test::agent(what & 3U);
    if ((what & 0x04) != 0) {
        spec.source_mac = test::mac(0x44);
    }
    spec.payload.assign(payload.begin(), payload.end());
    return test::build(spec);
}

class Scene {
  public:
    Scene() {
        edge_.rules = test::edge_rules();
        edge_.up = true;
        for (std::uint32_t number = 0; number < 4; ++number) {
            before_.push_back(stored(number));
        }
    }

    void receive(std::uint8_t what, Bytes payload) {
        now_ += (what & 0x40) != 0 ? 1'000 : 1;
        const test::FrameBytes request = frame_of(what, payload);
        test::FrameBytes frame = request;
        const std::uint64_t version = rib_.version();
        const ControlOutcome outcome = registrar_.receive(0, edge_, frame, now_);
        CHECK(outcome.answer_bytes <= request.size());
        CHECK(rib_.agents().size() <= kAgentsMax);
        for (std::uint32_t number = 0; number < before_.size(); ++number) {
            const auto now = stored(number);
            CHECK(outcome.drop == routing::Drop::none || same(now, before_[number]));
            before_[number] = now;
        }
        if (outcome.drop != routing::Drop::none) {
            CHECK(rib_.version() == version && !outcome.registered);
        }
        if (outcome.answer_bytes > 0) {
            frame.resize(outcome.answer_bytes);
            CHECK(std::equal(frame.begin(), frame.begin() + 6, request.begin() + 6));
            CHECK(test::udp_checksum_field(frame) == test::full_udp_checksum(frame));
            const std::size_t asked = test::message_offset(request);
            const std::size_t said = test::message_offset(frame);
            CHECK(std::equal(&frame[said + 16], &frame[said + 32], &request[asked + 32]));
            CHECK(std::equal(&frame[said + 48], &frame[said + 63], &request[asked + 48]));
        }
        static_cast<void>(rib_.take_changes());
        check_offers();
    }

  private:
    std::optional<Stored> stored(std::uint32_t number) const {
        const routing::AgentRecord* const record = rib_.find_agent(test::agent(number));
        if (record == nullptr) {
            return std::nullopt;
        }
        return Stored{record->registration, rib_.offers_of(record->offers)};
    }

    // The Rib's sums are those of its agents; names nobody offers can be let go.
    void check_offers() {
        std::uint64_t held = 0;
        for (const auto& [id, record] : rib_.agents()) {
            held += record.offers.size();
        }
        CHECK(held == rib_.offers_held());
        CHECK(rib_.names_held() + rib_.patterns_held() <= rib_.names().count());
        for (const routing::OfferChange& change : rib_.take_offer_changes()) {
            CHECK(change.number >= 1 && change.number <= rib_.names().limit());
        }
    }

    routing::Rib rib_{limits(), {}};
    support::FakeDirectory directory_;
    support::FakePatterns patterns_;
    Registrar registrar_{rib_,
                         directory_,
                         patterns_,
                         {.registrations_per_second = 20, .error_rate = {20}, .regexes = {true}}};
    dataplane::PortView edge_;
    std::vector<std::optional<Stored>> before_;
    std::uint64_t now_ = 1'000;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Scene scene;
    for (Bytes input(data, size); input.size() >= 2;) {
        const std::size_t length = std::min<std::size_t>(input[1] * 2, input.size() - 2);
        scene.receive(input[0], input.subspan(2, length));
        input = input.subspan(2 + length);
    }
    return 0;
}
