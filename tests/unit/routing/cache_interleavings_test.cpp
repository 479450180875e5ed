// SPDX-License-Identifier: BSD-3-Clause
// Route caches against route changes, in every order of their steps: the real VersionStripes,
// RouteCache and Grace, around a map that stands for the Fib.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "routing/grace.h"
#include "routing/route_cache.h"
#include "routing/version_stripes.h"
#include "tests/support/interleavings.h"

using posthaste::routing::AgentId;
using posthaste::routing::Grace;
using posthaste::routing::RouteCache;
using posthaste::routing::VersionStripes;
using posthaste::support::interleave;
using posthaste::support::operator+;
using posthaste::support::Interleavings;

namespace {

constexpr unsigned kIds = 2;  // both in one stripe and in one line of the cache
constexpr unsigned kEntries = 2;
constexpr unsigned kReaders = 2;
constexpr unsigned kLookups = 3;  // of a reader, at most
constexpr std::uint32_t kLong = 60'000;

// The same for all ids, so that they share a stripe and a line.
constexpr std::uint64_t kHash = 0x1234;

AgentId agent(unsigned id) {
    AgentId agent;
    agent.bytes.fill(static_cast<std::uint8_t>(id + 1));
    return agent;
}

// What an entry says: whose it is, and the how manieth state of that id it is.
struct Entry {
    unsigned id = 0;
    unsigned state = 0;

    friend bool operator==(const Entry&, const Entry&) = default;
};

// States of an id, in order. State 0 is that it is not there.
struct Life {
    std::array<bool, 8> there{};
    unsigned begun = 0;  // last state whose change began
    unsigned over = 0;   // last state whose change is over
};

struct Retired {
    std::uint64_t token;
    std::uint32_t number;
};

struct Lookup {
    unsigned id = 0;
    unsigned oldest = 0;  // state that was over when it began
    std::uint32_t version = 0;
    std::uint32_t insert_version = 0;
    std::uint32_t number = 0;
    Entry seen;  // what the number meant when it was found
    bool from_cache = false;
};

// What is private to a reader.
struct Reader {
    std::array<RouteCache::Line, 2> lines{};
    RouteCache cache{lines};
    std::array<Lookup, kLookups> lookup{};
};

struct World {
    World() : stripes(versions), grace(kReaders) {
        grace.online(0);
        grace.online(1);
    }

    std::array<std::atomic<std::uint32_t>, 2> versions{};
    VersionStripes stripes;
    Grace grace;
    std::array<std::uint32_t, kIds> table{};  // id -> number, 0: not there
    std::array<Entry, kEntries + 1> entry{};  // by number
    std::vector<std::uint32_t> free_numbers{2, 1};
    std::vector<Retired> retired;
    std::array<Life, kIds> life{};

    // The writer's own: the change it is at.
    std::uint32_t number = 0;
    std::uint32_t old = 0;
    bool skipped = false;  // no entry is free yet

    std::array<Reader, kReaders> reader;

    unsigned stale = 0;     // an answer older than what was over when the lookup began
    unsigned hidden = 0;    // "not there", of an id that was there all the time
    unsigned reused = 0;    // an entry that had been given to another id
    unsigned hits = 0;      // answers of caches
    unsigned recycled = 0;  // entries that were used again

    void take_entry() {
        std::erase_if(retired, [this](const Retired& one) {
            if (!grace.elapsed(one.token)) {
                return false;
            }
            free_numbers.push_back(one.number);
            ++recycled;
            return true;
        });
        skipped = free_numbers.empty();
        if (!skipped) {
            number = free_numbers.back();
            free_numbers.pop_back();
        }
    }

    void begin(unsigned id, bool there) {
        Life& its = life[id];
        its.there[++its.begun] = there;
    }
};

using Steps = posthaste::support::Steps<World>;

// --- the writer's steps ---

enum class Part { change, bump, retire };
using Order = std::array<Part, 3>;
constexpr Order kRight{Part::change, Part::bump, Part::retire};

Steps parts(unsigned id, const Order& order) {
    Steps steps;
    for (const Part part : order) {
        switch (part) {
            case Part::change:
                steps.emplace_back([id](World& world) {
                    if (!world.skipped) {
                        world.old = world.table[id];
                        world.table[id] = world.number;
                    }
                });
                break;
            case Part::bump:
                steps.emplace_back([](World& world) {
                    if (!world.skipped) {
                        world.stripes.bump(kHash);
                    }
                });
                break;
            case Part::retire:
                steps.emplace_back([](World& world) {
                    if (!world.skipped && world.old != 0) {
                        world.retired.push_back({world.grace.start(), world.old});
                    }
                });
                break;
        }
    }
    // Whoever asked for the change is told so with its last step.
    const auto last = steps.back();
    steps.back() = [id, last](World& world) {
        last(world);
        if (!world.skipped) {
            world.life[id].over = world.life[id].begun;
        }
    };
    return steps;
}

// Registers the id or moves it: Fib::set(). Without an entry that is free, nothing is done.
Steps put_in(unsigned id, const Order& order = kRight) {
    Steps steps{[id](World& world) {
        world.take_entry();
        if (!world.skipped) {
            world.begin(id, true);
            world.entry[world.number] = {id, world.life[id].begun};
        }
    }};
    return steps + parts(id, order);
}

// Fib::remove().
Steps take_out(unsigned id, const Order& order = kRight) {
    Steps steps = parts(id, order);
    const auto first = steps.front();
    steps.front() = [id, first](World& world) {
        world.skipped = world.table[id] == 0;
        world.number = 0;
        if (!world.skipped) {
            world.old = world.table[id];
            world.begin(id, false);
        }
        first(world);
    };
    return steps;
}

// --- a reader's steps ---

enum class Mutant { none, version_after_table, no_version };

// The answer is used until the quiescent state.
void use(World& world, const Lookup& lookup) {
    const Life& life = world.life[lookup.id];
    if (lookup.number == 0) {
        bool allowed = false;
        for (unsigned state = lookup.oldest; state <= life.begun; ++state) {
            allowed |= !life.there[state];
        }
        world.hidden += allowed ? 0 : 1;
        return;
    }
    const Entry& entry = world.entry[lookup.number];
    world.reused += entry.id == lookup.id && entry == lookup.seen ? 0 : 1;
    world.stale += entry.id == lookup.id && entry.state < lookup.oldest ? 1 : 0;
}

Steps look_up(unsigned reader, unsigned nth, unsigned id, Mutant mutant = Mutant::none) {
    const auto own = [reader, nth](World& world) -> Lookup& {
        return world.reader[reader].lookup[nth];
    };
    Steps read_version{[own, id, mutant](World& world) {
        Lookup& lookup = own(world);
        lookup.id = id;
        lookup.oldest = world.life[id].over;
        lookup.version = mutant == Mutant::no_version ? 0 : world.stripes.read(kHash);
        lookup.insert_version = lookup.version;
    }};
    Steps probe{[own, reader, id](World& world) {
        Lookup& lookup = own(world);
        RouteCache& cache = world.reader[reader].cache;
        const std::uint32_t number = cache.find(agent(id), kHash, lookup.version, 0);
        lookup.from_cache = number != RouteCache::kMiss;
        lookup.number = number == RouteCache::kNegative ? 0 : number;
        lookup.seen = world.entry[lookup.number];
        world.hits += lookup.from_cache ? 1 : 0;
    }};
    Steps read_table{[own, id](World& world) {
        Lookup& lookup = own(world);
        if (!lookup.from_cache) {
            lookup.number = world.table[id];
            lookup.seen = world.entry[lookup.number];
        }
    }};
    Steps version_again{
        [own](World& world) { own(world).insert_version = world.stripes.read(kHash); }};
    Steps insert{[own, reader, id](World& world) {
        Lookup& lookup = own(world);
        if (lookup.from_cache) {
            return;
        }
        RouteCache& cache = world.reader[reader].cache;
        if (lookup.number != 0) {
            cache.insert(agent(id), kHash, lookup.number, lookup.insert_version, 0, kLong);
        } else {
            cache.insert_negative(agent(id), kHash, lookup.insert_version, 0, kLong);
        }
    }};
    Steps use_it{[own](World& world) { use(world, own(world)); }};
    Steps steps = read_version + probe + read_table;
    if (mutant == Mutant::version_after_table) {
        steps = steps + version_again;
    }
    return steps + insert + use_it;
}

// The same in three steps: what a reader does to its own cache changes nothing for others, so it
// may as well be done together with the access before it.
Steps look_up_coarse(unsigned reader, unsigned nth, unsigned id) {
    const Steps fine = look_up(reader, nth, id);
    const auto both = [](const auto& one, const auto& other) {
        return Steps{[one, other](World& world) {
            one(world);
            other(world);
        }};
    };
    return both(fine[0], fine[1]) + both(fine[2], fine[3]) + Steps{fine[4]};
}

Steps quiet(unsigned reader) {
    return {[reader](World& world) { world.grace.quiescent(reader); }};
}

struct Total {
    std::uint64_t stale = 0;
    std::uint64_t hidden = 0;
    std::uint64_t reused = 0;
    std::uint64_t hits = 0;
    std::uint64_t recycled = 0;
    std::uint64_t orders = 0;

    [[nodiscard]] std::uint64_t bad() const { return stale + hidden + reused; }
};

// `before` is done alone, then the programs in every order; both readers end quiet.
Total run(const Steps& before, const std::vector<Steps>& programs) {
    Total total;
    std::optional<World> world;
    const auto make = [&world, &before]() -> World& {
        world.emplace();
        for (const auto& step : before) {
            step(*world);
        }
        return *world;
    };
    const auto wrong = [&total](const World& at_end) {
        total.stale += at_end.stale;
        total.hidden += at_end.hidden;
        total.reused += at_end.reused;
        total.hits += at_end.hits;
        total.recycled += at_end.recycled;
        return at_end.stale + at_end.hidden + at_end.reused != 0;
    };
    const Interleavings all = interleave<World>(programs, make, wrong);
    total.orders = all.orders;
    return total;
}

void expect_right(const Total& total) {
    EXPECT_EQ(total.stale, 0U);
    EXPECT_EQ(total.hidden, 0U);
    EXPECT_EQ(total.reused, 0U);
    EXPECT_GT(total.hits, 0U);  // or nothing was tried
}

// Two lookups, each in a quiescent period of its own.
Steps two_turns(unsigned reader, unsigned id, Mutant mutant = Mutant::none) {
    return look_up(reader, 0, id, mutant) + quiet(reader) + look_up(reader, 1, id, mutant) +
           quiet(reader);
}

// Reader 1 takes no part: offline, it holds up nobody's grace period.
const Steps kAlone{[](World& world) { world.grace.offline(1); }};

}  // namespace

TEST(cache_interleavings, a_registration_is_never_hidden_by_a_negative_copy) {
    const Total total = run(kAlone, {put_in(0), two_turns(0, 0) + look_up(0, 2, 0)});
    expect_right(total);
    EXPECT_EQ(total.orders, 5'985U);  // 21 steps, 4 of them the writer's: all orders were tried
}

TEST(cache_interleavings, a_registration_after_a_negative_copy_is_seen_at_once) {
    expect_right(run(kAlone + look_up(0, 0, 0) + quiet(0),
                     {put_in(0), look_up(0, 1, 0) + quiet(0) + look_up(0, 2, 0)}));
}

TEST(cache_interleavings, a_move_is_seen_by_every_lookup_that_begins_after_it) {
    expect_right(run(kAlone + put_in(0), {put_in(0), two_turns(0, 0) + look_up(0, 2, 0)}));
}

TEST(cache_interleavings, an_id_removed_and_registered_again_is_its_new_self) {
    const Total total = run(
        kAlone + put_in(0) + look_up(0, 0, 0) + quiet(0),
        {take_out(0) + put_in(0) + take_out(0), look_up(0, 1, 0) + quiet(0) + look_up(0, 2, 0)});
    expect_right(total);
}

TEST(cache_interleavings, no_entry_is_used_after_it_went_to_another_id) {
    // Two entries: the move takes the second, and id 1 gets the first once its grace is over.
    const Total total =
        run(kAlone + put_in(0) + look_up(0, 0, 0) + quiet(0),
            {put_in(0) + put_in(1), look_up(0, 1, 0) + quiet(0) + look_up(0, 2, 0) + quiet(0)});
    expect_right(total);
    EXPECT_GT(total.recycled, 0U);
}

TEST(cache_interleavings, no_entry_of_a_removed_id_is_found_under_it_again) {
    const Total total =
        run(kAlone + put_in(0) + put_in(1) + look_up(0, 0, 0) + quiet(0),
            {take_out(0) + put_in(1), look_up(0, 1, 0) + quiet(0) + look_up(0, 2, 0)});
    expect_right(total);
    EXPECT_GT(total.recycled, 0U);
}

TEST(cache_interleavings, ids_that_share_a_line_do_not_lend_each_other_their_versions) {
    expect_right(
        run(kAlone + put_in(0),
            {put_in(0), look_up(0, 0, 0) + look_up(0, 1, 1) + quiet(0) + look_up(0, 2, 0)}));
}

TEST(cache_interleavings, two_readers_both_hold_up_the_reuse_of_an_entry) {
    const Total total =
        run(put_in(0) + put_in(1) + look_up(0, 0, 0) + look_up(1, 0, 0) + quiet(0) + quiet(1),
            {take_out(0) + put_in(1),
             look_up_coarse(0, 1, 0) + quiet(0),
             quiet(1) + look_up_coarse(1, 1, 0)});
    expect_right(total);
    EXPECT_GT(total.recycled, 0U);
}

// --- the same with one thing wrong: the test must see it ---

TEST(cache_interleavings_mutant, bumping_before_the_change_leaves_stale_copies) {
    const Order wrong{Part::bump, Part::change, Part::retire};
    EXPECT_GT(run(kAlone + put_in(0), {put_in(0, wrong), two_turns(0, 0)}).stale, 0U);
    EXPECT_GT(run(kAlone, {put_in(0, wrong), two_turns(0, 0)}).hidden, 0U);
    EXPECT_GT(run(kAlone + put_in(0),
                  {put_in(0, wrong) + put_in(1), two_turns(0, 0) + look_up(0, 2, 0) + quiet(0)})
                  .reused,
              0U);
}

TEST(cache_interleavings_mutant, retiring_before_the_bump_lets_a_copy_outlive_its_entry) {
    const Order wrong{Part::change, Part::retire, Part::bump};
    EXPECT_GT(run(kAlone + put_in(0) + put_in(1) + look_up(0, 0, 0) + quiet(0),
                  {take_out(0, wrong) + put_in(1), quiet(0) + look_up(0, 1, 0) + quiet(0)})
                  .reused,
              0U);
}

TEST(cache_interleavings_mutant, a_version_read_after_the_table_makes_old_routes_new) {
    const Mutant mutant = Mutant::version_after_table;
    EXPECT_GT(run(kAlone + put_in(0), {put_in(0), two_turns(0, 0, mutant)}).stale, 0U);
    EXPECT_GT(run(kAlone, {put_in(0), two_turns(0, 0, mutant)}).hidden, 0U);
}

TEST(cache_interleavings_mutant, copies_believed_whatever_their_version_go_stale) {
    const Mutant mutant = Mutant::no_version;
    EXPECT_GT(run(kAlone + put_in(0), {put_in(0), two_turns(0, 0, mutant)}).stale, 0U);
    EXPECT_GT(run(kAlone, {put_in(0), two_turns(0, 0, mutant)}).hidden, 0U);
    EXPECT_GT(run(kAlone + put_in(0) + put_in(1) + look_up(0, 0, 0, mutant) + quiet(0),
                  {take_out(0) + put_in(1), quiet(0) + look_up(0, 1, 0, mutant) + quiet(0)})
                  .reused,
              0U);
}
