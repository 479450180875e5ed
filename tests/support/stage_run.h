// SPDX-License-Identifier: BSD-3-Clause
// Runs the stages over fake frames, without EAL: a std::map stands in for the Fib.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/answer.h"
#include "dataplane/misrouted.h"
#include "dataplane/parse.h"
#include "dataplane/punt.h"
#include "dataplane/receive.h"
#include "dataplane/resolve.h"
#include "dataplane/rewrite.h"
#include "dataplane/settle.h"
#include "dataplane/source_check.h"
#include "dataplane/stale_routes.h"
#include "dataplane/transmit.h"
#include "tests/support/fake_mbuf.h"
#include "tests/support/small_world.h"

namespace posthaste::test {

class StageRun {
  public:
    dataplane::World world = small_world();
    std::uint8_t floor = 0;
    bool with_hops = true;  // false: all is asked of the Fib's entries
    routing::TokenBucket errors{1000};
    std::vector<dataplane::TxBacklog> tx;
    dataplane::PuntRings punts = dataplane::make_punt_rings(64);
    dataplane::Burst burst;
    std::map<routing::AgentId, routing::FibEntry> routes;

    StageRun() {
        for (const routing::FibEntry& entry : small_world_routes()) {
            routes[entry.agent] = entry;
        }
        for (unsigned port = 0; port < kPortCount; ++port) {
            tx.emplace_back(64);
        }
    }

    routing::RouterMask routers;
    routing::LookupCounters lookups;
    dataplane::MisroutedReports reports;
    dataplane::SpscRing<dataplane::Misrouted> misrouted{63};
    dataplane::StaleRoutes stale;
    dataplane::SpscRing<routing::AgentId> wanted{63};
    std::uint32_t now_ms = 1;

    // All stages but the two that need a Fib; gives whether lanes were conserved after each.
    bool run(std::vector<FakeFrame>& frames, std::uint16_t ingress) {
        std::vector<rte_mbuf*> mbufs;
        for (FakeFrame& frame : frames) {
            mbufs.push_back(frame.mbuf());
        }
        const dataplane::PortView& port = world.ports[ingress];
        bool sound = true;
        begin(burst, ingress, now_ms);
        take(burst, mbufs);
        sound &= conserved(burst);
        dataplane::parse(burst, burst.live, port, routing::PlainRules(port.rules));
        sound &= conserved(burst);
        shed(burst, burst.live, floor);
        sound &= conserved(burst);
        look_up();
        source_check(burst, world);
        sound &= conserved(burst);
        resolve(burst, world, routers, lookups, tx);
        report_misrouted(burst, reports, misrouted, lookups);
        ask_for_stale(burst, stale, wanted, lookups);
        sound &= conserved(burst);
        rewrite(burst, world);
        sound &= conserved(burst) && !burst.live.any();
        punt(burst, punts);
        sound &= conserved(burst);
        answer(burst, port, errors, tx[ingress]);
        sound &= conserved(burst);
        transmit(burst, tx);
        return sound && conserved(burst) && !burst.finished.any();
    }

    bool run(FakeFrame frame, std::uint16_t ingress) {
        kept_.clear();
        kept_.push_back(std::move(frame));
        return run(kept_, ingress);
    }

    // What became of lane 0: "sent to 2", "dropped", "punted", ...
    [[nodiscard]] std::string outcome() const {
        if (burst.sent.has(0)) {
            return "sent to " + std::to_string(burst.egress[0]);
        }
        if (burst.punted.has(0)) {
            return "punted as " + std::to_string(static_cast<int>(burst.punt_class[0]));
        }
        return std::string(name_of(burst.reason[0])) + (burst.answered.has(0) ? ", answered" : "");
    }

    // The only frame in the backlogs.
    [[nodiscard]] FrameBytes only_frame() {
        FrameBytes bytes;
        for (dataplane::TxBacklog& backlog : tx) {
            for (const rte_mbuf* frame : backlog.front()) {
                if (!bytes.empty()) {
                    return {};
                }
                bytes = bytes_of_chain(frame);
            }
        }
        return bytes;
    }

  private:
    const routing::FibEntry* find(const routing::AgentId& id) const {
        const auto found = routes.find(id);
        return found == routes.end() ? nullptr : &found->second;
    }

    routing::NextHop hop_to(const routing::FibEntry* entry) const {
        return entry == nullptr || !with_hops ? routing::NextHop::elsewhere()
                                              : routing::NextHop::of(*entry);
    }

    void look_up() {
        for (const unsigned lane : burst.live) {
            const auto* const bytes = rte_pktmbuf_mtod(burst.frame[lane], const std::uint8_t*);
            const routing::WireHeader& header = header_of(bytes, burst.view[lane]);
            burst.sender[lane] = find(header.source);
            burst.from[lane] = hop_to(burst.sender[lane]);
            burst.aim(lane, find(header.destination));
            burst.to[lane] = hop_to(burst.target[lane]);
        }
    }

    std::vector<FakeFrame> kept_;
};

}  // namespace posthaste::test
