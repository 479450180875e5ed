// SPDX-License-Identifier: BSD-3-Clause
// The store's thread: what it says is durable is there, after kill -9 too, and a disk that refuses
// costs nothing that was handed over.
#include "controlplane/store/store.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/support/eventually.h"
#include "tests/support/scratch_directory.h"
#include "tests/unit/controlplane/store/stored_agents.h"

namespace posthaste::controlplane {

namespace {

using support::eventually;

class store : public testing::Test {
  protected:
    std::unique_ptr<Store> open(std::uint32_t commit_ms = 1) const {
        auto opened =
            Store::open({.path = path_, .commit_ms = commit_ms, .cluster = "c", .node = "n"});
        EXPECT_TRUE(opened.has_value()) << opened.error();
        return opened.has_value() ? std::move(*opened) : nullptr;
    }

    static std::vector<StoredAgent> load(Store& from) {
        std::vector<StoredAgent> all;
        const auto loaded = from.load([&all](std::span<StoredAgent> batch) {
            all.insert(all.end(), batch.begin(), batch.end());
        });
        EXPECT_TRUE(loaded.has_value()) << loaded.error();
        return all;
    }

    support::ScratchDirectory folder_;
    std::string path_ = folder_ / "store.db";
};

TEST_F(store, changes_become_durable_in_the_order_of_their_numbers) {
    const auto opened = open();
    EXPECT_EQ(opened->durable(), 0U);
    for (unsigned number = 1; number <= 100; ++number) {
        EXPECT_EQ(opened->put(stored_agent(number)), number);
    }
    EXPECT_TRUE(eventually([&] { return opened->durable() == 100; }));
    const StoreCounts counts = opened->counts();
    EXPECT_EQ(counts.written, 100U);
    EXPECT_EQ(counts.queued, 0U);
    EXPECT_EQ(counts.errors, 0U);
    EXPECT_GE(counts.commits, 1U);
    EXPECT_GT(counts.file_bytes, 0U);
}

TEST_F(store, what_comes_within_commit_ms_is_written_together) {
    const auto opened = open(2'000);
    for (unsigned number = 1; number <= 1'000; ++number) {
        opened->put(stored_agent(number));
    }
    EXPECT_TRUE(eventually([&] { return opened->durable() == 1'000; }));
    EXPECT_EQ(opened->counts().commits, 1U);
}

// Whether this process's thread of that name does.
bool sleeps(const std::string& name) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string line;
        std::getline(std::ifstream(task.path() / "stat"), line);
        if (line.find("(" + name + ") S ") != std::string::npos) {
            return true;
        }
    }
    return false;
}

TEST_F(store, a_queue_that_is_half_full_is_written_before_commit_ms) {
    const auto opened = open(600'000);
    opened->put(stored_agent(1));
    ASSERT_TRUE(eventually([] { return sleeps("store"); })) << "it waits for others to come along";
    for (unsigned number = 2; number <= Store::kQueueMax / 2; ++number) {
        opened->put(stored_agent(number));
    }
    EXPECT_TRUE(eventually([&] { return opened->durable() == Store::kQueueMax / 2; }));
}

TEST_F(store, the_event_fires_once_something_is_durable) {
    const auto opened = open();
    pollfd event{.fd = opened->event_fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&event, 1, 0), 0);
    opened->put(stored_agent(1));
    ASSERT_EQ(poll(&event, 1, 20'000), 1);
    EXPECT_EQ(opened->durable(), 1U);
}

TEST_F(store, an_end_writes_what_is_queued) {
    {
        const auto opened = open(60'000);
        for (unsigned number = 1; number <= 10; ++number) {
            opened->put(stored_agent(number));
        }
    }
    EXPECT_EQ(agents_in(path_).size(), 10U);
}

TEST_F(store, agents_are_loaded_and_the_generation_grows) {
    constexpr unsigned kAgents = 3 * Store::kLoadBatch + 1;
    {
        const auto first = open();
        EXPECT_EQ(first->generation_counter(), 1U);
        EXPECT_TRUE(load(*first).empty());
        for (unsigned number = 1; number <= kAgents; ++number) {
            ASSERT_NE(first->put(stored_agent(number)), 0U);
        }
    }
    const auto second = open();
    EXPECT_EQ(second->generation_counter(), 2U);
    EXPECT_EQ(load(*second).size(), kAgents);
}

TEST_F(store, a_lost_file_begins_with_the_first_generation_again) {
    for (std::uint64_t life = 1; life <= 2; ++life) {
        const auto opened = open();
        EXPECT_EQ(opened->generation_counter(), life);
        load(*opened);
    }
    ASSERT_TRUE(std::filesystem::remove(path_));
    EXPECT_EQ(open()->generation_counter(), 1U);
}

// Each page but the first: some are found while agents are read, others by the check alone.
TEST_F(store, a_damaged_file_is_not_loaded_and_stays_as_it_is) {
    {
        const auto opened = open();
        load(*opened);
        for (unsigned number = 1; number <= 200; ++number) {
            ASSERT_NE(opened->put(stored_agent(number)), 0U);
        }
    }
    const auto bytes = [this] {
        std::ostringstream text;
        text << std::ifstream(path_, std::ios::binary).rdbuf();
        return text.str();
    };
    const std::string whole = bytes();
    for (std::size_t page = 4'096; page < whole.size(); page += 4'096) {
        std::string damaged = whole;
        damaged.replace(page, 16, 16, '\x7f');
        std::ofstream(path_, std::ios::binary) << damaged;
        std::string why;
        if (auto opened =
                Store::open({.path = path_, .commit_ms = 1, .cluster = "c", .node = "n"})) {
            const auto loaded = (*opened)->load([](std::span<StoredAgent>) {});
            why = loaded ? "" : loaded.error();
        } else {
            why = opened.error();
        }
        EXPECT_NE(why.find("move it away"), std::string::npos) << page << ": " << why;
        EXPECT_EQ(bytes(), damaged);
    }
}

// A limit on the size of files is a full disk for everybody but this process.
TEST_F(store, a_disk_that_refuses_is_tried_again_and_nothing_is_lost) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto opened = open();
    opened->put(stored_agent(1));
    ASSERT_TRUE(eventually([&] { return opened->durable() == 1; }));
    const rlimit none{.rlim_cur = 1, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
    const std::uint64_t last = opened->put(stored_agent(2));
    const bool failed = eventually([&] { return opened->failing(); });
    const std::string why = opened->failure();
    const std::uint64_t behind = opened->durable();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_TRUE(failed);
    EXPECT_NE(why.find(path_), std::string::npos) << why;
    EXPECT_EQ(behind, 1U);
    EXPECT_TRUE(eventually([&] { return opened->durable() == last; }));
    EXPECT_FALSE(opened->failing());
    EXPECT_TRUE(opened->failure().empty());
    EXPECT_GE(opened->counts().errors, 1U);
}

TEST_F(store, more_than_the_queue_holds_is_not_taken) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto opened = open();
    const rlimit none{.rlim_cur = 1, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
    opened->put(stored_agent(1));
    EXPECT_TRUE(eventually([&] { return opened->failing(); }));
    // The thread has the one that failed, and takes no more until that is written.
    std::size_t taken = 0;
    while (opened->has_room() && opened->put(stored_agent(2)) != 0) {
        ++taken;
    }
    EXPECT_EQ(taken, Store::kQueueMax);
    EXPECT_EQ(opened->put(stored_agent(3)), 0U);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_TRUE(eventually([&] { return opened->has_room(); }));
    EXPECT_EQ(opened->put(stored_agent(3)), taken + 2);
    EXPECT_TRUE(eventually([&] { return opened->durable() == taken + 2; }));
}

TEST_F(store, an_end_does_not_wait_for_a_disk_that_refuses) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    auto opened = open();
    const rlimit none{.rlim_cur = 1, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
    opened->put(stored_agent(2));
    EXPECT_TRUE(eventually([&] { return opened->failing(); }));
    opened.reset();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_TRUE(agents_in(path_).empty());
}

// A process of its own that puts agents `first` and on, and tells in `out` how far they are
// durable, until it is killed.
pid_t start_writer(const std::string& path, std::uint32_t first, int out) {
    const pid_t child = fork();
    if (child != 0) {
        return child;
    }
    auto opened = Store::open({.path = path, .commit_ms = 1, .cluster = "c", .node = "n"});
    if (!opened.has_value()) {
        _exit(7);
    }
    std::uint64_t told = 0;
    for (std::uint32_t next = first;;) {
        for (unsigned i = 0; i < 20 && (*opened)->put(stored_agent(next)) != 0; ++i) {
            ++next;
        }
        const std::uint64_t durable = (*opened)->durable();
        if (durable != told && write(out, &durable, sizeof durable) != sizeof durable) {
            _exit(8);
        }
        told = durable;
        poll(nullptr, 0, 1);
    }
}

TEST_F(store, what_was_said_to_be_durable_is_there_after_kill_9) {
    const unsigned seed = std::random_device{}();
    std::mt19937 random(seed);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::uint32_t known = 0;
    for (unsigned life = 1; life <= 25; ++life) {
        int ends[2];
        ASSERT_EQ(pipe(ends), 0);
        const pid_t writer = start_writer(path_, known + 1, ends[1]);
        close(ends[1]);
        std::uint64_t durable = 0;
        for (unsigned words = 1 + random() % 20; words > 0; --words) {
            ASSERT_EQ(read(ends[0], &durable, sizeof durable), ssize_t{sizeof durable});
        }
        // Up to a transaction's time later.
        poll(nullptr, 0, static_cast<int>(random() % 4));
        ASSERT_EQ(kill(writer, SIGKILL), 0);
        ASSERT_EQ(waitpid(writer, nullptr, 0), writer);
        // What it said before it died is in the pipe still.
        while (read(ends[0], &durable, sizeof durable) == ssize_t{sizeof durable}) {
        }
        close(ends[0]);
        const auto agents = agents_in(path_);
        ASSERT_GE(agents.size(), known + durable);
        std::vector<bool> there(agents.size() + 1);
        for (const StoredAgent& agent : agents) {
            std::uint32_t number = 0;
            std::memcpy(&number, agent.agent.bytes.data() + 12, sizeof number);
            ASSERT_LE(number, agents.size()) << "transactions are kept in order, whole or not";
            EXPECT_EQ(agent, stored_agent(number));
            there[number] = true;
        }
        EXPECT_EQ(std::count(there.begin(), there.end(), true), std::ptrdiff_t(agents.size()));
        known = static_cast<std::uint32_t>(agents.size());
    }
}

}  // namespace

}  // namespace posthaste::controlplane
