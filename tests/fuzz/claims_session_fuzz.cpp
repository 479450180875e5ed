// SPDX-License-Identifier: BSD-3-Clause
// A route plane whose two peers say anything: well-formed messages with fields out of the input, in
// any order, and bytes as they are.
//
// Input: a byte that chooses, then what it takes. Holds: nobody but we changes our keyspace;
// fingerprints are those of the records, positions of others never go back in a life of their
// keyspace; who wins is what changes have told; everything is given back at the end.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <vector>

#include "gossip/claims/route_plane.h"
#include "routing/capability_name.h"
#include "routing/check.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"
#include "tests/support/store_damage.h"

namespace {

using namespace posthaste;
using namespace posthaste::gossip::claims;

constexpr std::uint32_t kAgents = 4;
constexpr std::size_t kRecordsMax = 64;
constexpr unsigned kAttach = 4;
constexpr unsigned kDetach = 5;

// Values out of the input; zeros when it is at its end.
class Input {
  public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool more() const { return !bytes_.empty(); }

    [[nodiscard]] std::uint8_t byte() {
        if (bytes_.empty()) {
            return 0;
        }
        const std::uint8_t byte = bytes_[0];
        bytes_ = bytes_.subspan(1);
        return byte;
    }

    [[nodiscard]] std::uint32_t below(std::uint32_t count) { return byte() % count; }

    // Mostly small, sometimes as large as can be.
    [[nodiscard]] std::uint64_t number() {
        const std::uint8_t value = byte();
        return value < 250 ? value : ~std::uint64_t{0} - (value - 250U);
    }

    [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t count) {
        const auto taken = bytes_.first(std::min(count, bytes_.size()));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }

  private:
    std::span<const std::uint8_t> bytes_;
};

class Scene {
  public:
    explicit Scene(Input& input) : in_(input), plane_(options(), RouterId{1}, {1, 77}, 5, key()) {
        for (const ConnectionId link : {1U, 2U}) {
            connect(link);
        }
        attach(0);
        check_own(kAttach);
    }

    void act() {
        const std::uint8_t what = in_.byte();
        const ConnectionId link = 1U + (what >> 7U);
        switch (what & 0x0fU) {
            case 0:
                plane_.receive(link, in_.bytes(in_.byte()), now_ms_);
                break;
            case 1:
                now_ms_ += in_.number() % 3'000;
                plane_.on_timer(now_ms_);
                break;
            case 2:
                plane_.disconnect(link, now_ms_);
                connect(link);
                break;
            case 3:
                plane_.set_member(RouterId{1U + in_.below(5)},
                                  static_cast<Membership>(in_.below(3)));
                break;
            case kAttach:
                attach(in_.below(kAgents));
                break;
            case kDetach:
                plane_.own().detach(support::numbered_id(in_.below(kAgents)), now_ms_);
                break;
            case 6:
                if ((what & 0x40U) != 0) {
                    ask_and_answer();
                } else {
                    plane_.discover(support::numbered_id(in_.below(kAgents)));
                }
                break;
            default:
                say(link, message());
                break;
        }
        static_cast<void>(plane_.take_output(link, 1'000, now_ms_));
        check_own(what & 0x0fU);
        check();
    }

    void end() {
        for (const ConnectionId link : {1U, 2U}) {
            plane_.disconnect(link, now_ms_);
        }
        CHECK(plane_.sessions() == 0);
        for (std::uint64_t router = 2; router < 8; ++router) {
            plane_.set_member(RouterId{router}, Membership::forgotten);
        }
        for (int i = 0; i < 100; ++i) {
            now_ms_ += 1'000;
            plane_.on_timer(now_ms_);
        }
        check();
        CHECK(plane_.store().table().used() ==
              plane_.store().keyspace(RouterId{1})->records + others());
    }

  private:
    static PlaneOptions options() {
        PlaneOptions options;
        options.store.limits.records_max = kRecordsMax;
        options.store.limits.origins_max = 4;
        options.store.limits.sets.sets_max = 8;
        options.store.limits.provisional_max = 4;
        options.store.limits.graves_max = 2;
        options.own.moves.agents_max = 2;
        options.own.withdrawn_max = 3;
        options.chunk_entries = 2;
        options.out_max = 64 * 1'024;
        options.events_max = 16;
        options.asked_max = 3;
        options.questions_max = 2;
        return options;
    }

    static routing::KeyHash::Key key() { return support::hash_key(3); }

    // Of routers whose ids are not among those forgotten at the end.
    std::uint32_t others() const {
        std::uint32_t records = 0;
        for (const DigestRow& row : plane_.store().rows()) {
            records += row.router == RouterId{1} ? 0 : plane_.store().keyspace(row.router)->records;
        }
        return records;
    }

    void connect(ConnectionId link) {
        CHECK(plane_.connect(link, link == 1, std::nullopt, now_ms_).has_value());
        say(link, Hello{RouterId{link + 1}});
    }

    void say(ConnectionId link, const Message& message) {
        plane_.receive(link, encode(message, cluster_hash("posthaste")), now_ms_);
    }

    void attach(std::uint32_t agent) {
        Attachment attachment;
        attachment.new_session = in_.below(2) == 1;
        attachment.multi = agent == 0;
        if (in_.below(2) == 1) {
            attachment.offers.push_back(*routing::offer_from_text("a/b"));
        }
        static_cast<void>(plane_.own().attach(support::numbered_id(agent), attachment, now_ms_));
    }

    // About a capability; and what the peers asked about any, our agents have it.
    void ask_and_answer() {
        plane_.discover(key_);
        for (const ProviderQuestion& question : plane_.take_questions(in_.below(4))) {
            std::vector<routing::AgentId> agents;
            for (std::uint32_t agent = 0; agent < kAgents; ++agent) {
                agents.push_back(support::numbered_id(agent));
            }
            plane_.answer(question, agents);
        }
    }

    RouterId router() { return RouterId{in_.below(6)}; }

    Generation generation() { return {in_.number(), in_.below(2) == 1 ? 77U : in_.number()}; }

    Position position() { return {generation(), in_.number()}; }

    DigestRow row() { return {router(), position(), in_.number(), in_.number()}; }

    std::vector<Entry> entries(std::uint64_t from) {
        std::vector<Entry> made(in_.below(4));
        std::string text = set_text(std::vector{*routing::offer_from_text("c/d")});
        for (Entry& entry : made) {
            const std::uint8_t how = in_.byte();
            from += 1U + in_.below(3);  // never back: encode() is for versions that ascend
            entry.version = from;
            entry.kind = static_cast<RecordKind>(how % 3);
            entry.gone = (how & 0x10U) != 0;
            entry.body.multi = (how & 0x20U) != 0;
            entry.body.mobility = static_cast<std::uint32_t>(in_.number());
            entry.key = support::numbered_id(in_.below(kAgents));
            const std::uint64_t hash = plane_.store().sets().hash_of(text);
            if (entry.kind == RecordKind::capability_set) {
                entry.set = text;
                entry.key = set_key(hash);
            } else if (entry.kind == RecordKind::end_of_rib) {
                entry.key = end_key();
            } else if ((how & 0x40U) != 0) {
                entry.body.capabilities = hash;
            }
        }
        return made;
    }

    Message message() {
        const std::uint8_t which = in_.byte();
        switch (which % 16) {
            case 0:
                return DigestRoot{in_.number()};
            case 1:
                return DigestRows{in_.below(2) == 1, in_.below(2) == 1, {row(), row()}};
            case 2:
                return Pull{in_.below(8), router(), generation(), in_.number()};
            case 3:
                return RangeBegin{in_.below(8), router(), generation(), in_.number()};
            case 4:
            case 5:
                return RangeChunk{in_.below(8), in_.below(4), entries(in_.below(8))};
            case 6: {
                // Often what was sent, so that some ranges are taken.
                RangeCommit commit{in_.below(8), in_.below(4), in_.below(8), 0, 0, 0};
                commit.to = in_.number();
                commit.floor = in_.below(2) == 1 ? in_.number() : 0;
                commit.fingerprint = in_.number();
                return commit;
            }
            case 7:
                return RangeAbort{in_.below(8), in_.below(2) == 1, Refusal::range_aborted};
            case 8:
            case 9: {
                const auto held = plane_.store().row(RouterId{2});
                Push push{.life = held ? tag_of(held->at.generation) : in_.byte(),
                          .from = in_.below(2) == 1 && held ? held->at.version : in_.below(200),
                          .to = 0,
                          .fingerprint = in_.byte(),
                          .entries = {}};
                push.entries = entries(push.from);
                push.to = push.entries.empty() ? push.from + in_.below(3)
                                               : push.entries.back().version + in_.below(2);
                return push;
            }
            case 10:
                return Superseded{support::numbered_id(in_.below(kAgents)), router(), position()};
            case 11:
                return NotHere{support::numbered_id(in_.below(kAgents)), router(), position()};
            case 12: {
                Discovered answer{.agent = support::numbered_id(in_.below(kAgents)), .found = true};
                answer.router = router();
                answer.at = position();
                return answer;
            }
            case 13:
                return VersionMismatch{row()};
            case 14:
                if (which < 128) {
                    return RowsAsk{};
                }
                if (which < 192) {
                    return Discover{key_};
                }
                return Providers{key_, generation(), entries(in_.below(8))};
            default: {
                const std::uint8_t what = in_.byte();
                const Position at = what % 2 == 0 ? position() : held_position();
                if (what < 128) {
                    return BucketAsk{RouterId{2}, at, in_.byte()};
                }
                Buckets buckets{RouterId{2}, at, {}};
                buckets.sums[in_.byte()] = in_.number();
                return buckets;
            }
        }
    }

    Position held_position() {
        const auto held = plane_.store().row(RouterId{2});
        return held ? held->at : Position{};
    }

    // Others may make us begin a new life with what we have, but change none of it.
    void check_own(unsigned what) {
        std::map<routing::AgentId, ClaimBody> claims;
        plane_.store().for_each_claim(
            RouterId{1}, [&claims](const Entry& entry) { claims.emplace(entry.key, entry.body); });
        const DigestRow row = *plane_.store().row(RouterId{1});
        CHECK(row.at >= mine_.at);
        if (what != kAttach && what != kDetach) {
            CHECK(row.at.version == mine_.at.version && claims == claims_);
        }
        claims_ = std::move(claims);
        mine_ = row;
    }

    void check() {
        const ClaimStore& store = plane_.store();
        CHECK(store.table().used() <= kRecordsMax);
        std::uint64_t root = 0;
        for (const DigestRow& row : store.rows()) {
            CHECK(StoreDamage::is_whole(store, row.router));
            CHECK(row.floor <= row.at.version);
            ++root;
        }
        CHECK(root <= store.options().limits.origins_max);
        CHECK(store.provisional() <= store.options().limits.provisional_max);
        // Slices are done by timers; what was not told yet may differ.
        for (const routing::AgentId& agent : plane_.take_changes()) {
            static_cast<void>(store.best(agent));
        }
        static_cast<void>(plane_.take_load_changes());
        if (plane_.next_due_ms() == 0) {
            return;
        }
        static_cast<void>(plane_.take_events());
    }

    Input& in_;
    const routing::AgentId key_ = routing::capability_key(routing::capability_id("c/d"));
    std::uint64_t now_ms_ = 1'000'000;
    RoutePlane plane_;
    DigestRow mine_{};
    std::map<routing::AgentId, ClaimBody> claims_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input({data, size});
    Scene scene(input);
    for (int acts = 0; input.more() && acts < 400; ++acts) {
        scene.act();
    }
    scene.end();
    return 0;
}
