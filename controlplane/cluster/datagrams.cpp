// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/datagrams.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "controlplane/cluster/kernel_address.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kBatch = 16;
constexpr unsigned kBatchesPerTurn = 8;
constexpr std::size_t kBytesMax = 65'536;

}  // namespace

struct Datagrams::Room {
    std::array<std::array<std::uint8_t, kBytesMax>, kBatch> bytes;
    std::array<sockaddr_storage, kBatch> from;
    std::array<iovec, kBatch> parts;
    std::array<mmsghdr, kBatch> headers;
};

Datagrams::Datagrams(Descriptor socket)
    : socket_(std::move(socket)), room_(std::make_unique<Room>()) {}

Datagrams::~Datagrams() = default;

bool Datagrams::watch(Watch& watch) {
    return watch.add(socket_, {Watched::datagrams, 0}, false);
}

bool Datagrams::receive(const TurnBudget& budget, const Take& take) {
    for (unsigned batch = 0; batch < kBatchesPerTurn; ++batch) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            room_->parts[i] = {room_->bytes[i].data(), kBytesMax};
            room_->headers[i] = {};
            room_->headers[i].msg_hdr.msg_name = &room_->from[i];
            room_->headers[i].msg_hdr.msg_namelen = sizeof room_->from[i];
            room_->headers[i].msg_hdr.msg_iov = &room_->parts[i];
            room_->headers[i].msg_hdr.msg_iovlen = 1;
        }
        const int got = ::recvmmsg(socket_.get(), room_->headers.data(), kBatch, 0, nullptr);
        for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(got, 0)); ++i) {
            take(socket_address(room_->from[i]),
                 std::span(room_->bytes[i]).first(room_->headers[i].msg_len));
        }
        if (got < static_cast<int>(kBatch)) {
            return false;  // an error of an earlier send, too, is over with this
        }
        if (budget.spent()) {
            return true;
        }
    }
    return true;
}

void Datagrams::send(gossip::membership::DatagramOut datagram) {
    if (out_.size() >= kWaitingMax) {
        ++dropped_;
        return;
    }
    out_.push_back(std::move(datagram));
}

void Datagrams::flush(Watch& watch) {
    bool blocked = false;
    for (unsigned batch = 0; batch < kBatchesPerTurn && !out_.empty() && !blocked; ++batch) {
        const std::size_t count = std::min(out_.size(), kBatch);
        std::array<KernelAddress, kBatch> to;
        for (std::size_t i = 0; i < count; ++i) {
            to[i] = kernel_address(out_[i].to);
            room_->parts[i] = {out_[i].bytes.data(), out_[i].bytes.size()};
            room_->headers[i] = {};
            room_->headers[i].msg_hdr.msg_name = &to[i].storage;
            room_->headers[i].msg_hdr.msg_namelen = to[i].length;
            room_->headers[i].msg_hdr.msg_iov = &room_->parts[i];
            room_->headers[i].msg_hdr.msg_iovlen = 1;
        }
        const int put = ::sendmmsg(
            socket_.get(), room_->headers.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
        if (put > 0) {
            out_.erase(out_.begin(), out_.begin() + put);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            blocked = true;
        } else if (errno != EINTR) {
            ++refused_;  // the first of them alone
            out_.pop_front();
        }
    }
    if (writing_ != blocked) {
        writing_ = blocked;
        watch.change(socket_, {Watched::datagrams, 0}, true, blocked);
    }
}

}  // namespace posthaste::controlplane
