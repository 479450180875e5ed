// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of datagrams, streams and time into Membership.
//
// Input: records of one byte (bits 0-2: what; 3: the stream ends behind it), a length in two bytes,
// that many bytes. Holds: the table keeps its bound and has us, alive and with a name, in it;
// nothing sent is longer than it may be; streams keep their bound; after a turn nothing is due that
// was not done.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <string>

#include "gossip/membership/membership.h"
#include "gossip/membership/message.h"
#include "routing/check.h"

namespace {

using namespace posthaste::gossip;
using namespace posthaste::gossip::membership;

constexpr std::size_t kMembersMax = 8;
constexpr std::size_t kStreamsMax = 4;
constexpr std::size_t kDatagramMax = 10'000;
constexpr std::size_t kRecordHead = 3;

SocketAddress address(std::uint16_t port) {
    SocketAddress at{.port = port};
    at.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    return at;
}

MembershipOptions options() {
    MembershipOptions wanted{.name = "us", .address = address(7946)};
    wanted.seeds = {address(7947)};
    wanted.limits.members_max = kMembersMax;
    wanted.limits.streams_max = kStreamsMax;
    wanted.limits.broadcasts_max = 16;
    return wanted;
}

class Scene {
  public:
    Scene() : membership_(options(), seal::Keyring(), 1, now_ms_) {}

    void play(std::uint8_t control, std::span<const std::uint8_t> bytes) {
        switch (control & 7) {
            case 0:
                membership_.on_datagram(address(7950), bytes, now_ms_);
                break;
            case 1:
                membership_.on_accept(++accepted_, address(7951), now_ms_);
                open_.insert(accepted_);
                deliver(accepted_, control, bytes);
                break;
            case 2:
                if (!open_.empty()) {
                    const StreamId stream = *open_.begin();
                    membership_.on_connected(stream);
                    deliver(stream, control, bytes);
                }
                break;
            case 3:
                now_ms_ += bytes.size() * 16;
                membership_.on_timer(now_ms_);
                CHECK(membership_.next_due_ms() > now_ms_);
                break;
            case 4: {
                const SocketAddress seed = address(static_cast<std::uint16_t>(bytes.size()));
                membership_.join(std::span(&seed, 1), now_ms_);
                break;
            }
            case 5:
                membership_.leave(now_ms_);
                break;
            case 6:
                static_cast<void>(
                    membership_.set_tags({{"tag", std::string(bytes.begin(), bytes.end())}}));
                break;
            default:
                static_cast<void>(membership_.force_leave(
                    std::string(bytes.begin(), bytes.end()), (control & 8) != 0, now_ms_));
                break;
        }
        check();
    }

  private:
    void deliver(StreamId stream, std::uint8_t control, std::span<const std::uint8_t> bytes) {
        membership_.on_bytes(stream, bytes, now_ms_);
        if ((control & 8) != 0) {
            membership_.on_end(stream);
            open_.erase(stream);
        }
    }

    void check() {
        const Output output = membership_.take_output();
        for (const DatagramOut& datagram : output.datagrams) {
            CHECK(!datagram.bytes.empty() && datagram.bytes.size() <= kDatagramMax);
        }
        for (const StreamOut& out : output.streams) {
            if (out.kind == StreamOut::Kind::connect) {
                open_.insert(out.stream);
            } else if (out.kind == StreamOut::Kind::close) {
                open_.erase(out.stream);
            }
        }
        CHECK(open_.size() <= kStreamsMax);
        const auto members = membership_.members();
        CHECK(!members.empty() && members.size() <= kMembersMax);
        CHECK(membership_.alive_count() <= members.size());
        CHECK(std::ranges::count(members, true, &MemberView::self) == 1);
        for (const MemberView& member : members) {
            CHECK(!member.name.empty() && member.name.size() <= kNameBytesMax);
            if (member.self) {
                CHECK(member.name == "us" && member.address == address(7946));
                CHECK(member.status == MemberStatus::alive || membership_.leaving());
            }
        }
        static_cast<void>(membership_.take_events());
    }

    std::uint64_t now_ms_ = 1'000;
    Membership membership_;
    StreamId accepted_ = kAcceptedStreams;
    std::set<StreamId> open_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Scene scene;
    std::span<const std::uint8_t> rest(data, size);
    while (rest.size() >= kRecordHead) {
        const std::size_t length = std::min<std::size_t>(
            static_cast<std::size_t>(rest[1]) << 8 | rest[2], rest.size() - kRecordHead);
        scene.play(rest[0], rest.subspan(kRecordHead, length));
        rest = rest.subspan(kRecordHead + length);
    }
    return 0;
}
