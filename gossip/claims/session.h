// SPDX-License-Identifier: BSD-3-Clause
// Session: one connection to another router, whoever began it: bytes and time in, bytes out.
//
// Says who we are, compares digests, pulls what the peer has newer, serves what it pulls, and sends
// it what changes here. Ranges that come are kept aside until their commit; a session that ends
// takes them with it. What goes out is made as the transport takes it, so that a slow peer costs no
// more than out_low bytes and a place in each keyspace. Owned by RoutePlane; control thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gossip/claims/frame_reader.h"
#include "gossip/claims/plane_state.h"
#include "routing/token_bucket.h"

namespace posthaste::gossip::claims {

class Session {
  public:
    // `expected`: who must be there, where we know whom we called.
    Session(PlaneState& state,
            ConnectionId connection,
            bool initiated,
            std::optional<RouterId> expected);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    void on_connect(std::uint64_t now_ms);
    void on_bytes(std::span<const std::uint8_t> bytes, std::uint64_t now_ms);
    void on_disconnect(std::uint64_t now_ms);
    void on_timer(std::uint64_t now_ms);
    [[nodiscard]] std::vector<std::uint8_t> take_output(std::size_t bytes_max,
                                                        std::uint64_t now_ms);

    void send(const Message& message);
    void send_frame(MessageKind kind, std::span<const std::uint8_t> frame);
    void send_root();
    // Where rows are most likely on their way already, another root is left to the next digest.
    void send_root_again(std::uint64_t now_ms);
    // The peer answers with all its rows, whatever they are.
    void ask_rows();
    // A frame came from the peer for an agent, or to a capability, by its key, that is not here.
    // False: not told, too many were.
    bool tell_not_here(const routing::AgentId& agent);
    // See RoutePlane.
    void tell_providers(const routing::AgentId& key, std::span<const routing::AgentId> agents);
    // What of our keyspace changed since the last push, if the peer can take it; else, whether it
    // may forget more of what was withdrawn.
    void push();

    // Of a check that a session began, which may be gone.
    static void finish(PlaneState& state, const ClaimStore::Check& check, std::uint64_t now_ms);

    [[nodiscard]] ConnectionId connection() const noexcept { return connection_; }

    [[nodiscard]] bool established() const noexcept { return established_; }

    [[nodiscard]] RouterId peer() const noexcept { return peer_; }

    // Why the transport is to end the connection.
    [[nodiscard]] std::optional<Refusal> closed() const noexcept { return closed_; }

    [[nodiscard]] std::size_t waiting() const noexcept { return out_.size() - out_start_; }

    [[nodiscard]] std::size_t pulls() const noexcept { return pulls_.size(); }

    [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }

  private:
    // A range that we asked for.
    struct Pulling {
        std::uint32_t id = 0;
        RouterId router{};
        Generation generation;
        std::uint64_t from = 0;
        std::uint64_t heard_ms = 0;
        std::uint32_t attempt = 0;
        std::uint32_t chunks = 0;
        std::uint64_t count = 0;
        bool repair = false;
        bool begun = false;
        KeyspaceNumber staging = kNoKeyspace;  // of a snapshot
        std::vector<Entry> entries{};          // of any other
    };

    // A range that the peer asked for.
    struct Stream {
        std::uint32_t id = 0;
        RouterId router{};
        ClaimStore::ReaderNumber reader = 0;
        std::uint32_t chunks = 0;
        std::uint64_t count = 0;
    };

    // session.cpp
    void close(Refusal why);
    void end_all();
    void dispatch(const Message& message, std::uint64_t now_ms);
    void take(const Hello& hello, std::uint64_t now_ms);
    [[nodiscard]] bool take_over(Session& other);

    // session_digest.cpp
    void note_comparison(std::span<const DigestRow> ours,
                         std::span<const DigestRow> theirs,
                         std::uint64_t now_ms);
    void take(const DigestRoot& digest, std::uint64_t now_ms);
    void take(const DigestRows& digest, std::uint64_t now_ms);
    void take(const RowsAsk& request, std::uint64_t now_ms);
    void take(const VersionMismatch& mismatch, std::uint64_t now_ms);
    void take(const Superseded& hint, std::uint64_t now_ms);
    void take(const NotHere& hint, std::uint64_t now_ms);
    [[nodiscard]] bool consider(const DigestRow& row, bool urgent, std::uint64_t now_ms);
    [[nodiscard]] bool consider_own(const DigestRow& row);
    [[nodiscard]] bool may_wait(const DigestRow& row, const DigestRow& held, std::uint64_t now_ms);
    void pull(RouterId router, const Generation& generation, std::uint64_t now_ms, bool repair);
    void heard_of(RouterId router, const Position& at, std::uint64_t now_ms);

    // session_ranges.cpp
    void take(const RangeBegin& begin, std::uint64_t now_ms);
    void take(const RangeChunk& chunk, std::uint64_t now_ms);
    void take(const RangeCommit& commit, std::uint64_t now_ms);
    void take(const Push& push, std::uint64_t now_ms);
    void take_abort(const RangeAbort& abort, std::uint64_t now_ms);
    [[nodiscard]] std::vector<Pulling>::iterator find_pull(std::uint32_t id);
    void fail(std::vector<Pulling>::iterator pull, Refusal why, bool tell);
    void publish_part(Pulling& pull);
    [[nodiscard]] std::optional<Refusal> commit(Pulling& pull,
                                                const RangeCommit& commit,
                                                std::uint64_t now_ms);
    [[nodiscard]] std::optional<Refusal> settle(const UpdateResult& result,
                                                const Range& range,
                                                std::uint32_t fingerprint,
                                                std::uint64_t now_ms);
    void check_fingerprint(const Range& range, std::uint32_t fingerprint);

    // session_streams.cpp
    void take(const Pull& pull, std::uint64_t now_ms);
    void take(const RangeAbort& abort, std::uint64_t now_ms);
    void pump(std::uint64_t now_ms);
    [[nodiscard]] bool send_some(Stream& stream);
    void drop_stream(std::size_t place);
    void make_push(const DigestRow& row, PlaneState::PushFrame& made);

    // session_questions.cpp
    void take(const Discover& request, std::uint64_t now_ms);
    void take(const Discovered& answer, std::uint64_t now_ms);
    void take(const Providers& answer, std::uint64_t now_ms);

    // session_checks.cpp
    void take(const LoadUpdate& update, std::uint64_t now_ms);
    void take(const BucketsAsk& request, std::uint64_t now_ms);
    void take(const Buckets& answer, std::uint64_t now_ms);
    void take(const BucketAsk& request, std::uint64_t now_ms);
    void take(const BucketEntries& answer, std::uint64_t now_ms);
    void check_differing(const DigestRow& row);
    [[nodiscard]] bool check(PlaneState::CheckFor what,
                             RouterId router,
                             std::optional<std::uint8_t> bucket);
    void checked(const PlaneState::PendingCheck& pending,
                 const ClaimStore::Check& check,
                 const Position& at,
                 std::uint64_t now_ms);
    void begin_repair(RouterId router,
                      std::uint64_t differing,
                      std::uint8_t first,
                      std::uint64_t now_ms);

    PlaneState& state_;
    ConnectionId connection_;
    bool initiated_;
    bool established_ = false;
    bool rows_urgent_ = true;  // the next ones: no lag is too small to be pulled at once
    std::optional<RouterId> expected_;
    std::optional<Refusal> closed_;
    RouterId peer_{};
    std::uint64_t connected_ms_ = 0;
    FrameReader frames_;
    std::vector<std::uint8_t> out_;
    std::size_t out_start_ = 0;
    Position pushed_;  // what the peer has of our keyspace, or will pull
    std::uint64_t floor_told_ = 0;
    std::optional<ClaimStore::Check> suspect_;  // what we had of a bucket before its repair
    std::uint64_t next_check_ms_ = 0;           // not before, of what rows of this peer say
    std::uint64_t next_root_ms_ = 0;            // not before, unless its turn comes
    std::uint32_t next_pull_ = 1;
    std::vector<Pulling> pulls_;
    std::vector<Stream> streams_;
    std::size_t turn_ = 0;  // of the streams
    std::int64_t allowance_ = 0;
    std::uint64_t allowed_ms_ = 0;
    routing::TokenBucket discoveries_;
    routing::TokenBucket hints_;
};

}  // namespace posthaste::gossip::claims
