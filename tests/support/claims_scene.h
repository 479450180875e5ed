// SPDX-License-Identifier: BSD-3-Clause
// A claim store with another router's records put in by hand, for tests of the route plane.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "gossip/claims/claim_store.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace posthaste::support {

namespace claims = gossip::claims;

inline constexpr claims::RouterId kSelf{1};
inline constexpr claims::RouterId kOther{2};
inline constexpr claims::RouterId kThird{3};
inline constexpr claims::Generation kFirstLife{1, 77};
inline constexpr claims::Generation kSecondLife{2, 5};

[[nodiscard]] inline claims::Entry claim_entry(std::uint32_t agent,
                                               std::uint64_t version,
                                               std::uint32_t mobility = 1) {
    claims::Entry entry;
    entry.key = numbered_id(agent);
    entry.version = version;
    entry.body.mobility = mobility;
    entry.body.since = version << 16;
    return entry;
}

[[nodiscard]] inline claims::Entry gone_entry(std::uint32_t agent, std::uint64_t version) {
    claims::Entry entry;
    entry.key = numbered_id(agent);
    entry.version = version;
    entry.gone = true;
    return entry;
}

[[nodiscard]] inline claims::Entry end_entry(std::uint64_t version) {
    claims::Entry entry;
    entry.kind = claims::RecordKind::end_of_rib;
    entry.key = claims::end_key();
    entry.version = version;
    return entry;
}

[[nodiscard]] inline claims::Entry set_entry(const claims::ClaimStore& store,
                                             const std::string& text,
                                             std::uint64_t version) {
    claims::Entry entry;
    entry.kind = claims::RecordKind::capability_set;
    entry.set = text;
    entry.key = claims::set_key(store.sets().hash_of(text));
    entry.version = version;
    return entry;
}

// Reads the entries as a snapshot that ends at `to`.
inline tl::expected<void, claims::Refusal> put_snapshot(claims::ClaimStore& store,
                                                        claims::RouterId router,
                                                        const claims::Position& to,
                                                        const std::vector<claims::Entry>& entries,
                                                        std::uint64_t now_ms = 0) {
    const auto staging = store.open_staging(router, to.generation);
    if (!staging) {
        return tl::unexpected(staging.error());
    }
    for (const claims::Entry& entry : entries) {
        if (const auto good = store.stage(*staging, entry); !good) {
            store.drop_staging(*staging);
            return good;
        }
    }
    const auto good = store.publish(*staging, {.router = router, .to = to}, now_ms, false);
    if (!good) {
        store.drop_staging(*staging);
    }
    return good;
}

struct ClaimScene {
    explicit ClaimScene(const claims::StoreOptions& options = {})
        : store(options, kSelf, kFirstLife, hash_key(7)) {}

    [[nodiscard]] claims::RouterId winner(std::uint32_t agent) const {
        const auto best = store.best(numbered_id(agent));
        return best ? best->router : claims::RouterId{0};
    }

    void settle(std::uint64_t now_ms = 0) {
        while (store.work(1'000, now_ms)) {
        }
    }

    claims::ClaimStore store;
};

}  // namespace posthaste::support
