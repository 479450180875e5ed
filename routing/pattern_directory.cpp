// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_directory.h"

#include <array>
#include <utility>

namespace posthaste::routing {

PatternJobDone run_pattern_job(PatternJob job) {
    PatternJobDone done{build_patterns(std::move(job.build)), {}, job.names.sequence};
    if (!done.built.database.has_value()) {
        return done;
    }
    const PatternDatabase& database = **done.built.database;
    PatternScratch scratch;
    const bool fits = job.names.ids.empty() || scratch.fit(database);
    std::string_view text = job.names.text;
    for (std::size_t i = 0; i < job.names.ids.size(); ++i) {
        const std::string_view name = text.substr(0, job.names.lengths[i]);
        text.remove_prefix(name.size());
        if (!fits || added_matches(database, done.built.build.members, name, scratch)) {
            done.affected.push_back(job.names.ids[i]);
        }
    }
    return done;
}

bool PatternDirectory::remove(std::uint32_t number) {
    names_.pattern_gone(number);
    return table_.remove(number);
}

std::optional<PatternJob> PatternDirectory::next_job(std::uint64_t now_ms) {
    auto build = table_.next_build(now_ms);
    if (!build) {
        return std::nullopt;
    }
    PatternJob job{std::move(*build), {}};
    if (job.build.adds()) {
        job.names = names_.names();
    }
    return job;
}

std::string PatternDirectory::finish(PatternJobDone done) {
    PatternTable::Adopted adopted = table_.adopt(std::move(done.built));
    if (adopted.database == 0) {
        return std::move(adopted.failure);
    }
    std::vector<AgentId> affected = std::move(done.affected);
    names_.visit_since(done.sequence, [&](const AgentId& id, std::string_view name) {
        if (table_.added_match(adopted, name)) {
            affected.push_back(id);
        }
    });
    for (const AgentId& id : affected) {
        names_.forget(id);
    }
    return {};
}

PatternNames::Found PatternDirectory::look_up(const AgentId& id,
                                              std::string_view name,
                                              std::uint64_t now_ms) {
    const PatternNames::Found known = names_.find(id, now_ms);
    if (known.known) {
        return known;
    }
    std::array<std::uint32_t, kPatternMatchesMax> patterns;
    const auto found = table_.match(name, patterns);
    return names_.put(id, name, std::span(patterns).first(found.count), now_ms);
}

}  // namespace posthaste::routing
