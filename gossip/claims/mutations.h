// SPDX-License-Identifier: BSD-3-Clause
// Rules of the protocol that tests may switch off, to see that something notices.
//
// Only a build that defines POSTHASTE_CLAIMS_MUTANTS has the switches; in any other they are
// constants, and what they guard is compiled away.
#pragma once

namespace posthaste::gossip::claims {

#ifdef POSTHASTE_CLAIMS_MUTANTS
#define POSTHASTE_CLAIMS_MUTATION bool
#else
#define POSTHASTE_CLAIMS_MUTATION static constexpr bool
#endif

struct Mutations {
    POSTHASTE_CLAIMS_MUTATION partial_publish = false;          // of ranges that broke off
    POSTHASTE_CLAIMS_MUTATION no_snapshot_below_floor = false;  // deltas as if nothing was lost
    POSTHASTE_CLAIMS_MUTATION no_self_defence = false;          // greater rows of ours ignored
    POSTHASTE_CLAIMS_MUTATION no_floor_check = false;           // the floor may pass a delta
    POSTHASTE_CLAIMS_MUTATION no_floor_check_snapshot = false;  // the floor may pass a snapshot
    POSTHASTE_CLAIMS_MUTATION no_gap_check = false;             // ranges may begin anywhere
    POSTHASTE_CLAIMS_MUTATION no_boot_nonce = false;            // generations by counter alone
    POSTHASTE_CLAIMS_MUTATION no_fingerprint_check = false;     // damage goes unnoticed
};

#undef POSTHASTE_CLAIMS_MUTATION

}  // namespace posthaste::gossip::claims
