// SPDX-License-Identifier: BSD-3-Clause
// Runs a device call on EAL's interrupt thread and waits for it. Control thread only.
//
// A driver whose peer speaks over a socket (memif) handles that socket on the interrupt thread,
// without a lock against stop, start and close. Called there, they cannot meet each other. The
// wait lasts as long as the handlers now running on that thread: they never block.
#pragma once

#include <cstdint>

namespace posthaste::dataplane {

using DeviceCall = int (*)(std::uint16_t ethdev);

// What the call returns. Runs it right here if the interrupt thread takes no work.
int call_on_interrupt_thread(DeviceCall call, std::uint16_t ethdev);

}  // namespace posthaste::dataplane
