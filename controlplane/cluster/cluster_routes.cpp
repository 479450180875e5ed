// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster_routes.h"

#include <algorithm>
#include <utility>

#include "controlplane/log.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using claims::EventKind;
using claims::Refusal;
using routing::AgentId;
using routing::ErrorCode;
using routing::Origin;
using routing::RibError;

namespace {

// Beyond so many the route plane makes no more changes of its own accord.
constexpr std::size_t kPendingHigh = 65'536;

constexpr std::size_t kOwnPerTurn = 1'024;
constexpr std::size_t kUnclaimedPerTurn = 256;
constexpr std::size_t kBucketsPerTurn = 512;
constexpr std::size_t kBucketsPerAgent = 4;  // most may be empty

RibError error_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::frozen:
            return {ErrorCode::rate_limited, "claimed by two routers too often"};
        case Refusal::store_full:
            return {ErrorCode::overloaded, "the table of claims is full"};
        case Refusal::sets_full:
            return {ErrorCode::overloaded, "the table of claims' capabilities is full"};
        default:
            return {ErrorCode::malformed,
                    "other routers cannot be told of it: " + std::string(name_of(refusal))};
    }
}

}  // namespace

ClusterRoutes::ClusterRoutes(const Parts& parts, const Options& options)
    : parts_(parts), options_(options), unclaimed_(options.unclaimed_max) {}

// Agents that are here by now, of the ini and the store, are claimed a few buckets of the Rib's at
// a time; what changes from now on is noted one by one.
void ClusterRoutes::start() {
    started_ = true;
    parts_.rib.note_attaches();
    first_left_ = parts_.rib.agents().size();
    if (first_left_ > 0) {
        first_buckets_.begin(parts_.rib.agents().bucket_count());
    }
}

ClusterRoutes::Done ClusterRoutes::turn(const Input& input) {
    now_ms_ = input.now_ms;
    claims_ahead_ms_ = input.claims_ms - input.now_ms;
    if (!started_) {
        start();
    }
    routers_changed_ = false;
    for (const RouterMember& member : input.routers) {
        serve_router(member);
    }
    serve_events(input);
    settle_some(kOwnPerTurn);
    if (!told_end_ && own_pending_.empty() && first_buckets_.done()) {
        told_end_ = true;
        parts_.plane.own().end_of_rib(input.claims_ms);
    }
    for (const AgentId& agent : parts_.plane.take_changes()) {
        winner_changed(agent);
    }
    if (!input.fib_behind) {
        take_loads(input.budget);  // of agents the last turns have shown
        show_pending(input.budget);
        retry_waiting();
        retry_offers();
        drop_leaving(input.budget);
        static_cast<void>(parts_.next_hops.move_routes(input.budget, now_ms_));
    }
    parts_.plane.hold_work(pending_.size() > kPendingHigh);
    tell_loads();
    discover();
    answer_questions();
    tell_misrouted(input.misrouted);
    if (now_ms_ >= next_retry_ms_) {
        next_retry_ms_ = now_ms_ + options_.retry_ms;
        retry_routers();
        unclaimed_go_on_ = true;
        offers_go_on_ = true;
    }
    retry_unclaimed();
    find_unclaimed();
    const bool more = !pending_.empty() || !loads_due_.empty();
    return {.more = (!input.fib_behind && more) || !own_pending_.empty() || !first_buckets_.done(),
            .routers_changed = routers_changed_};
}

void ClusterRoutes::serve_events(const Input& input) {
    for (const claims::Event& event : input.events) {
        if (event.kind == EventKind::discovered) {
            take_answer(event);
            continue;
        }
        if (event.kind != EventKind::close_session || !parts_.rib.is_claimed_away(event.agent)) {
            continue;  // it may have come back since
        }
        if (parts_.rib.find_agent(event.agent)->registration.origin == Origin::registered) {
            ++counts_.sessions_closed;
            static_cast<void>(parts_.rib.deregister_agent(event.agent, nullptr));
        }
    }
}

void ClusterRoutes::take_attaches() {
    if (parts_.rib.any_attaches()) {
        for (const routing::AttachChange& change : parts_.rib.take_attaches()) {
            own_pending_.push(change.agent, change.new_session);
        }
    }
}

void ClusterRoutes::settle_some(std::size_t budget) {
    if (!started_) {
        return;
    }
    take_attaches();
    for (; !own_pending_.empty() && budget > 0; --budget) {
        settle(*own_pending_.pop());
    }
    settle_first(budget);
}

void ClusterRoutes::settle_first(std::size_t budget) {
    const routing::Rib::Agents& agents = parts_.rib.agents();
    for (std::size_t left = budget * kBucketsPerAgent;
         left > 0 && budget > 0 && !first_buckets_.done();
         --left) {
        const std::size_t bucket = first_buckets_.next(agents.bucket_count());
        for (auto at = agents.begin(bucket); at != agents.end(bucket); ++at) {
            if (!parts_.plane.store().own(at->first)) {
                settle({.agent = at->first, .marked = true});
            }
            first_left_ -= first_left_ > 0 ? 1 : 0;
            budget -= budget > 0 ? 1 : 0;
        }
    }
    first_left_ = first_buckets_.done() ? 0 : first_left_;
}

void ClusterRoutes::settle_agent(const AgentId& agent) {
    if (!started_) {
        return;
    }
    take_attaches();
    if (const auto change = own_pending_.take(agent)) {
        settle(*change);
    } else if (!first_buckets_.done() && parts_.rib.find_agent(agent) != nullptr &&
               !parts_.plane.store().own(agent)) {
        settle({.agent = agent, .marked = true});  // before its turn
    }
}

claims::Attachment ClusterRoutes::attachment_of(const routing::AgentRecord& record,
                                                bool new_session) const {
    return {.state = record.registration.state,
            .sticky = record.registration.origin != Origin::registered,
            .multi = record.registration.multi,
            .new_session = new_session,
            .epoch = record.registration.epoch,
            .offers = parts_.rib.offers_of(record.offers)};
}

void ClusterRoutes::settle(const AgentQueue::Entry& change) {
    const AgentId& agent = change.agent;
    const std::uint64_t claims_ms = now_ms_ + claims_ahead_ms_;
    const routing::AgentRecord* const record = parts_.rib.find_agent(agent);
    if (record == nullptr) {
        unclaimed_.take(agent);
        static_cast<void>(parts_.plane.own().detach(agent, claims_ms));
    } else if (parts_.plane.own().attach(agent, attachment_of(*record, change.marked), claims_ms)) {
        unclaimed_.take(agent);
        if (!record->offers.empty()) {
            load_is_due(agent);
        }
    } else {
        keep_unclaimed(change);  // it is served here, and told of when that is possible
    }
    show(agent);
}

void ClusterRoutes::keep_unclaimed(const AgentQueue::Entry& change) {
    if (!unclaimed_.push(change.agent, change.marked)) {
        buckets_.begin(parts_.rib.agents().bucket_count());
    }
}

// All of them in turn, so that one that is never taken is in nobody's way.
void ClusterRoutes::retry_unclaimed() {
    if (!std::exchange(unclaimed_go_on_, false)) {
        return;
    }
    for (std::size_t left = std::min(unclaimed_.size(), kUnclaimedPerTurn); left > 0; --left) {
        const AgentQueue::Entry waiting = *unclaimed_.pop();
        const AgentId& agent = waiting.agent;
        const routing::AgentRecord* const record = parts_.rib.find_agent(agent);
        if (record != nullptr &&
            parts_.plane.own().refusal_of(
                agent, attachment_of(*record, waiting.marked), now_ms_ + claims_ahead_ms_)) {
            unclaimed_.push(agent, waiting.marked);
        } else {
            unclaimed_go_on_ = true;
            settle(waiting);
        }
    }
}

// Those there was no room for, a few buckets of the Rib's at a time.
void ClusterRoutes::find_unclaimed() {
    const routing::Rib::Agents& agents = parts_.rib.agents();
    for (std::size_t budget = kBucketsPerTurn; budget > 0 && !buckets_.done(); --budget) {
        const std::size_t bucket = buckets_.next(agents.bucket_count());
        for (auto at = agents.begin(bucket); at != agents.end(bucket); ++at) {
            if (!parts_.plane.store().own(at->first) && !unclaimed_.push(at->first, true)) {
                buckets_.again();  // when some of them are claimed
                return;
            }
        }
    }
}

tl::expected<void, RibError> ClusterRoutes::may_attach(const routing::Registration& wanted,
                                                       std::uint64_t now_ms) {
    const AgentId& agent = wanted.agent;
    const routing::AgentRecord* const record = parts_.rib.find_agent(agent);
    if (!started_ || (record != nullptr && record->registration.origin != Origin::registered)) {
        return {};
    }
    const claims::Attachment attachment{
        .multi = wanted.multi,
        .new_session = record == nullptr || record->registration.endpoint != wanted.endpoint ||
                       parts_.rib.is_claimed_away(agent),
        .epoch = wanted.epoch,
        .offers = wanted.offers};
    claims::OwnClaims& own = parts_.plane.own();
    const std::uint64_t claims_ms = now_ms + claims_ahead_ms_;
    const auto refusal = own.refusal_of(agent, attachment, claims_ms);
    if (!refusal) {
        return {};
    }
    // It is refused there, too: so a freeze begins, and is told of.
    static_cast<void>(own.attach(agent, attachment, claims_ms));
    ++counts_.attach_refused;
    counts_.frozen += *refusal == Refusal::frozen ? 1 : 0;
    return tl::unexpected(error_of(*refusal));
}

// Those of agents elsewhere into the cells lcores read, and those of agents that have just come
// here out of them.
void ClusterRoutes::take_loads(std::size_t budget) {
    for (const AgentId& agent : parts_.plane.take_load_changes()) {
        load_is_due(agent);
    }
    for (; !loads_due_.empty() && budget > 0; --budget) {
        take_load(loads_due_.pop()->agent);
    }
}

void ClusterRoutes::load_is_due(const AgentId& agent) {
    if (!loads_due_.push(agent)) {
        take_load(loads_due_.pop()->agent);
        loads_due_.push(agent);
    }
}

void ClusterRoutes::take_load(const AgentId& agent) {
    const auto best = parts_.plane.store().best(agent);
    if (best && !holds_here(agent, *best)) {
        counts_.loads_heard += parts_.loads.set_remote(agent, best->load) ? 1 : 0;
        return;
    }
    const auto load = parts_.loads.local(agent);
    const auto own = parts_.plane.store().own(agent);
    if (load && own &&
        (load->per_mille != own->load.per_mille || load->queue_depth != own->load.queue_depth)) {
        ++counts_.loads_told;
        parts_.plane.own().set_load(agent, *load);
    }
}

void ClusterRoutes::tell_loads() {
    if (now_ms_ < next_loads_ms_) {
        return;
    }
    moved_.clear();
    if (parts_.loads.take_moved(options_.load_cells, moved_)) {
        next_loads_ms_ = now_ms_ + options_.load_ms;
    }
    for (const AgentLoads::Moved& moved : moved_) {
        ++counts_.loads_told;
        parts_.plane.own().set_load(moved.agent, moved.load);
    }
}

ClusterRoutesCounts ClusterRoutes::counts() const {
    ClusterRoutesCounts counts = counts_;
    counts.routers = peers_.size();
    counts.routers_waiting = refused_routers_.size();
    counts.pending = pending_.size();
    counts.waiting = waiting_.size();
    counts.unclaimed = unclaimed_.size();
    counts.own_pending = own_pending_.size() + first_left_;
    counts.without_offers = without_offers_.size();
    counts.displaced = parts_.rib.displaced();
    return counts;
}

}  // namespace posthaste::controlplane
