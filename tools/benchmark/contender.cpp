// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/contender.h"

#include <cstring>

namespace posthaste::tools {

namespace {

// What every other row includes: the ids come from memory, and their addresses go to an array.
class Reading : public Contender {
  public:
    Answers lookup(std::span<const routing::AgentId> ids, unsigned batch) override {
        return in_bulks<kBulk>(ids, batch, [](std::span<const routing::AgentId* const> keys) {
            Answers answers;
            for (const routing::AgentId* key : keys) {
                std::uint64_t half[2];
                std::memcpy(half, key->bytes.data(), sizeof half);
                answers += {1, half[0] ^ half[1]};
            }
            return answers;
        });
    }

    std::optional<std::uint64_t> find(const routing::AgentId& /*id*/) override { return {}; }

    bool set(const routing::AgentId& /*id*/, std::uint64_t /*value*/) override { return true; }

    bool remove(const routing::AgentId& /*id*/) override { return true; }
};

tl::expected<std::unique_ptr<Contender>, std::string> make_reading(const Build& /*build*/) {
    return std::make_unique<Reading>();
}

std::vector<ContenderKind> all_kinds() {
    std::vector<ContenderKind> kinds;
    add_ours(kinds);
    add_rte_hash(kinds);
    add_maps(kinds);
    add_concurrent_maps(kinds);
    kinds.push_back({.name = "reading",
                     .what = "reading the stream of ids only",
                     .answers = false,
                     .make = make_reading});
    return kinds;
}

}  // namespace

const std::vector<ContenderKind>& contender_kinds() {
    static const std::vector<ContenderKind> kinds = all_kinds();
    return kinds;
}

}  // namespace posthaste::tools
