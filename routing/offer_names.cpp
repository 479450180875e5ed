// SPDX-License-Identifier: BSD-3-Clause
#include "routing/offer_names.h"

#include "routing/check.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kBucketsAtStart = 64;

}  // namespace

OfferNames::OfferNames(const KeyHash::Key& key)
    : by_id_(kBucketsAtStart, KeyedIdHash{KeyHash(key)}) {}

tl::expected<std::uint32_t, std::string> OfferNames::hold(OfferKind kind, std::string_view text) {
    const AgentId id = offer_id(kind, text);
    const auto [at, added] = by_id_.try_emplace(id, 0);
    if (!added) {
        Name& name = names_[at->second - 1];
        if (name.kind != kind || name.text != text) {
            return tl::unexpected(std::string(text) + " and " + name.text + " have the same id " +
                                  id.to_text());
        }
        ++name.holders;
        return at->second;
    }
    if (free_.empty()) {
        names_.emplace_back();
        free_.push_back(static_cast<std::uint32_t>(names_.size()));
    }
    at->second = free_.back();
    free_.pop_back();
    names_[at->second - 1] = {.id = id, .kind = kind, .text = std::string(text), .holders = 1};
    return at->second;
}

void OfferNames::release(std::uint32_t number) {
    Name& name = names_[number - 1];
    CHECK(name.holders > 0);
    --name.holders;
}

std::uint32_t OfferNames::find(OfferKind kind, std::string_view text) const {
    const std::uint32_t number = find(offer_id(kind, text));
    return number != 0 && at(number).kind == kind && at(number).text == text ? number : 0;
}

std::uint32_t OfferNames::find(const AgentId& id) const {
    const auto held = by_id_.find(id);
    return held == by_id_.end() ? 0 : held->second;
}

bool OfferNames::free(std::uint32_t number) {
    Name& name = names_[number - 1];
    if (name.holders > 0) {
        return false;
    }
    by_id_.erase(name.id);
    name = Name{};
    free_.push_back(number);
    return true;
}

}  // namespace posthaste::routing
