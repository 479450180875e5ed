// SPDX-License-Identifier: BSD-3-Clause
// PatternDirectory: which of the offered patterns match a name, remembered until that changes.
//
// Control thread only; a pure state machine, time is an argument. It puts together PatternTable and
// PatternNames: once a pattern can be matched, exactly the remembered names that it matches are
// forgotten, and once it goes, exactly those it matched. Work takes this way:
//   next_job() -> run_pattern_job(), on the builder thread -> finish()
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/pattern_names.h"
#include "routing/pattern_table.h"

namespace posthaste::routing {

struct PatternJob {
    PatternBuild build;
    NameBatch names;
};

struct PatternJobDone {
    PatternBuilt built;
    std::vector<AgentId> affected;  // names of the batch that what was added matches
    std::uint64_t sequence = 0;     // of the batch
};

[[nodiscard]] PatternJobDone run_pattern_job(PatternJob job);

class PatternDirectory {
  public:
    PatternDirectory(const PatternTableOptions& table,
                     const PatternNamesOptions& names,
                     const KeyHash::Key& key = KeyHash::random_key())
        : table_(table), names_(names, key) {}

    // See PatternTable.
    [[nodiscard]] std::optional<std::string> refuse(std::uint64_t expected) const {
        return table_.refuse(expected);
    }

    void add(std::uint32_t number, ReadPattern pattern, std::uint64_t now_ms) {
        table_.add(number, std::move(pattern), now_ms);
    }

    // False: it was not in.
    bool remove(std::uint32_t number);

    [[nodiscard]] std::optional<PatternJob> next_job(std::uint64_t now_ms);

    [[nodiscard]] std::optional<std::uint64_t> next_due_ms() const { return table_.next_due_ms(); }

    // Says why the job failed, if it did: then what was new matches nothing yet.
    std::string finish(PatternJobDone done);

    // Who matches the name, as remembered or by matching; then it is remembered. At least
    // until_ms is later than now where none matches. Valid until the next call.
    [[nodiscard]] PatternNames::Found look_up(const AgentId& id,
                                              std::string_view name,
                                              std::uint64_t now_ms);

    // Forgets what is over; at most `budget` names.
    void expire(std::uint64_t now_ms, std::size_t budget) { names_.expire(now_ms, budget); }

    // Whose answers are no longer to be believed: each once, and not looked up again since.
    [[nodiscard]] std::vector<AgentId> take_forgotten() { return names_.take_forgotten(); }

    [[nodiscard]] const PatternTable& table() const noexcept { return table_; }

    [[nodiscard]] const PatternNames& names() const noexcept { return names_; }

    void set_options(const PatternTableOptions& table, const PatternNamesOptions& names) {
        table_.set_options(table);
        names_.set_options(names);
    }

  private:
    PatternTable table_;
    PatternNames names_;
};

}  // namespace posthaste::routing
