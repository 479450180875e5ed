// SPDX-License-Identifier: BSD-3-Clause
// OfferNames: every text that agents offer, once, with a small number. Control thread only.
//
// Counted by its holders: the Rib's records. A text nobody holds any more keeps its number until
// free(), so that whoever acts on the Rib's changes later still knows what they were about.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "routing/agent_id.h"
#include "routing/key_hash.h"
#include "routing/keyed_id_hash.h"
#include "routing/offer.h"

namespace posthaste::routing {

class OfferNames {
  public:
    struct Name {
        AgentId id;  // offer_id()
        OfferKind kind = OfferKind::name;
        std::string text;
        std::uint32_t holders = 0;
    };

    explicit OfferNames(const KeyHash::Key& key);
    OfferNames(const OfferNames&) = delete;
    OfferNames& operator=(const OfferNames&) = delete;

    // The number of the text, held once more. The error: another text has the same id.
    [[nodiscard]] tl::expected<std::uint32_t, std::string> hold(OfferKind kind,
                                                                std::string_view text);
    void release(std::uint32_t number);
    // 0: nobody offers it, or it is another text of the same id.
    [[nodiscard]] std::uint32_t find(OfferKind kind, std::string_view text) const;
    [[nodiscard]] std::uint32_t find(const AgentId& id) const;

    [[nodiscard]] const Name& at(std::uint32_t number) const { return names_[number - 1]; }

    // Forgets it, if nobody holds it. True: it did, and the number may be another's next.
    bool free(std::uint32_t number);

    // Texts that have a number, held or not.
    [[nodiscard]] std::uint32_t count() const noexcept {
        return static_cast<std::uint32_t>(by_id_.size());
    }

    // Numbers are 1 .. limit().
    [[nodiscard]] std::uint32_t limit() const noexcept {
        return static_cast<std::uint32_t>(names_.size());
    }

  private:
    std::vector<Name> names_;  // by number less one
    std::vector<std::uint32_t> free_;
    std::unordered_map<AgentId, std::uint32_t, KeyedIdHash> by_id_;
};

}  // namespace posthaste::routing
