// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "gossip/claims/message_parts.h"
#include "routing/capability_name.h"

namespace posthaste::gossip::claims {

namespace {

using Decoded = tl::expected<Message, Refusal>;

constexpr std::size_t kRowBytes = 48;
constexpr std::size_t kLoadBytes = 20;
constexpr std::size_t kBucketEntryBytes = 32;

// How many there are; none if they cannot fit.
std::uint32_t read_count(OctetReader& in, std::size_t bytes_each) {
    const std::uint32_t count = in.u32();
    if (count > in.left() / bytes_each) {
        in.fail();
        return 0;
    }
    return count;
}

bool read_flag(OctetReader& in) {
    const std::uint8_t flag = in.u8();
    if (flag > 1) {
        in.fail();
    }
    return flag == 1;
}

// Version and cluster are FrameReader's.
Decoded read_hello(OctetReader& in) {
    static_cast<void>(in.u8());
    static_cast<void>(in.u32());
    return Hello{read_router(in)};
}

Decoded read_rows(OctetReader& in) {
    const std::uint8_t flags = in.u8();
    if (flags > 3) {
        in.fail();
    }
    DigestRows digest{.all = (flags & 1U) != 0, .answer = (flags & 2U) != 0, .rows = {}};
    digest.rows.resize(read_count(in, kRowBytes));
    for (DigestRow& row : digest.rows) {
        row = read_row(in);
    }
    return digest;
}

template <typename Head>
Head read_head(OctetReader& in) {
    Head head;
    head.id = in.u32();
    head.router = read_router(in);
    head.generation = read_generation(in);
    head.from = in.u64();
    return head;
}

Decoded read_chunk(OctetReader& in) {
    RangeChunk chunk;
    chunk.id = in.u32();
    chunk.sequence = in.u32();
    if (const auto why = read_entries(in, 0, chunk.entries)) {
        return tl::unexpected(*why);
    }
    return chunk;
}

Decoded read_commit(OctetReader& in) {
    RangeCommit commit;
    commit.id = in.u32();
    commit.chunks = in.u32();
    commit.entries = in.u64();
    commit.to = in.u64();
    commit.floor = in.u64();
    commit.fingerprint = in.u64();
    return commit;
}

Decoded read_abort(OctetReader& in) {
    RangeAbort abort;
    abort.id = in.u32();
    abort.by_sender = read_flag(in);
    const std::uint8_t why = in.u8();
    abort.why = why < kRefusals ? static_cast<Refusal>(why) : Refusal::range_aborted;
    return abort;
}

Decoded read_push(OctetReader& in) {
    Push push;
    push.life = in.u32();
    push.to = in.varint();
    const std::uint64_t step = in.varint();
    push.fingerprint = in.u32();
    if (step > push.to) {
        in.fail();
    }
    push.from = push.to - std::min(step, push.to);
    if (const auto why = read_entries(in, push.from, push.entries)) {
        return tl::unexpected(*why);
    }
    return push;
}

Decoded read_loads(OctetReader& in) {
    LoadUpdate update;
    update.generation = read_generation(in);
    update.loads.resize(read_count(in, kLoadBytes));
    for (auto& [agent, load] : update.loads) {
        agent = in.id();
        load.per_mille = in.u16();
        load.queue_depth = in.u16();
        if (load.per_mille > routing::kLoadMax) {
            in.fail();
        }
    }
    return update;
}

template <typename Hint>
Decoded read_hint(OctetReader& in, RouterId Hint::*router) {
    Hint hint;
    hint.agent = in.id();
    hint.*router = read_router(in);
    hint.at = read_position(in);
    return hint;
}

Decoded read_discovered(OctetReader& in) {
    Discovered answer;
    answer.agent = in.id();
    answer.found = read_flag(in);
    if (answer.found) {
        answer.router = read_router(in);
        answer.at = read_position(in);
        ClaimContext context;
        read_claim(in, context, answer.body, answer.load);
        answer.set = in.text(in.u16());
        if (in.good() && !offers_of(answer.set)) {
            return tl::unexpected(Refusal::bad_set);
        }
    }
    return answer;
}

template <typename Place>
Place read_place(OctetReader& in) {
    Place place;
    place.router = read_router(in);
    place.at = read_position(in);
    return place;
}

Decoded read_buckets(OctetReader& in) {
    auto answer = read_place<Buckets>(in);
    for (std::uint64_t& sum : answer.sums) {
        sum = in.u64();
    }
    return answer;
}

Decoded read_bucket_entries(OctetReader& in) {
    auto answer = read_place<BucketEntries>(in);
    answer.bucket = in.u8();
    answer.entries.resize(read_count(in, kBucketEntryBytes));
    for (ClaimStore::BucketEntry& entry : answer.entries) {
        entry.key = in.id();
        entry.version = in.u64();
        entry.hash = in.u64();
    }
    return answer;
}

Decoded read_providers(OctetReader& in) {
    Providers answer;
    answer.key = in.id();
    answer.generation = read_generation(in);
    if (in.good() && !routing::is_capability_key(answer.key)) {
        return tl::unexpected(Refusal::bad_key);
    }
    if (const auto why = read_entries(in, 0, answer.entries)) {
        return tl::unexpected(*why);
    }
    return answer;
}

Decoded read_body(MessageKind kind, OctetReader& in) {
    switch (kind) {
        case MessageKind::hello:
            return read_hello(in);
        case MessageKind::digest_root:
            return DigestRoot{in.u64()};
        case MessageKind::digest_rows:
            return read_rows(in);
        case MessageKind::pull:
            return read_head<Pull>(in);
        case MessageKind::range_begin:
            return read_head<RangeBegin>(in);
        case MessageKind::range_chunk:
            return read_chunk(in);
        case MessageKind::range_commit:
            return read_commit(in);
        case MessageKind::range_abort:
            return read_abort(in);
        case MessageKind::push:
            return read_push(in);
        case MessageKind::load:
            return read_loads(in);
        case MessageKind::version_mismatch:
            return VersionMismatch{read_row(in)};
        case MessageKind::superseded:
            return read_hint<Superseded>(in, &Superseded::winner);
        case MessageKind::not_here:
            return read_hint<NotHere>(in, &NotHere::holder);
        case MessageKind::discover:
            return Discover{in.id()};
        case MessageKind::discovered:
            return read_discovered(in);
        case MessageKind::buckets_ask:
            return read_place<BucketsAsk>(in);
        case MessageKind::buckets:
            return read_buckets(in);
        case MessageKind::bucket_ask: {
            auto request = read_place<BucketAsk>(in);
            request.bucket = in.u8();
            return request;
        }
        case MessageKind::bucket_entries:
            return read_bucket_entries(in);
        case MessageKind::rows_ask:
            return RowsAsk{};
        case MessageKind::providers:
            return read_providers(in);
    }
    return tl::unexpected(Refusal::unknown_message);
}

}  // namespace

tl::expected<Message, Refusal> decode(std::uint8_t kind, std::span<const std::uint8_t> body) {
    OctetReader in(body);
    auto message = read_body(static_cast<MessageKind>(kind), in);
    if (!message) {
        return message;
    }
    if (!in.good()) {
        return tl::unexpected(in.left() == 0 ? Refusal::truncated : Refusal::malformed);
    }
    if (in.left() != 0) {
        return tl::unexpected(Refusal::trailing_bytes);
    }
    return message;
}

}  // namespace posthaste::gossip::claims
