// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/watch.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <map>
#include <vector>

namespace posthaste::controlplane {
namespace {

// Sockets that are readable, and stay so.
class ready_sockets : public testing::Test {
  protected:
    void add(Watched kind, std::uint32_t number) {
        sockets_.emplace_back(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
        ASSERT_TRUE(watch_.add(sockets_.back(), {kind, number}, false));
    }

    // Who is served in so many turns that have time for one socket each.
    std::map<std::uint32_t, unsigned> served_in(unsigned turns) {
        std::map<std::uint32_t, unsigned> served;
        for (unsigned turn = 0; turn < turns; ++turn) {
            ready_.look(watch_);
            if (const auto what = ready_.next()) {
                ++served[what->number];
            }
        }
        return served;
    }

    Watch watch_ = Watch::open().value();
    ReadySockets ready_;
    std::vector<Descriptor> sockets_;
};

TEST_F(ready_sockets, each_is_served_once_before_one_is_served_again) {
    for (std::uint32_t number = 0; number < 5; ++number) {
        add(Watched::member_stream, number);
    }
    const auto served = served_in(15);
    EXPECT_EQ(served.size(), 5U);
    for (const auto& [number, times] : served) {
        EXPECT_EQ(times, 3U) << number;
    }
}

TEST_F(ready_sockets, more_than_are_looked_at_in_a_turn_are_all_served) {
    constexpr std::uint32_t kMany = 2 * ReadySockets::kLookMax + 10;
    for (std::uint32_t number = 0; number < kMany; ++number) {
        add(Watched::route_link, number);
    }
    EXPECT_EQ(served_in(2 * kMany).size(), kMany);
}

TEST_F(ready_sockets, datagrams_are_left_to_those_who_read_them_every_turn) {
    add(Watched::datagrams, 0);
    add(Watched::route_link, 7);
    ready_.look(watch_);
    EXPECT_EQ(ready_.next()->number, 7U);
    EXPECT_FALSE(ready_.next());
}

}  // namespace
}  // namespace posthaste::controlplane
