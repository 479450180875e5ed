// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/message_parts.h"

#include <algorithm>
#include <limits>

namespace posthaste::gossip::claims {

namespace {

// The first byte of an entry: kind in bits 0 and 1, gone in bit 2. Of a claim, also state in bits 3
// and 4, sticky, multi, and whether epoch, mobility and load follow; else they are 0, 1 and none.
constexpr std::uint8_t kKindBits = 0x03;
constexpr std::uint8_t kGoneBit = 0x04;
constexpr unsigned kStateShift = 3;
constexpr std::uint8_t kStickyBit = 0x20;
constexpr std::uint8_t kMultiBit = 0x40;
constexpr std::uint8_t kMoreBit = 0x80;
constexpr std::uint8_t kClaimBits = 0xf8;
constexpr std::size_t kEntryBytesMin = 18;

// How capabilities are told: not any, here in full, or as the n-th that was told in full.
constexpr std::uint8_t kNoSet = 0;
constexpr std::uint8_t kNewSet = 1;
constexpr std::uint8_t kFirstTold = 2;

std::uint64_t zigzag(std::uint64_t step) {
    return step << 1U ^ (std::uint64_t{0} - (step >> 63U));
}

std::uint64_t unzigzag(std::uint64_t coded) {
    return coded >> 1U ^ (std::uint64_t{0} - (coded & 1U));
}

std::uint8_t claim_head(const ClaimBody& body, routing::Load load) {
    const bool more =
        body.epoch != 0 || body.mobility != 1 || load.per_mille != 0 || load.queue_depth != 0;
    return static_cast<std::uint8_t>(static_cast<unsigned>(body.state) << kStateShift |
                                     (body.sticky ? kStickyBit : 0U) |
                                     (body.multi ? kMultiBit : 0U) | (more ? kMoreBit : 0U));
}

void write_capabilities(Octets& out, ClaimContext& context, std::uint64_t hash) {
    const std::size_t known = std::min(context.told, context.capabilities.size());
    const auto end = context.capabilities.cbegin() + static_cast<std::ptrdiff_t>(known);
    const auto found = std::find(context.capabilities.cbegin(), end, hash);
    if (hash == 0) {
        out.u8(kNoSet);
    } else if (found != end) {
        out.u8(static_cast<std::uint8_t>(kFirstTold + (found - context.capabilities.cbegin())));
    } else {
        out.u8(kNewSet);
        out.u64(hash);
        context.capabilities[context.told++ % context.capabilities.size()] = hash;
    }
}

std::uint64_t read_capabilities(OctetReader& in, ClaimContext& context) {
    const std::uint8_t how = in.u8();
    if (how == kNoSet) {
        return 0;
    }
    if (how == kNewSet) {
        const std::uint64_t hash = in.u64();
        context.capabilities[context.told++ % context.capabilities.size()] = hash;
        return hash;
    }
    const std::size_t place = how - std::size_t{kFirstTold};
    if (place >= std::min(context.told, context.capabilities.size())) {
        in.fail();
        return 0;
    }
    return context.capabilities[place];
}

void write_body(Octets& out, ClaimContext& context, const ClaimBody& body, routing::Load load) {
    const std::uint64_t since_ms = body.since >> 16U;
    out.varint(zigzag(since_ms - context.since_ms));
    out.varint(body.since & 0xffffU);
    context.since_ms = since_ms;
    write_capabilities(out, context, body.capabilities);
    if ((claim_head(body, load) & kMoreBit) != 0) {
        out.varint(body.epoch);
        out.varint(body.mobility);
        out.varint(load.per_mille);
        out.varint(load.queue_depth);
    }
}

void read_body(OctetReader& in,
               ClaimContext& context,
               std::uint8_t head,
               ClaimBody& body,
               routing::Load& load) {
    const unsigned state = head >> kStateShift & 3U;
    body.state = static_cast<routing::AgentState>(state);
    body.sticky = (head & kStickyBit) != 0;
    body.multi = (head & kMultiBit) != 0;
    const std::uint64_t since_ms = context.since_ms + unzigzag(in.varint());
    const std::uint64_t counter = in.varint();
    body.since = since_ms << 16U | counter;
    context.since_ms = since_ms;
    body.capabilities = read_capabilities(in, context);
    body.mobility = 1;
    if ((head & kMoreBit) != 0) {
        body.epoch = in.varint32();
        body.mobility = in.varint32();
        const std::uint32_t per_mille = in.varint32();
        const std::uint32_t queue_depth = in.varint32();
        if (per_mille > routing::kLoadMax || queue_depth > 0xffff) {
            in.fail();
        }
        load = {static_cast<std::uint16_t>(per_mille), static_cast<std::uint16_t>(queue_depth)};
    }
    if (state == 0 || counter > 0xffff || since_ms >> 48U != 0) {
        in.fail();
    }
}

std::optional<Refusal> read_entry(OctetReader& in,
                                  ClaimContext& context,
                                  std::uint64_t& last,
                                  Entry& entry) {
    const std::uint8_t head = in.u8();
    const std::uint64_t step = in.varint();
    entry.key = in.id();
    entry.kind = static_cast<RecordKind>(head & kKindBits);
    entry.gone = (head & kGoneBit) != 0;
    const bool whole_claim = entry.kind == RecordKind::claim && !entry.gone;
    if ((!whole_claim && (head & kClaimBits) != 0) || (head & kKindBits) > 2 || !in.good()) {
        return Refusal::malformed;
    }
    if (step == 0 || step > std::numeric_limits<std::uint64_t>::max() - last) {
        return Refusal::out_of_order;
    }
    last += step;
    entry.version = last;
    if (!key_fits(entry.kind, entry.key)) {
        return Refusal::bad_key;
    }
    if (entry.gone || entry.kind == RecordKind::end_of_rib) {
        return std::nullopt;
    }
    if (entry.kind == RecordKind::claim) {
        read_body(in, context, head, entry.body, entry.load);
    } else {
        entry.set = in.text(in.u16());
        if (in.good() && (entry.set.empty() || !offers_of(entry.set))) {
            return Refusal::bad_set;
        }
    }
    return in.good() ? std::nullopt : std::optional(Refusal::malformed);
}

}  // namespace

void write(Octets& out, const Generation& generation) {
    out.u64(generation.counter);
    out.u64(generation.boot);
}

void write(Octets& out, const Position& at) {
    write(out, at.generation);
    out.u64(at.version);
}

void write(Octets& out, const DigestRow& row) {
    out.u64(number(row.router));
    write(out, row.at);
    out.u64(row.floor);
    out.u64(row.fingerprint);
}

void write_claim(Octets& out, ClaimContext& context, const ClaimBody& body, routing::Load load) {
    out.u8(claim_head(body, load));
    write_body(out, context, body, load);
}

void read_claim(OctetReader& in, ClaimContext& context, ClaimBody& body, routing::Load& load) {
    const std::uint8_t head = in.u8();
    if ((head & ~kClaimBits) != 0) {
        in.fail();
    }
    read_body(in, context, head, body, load);
}

void write_entries(Octets& out, std::uint64_t from, std::span<const Entry> entries) {
    ClaimContext context;
    out.varint(entries.size());
    std::uint64_t last = from;
    for (const Entry& entry : entries) {
        const bool whole_claim = entry.kind == RecordKind::claim && !entry.gone;
        out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(entry.kind) |
                                         (entry.gone ? kGoneBit : 0) |
                                         (whole_claim ? claim_head(entry.body, entry.load) : 0)));
        out.varint(entry.version - last);
        last = entry.version;
        out.id(entry.key);
        if (whole_claim) {
            write_body(out, context, entry.body, entry.load);
        } else if (entry.kind == RecordKind::capability_set && !entry.gone) {
            out.u16(static_cast<std::uint16_t>(entry.set.size()));
            out.text(entry.set);
        }
    }
}

RouterId read_router(OctetReader& in) {
    return RouterId{in.u64()};
}

Generation read_generation(OctetReader& in) {
    Generation generation;
    generation.counter = in.u64();
    generation.boot = in.u64();
    return generation;
}

Position read_position(OctetReader& in) {
    Position at;
    at.generation = read_generation(in);
    at.version = in.u64();
    return at;
}

DigestRow read_row(OctetReader& in) {
    DigestRow row;
    row.router = read_router(in);
    row.at = read_position(in);
    row.floor = in.u64();
    row.fingerprint = in.u64();
    return row;
}

std::optional<Refusal> read_entries(OctetReader& in,
                                    std::uint64_t from,
                                    std::vector<Entry>& entries) {
    const std::uint64_t count = in.varint();
    if (count > in.left() / kEntryBytesMin) {
        in.fail();
        return Refusal::truncated;
    }
    if (count > kEntriesMax) {
        in.fail();
        return Refusal::oversize;
    }
    entries.resize(count);
    ClaimContext context;
    std::uint64_t last = from;
    for (Entry& entry : entries) {
        if (const auto why = read_entry(in, context, last, entry)) {
            in.fail();
            return why;
        }
    }
    return std::nullopt;
}

}  // namespace posthaste::gossip::claims
