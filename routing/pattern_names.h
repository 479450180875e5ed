// SPDX-License-Identifier: BSD-3-Clause
// PatternNames: which patterns match the names that were asked for, and names that none matches.
//
// Control thread only; a pure state machine, time is an argument. Names come from frames, so both
// kinds have a bound of their own: a flood of strange names drives out strange names only. The
// oldest goes first; names that none matches go after their time, too. Names matched by the same
// patterns share the list of them. All is O(1) but for what goes with a pattern.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "routing/agent_id.h"
#include "routing/intrusive_list.h"
#include "routing/key_hash.h"
#include "routing/keyed_id_hash.h"

namespace posthaste::routing {

struct PatternNamesOptions {
    std::uint32_t matched_max = 4'096;
    std::uint32_t unmatched_max = 4'096;
    std::uint32_t unmatched_ttl_ms = 2'000;
};

// Names in one piece of memory, to be carried to another thread.
struct NameBatch {
    std::vector<AgentId> ids;
    std::vector<std::uint8_t> lengths;
    std::string text;
    std::uint64_t sequence = 0;  // names of later numbers are not in
};

class PatternNames {
  public:
    explicit PatternNames(const PatternNamesOptions& options,
                          const KeyHash::Key& key = KeyHash::random_key());
    ~PatternNames();
    PatternNames(const PatternNames&) = delete;
    PatternNames& operator=(const PatternNames&) = delete;

    struct Found {
        bool known = false;
        std::span<const std::uint32_t> patterns;  // empty: none matches; valid until a change
        std::uint64_t until_ms = 0;               // if none matches
    };

    [[nodiscard]] Found find(const AgentId& id, std::uint64_t now_ms) const;

    // `patterns` ascending; empty: none matches. Takes the place of what was known of the name.
    // Whoever had to make room is among take_forgotten().
    Found put(const AgentId& id,
              std::string_view name,
              std::span<const std::uint32_t> patterns,
              std::uint64_t now_ms);
    // False: it was not known.
    bool forget(const AgentId& id);
    // Forgets all names the pattern matches.
    void pattern_gone(std::uint32_t pattern);
    // Forgets names that none matches and whose time is over; at most `budget`.
    void expire(std::uint64_t now_ms, std::size_t budget);

    // Ids that were forgotten since the last call and are still, each once.
    [[nodiscard]] std::vector<AgentId> take_forgotten();

    [[nodiscard]] NameBatch names() const;

    // The names put in since a batch was made, each once.
    template <typename Visit>
    void visit_since(std::uint64_t sequence, const Visit& visit) const {
        for (const Queue* const queue : {&matched_, &unmatched_}) {
            for (const Name* name = queue->last; name != nullptr && name->sequence > sequence;
                 name = name->age.previous) {
                visit(name->id, std::string_view(name->text));
            }
        }
    }

    [[nodiscard]] std::size_t matched() const noexcept { return matched_.count; }

    [[nodiscard]] std::size_t unmatched() const noexcept { return unmatched_.count; }

    // Different combinations of patterns that names lead to.
    [[nodiscard]] std::size_t combinations() const noexcept { return combinations_.size(); }

    void set_options(const PatternNamesOptions& options);

  private:
    struct Name;

    struct VectorHash {
        [[nodiscard]] std::size_t operator()(const std::vector<std::uint32_t>& v) const noexcept;
    };

    struct Combination;
    using Combinations = std::unordered_map<std::vector<std::uint32_t>, Combination, VectorHash>;

    struct Name {
        AgentId id;
        std::string text;
        Combinations::value_type* combination = nullptr;  // null: none matches
        std::uint64_t sequence = 0;
        std::uint64_t until_ms = 0;  // if none matches
        ListPlace<Name> age{};
        ListPlace<Name> sibling{};  // of the same combination
    };

    struct Combination {
        IntrusiveList<Name, &Name::sibling> names;
    };

    // The oldest first.
    struct Queue {
        IntrusiveList<Name, &Name::age> names;
        Name* last = nullptr;
        std::size_t count = 0;
    };

    [[nodiscard]] Queue& queue_of(const Name& name) noexcept {
        return name.combination == nullptr ? unmatched_ : matched_;
    }

    void join(Name& name, std::span<const std::uint32_t> patterns);
    void leave(Name& name);
    void drop(const Name& name);

    PatternNamesOptions options_;
    std::unordered_map<AgentId, std::unique_ptr<Name>, KeyedIdHash> by_id_;
    Queue matched_;
    Queue unmatched_;
    Combinations combinations_;
    // By pattern; the nodes of combinations_ do not move.
    std::unordered_map<std::uint32_t, std::unordered_set<Combinations::value_type*>> by_pattern_;
    std::vector<AgentId> forgotten_;
    std::uint64_t sequence_ = 0;
};

}  // namespace posthaste::routing
