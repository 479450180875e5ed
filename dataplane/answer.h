// SPDX-License-Identifier: BSD-3-Clause
// answer: dropped frames whose sender wants to know become the error to it, in place. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/tx_backlog.h"
#include "dataplane/world.h"
#include "routing/token_bucket.h"

namespace posthaste::dataplane {

// Dropped lanes become answered as well, or answer_refused where the ingress port's rate is used
// up or its backlog `tx` is full. They go back where they came from.
void answer(Burst& burst, const PortView& port, routing::TokenBucket& rate, TxBacklog& tx) noexcept;

}  // namespace posthaste::dataplane
