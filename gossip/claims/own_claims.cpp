// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/own_claims.h"

#include <algorithm>
#include <limits>

namespace posthaste::gossip::claims {

namespace {

constexpr std::size_t kDueAtOnce = 1'024;  // sessions to be closed, a call
constexpr std::size_t kLookedAt = 1'024;   // that are gone, a call

}  // namespace

OwnClaims::OwnClaims(ClaimStore& store, const OwnOptions& options)
    : store_(store),
      options_(options),
      clock_(options.skew_max_ms),
      moves_(options.moves, store.table().hash()),
      loads_(0, routing::KeyedIdHash{store.table().hash()}),
      superseded_(0, routing::KeyedIdHash{store.table().hash()}) {}

tl::expected<AttachOutcome, Refusal> OwnClaims::refuse(Refusal why) {
    ++counts_.refused;
    counts_.frozen += why == Refusal::frozen ? 1 : 0;
    return tl::unexpected(why);
}

std::optional<Refusal> OwnClaims::lack_of_room(const routing::AgentId& agent,
                                               const Attachment& attachment,
                                               const std::string& set) const {
    if (!key_fits(RecordKind::claim, agent)) {
        return Refusal::bad_key;
    }
    if (attachment.offers.size() > kSetOffersMax || !offers_of(set)) {
        return Refusal::bad_set;
    }
    // What has a record, even of something gone, needs no other: a full store can be refreshed.
    const std::uint64_t hash = store_.sets().hash_of(set);
    const std::uint32_t records = (store_.has_own_record(agent) ? 0 : 1) +
                                  (set.empty() || store_.has_own_record(set_key(hash)) ? 0 : 1);
    if (store_.room() < records) {
        return Refusal::store_full;
    }
    if (!set.empty() && store_.sets().find(hash) == CapabilitySets::kNone &&
        !store_.sets().has_room(1, set.size())) {
        return Refusal::sets_full;
    }
    return std::nullopt;
}

bool OwnClaims::goes_on(const routing::AgentId& agent,
                        const Attachment& attachment,
                        const std::optional<Entry>& before) const {
    const bool comes_here = before && before->body.multi && !attachment.multi;
    return before && !comes_here && !(attachment.new_session && is_superseded(agent));
}

bool OwnClaims::moves_here(const Winner& other, const Attachment& attachment) const {
    return other.router != store_.self() && !(attachment.multi && other.body.multi);
}

std::optional<Refusal> OwnClaims::refusal_of(const routing::AgentId& agent,
                                             const Attachment& attachment,
                                             std::uint64_t now_ms) const {
    if (const auto lack = lack_of_room(agent, attachment, set_text(attachment.offers))) {
        return lack;
    }
    if (goes_on(agent, attachment, store_.own(agent)) || !moves_.refuses(agent, now_ms)) {
        return std::nullopt;
    }
    const auto claims = store_.claims_of(agent);
    const bool moved = std::any_of(claims.begin(), claims.end(), [&](const Winner& claim) {
        return moves_here(claim, attachment);
    });
    return moved ? std::optional(Refusal::frozen) : std::nullopt;
}

tl::expected<AttachOutcome, Refusal> OwnClaims::attach(const routing::AgentId& agent,
                                                       const Attachment& attachment,
                                                       std::uint64_t now_ms) {
    const std::string text = set_text(attachment.offers);
    if (const auto lack = lack_of_room(agent, attachment, text)) {
        return refuse(*lack);
    }
    const std::optional<Entry> before = store_.own(agent);
    const std::uint64_t set = store_.sets().hash_of(text);
    auto body = make_body(agent, attachment, before, now_ms);
    if (!body) {
        return refuse(body.error());
    }
    body->capabilities = set;
    if (before && before->body == *body) {
        ++counts_.refreshed;
        return AttachOutcome::refreshed;
    }
    if (set != 0 && !store_.own(set_key(set))) {
        Entry record;
        record.kind = RecordKind::capability_set;
        record.key = set_key(set);
        record.set = text;
        store_.write(std::move(record), now_ms);
    }
    Entry claim;
    claim.key = agent;
    claim.body = *body;
    claim.load = before ? before->load : attachment.load;
    store_.write(std::move(claim), now_ms);
    if (before) {
        drop_unused_set(before->body.capabilities, now_ms);
    }
    ++(before ? counts_.changed : counts_.attached);
    return before ? AttachOutcome::changed : AttachOutcome::attached;
}

// All but the capabilities.
tl::expected<ClaimBody, Refusal> OwnClaims::make_body(const routing::AgentId& agent,
                                                      const Attachment& attachment,
                                                      const std::optional<Entry>& before,
                                                      std::uint64_t now_ms) {
    ClaimBody body{.state = attachment.state,
                   .sticky = attachment.sticky,
                   .multi = attachment.multi,
                   .epoch = attachment.epoch};
    if (goes_on(agent, attachment, before)) {
        body.mobility = before->body.mobility;
        body.since = before->body.since;
        return body;
    }
    bool moved = false;
    std::uint32_t seen = 0;
    for (const Winner& claim : store_.claims_of(agent)) {
        moved = moved || moves_here(claim, attachment);
        seen = std::max(seen, claim.body.mobility);
        clock_.witness(claim.body.since, now_ms);
    }
    if (moved) {
        if (!moves_.note(agent, now_ms)) {
            return tl::unexpected(Refusal::frozen);
        }
        ++counts_.moved_here;
        seen += seen < std::numeric_limits<std::uint32_t>::max() ? 1 : 0;
    }
    body.mobility = std::max(seen, std::uint32_t{1});
    body.since = clock_.next(now_ms);
    return body;
}

void OwnClaims::drop_unused_set(std::uint64_t hash, std::uint64_t now_ms) {
    if (hash == 0 || store_.own_set_users(hash) > 0) {
        return;
    }
    Entry gone;
    gone.kind = RecordKind::capability_set;
    gone.gone = true;
    gone.key = set_key(hash);
    store_.write(std::move(gone), now_ms);
}

bool OwnClaims::detach(const routing::AgentId& agent, std::uint64_t now_ms) {
    const std::optional<Entry> before = store_.own(agent);
    if (!before || before->kind != RecordKind::claim) {
        return false;
    }
    Entry gone;
    gone.gone = true;
    gone.key = agent;
    store_.write(std::move(gone), now_ms);
    drop_unused_set(before->body.capabilities, now_ms);
    loads_.erase(agent);
    superseded_.erase(agent);
    ++counts_.detached;
    return true;
}

void OwnClaims::end_of_rib(std::uint64_t now_ms) {
    if (store_.own(end_key()) || store_.room() == 0) {
        return;  // without it, peers go by the time
    }
    Entry end;
    end.kind = RecordKind::end_of_rib;
    end.key = end_key();
    store_.write(std::move(end), now_ms);
}

void OwnClaims::set_load(const routing::AgentId& agent, routing::Load load) {
    const auto row = store_.row(store_.self());
    if (store_.set_load(store_.self(), row->at.generation, agent, load)) {
        loads_[agent] = load;
    }
}

std::vector<std::pair<routing::AgentId, routing::Load>> OwnClaims::take_loads(
    std::size_t loads_max) {
    std::vector<std::pair<routing::AgentId, routing::Load>> taken;
    while (!loads_.empty() && taken.size() < loads_max) {
        taken.emplace_back(*loads_.begin());
        loads_.erase(loads_.begin());
    }
    return taken;
}

bool OwnClaims::defend(const Position& seen, std::uint64_t nonce) {
    const Position at = store_.row(store_.self())->at;
    const Generation above = generation_above(seen.generation, nonce);
    if (seen <= at || above <= at.generation) {
        return false;
    }
    store_.renew(above);
    ++counts_.renewals;
    return true;
}

bool OwnClaims::is_superseded(const routing::AgentId& agent) const {
    const auto own = store_.own(agent);
    const auto best = store_.best(agent);
    return own && own->kind == RecordKind::claim && best && best->router != store_.self() &&
           !(best->body.multi && own->body.multi);
}

void OwnClaims::note_changes(std::span<const routing::AgentId> agents, std::uint64_t now_ms) {
    for (const routing::AgentId& agent : agents) {
        if (store_.contested(agent) && is_superseded(agent)) {
            const std::uint64_t due_ms = now_ms + options_.grace_ms;
            if (superseded_.emplace(agent, due_ms).second) {
                superseded_due_.emplace_back(due_ms, agent);
            }
        } else if (!superseded_.empty()) {
            superseded_.erase(agent);
        }
    }
}

// Grace is the same for all: they come due in the order in which they were noted.
std::vector<routing::AgentId> OwnClaims::take_superseded(std::uint64_t now_ms) {
    std::vector<routing::AgentId> due;
    for (std::size_t seen = 0;
         seen < kDueAtOnce && !superseded_due_.empty() && superseded_due_.front().first <= now_ms;
         ++seen) {
        const auto [due_ms, agent] = superseded_due_.front();
        superseded_due_.pop_front();
        const auto found = superseded_.find(agent);
        if (found == superseded_.end() || found->second != due_ms) {
            continue;  // not any more, or noted anew
        }
        due.push_back(agent);
        found->second = now_ms + options_.grace_ms;  // once more, until it is detached
        superseded_due_.emplace_back(found->second, agent);
    }
    std::sort(due.begin(), due.end());
    counts_.superseded += due.size();
    return due;
}

void OwnClaims::collect(std::uint64_t now_ms) {
    store_.collect(now_ms < options_.withdrawn_ms ? 0 : now_ms - options_.withdrawn_ms,
                   options_.withdrawn_max,
                   kLookedAt);
}

}  // namespace posthaste::gossip::claims
