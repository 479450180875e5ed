// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/message.h"

#include <xxhash.h>

#include "gossip/claims/message_parts.h"
#include "routing/check.h"

namespace posthaste::gossip::claims {

namespace {

static_assert(kMessageNames.size() == std::variant_size_v<Message>);

class Writer {
  public:
    Writer(Octets& out, std::uint32_t cluster) : out_(out), cluster_(cluster) {}

    void operator()(const std::monostate&) { CHECK(false); }

    void operator()(const Hello& hello) {
        out_.u8(kRouteVersion);
        out_.u32(cluster_);
        out_.u64(number(hello.router));
    }

    void operator()(const DigestRoot& digest) { out_.u64(digest.root); }

    void operator()(const DigestRows& digest) {
        out_.u8(static_cast<std::uint8_t>((digest.all ? 1 : 0) | (digest.answer ? 2 : 0)));
        out_.u32(static_cast<std::uint32_t>(digest.rows.size()));
        for (const DigestRow& row : digest.rows) {
            write(out_, row);
        }
    }

    void operator()(const Pull& pull) { head(pull); }

    void operator()(const RangeBegin& begin) { head(begin); }

    void operator()(const RangeChunk& chunk) {
        out_.u32(chunk.id);
        out_.u32(chunk.sequence);
        write_entries(out_, 0, chunk.entries);
    }

    void operator()(const RangeCommit& commit) {
        out_.u32(commit.id);
        out_.u32(commit.chunks);
        out_.u64(commit.entries);
        out_.u64(commit.to);
        out_.u64(commit.floor);
        out_.u64(commit.fingerprint);
    }

    void operator()(const RangeAbort& abort) {
        out_.u32(abort.id);
        out_.u8(abort.by_sender ? 1 : 0);
        out_.u8(static_cast<std::uint8_t>(abort.why));
    }

    void operator()(const Push& push) {
        out_.u32(push.life);
        out_.varint(push.to);
        out_.varint(push.to - push.from);
        out_.u32(push.fingerprint);
        write_entries(out_, push.from, push.entries);
    }

    void operator()(const LoadUpdate& update) {
        write(out_, update.generation);
        out_.u32(static_cast<std::uint32_t>(update.loads.size()));
        for (const auto& [agent, load] : update.loads) {
            out_.id(agent);
            out_.u16(load.per_mille);
            out_.u16(load.queue_depth);
        }
    }

    void operator()(const VersionMismatch& mismatch) { write(out_, mismatch.row); }

    void operator()(const Superseded& hint) {
        out_.id(hint.agent);
        place(hint.winner, hint.at);
    }

    void operator()(const NotHere& hint) {
        out_.id(hint.agent);
        place(hint.holder, hint.at);
    }

    void operator()(const Discover& request) { out_.id(request.agent); }

    void operator()(const Discovered& answer) {
        out_.id(answer.agent);
        out_.u8(answer.found ? 1 : 0);
        if (answer.found) {
            place(answer.router, answer.at);
            ClaimContext context;
            write_claim(out_, context, answer.body, answer.load);
            out_.u16(static_cast<std::uint16_t>(answer.set.size()));
            out_.text(answer.set);
        }
    }

    void operator()(const BucketsAsk& request) { place(request.router, request.at); }

    void operator()(const Buckets& answer) {
        place(answer.router, answer.at);
        for (const std::uint64_t sum : answer.sums) {
            out_.u64(sum);
        }
    }

    void operator()(const BucketAsk& request) {
        place(request.router, request.at);
        out_.u8(request.bucket);
    }

    void operator()(const BucketEntries& answer) {
        place(answer.router, answer.at);
        out_.u8(answer.bucket);
        out_.u32(static_cast<std::uint32_t>(answer.entries.size()));
        for (const ClaimStore::BucketEntry& entry : answer.entries) {
            out_.id(entry.key);
            out_.u64(entry.version);
            out_.u64(entry.hash);
        }
    }

    void operator()(const RowsAsk& /*request*/) {}

    void operator()(const Providers& answer) {
        out_.id(answer.key);
        write(out_, answer.generation);
        write_entries(out_, 0, answer.entries);
    }

  private:
    template <typename Head>
    void head(const Head& head) {
        out_.u32(head.id);
        out_.u64(number(head.router));
        write(out_, head.generation);
        out_.u64(head.from);
    }

    void place(RouterId router, const Position& at) {
        out_.u64(number(router));
        write(out_, at);
    }

    Octets& out_;
    std::uint32_t cluster_;
};

}  // namespace

std::uint32_t cluster_hash(std::string_view name) noexcept {
    return static_cast<std::uint32_t>(XXH3_64bits(name.data(), name.size()));
}

std::uint32_t tag_of(const Generation& generation) noexcept {
    const std::uint64_t words[] = {generation.counter, generation.boot};
    return static_cast<std::uint32_t>(XXH3_64bits(words, sizeof words));
}

std::vector<std::uint8_t> encode(const Message& message, std::uint32_t cluster) {
    Octets out;
    out.u32(0);
    out.u8(static_cast<std::uint8_t>(kind_of(message)));
    std::visit(Writer(out, cluster), message);
    CHECK(out.size() <= kFrameBytesMax);
    out.set_u32(0, static_cast<std::uint32_t>(out.size() - 4));
    return out.take();
}

}  // namespace posthaste::gossip::claims
