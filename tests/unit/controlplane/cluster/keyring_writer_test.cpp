// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/keyring_writer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/eventually.h"

namespace posthaste::controlplane {
namespace {

using Keys = KeyringWriter::Keys;
using support::eventually;

// A disk whose writes take as long as the test wants.
struct Disk {
    tl::expected<void, std::string> write(std::span<const std::string> keys) {
        std::unique_lock lock(mutex);
        ++begun;
        changed.wait(lock, [this] { return !hangs; });
        if (fails) {
            return tl::unexpected(std::string("no room"));
        }
        written.emplace_back(keys.begin(), keys.end());
        return {};
    }

    KeyringWriter::Write writer() {
        return [this](std::span<const std::string> keys) { return write(keys); };
    }

    [[nodiscard]] int writes_begun() {
        const std::scoped_lock lock(mutex);
        return begun;
    }

    void go_on() {
        const std::scoped_lock lock(mutex);
        hangs = false;
        changed.notify_all();
    }

    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Keys> written;
    int begun = 0;
    bool hangs = false;
    bool fails = false;
};

TEST(keyring_writer, a_disk_that_hangs_holds_nobody_and_gets_the_last_keys) {
    Disk disk;
    disk.hangs = true;
    {
        KeyringWriter writer(disk.writer());
        writer.keep({"one"});
        ASSERT_TRUE(eventually([&] { return disk.writes_begun() == 1; }));
        writer.keep({"two"});
        writer.keep({"three", "two"});
        disk.go_on();
    }
    EXPECT_EQ(disk.written, (std::vector<Keys>{{"one"}, {"three", "two"}}));
}

TEST(keyring_writer, what_cannot_be_written_is_told_once) {
    Disk disk;
    disk.fails = true;
    KeyringWriter writer(disk.writer());
    EXPECT_FALSE(writer.take_failure());
    writer.keep({"one"});
    std::optional<std::string> why;
    ASSERT_TRUE(eventually([&] { return (why = writer.take_failure()).has_value(); }));
    EXPECT_EQ(*why, "no room");
    EXPECT_FALSE(writer.take_failure());
}

}  // namespace
}  // namespace posthaste::controlplane
