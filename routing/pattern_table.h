// SPDX-License-Identifier: BSD-3-Clause
// PatternTable: the patterns that are offered, and the databases that tell which of them match a
// name. Control thread only; a pure state machine, time is an argument.
//
// Patterns lie in several databases, not one, so that compiling is bounded: a build takes at most
// kBuildPatternsMax patterns of kBuildCostMax together, however many there are. New ones come into
// a small database first and can be seen after some milliseconds; databases of like size are then
// merged in pairs, while nothing new waits, so that there are few of them. One build at a time:
//   next_build() -> build_patterns(), on the builder thread -> adopt()
// A pattern that goes is no match from that moment on; its room comes back with the next build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "routing/pattern.h"
#include "routing/pattern_database.h"

namespace posthaste::routing {

struct PatternTableOptions {
    std::uint64_t bytes_max = 64U << 20;  // compiled, all databases together
    std::uint32_t coalesce_ms = 5;        // from the first new pattern to its build
};

// One pattern in a database: its number and which of the patterns that had it.
struct PatternMember {
    std::uint32_t number = 0;
    std::uint64_t generation = 0;
    bool added = false;  // no database has it yet
    std::shared_ptr<const std::string> expression;
};

// More than the pattern takes in a database beside others, as measured over random ones.
[[nodiscard]] std::uint32_t expected_bytes(const ReadPattern& pattern) noexcept;

// Work for the builder thread; it shares nothing with the table but immutable texts.
struct PatternBuild {
    std::vector<PatternMember> members;
    std::vector<std::uint64_t> replaces;  // databases, by their serial number
    std::size_t bytes_max = 0;

    [[nodiscard]] bool adds() const noexcept { return !members.empty() && members[0].added; }
};

struct PatternBuilt {
    PatternBuild build;
    PatternDatabase::Compiled database;
};

[[nodiscard]] PatternBuilt build_patterns(PatternBuild build);
// Whether a pattern that was added to the database made of the members matches, or so many do that
// it cannot be told.
[[nodiscard]] bool added_matches(const PatternDatabase& database,
                                 std::span<const PatternMember> members,
                                 std::string_view name,
                                 PatternScratch& scratch) noexcept;

struct PatternTableCounts {
    std::uint64_t builds = 0;
    std::uint64_t merges = 0;  // builds that added nothing
    std::uint64_t failures = 0;
    std::uint64_t overflows = 0;  // names that more than kPatternMatchesMax patterns match
};

enum class PatternState : std::uint8_t { waiting, ready, failed };

class PatternTable {
  public:
    static constexpr std::size_t kBuildPatternsMax = 2'048;
    static constexpr std::uint64_t kBuildCostMax = 60'000;
    // Databases up to that size are merged with what is new at once.
    static constexpr std::size_t kQuickPatternsMax = 128;

    explicit PatternTable(const PatternTableOptions& options) : options_(options) {}

    PatternTable(const PatternTable&) = delete;
    PatternTable& operator=(const PatternTable&) = delete;

    // Why there is no room for patterns that are expected to take so much together; nothing: there
    // is.
    [[nodiscard]] std::optional<std::string> refuse(std::uint64_t expected) const;
    // The number is the caller's and not in use here.
    void add(std::uint32_t number, ReadPattern pattern, std::uint64_t now_ms);
    // False: it was not in.
    bool remove(std::uint32_t number);

    [[nodiscard]] bool contains(std::uint32_t number) const { return entries_.contains(number); }

    // Of a pattern that is in. One that cannot be built matches nothing; it is tried again once
    // another goes or there is more room.
    [[nodiscard]] PatternState state(std::uint32_t number) const;
    // Why it cannot be built; empty: it can, as far as is known.
    [[nodiscard]] std::string_view failure(std::uint32_t number) const;

    // Patterns that cannot be built.
    [[nodiscard]] std::size_t failed() const noexcept { return failed_.size(); }

    // What is to be built now, if anything and if nothing is being built.
    [[nodiscard]] std::optional<PatternBuild> next_build(std::uint64_t now_ms);
    // When next_build() next has something, or may; nothing: not before a change or adopt().
    [[nodiscard]] std::optional<std::uint64_t> next_due_ms() const;

    struct Adopted {
        std::uint64_t database = 0;        // for added_match(); 0: nothing was added
        std::vector<std::uint32_t> added;  // numbers that are looked for from now on
        std::string failure;               // empty: it was built
    };

    // Whatever next_build() gave must come back; if it cannot be built, with a failure.
    Adopted adopt(PatternBuilt built);
    // As added_matches(), of what was adopted last.
    [[nodiscard]] bool added_match(const Adopted& adopted, std::string_view name);

    // All patterns that match, ascending; at most kPatternMatchesMax and as many as find room.
    PatternDatabase::Matches match(std::string_view name, std::span<std::uint32_t> numbers);

    [[nodiscard]] std::size_t patterns() const noexcept { return entries_.size(); }

    // Those that match nothing yet, because no database has them.
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_count_; }

    [[nodiscard]] std::size_t databases() const noexcept { return shards_.size(); }

    // Of the databases, and what is expected of the patterns that wait.
    [[nodiscard]] std::uint64_t bytes() const noexcept;

    [[nodiscard]] const PatternTableCounts& counts() const noexcept { return counts_; }

    void set_options(const PatternTableOptions& options);

  private:
    static constexpr std::uint64_t kWaits = 0;
    static constexpr std::uint64_t kCannotBeBuilt = ~std::uint64_t{0};

    struct Entry {
        std::uint64_t generation = 0;
        std::uint64_t shard = kWaits;  // the serial number of its database
        std::uint32_t cost = 0;
        std::uint32_t bytes = 0;  // expected
        std::shared_ptr<const std::string> expression;
    };

    // A database, and who is in it by the numbers that it gives.
    struct Shard {
        std::uint64_t serial = 0;
        std::unique_ptr<const PatternDatabase> database;
        std::vector<PatternMember> members;
        std::size_t live = 0;
        std::uint64_t cost = 0;  // of those
    };

    struct Waiting {
        std::uint32_t number;
        std::uint64_t generation;
    };

    [[nodiscard]] Entry* live(const PatternMember& member);
    [[nodiscard]] PatternBuild build_of_waiting();
    [[nodiscard]] PatternBuild build_of_merge();
    void take_in(PatternBuild& build, Shard& shard);
    void sort_by_size();
    void drop_empty();
    void give_back(const PatternBuild& build, const PatternDatabase::Failure& failure);
    void wait_again(std::uint32_t number, std::uint64_t now_ms);
    void retry_failed();

    PatternTableOptions options_;
    std::unordered_map<std::uint32_t, Entry> entries_;
    std::deque<Waiting> waiting_;  // some may be gone
    std::size_t waiting_count_ = 0;
    std::uint64_t waiting_bytes_ = 0;
    std::uint64_t waits_since_ms_ = 0;
    std::map<std::uint32_t, std::string> failed_;  // by number: why it cannot be built
    std::vector<Shard> shards_;
    PatternScratch scratch_;
    std::vector<std::uint32_t> places_;          // match()'s: of a database
    std::vector<std::uint32_t> found_;           // match()'s: numbers
    std::size_t build_max_ = kBuildPatternsMax;  // halved by failures
    bool building_ = false;
    bool merge_pays_ = false;   // something has changed since a merge was looked for in vain
    bool merge_first_ = false;  // there are many databases, and new patterns keep coming
    std::uint64_t generations_ = 0;
    std::uint64_t serials_ = 0;
    PatternTableCounts counts_;
};

}  // namespace posthaste::routing
