// SPDX-License-Identifier: BSD-3-Clause
// The agreement by which RouteTable's readers and writer share slots, in every order of their
// steps. A model of it, faithful in what is one access: numbers are read and written whole, ids in
// halves; a home line and the next one, of a slot each, and the home's summary.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "routing/grace.h"
#include "tests/support/interleavings.h"

using posthaste::routing::Grace;
using posthaste::support::interleave;
using posthaste::support::operator+;

namespace {

// Ids with halves in common, so that halves of two can look like a third.
struct Id {
    unsigned low = 0;
    unsigned high = 0;

    friend bool operator==(const Id&, const Id&) = default;
};

constexpr Id kOld{1, 1};
constexpr Id kNew{2, 2};
constexpr Id kMixed{2, 1};  // what a reader sees while kOld's slot is given to kNew

struct Slot {
    Id id;
    unsigned number = 0;
};

struct Retired {
    std::uint64_t token;
    unsigned line;
};

struct World {
    explicit World() : grace(1) { grace.online(0); }

    Grace grace;
    std::array<Slot, 2> line;
    std::array<bool, 2> taken{};
    bool elsewhere = false;     // the home's summary: something lies in the next line
    std::array<Id, 8> owner{};  // of the entry by number, fixed: entries are another test's matter
    std::vector<Retired> retired;

    // The writer's own.
    unsigned at = 0;
    unsigned puts = 0;
    bool skipped = false;

    // The reader's own.
    std::array<unsigned, 2> number{};
    Id seen;
    bool further = false;
    unsigned answer = 0;
    bool ask = false;

    // What is known of the id that is looked up.
    bool there_all_along = false;
    bool there_ever = false;
    unsigned wrong = 0;  // another id's number
    unsigned lost = 0;   // there all along, and not found
    unsigned right = 0;
    unsigned reuses = 0;
};

using Steps = posthaste::support::Steps<World>;

enum class Reuse { after_grace, at_once };
enum class Store { id_first, number_first };
enum class Read { number_first, id_first };

// RouteTable::remove(): the number goes, and the slot waits.
Steps remove(Id id, Reuse reuse = Reuse::after_grace) {
    return {[id, reuse](World& world) {
                for (world.at = 0; world.at < 2; ++world.at) {
                    Slot& slot = world.line[world.at];
                    if (slot.number != 0 && slot.id == id) {
                        slot.number = 0;
                        break;
                    }
                }
                ASSERT_LT(world.at, 2U);
                if (reuse == Reuse::at_once) {
                    world.taken[world.at] = false;
                }
            },
            [reuse](World& world) {
                if (reuse == Reuse::after_grace) {
                    world.retired.push_back({world.grace.start(), world.at});
                }
            },
            [](World& world) { world.elsewhere = world.line[1].number != 0; }};
}

// RouteTable::reclaim() and put(): the first free slot, if there is one.
Steps put(Id id, Store store = Store::id_first) {
    const auto number = [](World& world) {
        if (!world.skipped) {
            world.line[world.at].number = world.puts;
        }
    };
    Steps steps{[id](World& world) {
        std::erase_if(world.retired, [&world](const Retired& one) {
            const bool over = world.grace.elapsed(one.token);
            world.taken[one.line] = world.taken[one.line] && !over;
            world.reuses += over ? 1 : 0;
            return over;
        });
        world.at = world.taken[0] ? 1 : 0;
        world.skipped = world.taken[world.at];
        if (!world.skipped) {
            world.taken[world.at] = true;
            world.owner[++world.puts] = id;
        }
    }};
    if (store == Store::number_first) {
        steps.emplace_back(number);
    }
    steps.emplace_back([id](World& world) {
        if (!world.skipped) {
            world.line[world.at].id.low = id.low;
        }
    });
    steps.emplace_back([id](World& world) {
        if (!world.skipped) {
            world.line[world.at].id.high = id.high;
        }
    });
    if (store == Store::id_first) {
        steps.emplace_back(number);
    }
    steps.emplace_back([](World& world) {
        if (!world.skipped && world.at == 1) {
            world.elsewhere = true;
        }
    });
    return steps;
}

// One line: the number (with the home's summary) and then the id, as RouteTable::Probe does.
Steps read_line(unsigned line, Id wanted, Read read) {
    const auto active = [line](const World& world) {
        return world.answer == 0 && (line == 0 || world.further);
    };
    Steps number{[line, active](World& world) {
        if (active(world)) {
            world.number[line] = world.line[line].number;
            world.further = line == 0 ? world.elsewhere : world.further;
        }
    }};
    Steps halves{[line, active](World& world) {
                     if (active(world)) {
                         world.seen.low = world.line[line].id.low;
                     }
                 },
                 [line, active](World& world) {
                     if (active(world)) {
                         world.seen.high = world.line[line].id.high;
                     }
                 }};
    Steps settle{[line, wanted, active](World& world) {
        if (active(world) && world.seen == wanted) {
            world.answer = world.number[line];
        }
        world.ask = world.answer == 0 && world.further;
    }};
    return (read == Read::number_first ? number + halves : halves + number) + settle;
}

Steps look_up(Id wanted, Read read = Read::number_first) {
    Steps judge{[wanted](World& world) {
        if (world.answer != 0) {
            ++(world.owner[world.answer] == wanted ? world.right : world.wrong);
        } else if (world.there_all_along && !world.ask) {
            ++world.lost;
        }
        world.grace.quiescent(0);
    }};
    return read_line(0, wanted, read) + read_line(1, wanted, read) + judge;
}

// So that the same reader can look again.
Steps again() {
    return {[](World& world) {
        world.answer = 0;
        world.further = false;
        world.ask = false;
    }};
}

struct Total {
    std::uint64_t orders = 0;
    std::uint64_t wrong = 0;
    std::uint64_t lost = 0;
    std::uint64_t right = 0;
    std::uint64_t reuses = 0;
};

Total run(const Steps& before, const Steps& writer, const Steps& reader, bool all_along = false) {
    Total total;
    std::optional<World> world;
    const auto make = [&]() -> World& {
        world.emplace();
        for (const auto& step : before) {
            step(*world);
        }
        world->there_all_along = all_along;
        return *world;
    };
    const auto wrong = [&total](const World& at_end) {
        total.wrong += at_end.wrong;
        total.lost += at_end.lost;
        total.right += at_end.right;
        total.reuses += at_end.reuses;
        return at_end.wrong + at_end.lost != 0;
    };
    total.orders = interleave<World>({writer, reader}, make, wrong).orders;
    return total;
}

Steps quiet() {
    return {[](World& world) { world.grace.quiescent(0); }};
}

void expect_right(const Total& total) {
    EXPECT_EQ(total.wrong, 0U);
    EXPECT_EQ(total.lost, 0U);
}

// The home line is kOld's, the next one somebody else's, so that kOld's slot is the next to go.
constexpr Id kOther{9, 9};
const Steps kBoth = put(kOld) + put(kOther);

}  // namespace

TEST(slot_interleavings, a_slot_given_to_another_id_never_answers_for_it_with_the_old_number) {
    for (const Id wanted : {kOld, kNew, kMixed}) {
        const Total total = run(kBoth, remove(kOld) + put(kNew), quiet() + look_up(wanted));
        expect_right(total);
        EXPECT_GT(total.reuses, 0U);
        EXPECT_EQ(total.right > 0, !(wanted == kMixed));
    }
}

TEST(slot_interleavings, an_id_that_stays_is_found_whatever_happens_around_it) {
    expect_right(run(kBoth, remove(kOld) + put(kNew), quiet() + look_up(kOther), true));
    expect_right(run(kBoth, remove(kOther) + put(kNew), quiet() + look_up(kOld), true));
}

TEST(slot_interleavings, an_id_put_again_in_another_line_is_found_from_then_on) {
    // kNew lies in the next line; it goes and comes back to the home line, which is free by then.
    const Steps before = kBoth + remove(kOther) + quiet() + put(kNew) + remove(kOld) + quiet();
    const Total total = run(before + remove(kNew) + put(kNew), {}, look_up(kNew), true);
    expect_right(total);
    EXPECT_EQ(total.right, 1U);
    expect_right(run(before, remove(kNew) + put(kNew), look_up(kNew) + again() + look_up(kNew)));
}

TEST(slot_interleavings_mutant, reuse_without_grace_answers_with_the_old_number) {
    EXPECT_GT(run(kBoth, remove(kOld, Reuse::at_once) + put(kNew), look_up(kNew)).wrong +
                  run(kBoth, remove(kOld, Reuse::at_once) + put(kNew), look_up(kMixed)).wrong,
              0U);
}

TEST(slot_interleavings_mutant, a_number_read_after_the_id_is_of_another_id) {
    // kOld went long ago, but its bytes still lie in the slot that kNew is about to get.
    const Steps before = kBoth + remove(kOld) + quiet();
    EXPECT_EQ(run(before, put(kNew), look_up(kOld)).wrong, 0U);
    EXPECT_GT(run(before, put(kNew), look_up(kOld, Read::id_first)).wrong, 0U);
}

TEST(slot_interleavings_mutant, a_number_stored_before_the_id_is_of_another_id) {
    const Steps before = kBoth + remove(kOld) + quiet();
    EXPECT_GT(run(before, put(kNew, Store::number_first), look_up(kOld)).wrong, 0U);
    EXPECT_GT(run(before, put(kNew, Store::number_first), look_up(kMixed)).wrong, 0U);
}
