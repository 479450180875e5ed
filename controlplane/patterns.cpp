// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/patterns.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "controlplane/log.h"

namespace posthaste::controlplane {

using routing::ErrorCode;
using routing::Offer;
using routing::OfferKind;
using routing::PatternKind;
using routing::RibError;

namespace {

routing::PatternTableOptions table_options(const CapabilitiesConfig& config) noexcept {
    return {.bytes_max = std::uint64_t{config.database_mb} << 20, .coalesce_ms = config.publish_ms};
}

routing::PatternNamesOptions names_options(const CapabilitiesConfig& config) noexcept {
    return {.matched_max = config.name_cache,
            .unmatched_max = config.name_cache,
            .unmatched_ttl_ms = config.negative_ttl_ms};
}

PatternKind kind_of(OfferKind kind) noexcept {
    return kind == OfferKind::glob ? PatternKind::glob : PatternKind::regex;
}

RibError refusal(ErrorCode code, const Offer& offer, const std::string& reason) {
    return {code, "pattern " + offer.text + ": " + reason};
}

// A regular expression and what trying it gave.
struct Trial {
    std::string text;
    std::string wrong;
};

std::vector<Trial> run_trials(std::vector<std::string> texts) {
    std::vector<Trial> trials;
    for (std::string& text : texts) {
        const auto read = routing::read_pattern(PatternKind::regex, text);
        std::string wrong = read ? routing::try_pattern(*read) : read.error();
        trials.push_back({std::move(text), std::move(wrong)});
    }
    return trials;
}

}  // namespace

Patterns::Patterns(Builder& builder,
                   const routing::OfferNames& names,
                   routing::CapabilityIndex& index,
                   const CapabilitiesConfig& config)
    : builder_(builder),
      names_(names),
      index_(index),
      directory_(table_options(config), names_options(config)) {}

void Patterns::set_options(const CapabilitiesConfig& config) {
    directory_.set_options(table_options(config), names_options(config));
}

tl::expected<PatternJudge::Judgement, RibError> Patterns::judge(std::span<Offer> offers,
                                                                bool regexes_allowed) {
    Judgement judgement;
    std::uint64_t expected = 0;
    for (Offer& offer : offers) {
        if (offer.kind == OfferKind::name) {
            continue;
        }
        if (offer.kind == OfferKind::regex && !regexes_allowed) {
            return tl::unexpected(
                RibError{ErrorCode::unauthorised, "regular expressions are not allowed here"});
        }
        auto read = routing::read_pattern(kind_of(offer.kind), offer.text);
        if (!read) {
            // The text may be anything; what is wrong names the byte.
            return tl::unexpected(RibError{ErrorCode::malformed, "pattern: " + read.error()});
        }
        offer.text = read->pattern.text;
        const std::uint32_t number = names_.find(offer.kind, offer.text);
        if (number != 0 && directory_.table().contains(number)) {
            const std::string_view failure = directory_.table().failure(number);
            if (!failure.empty()) {
                return tl::unexpected(
                    refusal(ErrorCode::overloaded, offer, "not compiled: " + std::string(failure)));
            }
            continue;
        }
        expected += routing::expected_bytes(*read);
        if (const auto no_room = directory_.refuse(expected)) {
            return tl::unexpected(refusal(ErrorCode::overloaded, offer, *no_room));
        }
        if (offer.kind != OfferKind::regex) {
            continue;
        }
        const std::string* const wrong = verdicts_.find(offer.text);
        if (wrong == nullptr) {
            judgement.untried.push_back(offer.text);
        } else if (!wrong->empty()) {
            return tl::unexpected(refusal(ErrorCode::malformed, offer, *wrong));
        }
    }
    return judgement;
}

bool Patterns::keep(KeptRequest request) {
    if (kept_.size() >= kWaitingMax) {
        return false;
    }
    request.number = request.number == 0 ? ++kept_count_ : request.number;
    kept_.push_back(std::move(request));
    return true;
}

bool Patterns::supersede(const routing::AgentId& agent,
                         const routing::Endpoint* from,
                         std::uint64_t before) {
    bool any = false;
    for (KeptRequest& kept : kept_) {
        if (kept.agent == agent && kept.number < before &&
            (from == nullptr || routing::same_host(kept.from, *from))) {
            kept.superseded = true;
            any = true;
        }
    }
    return any;
}

std::vector<KeptRequest> Patterns::take_tried() {
    std::vector<KeptRequest> ready;
    std::erase_if(kept_, [&](KeptRequest& kept) {
        const bool tried =
            kept.superseded ||
            std::all_of(kept.untried.begin(), kept.untried.end(), [this](const auto& text) {
                return verdicts_.find(text) != nullptr;
            });
        if (tried) {
            ready.push_back(std::move(kept));
        }
        return tried;
    });
    return ready;
}

void Patterns::take_changes(std::span<const std::uint32_t> offers, std::uint64_t now_ms) {
    for (const std::uint32_t number : offers) {
        const routing::OfferNames::Name& name = names_.at(number);
        const bool in = directory_.table().contains(number);
        if (name.holders == 0) {
            directory_.remove(number);
        } else if (!in) {
            auto read = routing::read_pattern(kind_of(name.kind), name.text);
            if (read) {
                directory_.add(number, std::move(*read), now_ms);
            } else {
                log_warning("pattern " + name.text + ": " + read.error());
            }
        }
    }
}

void Patterns::turn(std::uint64_t now_ms) {
    try_regexes();
    build(now_ms);
    directory_.expire(now_ms, kExpiredPerTurn);
    forget();
}

void Patterns::forget() {
    for (const routing::AgentId& id : directory_.take_forgotten()) {
        index_.forget(id);
    }
}

void Patterns::build(std::uint64_t now_ms) {
    auto job =
        refused_job_ ? std::exchange(refused_job_, std::nullopt) : directory_.next_job(now_ms);
    if (!job) {
        return;
    }
    // std::function wants to copy what it holds.
    const auto shared = std::make_shared<routing::PatternJob>(std::move(*job));
    const bool taken = builder_.submit([this, shared]() -> Builder::Completion {
        const auto done =
            std::make_shared<routing::PatternJobDone>(routing::run_pattern_job(std::move(*shared)));
        return [this, done] {
            const std::string failure = directory_.finish(std::move(*done));
            if (!failure.empty()) {
                ++counts_.build_fails;
                log_warning("patterns: " + failure);
            }
            forget();
        };
    });
    if (!taken) {
        refused_job_ = std::move(*shared);
    }
}

void Patterns::try_regexes() {
    if (trying_ || kept_.empty()) {
        return;
    }
    std::vector<std::string> texts;
    for (const KeptRequest& kept : kept_) {
        for (const std::string& text : kept.untried) {
            if (texts.size() < kTriedTogetherMax && verdicts_.find(text) == nullptr &&
                std::find(texts.begin(), texts.end(), text) == texts.end()) {
                texts.push_back(text);
            }
        }
    }
    if (texts.empty()) {
        return;
    }
    trying_ = builder_.submit([this, texts = std::move(texts)]() -> Builder::Completion {
        return [this, trials = run_trials(texts)] {
            trying_ = false;
            for (const Trial& trial : trials) {
                ++counts_.tried;
                counts_.refused += trial.wrong.empty() ? 0 : 1;
                verdicts_.put(trial.text, trial.wrong);
            }
        };
    });
}

Patterns::Answer Patterns::answer(const routing::AgentId& id,
                                  std::string_view name,
                                  std::uint64_t now_ms,
                                  std::uint32_t version) {
    // Asked about with a frame that is older than the offer, perhaps.
    if (names_.find(OfferKind::name, name) != 0) {
        return Answer::offered;
    }
    const auto found = directory_.look_up(id, name, now_ms);
    const bool matched = !found.patterns.empty();
    ++(matched ? counts_.matched : counts_.unmatched);
    const bool put =
        matched ? index_.put_matched(id, found.patterns, version)
                : index_.put_unmatched(id, static_cast<std::uint32_t>(found.until_ms), version);
    forget();
    if (!put) {
        ++counts_.no_room;
        return Answer::no_room;
    }
    return matched ? Answer::matched : Answer::unmatched;
}

}  // namespace posthaste::controlplane
