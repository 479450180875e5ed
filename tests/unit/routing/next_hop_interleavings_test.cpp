// SPDX-License-Identifier: BSD-3-Clause
// The agreement by which RouteTable replaces a next hop where it lies, in every order of the steps.
// A model of it, faithful in what is one access: a slot's word is read and written whole, the next
// hop in two parts.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/support/interleavings.h"

using posthaste::support::interleave;
using posthaste::support::operator+;

namespace {

struct Word {
    unsigned number = 1;
    bool elsewhere = false;

    friend bool operator==(const Word&, const Word&) = default;
};

// The next hop of entry n is (n, n), unless n was used before: then it is another entry's.
struct World {
    Word word;
    unsigned low = 1;
    unsigned high = 1;

    // The reader's own.
    Word seen;
    unsigned seen_low = 0;
    unsigned seen_high = 0;

    unsigned hops = 0;
    unsigned wrong = 0;
};

using Steps = posthaste::support::Steps<World>;

enum class Read { twice, once };

// RouteTable::write() over what lies there; `mark` is what the parts become.
Steps replace(unsigned number, unsigned mark, bool with_elsewhere = true) {
    Steps steps;
    if (with_elsewhere) {
        steps.emplace_back([number](World& world) { world.word = {number, true}; });
    }
    steps.emplace_back([mark](World& world) { world.low = mark; });
    steps.emplace_back([mark](World& world) { world.high = mark; });
    steps.emplace_back([number](World& world) { world.word = {number, false}; });
    return steps;
}

// The probe's word, then copy_hop().
Steps look_up(Read read = Read::twice) {
    return {[](World& world) { world.seen = world.word; },
            [](World& world) { world.seen_low = world.low; },
            [](World& world) { world.seen_high = world.high; },
            [read](World& world) {
                const bool same = read == Read::once || world.word == world.seen;
                if (!same || world.seen.elsewhere) {
                    return;
                }
                ++world.hops;
                const bool right =
                    world.seen_low == world.seen.number && world.seen_high == world.seen.number;
                world.wrong += right ? 0 : 1;
            }};
}

struct Total {
    std::uint64_t orders = 0;
    std::uint64_t hops = 0;
    std::uint64_t wrong = 0;
};

Total run(const Steps& writer, const Steps& reader) {
    Total total;
    World world;
    const auto make = [&world]() -> World& { return world = World(); };
    const auto wrong = [&total](const World& at_end) {
        total.hops += at_end.hops;
        total.wrong += at_end.wrong;
        return at_end.wrong != 0;
    };
    total.orders = interleave<World>({writer, reader}, make, wrong).orders;
    return total;
}

}  // namespace

TEST(next_hop_interleavings, a_reader_has_the_next_hop_of_its_number_or_asks_the_entry) {
    const Total total = run(replace(2, 2) + replace(3, 3), look_up());
    EXPECT_EQ(total.wrong, 0U);
    EXPECT_GT(total.hops, 0U);
    EXPECT_LT(total.hops, total.orders);
}

TEST(next_hop_interleavings, two_lookups_in_a_row_both_hold) {
    const Total total = run(replace(2, 2), look_up() + look_up());
    EXPECT_EQ(total.wrong, 0U);
    EXPECT_GT(total.hops, 0U);
}

TEST(next_hop_interleavings_mutant, a_word_that_does_not_say_elsewhere_first) {
    EXPECT_GT(run(replace(2, 2, false), look_up()).wrong, 0U);
}

TEST(next_hop_interleavings_mutant, a_word_that_is_read_once) {
    EXPECT_GT(run(replace(2, 2), look_up(Read::once)).wrong, 0U);
}

// What the entries' grace period is for here.
TEST(next_hop_interleavings_mutant, a_number_that_comes_back_while_a_reader_looks) {
    EXPECT_GT(run(replace(2, 2) + replace(1, 4), look_up()).wrong, 0U);
}
