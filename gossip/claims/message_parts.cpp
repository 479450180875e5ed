// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/message_parts.h"

#include <limits>

namespace posthaste::gossip::claims {

namespace {

// The first byte of an entry: kind in bits 0 and 1, gone in bit 2, all else zero.
constexpr std::uint8_t kKindBits = 0x03;
constexpr std::uint8_t kGoneBit = 0x04;
constexpr std::size_t kEntryBytesMin = 18;

// And of a claim: state in bits 0 and 1.
constexpr std::uint8_t kStateBits = 0x03;
constexpr std::uint8_t kStickyBit = 0x04;
constexpr std::uint8_t kMultiBit = 0x08;

std::optional<Refusal> read_entry(OctetReader& in, std::uint64_t& last, Entry& entry) {
    const std::uint8_t head = in.u8();
    const std::uint64_t step = in.varint();
    entry.key = in.id();
    if ((head & ~(kKindBits | kGoneBit)) != 0 || (head & kKindBits) > 2 || !in.good()) {
        return Refusal::malformed;
    }
    if (step == 0 || step > std::numeric_limits<std::uint64_t>::max() - last) {
        return Refusal::out_of_order;
    }
    last += step;
    entry.version = last;
    entry.kind = static_cast<RecordKind>(head & kKindBits);
    entry.gone = (head & kGoneBit) != 0;
    if (!key_fits(entry.kind, entry.key)) {
        return Refusal::bad_key;
    }
    if (entry.gone || entry.kind == RecordKind::end_of_rib) {
        return std::nullopt;
    }
    if (entry.kind == RecordKind::claim) {
        read_claim(in, entry.body, entry.load);
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

void write(Octets& out, const Range& range) {
    out.u64(number(range.router));
    out.u64(range.from);
    write(out, range.to);
    out.u64(range.floor);
    out.u64(range.fingerprint);
}

void write_claim(Octets& out, const ClaimBody& body, routing::Load load) {
    out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(body.state) |
                                     (body.sticky ? kStickyBit : 0) |
                                     (body.multi ? kMultiBit : 0)));
    out.varint(body.epoch);
    out.varint(body.mobility);
    out.u64(body.since);
    out.u64(body.capabilities);
    out.varint(load.per_mille);
    out.varint(load.queue_depth);
}

void read_claim(OctetReader& in, ClaimBody& body, routing::Load& load) {
    const std::uint8_t head = in.u8();
    body.state = static_cast<routing::AgentState>(head & kStateBits);
    body.sticky = (head & kStickyBit) != 0;
    body.multi = (head & kMultiBit) != 0;
    body.epoch = in.varint32();
    body.mobility = in.varint32();
    body.since = in.u64();
    body.capabilities = in.u64();
    const std::uint32_t per_mille = in.varint32();
    const std::uint32_t queue_depth = in.varint32();
    if ((head & kStateBits) == 0 || (head & ~(kStateBits | kStickyBit | kMultiBit)) != 0 ||
        per_mille > routing::kLoadMax || queue_depth > 0xffff) {
        in.fail();
        return;
    }
    load = {static_cast<std::uint16_t>(per_mille), static_cast<std::uint16_t>(queue_depth)};
}

void write_entries(Octets& out, std::span<const Entry> entries) {
    out.u32(static_cast<std::uint32_t>(entries.size()));
    std::uint64_t last = 0;
    for (const Entry& entry : entries) {
        out.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(entry.kind) |
                                         (entry.gone ? kGoneBit : 0)));
        out.varint(entry.version - last);
        last = entry.version;
        out.id(entry.key);
        if (entry.gone) {
            continue;
        }
        if (entry.kind == RecordKind::claim) {
            write_claim(out, entry.body, entry.load);
        } else if (entry.kind == RecordKind::capability_set) {
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

Range read_range(OctetReader& in) {
    Range range;
    range.router = read_router(in);
    range.from = in.u64();
    range.to = read_position(in);
    range.floor = in.u64();
    range.fingerprint = in.u64();
    return range;
}

std::optional<Refusal> read_entries(OctetReader& in, std::vector<Entry>& entries) {
    const std::uint32_t count = in.u32();
    if (count > in.left() / kEntryBytesMin) {
        in.fail();
        return Refusal::truncated;
    }
    entries.resize(count);
    std::uint64_t last = 0;
    for (Entry& entry : entries) {
        if (const auto why = read_entry(in, last, entry)) {
            in.fail();
            return why;
        }
    }
    return std::nullopt;
}

}  // namespace posthaste::gossip::claims
