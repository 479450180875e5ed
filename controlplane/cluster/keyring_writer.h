// SPDX-License-Identifier: BSD-3-Clause
// KeyringWriter: the keyring's file, written on a thread of its own, since a disk may take its
// time. So a change of keys is answered before the disk has it, and kill -9 within that write loses
// it: the router then comes back with the keys it had before.
//
// Only the last keys count: those that wait while others are written are replaced by newer ones.
// All calls are the control thread's; only the destructor waits, until the last keys are written.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::controlplane {

class KeyringWriter {
  public:
    using Keys = std::vector<std::string>;
    // Runs on the thread, one call after the other.
    using Write = std::function<tl::expected<void, std::string>(std::span<const std::string>)>;

    explicit KeyringWriter(Write write) : write_(std::move(write)) {}

    ~KeyringWriter();
    KeyringWriter(const KeyringWriter&) = delete;
    KeyringWriter& operator=(const KeyringWriter&) = delete;

    // Never waits for the disk. The thread is there from the first call on.
    void keep(Keys keys);
    // Why keys could not be written, the last reason since the last call; nullopt: they could.
    [[nodiscard]] std::optional<std::string> take_failure();

  private:
    void run(const std::stop_token& stop);

    const Write write_;
    std::atomic<bool> failed_{false};  // a turn takes no lock for nothing
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::optional<Keys> next_;  // under mutex_
    std::string failure_;       // under mutex_
    std::jthread thread_;       // last: it uses all of the above, and ends before they do
};

}  // namespace posthaste::controlplane
