// SPDX-License-Identifier: BSD-3-Clause
// Foreign bytes through the whole worker: real mbufs, in random segments, over ring ports.
//
// Input: a control byte, then frames, each `length` (2 bytes), `cut` (1 byte: where segments end,
// 0: one segment) and its bytes. After each input nothing is lost: every law of counters.h holds
// and the pool is full. What leaves has right checksums if what came had to.
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "routing/capability_name.h"
#include "routing/check.h"
#include "routing/policy_set.h"
#include "tests/support/capability_router.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;

namespace {

constexpr std::size_t kFramesMax = 96;  // more than a burst
constexpr std::size_t kFrameBytesMax = 2048;

CapabilityRouter& router() {
    static CapabilityRouter* const only = [] {
        std::vector<std::string> arguments = {
            "pipeline_fuzz",
            "--no-huge",
            "--no-shconf",
            "--no-telemetry",
            "--no-pci",
            "-m64",
            "--lcores=0@0",
            "--log-level=error",
            "--file-prefix=pipeline-fuzz-" + std::to_string(getpid())};
        std::vector<char*> pointers;
        for (std::string& argument : arguments) {
            pointers.push_back(argument.data());
        }
        CHECK(rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) >= 0);
        RingRouterOptions options;
        options.mbufs = 4095;
        options.worker.tx_backlog = 64;
        options.worker.punt_ring = 15;
        auto* const made = new CapabilityRouter(options);
        // "a" has providers of every kind; "b" more than a frame may have recipients.
        made->provide("a",
                      {kSender,
                       kReceiver,
                       kReceiverIpv6,
                       kReceiverTagged,
                       kRemote,
                       kRemoteUnresolved,
                       kDraining,
                       kStatic,
                       kStaticUnresolved,
                       kOnDownPort,
                       kIpv6OnIpv4Port});
        made->provide("b", {kReceiver, kReceiverIpv6, kReceiverTagged, kStatic, kOnDownPort});
        made->lead("nobody", 0);
        return made;
    }();
    return *only;
}

// The first byte: what the frames meet.
struct Control {
    explicit Control(std::uint8_t bits)
        : ingress(bits & 3),
          verify((bits & 4) == 0),
          draining((bits & 8) != 0),
          repair((bits & 16) == 0),
          resubmit((bits & 32) != 0),
          unresolved((bits & 64) == 0),
          drains((bits & 128) != 0) {}

    std::uint16_t ingress;
    bool verify;
    bool draining;
    bool repair;      // IPv4 header checksums are set right, so that bytes behind them matter
    bool resubmit;    // what is held comes back, once, and there are patterns
    bool unresolved;  // next hops stay as they are
    bool drains;      // the worker stops afterwards
};

// One policy of each action, about words of the corpus.
std::shared_ptr<const routing::PolicySet> policies() {
    using routing::PolicyAction;
    using routing::PolicyDirection;
    static const std::shared_ptr<const routing::PolicySet> only = [] {
        std::vector<routing::Policy> all;
        const auto add = [&all](const char* text, PolicyAction action, PolicyDirection direction) {
            routing::Policy& policy = all.emplace_back();
            policy.name = text;
            policy.rules.push_back({{text, {}}, {}});
            policy.ports = {kEdge, kTagged, kFabric, kIpv4Only};
            policy.action = action;
            policy.direction = direction;
            policy.mirror_port = kFabric;
            policy.redirect = routing::capability_id("a");
        };
        add("stop|\\x00{8}", PolicyAction::drop, PolicyDirection::in);
        add("copy", PolicyAction::mirror, PolicyDirection::in);
        add("move", PolicyAction::redirect, PolicyDirection::in);
        add("stay", PolicyAction::drop, PolicyDirection::out);
        add("twin", PolicyAction::mirror, PolicyDirection::out);
        add("[a-m]{2}", PolicyAction::count, PolicyDirection::out);
        auto set = routing::PolicySet::compile(
            std::move(all), {.workers = 1, .ports = kPortCount, .database_bytes_max = 1U << 20});
        CHECK(set.has_value());
        return std::move(*set);
    }();
    return only;
}

void publish(const Control& control) {
    World world = small_world();
    world.draining = control.draining;
    world.patterns = control.resubmit;
    world.policies = policies();
    world.fan_out_max = control.verify ? 64 : 4;
    for (PortView& port : world.ports) {
        port.rules.verify_checksum = control.verify;
    }
    if (!control.unresolved) {
        for (Adjacency& adjacency : world.adjacencies) {
            adjacency.resolved = true;
        }
    }
    router().publish(world);
}

void repair(FrameBytes& frame) {
    for (const std::size_t l3 : {std::size_t{14}, std::size_t{18}}) {
        if (frame.size() < l3 + 20 || frame[l3 - 2] != 8 || frame[l3 - 1] != 0) {
            continue;
        }
        const std::size_t header_bytes = (frame[l3] & 0x0fU) * 4U;
        if (header_bytes >= 20 && l3 + header_bytes <= frame.size()) {
            frame[l3 + 10] = frame[l3 + 11] = 0;
            const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(l3);
            const std::uint16_t checksum = plain_checksum(
                FrameBytes(begin, begin + static_cast<std::ptrdiff_t>(header_bytes)));
            frame[l3 + 10] = static_cast<std::uint8_t>(checksum >> 8);
            frame[l3 + 11] = static_cast<std::uint8_t>(checksum);
        }
        return;
    }
}

void arrive(const Control& control, std::span<const std::uint8_t> input) {
    for (std::size_t count = 0; count < kFramesMax && input.size() > 3; ++count) {
        std::size_t length = (std::size_t{input[0]} << 8 | input[1]) % (kFrameBytesMax + 1);
        const std::size_t cut = input[2];
        input = input.subspan(3);
        length = std::min(length, input.size());
        if (length == 0) {
            continue;
        }
        FrameBytes bytes(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(length));
        input = input.subspan(length);
        if (control.repair) {
            repair(bytes);
        }
        std::vector<std::size_t> cuts;
        for (std::size_t at = cut; cut != 0 && at < length && cuts.size() < 16; at += cut) {
            cuts.push_back(at);
        }
        rte_mbuf* const frame = router().make(bytes, cuts);
        CHECK(frame != nullptr);
        CHECK(router().arrive(control.ingress, frame));
    }
}

// Frees what went up, or sends what was held down again.
void control_thread(bool resubmit) {
    for (unsigned of = 0; of < kPuntClassCount; ++of) {
        std::array<Punted, kBurstMax> items;
        SpscRing<Punted>& ring = router().worker().punts(static_cast<PuntClass>(of));
        while (const unsigned count = ring.pop(items)) {
            for (const Punted& item : std::span(items).first(count)) {
                CHECK((item.why == PuntClass::hold) == (item.adjacency != routing::kNoAdjacency));
                const bool comes_back =
                    item.why == PuntClass::hold || item.why == PuntClass::capability;
                if (!resubmit || !comes_back ||
                    !router().worker().inject().push(
                        {item.frame, item.ingress, InjectKind::resubmit})) {
                    rte_pktmbuf_free(item.frame);
                }
            }
        }
    }
}

// A copy for a mirror port leaves as it came, with what was behind its datagram.
bool may_be_mirrored(std::uint16_t port, const FrameBytes& frame) {
    const std::string_view text(reinterpret_cast<const char*>(frame.data()), frame.size());
    return port == kFabric && (text.find("copy") != text.npos || text.find("twin") != text.npos);
}

void check_departures(const Control& control) {
    for (std::uint16_t port = 0; port < kPortCount; ++port) {
        for (const FrameBytes& frame : router().leave(port)) {
            CHECK(frame.size() >= 14 + 20 + 8 + 64);
            const std::size_t udp = udp_offset(frame);
            const std::size_t udp_bytes = std::size_t{frame[udp + 4]} << 8 | frame[udp + 5];
            CHECK(udp + udp_bytes == frame.size() ||
                  (udp + udp_bytes < frame.size() && may_be_mirrored(port, frame)));
            if (control.verify) {
                FrameBytes sealed = frame;
                seal(sealed);
                CHECK(sealed == frame);
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    static std::uint32_t now_ms = 0;
    const Control control(data[0]);
    CapabilityRouter& box = router();
    box.set_ms(now_ms += 10);
    publish(control);
    arrive(control, std::span(data, size).subspan(1));
    box.turn();
    control_thread(control.resubmit);
    box.turn();
    control_thread(false);
    if (control.drains) {
        box.worker().drain(now_ms);
    }
    check_departures(control);
    box.turn();
    check_departures(control);
    CHECK(box.broken_law().empty());
    CHECK(box.in_use() == 0);
    return 0;
}
