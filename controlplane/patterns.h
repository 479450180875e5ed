// SPDX-License-Identifier: BSD-3-Clause
// Patterns: from the patterns in a registration to the names they answer for. Control thread only.
//
// Judges what agents offer, keeps the directory of patterns by the Rib's changes, lets the builder
// compile it and try regular expressions, and puts names that patterns match into the capability
// index. A registration with a regular expression nobody has tried yet waits here, as a copy of
// its frame, until the builder has.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/builder.h"
#include "controlplane/config.h"
#include "controlplane/pattern_judge.h"
#include "routing/capability_index.h"
#include "routing/offer.h"
#include "routing/pattern_directory.h"
#include "routing/pattern_verdicts.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

struct PatternsCounts {
    std::uint64_t matched = 0;      // look-ups that found patterns
    std::uint64_t unmatched = 0;    // that found none
    std::uint64_t no_room = 0;      // answers the index had no room for
    std::uint64_t nameless = 0;     // messages for an id nobody here knows, without its name
    std::uint64_t tried = 0;        // regular expressions
    std::uint64_t refused = 0;      // of those
    std::uint64_t build_fails = 0;  // see the log
};

class Patterns final : public PatternJudge {
  public:
    static constexpr std::size_t kWaitingMax = 64;        // registrations
    static constexpr std::size_t kTriedTogetherMax = 16;  // regular expressions a job
    static constexpr std::size_t kVerdictsMax = 4'096;
    static constexpr std::size_t kExpiredPerTurn = 256;  // names

    // All outlive it. Its jobs are the builder's until their completions have run.
    Patterns(Builder& builder,
             const routing::OfferNames& names,
             routing::CapabilityIndex& index,
             const CapabilitiesConfig& config);

    [[nodiscard]] tl::expected<Judgement, routing::RibError> judge(std::span<routing::Offer> offers,
                                                                   bool regexes_allowed) override;
    [[nodiscard]] bool keep(KeptRequest request) override;
    bool supersede(const routing::AgentId& agent,
                   const routing::Endpoint* from,
                   std::uint64_t before) override;

    // Registrations whose regular expressions have been tried, or that are superseded: to be served
    // again, as they came.
    [[nodiscard]] std::vector<KeptRequest> take_tried();

    // Offers that somebody has, or nobody any more, since the last call; before their numbers are
    // freed.
    void take_changes(std::span<const std::uint32_t> offers, std::uint64_t now_ms);
    // Gives the builder what there is to do, and the index what is to be forgotten.
    void turn(std::uint64_t now_ms);

    // offered: somebody has the very name, and patterns have no say.
    enum class Answer { matched, unmatched, no_room, offered };

    // Puts what the patterns say about the name into the index. `id` is the name's.
    [[nodiscard]] Answer answer(const routing::AgentId& id,
                                std::string_view name,
                                std::uint64_t now_ms,
                                std::uint32_t version);

    // Whether lcores are to send names up that nobody has.
    [[nodiscard]] bool any() const noexcept { return directory_.table().patterns() > 0; }

    [[nodiscard]] const routing::PatternDirectory& directory() const noexcept { return directory_; }

    [[nodiscard]] const PatternsCounts& counts() const noexcept { return counts_; }

    // Such a message was dropped: no pattern can be asked about it.
    void note_nameless() noexcept { ++counts_.nameless; }

    [[nodiscard]] std::size_t waiting() const noexcept { return kept_.size(); }

    void set_options(const CapabilitiesConfig& config);

  private:
    void build(std::uint64_t now_ms);
    void try_regexes();
    void forget();

    Builder& builder_;
    const routing::OfferNames& names_;
    routing::CapabilityIndex& index_;
    routing::PatternDirectory directory_;
    routing::PatternVerdicts verdicts_{kVerdictsMax};
    std::deque<KeptRequest> kept_;
    std::uint64_t kept_count_ = 0;                    // since the start
    std::optional<routing::PatternJob> refused_job_;  // the builder had no room for it
    bool trying_ = false;
    PatternsCounts counts_;
};

}  // namespace posthaste::controlplane
