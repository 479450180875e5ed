// SPDX-License-Identifier: BSD-3-Clause
#include "routing/offer.h"

#include <charconv>
#include <utility>

#include "routing/capability_name.h"

namespace posthaste::routing {

namespace {

// A decimal number of min..max, all of the text.
bool read_number(std::string_view text,
                 std::uint16_t min,
                 std::uint16_t max,
                 std::uint16_t& value) noexcept {
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    return read.ec == std::errc{} && read.ptr == end && value >= min && value <= max;
}

}  // namespace

std::string_view name_of(OfferKind kind) noexcept {
    switch (kind) {
        case OfferKind::name:
            return "name";
        case OfferKind::glob:
            return "glob";
        case OfferKind::regex:
            return "regex";
    }
    return "";
}

tl::expected<Offer, std::string> offer_from_text(std::string_view text) {
    const std::string whole(text);
    Offer offer;
    if (const std::size_t star = text.rfind('*'); star != std::string_view::npos) {
        if (!read_number(text.substr(star + 1), 1, kProviderWeightMax, offer.weight)) {
            return tl::unexpected(whole + ": a weight is 1 to 1000");
        }
        text = text.substr(0, star);
    }
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        if (!read_number(text.substr(at + 1), 0, kProviderPriorityMax, offer.priority)) {
            return tl::unexpected(whole + ": a priority is 0 to 1000");
        }
        text = text.substr(0, at);
    }
    if (!is_capability_name(text)) {
        return tl::unexpected(whole +
                              ": a capability's name is 1 to 100 bytes of words of a-z 0-9, "
                              "joined by - _ . or /, with an optional :version");
    }
    offer.text = text;
    return offer;
}

std::vector<Offer> offers_from_texts(std::span<const std::string> texts) {
    std::vector<Offer> offers;
    for (const std::string& text : texts) {
        if (auto offer = offer_from_text(text)) {
            offers.push_back(std::move(*offer));
        }
    }
    return offers;
}

std::string to_text(const Offer& offer) {
    std::string text = offer.kind == OfferKind::name ? "" : std::string(name_of(offer.kind)) + ' ';
    text += offer.text;
    if (offer.priority != kProviderPriorityDefault) {
        text += '@' + std::to_string(offer.priority);
    }
    if (offer.weight != kProviderWeightDefault) {
        text += '*' + std::to_string(offer.weight);
    }
    return text;
}

AgentId offer_id(OfferKind kind, std::string_view text) {
    if (kind == OfferKind::name) {
        return capability_id(text);
    }
    // No name has a blank.
    return capability_id(std::string(name_of(kind)) + ' ' + std::string(text));
}

}  // namespace posthaste::routing
