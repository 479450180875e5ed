// SPDX-License-Identifier: BSD-3-Clause
// Maps of one thread: std::unordered_map and absl::flat_hash_map.
#include <absl/container/flat_hash_map.h>

#include <unordered_map>

#include "tools/benchmark/contender.h"
#include "tools/benchmark/map_hash.h"

namespace posthaste::tools {

namespace {

using routing::AgentId;

template <typename Map>
class PlainMap final : public Contender {
  public:
    explicit PlainMap(std::uint32_t agents) { map_.reserve(agents); }

    Answers lookup(std::span<const AgentId> ids, unsigned /*batch*/) override {
        return one_by_one(ids, [this](const AgentId& id) -> Answers {
            const auto found = map_.find(id);
            if (found == map_.end()) {
                return {};
            }
            return {1, static_cast<std::uint32_t>(found->second)};
        });
    }

    std::optional<std::uint64_t> find(const AgentId& id) override {
        const auto found = map_.find(id);
        return found == map_.end() ? std::nullopt : std::optional(found->second);
    }

    bool set(const AgentId& id, std::uint64_t value) override {
        map_[id] = value;
        return true;
    }

    bool remove(const AgentId& id) override { return map_.erase(id) == 1; }

  private:
    Map map_;
};

template <typename Map>
tl::expected<std::unique_ptr<Contender>, std::string> make(const Build& build) {
    auto map = std::make_unique<PlainMap<Map>>(build.agents);
    for (std::uint32_t number = 0; number < build.agents; ++number) {
        map->set(member_id(number), number);
    }
    return map;
}

using StdMap = std::unordered_map<AgentId, std::uint64_t, MixHash>;
using FlatMap = absl::flat_hash_map<AgentId, std::uint64_t, AbslIdHash>;

}  // namespace

void add_maps(std::vector<ContenderKind>& kinds) {
    kinds.push_back({.name = "unordered-map",
                     .what = "std::unordered_map, hash by one 64x64 bit multiplication",
                     .heap_bytes_per_agent = 64,
                     .make = make<StdMap>});
    kinds.push_back({.name = "absl-flat",
                     .what = "absl::flat_hash_map, absl's own hash",
                     .heap_bytes_per_agent = 56,
                     .make = make<FlatMap>});
}

}  // namespace posthaste::tools
