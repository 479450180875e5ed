// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/member_streams.h"

#include <algorithm>

namespace posthaste::controlplane {

namespace {

using gossip::membership::kAcceptedStreams;
using gossip::membership::StreamId;
using gossip::membership::StreamOut;

constexpr unsigned kAcceptsPerTurn = 16;
constexpr unsigned kReadsPerTurn = 8;
constexpr std::size_t kReadBytes = 32 * 1'024;

Readiness name_of(StreamId number) {
    return {Watched::member_stream, number};
}

}  // namespace

MemberStreams::MemberStreams(Watch& watch,
                             gossip::membership::Membership& membership,
                             const routing::IpAddress& local)
    : watch_(watch), membership_(membership), local_(local), room_(kReadBytes) {}

StreamId MemberStreams::next_number() {
    do {
        next_ = next_ + 1 < kAcceptedStreams ? kAcceptedStreams : next_ + 1;
    } while (streams_.contains(next_));
    return next_;
}

bool MemberStreams::accepts_from(const SocketAddress& caller) const {
    std::size_t accepted = 0;
    std::size_t of_it = 0;
    for (const auto& [number, stream] : streams_) {
        if (stream.caller) {
            ++accepted;
            of_it += stream.caller->ip == caller.ip ? 1 : 0;
        }
    }
    return streams_.size() < kStreamsMax && accepted < kAcceptedMax && of_it < kAcceptedOfOneMax;
}

void MemberStreams::accept(const Descriptor& listener, std::uint64_t now_ms) {
    for (unsigned i = 0; i < kAcceptsPerTurn; ++i) {
        auto accepted = accept_one(listener);
        if (!accepted) {
            return;
        }
        if (!accepts_from(accepted->second)) {
            ++refused_;
            continue;
        }
        const StreamId number = next_number();
        Stream stream{.tcp = TcpStream(std::move(accepted->first), name_of(number), false),
                      .caller = accepted->second};
        if (!stream.tcp.watch(watch_)) {
            ++refused_;
            continue;
        }
        streams_.emplace(number, std::move(stream));
        membership_.on_accept(number, accepted->second, now_ms);
    }
}

bool MemberStreams::serve(StreamId number, const TurnBudget& budget, std::uint64_t now_ms) {
    const auto stream = streams_.find(number);
    if (stream == streams_.end()) {
        return false;
    }
    TcpStream& tcp = stream->second.tcp;
    if (tcp.connecting()) {
        if (!tcp.finish_connect(watch_)) {
            end(stream);
            return false;
        }
        membership_.on_connected(number);
    }
    if (!tcp.flush(watch_)) {
        end(stream);
        return false;
    }
    if (stream->second.closing) {
        close(stream, now_ms);
        return false;
    }
    for (unsigned i = 0; i < kReadsPerTurn; ++i) {
        std::size_t count = 0;
        switch (tcp.read(room_, count)) {
            case TcpStream::Read::nothing:
                return false;
            case TcpStream::Read::ended:
                end(stream);
                return false;
            case TcpStream::Read::bytes:
                membership_.on_bytes(number, std::span(room_).first(count), now_ms);
        }
        if (budget.spent()) {
            return true;
        }
    }
    return true;
}

void MemberStreams::apply(std::vector<StreamOut> wanted, std::uint64_t now_ms) {
    for (const StreamOut& step : wanted) {
        if (step.kind == StreamOut::Kind::connect) {
            connect(step);
            continue;
        }
        const auto stream = streams_.find(step.stream);
        if (stream == streams_.end() || stream->second.closing) {
            continue;  // it ended meanwhile, and membership knows
        }
        if (step.kind == StreamOut::Kind::write) {
            write(stream, step.bytes);
        } else {
            stream->second.closing = true;
            stream->second.until_ms = now_ms + kLingerMs;
            close(stream, now_ms);
        }
    }
}

void MemberStreams::connect(const StreamOut& wanted) {
    auto socket = streams_.size() < kStreamsMax ? begin_connect(local_, wanted.to) : std::nullopt;
    if (!socket) {
        membership_.on_end(wanted.stream);
        return;
    }
    Stream stream{.tcp = TcpStream(std::move(*socket), name_of(wanted.stream), true)};
    if (!stream.tcp.watch(watch_)) {
        membership_.on_end(wanted.stream);
        return;
    }
    streams_.insert_or_assign(wanted.stream, std::move(stream));
}

void MemberStreams::write(Streams::iterator stream, std::span<const std::uint8_t> bytes) {
    TcpStream& tcp = stream->second.tcp;
    if (tcp.waiting() + bytes.size() > kWaitingMax) {
        ++refused_;
        end(stream);
        return;
    }
    tcp.out().insert(tcp.out().end(), bytes.begin(), bytes.end());
    if (!tcp.flush(watch_)) {
        end(stream);
    }
}

void MemberStreams::close(Streams::iterator stream, std::uint64_t now_ms) {
    if (stream->second.tcp.waiting() > 0 && now_ms < stream->second.until_ms &&
        !stream->second.tcp.connecting()) {
        return;
    }
    stream->second.tcp.discard_input();
    streams_.erase(stream);
}

void MemberStreams::end(Streams::iterator stream) {
    const StreamId number = stream->first;
    const bool told = stream->second.closing;
    streams_.erase(stream);
    if (!told) {
        membership_.on_end(number);
    }
}

void MemberStreams::end_lingering(std::uint64_t now_ms) {
    std::erase_if(streams_, [now_ms](const auto& entry) {
        return entry.second.closing && now_ms >= entry.second.until_ms;
    });
}

}  // namespace posthaste::controlplane
