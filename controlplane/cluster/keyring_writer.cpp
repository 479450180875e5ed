// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/keyring_writer.h"

#include <pthread.h>

#include <utility>

namespace posthaste::controlplane {

KeyringWriter::~KeyringWriter() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
}

void KeyringWriter::keep(Keys keys) {
    if (!thread_.joinable()) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    {
        const std::scoped_lock lock(mutex_);
        next_ = std::move(keys);
    }
    wake_.notify_one();
}

std::optional<std::string> KeyringWriter::take_failure() {
    if (!failed_.exchange(false, std::memory_order_acquire)) {
        return std::nullopt;
    }
    const std::scoped_lock lock(mutex_);
    return std::exchange(failure_, {});
}

void KeyringWriter::run(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "keyring");
    std::unique_lock lock(mutex_);
    // Told to stop, it still writes what waits.
    while (wake_.wait(lock, stop, [this] { return next_.has_value(); })) {
        const Keys keys = *std::exchange(next_, std::nullopt);
        lock.unlock();
        auto written = write_(keys);
        lock.lock();
        if (!written) {
            failure_ = std::move(written.error());
            failed_.store(true, std::memory_order_release);
        }
    }
}

}  // namespace posthaste::controlplane
