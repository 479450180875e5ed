// SPDX-License-Identifier: BSD-3-Clause
// RouteTable: agent id -> number of a Fib entry, one cache line per hit. One writer (control
// thread), any number of lock-free readers; the rte_hash beside it (routing/fib_index.h) is the
// authority for what does not fit here.
//
// A line is 64 bytes: two ids, their next hops and numbers, and two bits that tell of the ids that
// belong here but had to go to another line. An id lies in one of the kGroup lines around its home,
// nearest first by exclusive or: its home's neighbour is the other half of 128 bytes, which
// prefetchers of Intel and AMD bring along. An id whose bit is not set lies at home or nowhere: a
// miss, too, reads one line.
//
// Readers and the writer agree by this: a number is stored (release) after its id, and read
// (acquire) before it; 0 says that nothing is there; a slot whose number was taken away is given
// to another id only after a grace period. So a reader that saw a number sees the id it belongs
// to whole and unchanged. Ids never move from slot to slot, so none is missed on the way. A next
// hop is replaced where it lies; the number says "elsewhere" meanwhile, and another one afterwards,
// since entries are replaced, too. So a reader that finds the same number before and after it
// copied the next hop has the one of that number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "routing/agent_id.h"
#include "routing/grace.h"
#include "routing/key_hash.h"
#include "routing/next_hop.h"
#include "routing/prefetch.h"
#include "routing/route_filter.h"

namespace posthaste::routing {

class RouteTable {
  public:
    static constexpr std::uint32_t kNone = 0;            // not in the table
    static constexpr std::uint32_t kAskAuthority = ~0U;  // perhaps there, but not in here
    static constexpr std::uint32_t kNumberMax = (1U << 27) - 1;
    static constexpr unsigned kSlots = 2;           // ids in a line
    static constexpr std::size_t kAlignment = 128;  // a line and the first one tried beside it
    static constexpr std::uint32_t kGroup = 8;      // lines an id may lie in, its home among them

    enum class Isa : std::uint8_t { scalar, avx2 };  // of the probe
    // Of the ids asked for: to be computed; known; or known, and prefetch() was called for each.
    enum class Hashes : std::uint8_t { wanted, given, announced };
    // What most of the ids asked for are. The answers are the same; for strange ones the way is
    // shorter, for known ones a little longer.
    enum class Mostly : std::uint8_t { known, strange };

    // Null: no memory. For `capacity` ids at once, at least 1. `hash` gave, and gives, the hashes
    // that are passed in; both outlive the table.
    [[nodiscard]] static std::unique_ptr<RouteTable> create(std::uint32_t capacity,
                                                            const KeyHash& hash,
                                                            Grace& grace,
                                                            int socket);
    ~RouteTable();
    RouteTable(const RouteTable&) = delete;
    RouteTable& operator=(const RouteTable&) = delete;

    // --- the writer ---
    // Adds the id, or, `known` from before, gives it another number at once. False: there is no
    // room near its home, and readers are told to ask the authority, which must have it by now.
    bool put(const AgentId& id,
             std::uint64_t hash,
             std::uint32_t number,
             const NextHop& hop,
             bool known);
    // The id is known: it was put in and not removed since.
    void remove(const AgentId& id, std::uint64_t hash);

    // Of many ids to be put in one after the other: what put() waits for.
    void prefetch_put(std::uint64_t hash) const noexcept {
        const std::uint32_t home = home_of(hash);
        prefetch_line(lines_ + home);
        prefetch_line(taken_.data() + home);
        filter_->prefetch(home);
    }

    // Slots whose grace period is over can be used again.
    void reclaim();

    // Ids that readers have to ask the authority for.
    [[nodiscard]] std::uint32_t spilled_count() const noexcept {
        return static_cast<std::uint32_t>(spilled_.size());
    }

    // How many there are on average, of ids that know nothing of the key.
    [[nodiscard]] double spilled_by_chance() const noexcept {
        return spilled_by_chance(lines_count_, count_ + retired_.size());
    }

    [[nodiscard]] static double spilled_by_chance(std::uint32_t lines, std::size_t ids) noexcept;

    [[nodiscard]] std::size_t retired_count() const noexcept { return retired_.size(); }

    // Of hugepages, and of the writer's own lists.
    [[nodiscard]] std::size_t heap_bytes() const noexcept;
    [[nodiscard]] static std::size_t planned_heap_bytes(std::uint32_t capacity) noexcept;

    // --- readers, within one quiescent period ---
    // numbers[i]: that of ids[i], kNone, or (rare) kAskAuthority. hashes[i] is given, or computed
    // and stored, while the lines of other ids are on their way. hops[i]: its next hop, if that
    // lies here; `hops` may be null. Any count of ids. Gives how many answers are kAskAuthority.
    std::size_t lookup(std::span<const AgentId* const> ids,
                       std::uint64_t* hashes,
                       Hashes are,
                       Mostly mostly,
                       std::uint32_t* numbers,
                       NextHop* hops) const noexcept;
    // The same for one id whose hash is known, without a pipeline.
    [[nodiscard]] std::uint32_t lookup_one(const AgentId& id, std::uint64_t hash) const noexcept;
    // The same by one kind of probe, which the CPU must have; for tests and benchmarks.
    std::size_t lookup_by(Isa isa,
                          std::span<const AgentId* const> ids,
                          std::uint64_t* hashes,
                          Hashes are,
                          Mostly mostly,
                          std::uint32_t* numbers,
                          NextHop* hops) const noexcept;

    // What a lookup of this id will read first is asked for.
    void prefetch(std::uint64_t hash, Mostly mostly) const noexcept {
        const std::uint32_t home = home_of(hash);
        mostly == Mostly::known ? prefetch_line(lines_ + home) : filter_->prefetch(home);
    }

    // Whether an id with this hash can be there, from the filter alone.
    [[nodiscard]] bool may_have(std::uint64_t hash) const noexcept {
        return filter_->may_have(home_of(hash), hash);
    }

    [[nodiscard]] static bool has_avx2() noexcept;

  private:
    // A slot's number, where its next hop is (NextHop), and kAway: an id of this home whose hash
    // ends in the slot's number lies in another line, or outside.
    using Word = std::uint32_t;
    static constexpr Word kAway = 1U << 27;
    static constexpr unsigned kWhereShift = 28;

    struct alignas(64) Line {
        std::array<AgentId, kSlots> id;
        std::array<std::array<std::uint32_t, NextHop::kWords>, kSlots> hop;
        std::array<Word, kSlots> word;

        [[nodiscard]] std::uint32_t number(unsigned slot) const noexcept {
            return word[slot] & kNumberMax;
        }
    };

    static_assert(sizeof(Line) == 64);

    struct Place {
        std::uint32_t line;
        unsigned slot;
    };

    struct Retired {
        std::uint64_t token;
        Place place;
    };

    struct Probe;  // the readers' code, in route_table_probe.cpp

    RouteTable(std::uint32_t lines, const KeyHash& hash, Grace& grace);

    [[nodiscard]] std::uint32_t home_of(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>(((hash >> 32) * lines_count_) >> 32);
    }

    // The slot whose word has the bit of ids with this hash.
    [[nodiscard]] static unsigned away_slot(std::uint64_t hash) noexcept {
        return static_cast<unsigned>(hash & 1);
    }

    [[nodiscard]] bool find(const AgentId& id, std::uint64_t hash, Place& place) const noexcept;
    [[nodiscard]] bool find_free(std::uint32_t home, Place& place) const noexcept;
    [[nodiscard]] std::vector<std::uint64_t> spilled_near(std::uint32_t home) const;
    void forget_spilled(std::uint64_t hash);
    void summarise(std::uint32_t home);
    void filter_again(std::uint32_t home);
    void write(Place place, std::uint32_t number, const NextHop& hop) noexcept;
    void set_away(std::uint32_t home, unsigned slot, bool away) noexcept;

    const KeyHash& hash_;
    Grace& grace_;
    std::uint32_t lines_count_;  // a multiple of kGroup; each is a home
    Isa isa_;
    Line* lines_ = nullptr;  // hugepages
    std::unique_ptr<RouteFilter> filter_;
    std::uint32_t count_ = 0;  // ids put in and not removed since, spilled ones included
    // Hashes of ids that found no room, by the first line of their group: few
    // (spilled_by_chance()), and where there are many, another key is due.
    std::unordered_multimap<std::uint32_t, std::uint64_t> spilled_;
    std::vector<std::uint8_t> taken_;  // by line, a bit per slot: in use, or in its grace period
    std::deque<Retired> retired_;
};

}  // namespace posthaste::routing
