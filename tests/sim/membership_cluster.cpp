// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/membership_cluster.h"

#include <algorithm>
#include <charconv>

#include "gossip/membership/address.h"
#include "gossip/membership/serf_codec.h"
#include "gossip/membership/stream.h"
#include "routing/check.h"

namespace posthaste::sim {

using namespace gossip::membership;

namespace {

constexpr std::size_t kJoiningMax = 128;  // more would take minutes
constexpr std::uint64_t kLookEveryMs = 100;
constexpr std::size_t kWrongDeathsMax = 1'000;

Number number_of(const std::string& name) {
    const std::size_t digits = name.rfind('-') + 1;
    Number number = 0;
    std::from_chars(name.data() + digits, name.data() + name.size(), number);
    return number;
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : options_(options),
      world_(options.seed, MemberWorld::Layer::serf),
      network_(world_, options.seed * 3 + 1),
      dice_(options.seed * 3 + 2) {
    world_.on_event = [this](Number who, const MemberEvent& event) { on_event(who, event); };
    if (options_.members <= kJoiningMax) {
        form_by_joining();
    } else {
        form_by_telling();
    }
}

MembershipOptions Cluster::options_of(Number number) const {
    MembershipOptions options = MemberWorld::options_of(number);
    options.timing = options_.timing;
    options.limits = options_.limits;
    options.lifeguard = options_.lifeguard;
    // The others know the second one, so the first finds back as well.
    options.seeds = {MemberWorld::address_of(0), MemberWorld::address_of(1)};
    return options;
}

Number Cluster::add() {
    return world_.add(options_of(world_.size()));
}

void Cluster::form_by_joining() {
    constexpr std::uint64_t kSettleMs = 10'000;
    for (std::size_t i = 0; i < options_.members; ++i) {
        add();
        world_.run(10);
    }
    CHECK(agree_within(60'000));
    world_.run(kSettleMs);
}

// Each hears of all others by one push/pull as a cluster would send it. What it would tell on of
// that is dropped but for the queue's limit, which the caller sets low.
void Cluster::form_by_telling() {
    constexpr std::uint64_t kSettleMs = 20'000;
    PushPull all{.join = true};
    const std::string versions(kOurVersions.begin(), kOurVersions.end());
    for (std::size_t i = 0; i < options_.members; ++i) {
        const SocketAddress address = MemberWorld::address_of(i);
        all.nodes.push_back({.name = MemberWorld::name_of(i),
                             .address = address_bytes_of(address),
                             .port = address.port,
                             .meta = meta_of_tags({}).value_or(std::string()),
                             .incarnation = 1,
                             .versions = versions});
    }
    const std::vector<std::uint8_t> bytes =
        encode_stream(all, Sealing{}, gossip::seal::Nonce{}, StreamPart::request);
    for (std::size_t i = 0; i < options_.members; ++i) {
        add();
        world_.tell(i, bytes);
    }
    world_.run(kSettleMs);
    CHECK(world_.all_see_alive(options_.members));
}

void Cluster::on_event(Number who, const MemberEvent& event) {
    if (event.kind == watched_kind_ && event.member.name == watched_ && !saw_[who]) {
        saw_[who] = true;
        ++seen_;
    }
    if (event.kind == MemberEventKind::failed && wrong_deaths_.size() < kWrongDeathsMax) {
        const Number whom = number_of(event.member.name);
        if (whom < world_.size() && world_.look(whom).up) {
            wrong_deaths_.push_back({.ms = world_.now(), .who = who, .whom = whom});
        }
    }
}

void Cluster::watch(MemberEventKind kind, Number whom) {
    watched_kind_ = kind;
    watched_ = MemberWorld::name_of(whom);
    saw_.assign(world_.size() + 1, false);
    seen_ = 0;
}

bool Cluster::wait_seen(std::size_t count, std::uint64_t ms) {
    return world_.run_until([&] { return seen_ >= count; }, ms);
}

std::string Cluster::disagreement() const {
    std::vector<std::uint32_t> incarnations(world_.size(), 0);
    std::size_t up = 0;
    for (Number i = 0; i < world_.size(); ++i) {
        up += world_.look(i).up ? 1 : 0;
    }
    for (Number i = 0; i < world_.size(); ++i) {
        if (world_.look(i).up) {
            if (world_.look(i).state->alive_count() != up) {
                return MemberWorld::name_of(i) + " sees " +
                       std::to_string(world_.look(i).state->alive_count()) + " alive of " +
                       std::to_string(up);
            }
            incarnations[i] = world_.incarnation(i, i);
        }
    }
    for (Number who = 0; who < world_.size(); ++who) {
        for (Number whom = 0; world_.look(who).up && whom < world_.size(); ++whom) {
            const bool alive = world_.status(who, whom) == "alive";
            const bool runs = world_.look(whom).up;
            if (alive != runs || (runs && world_.incarnation(who, whom) != incarnations[whom])) {
                return MemberWorld::name_of(who) + " says of " + MemberWorld::name_of(whom) + ": " +
                       world_.status(who, whom) + ", incarnation " +
                       std::to_string(world_.incarnation(who, whom));
            }
        }
    }
    return {};
}

bool Cluster::agree_within(std::uint64_t ms) {
    for (std::uint64_t waited = 0; !disagreement().empty(); waited += kLookEveryMs) {
        if (waited >= ms) {
            return false;
        }
        world_.run(kLookEveryMs);
    }
    return true;
}

std::string Cluster::excess() const {
    for (Number i = 0; i < world_.size(); ++i) {
        const MembershipState& state = *world_.look(i).state;
        const Held held = state.held();
        if (held.broadcasts > 2 * options_.limits.broadcasts_max ||
            held.streams > options_.limits.streams_max || held.relays > kRelaysMax ||
            held.members > options_.limits.members_max) {
            return MemberWorld::name_of(i) + " holds " + std::to_string(held.broadcasts) +
                   " broadcasts, " + std::to_string(held.streams) + " streams, " +
                   std::to_string(held.relays) + " relays, " + std::to_string(held.members) +
                   " members";
        }
    }
    return {};
}

std::string Cluster::quiet_excess() const {
    constexpr std::size_t kStreamsAtRest = 4;
    for (Number i = 0; i < world_.size(); ++i) {
        const Held held = world_.look(i).state->held();
        if (world_.look(i).up && (held.broadcasts > 0 || held.streams > kStreamsAtRest ||
                                  held.relays > 0 || held.members > world_.size())) {
            return MemberWorld::name_of(i) + " still holds " + std::to_string(held.broadcasts) +
                   " broadcasts, " + std::to_string(held.streams) + " streams, " +
                   std::to_string(held.relays) + " relays, " + std::to_string(held.members) +
                   " members";
        }
    }
    return {};
}

}  // namespace posthaste::sim
