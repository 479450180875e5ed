// SPDX-License-Identifier: BSD-3-Clause
// Frames in mbufs without EAL or mempool: for stages, none of which frees anything.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/support/frame_builder.h"

namespace posthaste::test {

class FakeFrame {
  public:
    // `cuts`: offsets, ascending, at which a new segment begins.
    explicit FakeFrame(const FrameBytes& bytes,
                       std::vector<std::size_t> cuts = {},
                       std::uint16_t headroom = RTE_PKTMBUF_HEADROOM) {
        cuts.push_back(bytes.size());
        std::size_t from = 0;
        for (const std::size_t to : cuts) {
            add_segment(bytes.data() + from, to - from, headroom);
            from = to;
        }
    }

    [[nodiscard]] rte_mbuf* mbuf() noexcept { return &segments_.front()->mbuf; }

  private:
    struct Segment {
        rte_mbuf mbuf{};
        std::vector<std::uint8_t> room;
    };

    void add_segment(const std::uint8_t* bytes, std::size_t count, std::uint16_t headroom) {
        auto segment = std::make_unique<Segment>();
        // Exactly as long as needed, so that a sanitizer sees a byte too far.
        segment->room.resize(headroom + count);
        std::copy_n(bytes, count, segment->room.begin() + headroom);
        rte_mbuf& mbuf = segment->mbuf;
        mbuf.buf_addr = segment->room.data();
        mbuf.buf_len = static_cast<std::uint16_t>(segment->room.size());
        mbuf.data_off = headroom;
        mbuf.data_len = static_cast<std::uint16_t>(count);
        mbuf.refcnt = 1;
        mbuf.nb_segs = 1;
        if (!segments_.empty()) {
            segments_.back()->mbuf.next = &mbuf;
            ++segments_.front()->mbuf.nb_segs;
        }
        segments_.push_back(std::move(segment));
        segments_.front()->mbuf.pkt_len += static_cast<std::uint32_t>(count);
    }

    std::vector<std::unique_ptr<Segment>> segments_;
};

// All bytes of a frame, whatever its segments; checks that its lengths agree.
[[nodiscard]] inline FrameBytes bytes_of_chain(const rte_mbuf* frame) {
    FrameBytes bytes;
    unsigned count = 0;
    for (const rte_mbuf* segment = frame; segment != nullptr; segment = segment->next) {
        const auto* const data = rte_pktmbuf_mtod(segment, const std::uint8_t*);
        bytes.insert(bytes.end(), data, data + segment->data_len);
        ++count;
    }
    if (bytes.size() != frame->pkt_len || count != frame->nb_segs) {
        return {};
    }
    return bytes;
}

}  // namespace posthaste::test
