// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/conservation.h"

#include "dataplane/pool.h"

namespace posthaste::controlplane {

bool Conservation::holds() const noexcept {
    return received + resubmitted + copied == sent + punted + dropped &&
           punted == consumed + control_resubmitted + control_dropped && mbufs_out == 0;
}

std::string Conservation::to_text() const {
    return "received " + std::to_string(received) + ", resubmitted " + std::to_string(resubmitted) +
           ", copied " + std::to_string(copied) + ", sent " + std::to_string(sent) + ", punted " +
           std::to_string(punted) + ", dropped " + std::to_string(dropped) +
           "; of the punted: consumed " + std::to_string(consumed) + ", resubmitted " +
           std::to_string(control_resubmitted) + ", dropped " + std::to_string(control_dropped) +
           "; mbufs out " + std::to_string(mbufs_out);
}

Conservation check_conservation(const Box& box) {
    Conservation law;
    for (const auto& worker : box.workers) {
        for (const dataplane::PortCounters& port : worker->counters().port) {
            law.received += port.received.read();
            law.resubmitted += port.resubmitted.read();
            law.copied += port.copied.read();
            law.sent += port.sent.read();
            law.punted += port.punted.read();
            law.dropped += port.dropped.read();
        }
    }
    for (const ControlPortCounters& port : box.counters.port) {
        law.consumed += port.consumed;
        law.control_resubmitted += port.resubmitted;
        law.control_dropped += port.dropped;
    }
    law.mbufs_out = dataplane::pool_in_use(box.frame_pool.get()) +
                    dataplane::pool_in_use(box.control_pool.get());
    return law;
}

}  // namespace posthaste::controlplane
