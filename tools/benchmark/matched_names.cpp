// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/matched_names.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "routing/capability_index.h"
#include "routing/offer_names.h"
#include "routing/pattern_directory.h"
#include "tools/benchmark/generator.h"

namespace posthaste::tools {

namespace {

using routing::OfferKind;

constexpr std::uint32_t kVersion = 1;  // of the table, which no lcore asks for

// "bench/*/00000042", which matches one name: all of them end in a number of their own.
std::string glob_of(const std::string& name) {
    return "bench/*" + name.substr(name.rfind('/'));
}

struct Patterns {
    explicit Patterns(std::uint32_t names_max)
        : directory({.bytes_max = ~std::uint64_t{0}},
                    {.matched_max = names_max, .unmatched_max = 1, .unmatched_ttl_ms = 1}) {}

    // The builder thread's work, done here.
    [[nodiscard]] tl::expected<void, std::string> build() {
        while (auto job = directory.next_job(kNow)) {
            if (std::string failure = directory.finish(routing::run_pattern_job(std::move(*job)));
                !failure.empty()) {
                return tl::unexpected(std::move(failure));
            }
        }
        return {};
    }

    static constexpr std::uint64_t kNow = 1'000;  // past every wait from time 0
    routing::OfferNames names{routing::KeyHash::random_key()};
    routing::PatternDirectory directory;
};

}  // namespace

tl::expected<void, std::string> put_matched_names(const MatchedNamesOptions& options,
                                                  routing::ProviderSets& sets,
                                                  routing::Fib& fib) {
    Patterns patterns(options.names);
    routing::CapabilityIndex index(patterns.names, sets, fib, {});
    std::vector<std::uint32_t> offers;
    std::uint64_t next = 0;
    for (std::uint32_t i = 0; i < options.names; ++i) {
        const std::string glob = glob_of(capability_name(i, OfferKind::glob));
        auto read = routing::read_pattern(routing::PatternKind::glob, glob);
        const auto offer = patterns.names.hold(OfferKind::glob, glob);
        if (!read.has_value() || !offer.has_value()) {
            return tl::unexpected("nobody can offer " + glob);
        }
        offers.push_back(*offer);
        patterns.directory.add(*offer, std::move(*read), 0);
        for (std::uint32_t provider = 0; provider < options.providers; ++provider) {
            routing::OfferChange change{.number = *offer};
            change.provider.agent = agent_id(next++ % options.agents);
            index.apply(change, 0);
        }
        index.publish_all(0, kVersion);
    }
    if (auto built = patterns.build(); !built.has_value()) {
        return built;
    }
    for (std::uint32_t i = 0; i < options.names; ++i) {
        const std::string name = capability_name(i, OfferKind::glob);
        const routing::AgentId id = capability_id(i, OfferKind::glob);
        const auto found = patterns.directory.look_up(id, name, Patterns::kNow);
        if (!std::ranges::equal(found.patterns, std::span(&offers[i], 1))) {
            return tl::unexpected(name + " is not matched by its own pattern alone");
        }
        if (!index.put_matched(id, found.patterns, kVersion)) {
            return tl::unexpected("the table refused " + name);
        }
    }
    return {};
}

}  // namespace posthaste::tools
