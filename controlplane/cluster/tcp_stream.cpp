// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/tcp_stream.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace posthaste::controlplane {

namespace {

bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

bool TcpStream::watch(Watch& watch) {
    return watch.add(socket_, as_, writing_);
}

bool TcpStream::finish_connect(Watch& watch) {
    if (broken(socket_)) {
        return false;
    }
    connecting_ = false;
    want_writing(watch, false);
    return true;
}

TcpStream::Read TcpStream::read(std::span<std::uint8_t> room, std::size_t& count) {
    const ssize_t got = ::recv(socket_.get(), room.data(), room.size(), 0);
    if (got > 0) {
        count = static_cast<std::size_t>(got);
        return Read::bytes;
    }
    count = 0;
    return got < 0 && would_block(errno) ? Read::nothing : Read::ended;
}

bool TcpStream::flush(Watch& watch) {
    if (connecting_) {
        return true;
    }
    while (waiting() > 0) {
        const ssize_t put =
            ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (put < 0) {
            want_writing(watch, true);
            return would_block(errno);
        }
        sent_ += static_cast<std::size_t>(put);
    }
    out_.clear();
    sent_ = 0;
    want_writing(watch, false);
    return true;
}

void TcpStream::discard_input() {
    std::array<std::uint8_t, 4'096> unread;
    std::size_t count = 0;
    for (int i = 0; i < 16 && read(unread, count) == Read::bytes; ++i) {
    }
}

void TcpStream::want_writing(Watch& watch, bool writing) {
    if (writing_ != writing) {
        writing_ = writing;
        watch.change(socket_, as_, true, writing);
    }
}

}  // namespace posthaste::controlplane
