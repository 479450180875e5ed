// SPDX-License-Identifier: BSD-3-Clause
// Contender: one way of looking agents up, in the shape in which the lookup benchmark times all.
//
// Every contender maps the same ids to a 64-bit value (or to a pointer that stands for one): the
// agent's number in the low half, in the high half how often its route was changed. The loops
// over the ids are the contender's own code, so that nothing is called per id that a user of it
// would not call. Built and changed by one thread; `lookup` and `find` by the reader's, at the
// same time only where the kind says so.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "routing/agent_id.h"
#include "tools/benchmark/key_stream.h"

namespace posthaste::tools {

inline constexpr unsigned kBulk = 64;  // ids in one call, where there is a limit
inline constexpr unsigned kBatchMax = 1 << 14;

class Contender {
  public:
    Contender() = default;
    virtual ~Contender() = default;
    Contender(const Contender&) = delete;
    Contender& operator=(const Contender&) = delete;

    // All of `ids` in order, in batches as they would come in. `sum` adds the agents' numbers.
    virtual Answers lookup(std::span<const routing::AgentId> ids, unsigned batch) = 0;
    // The value of one agent, as a reader sees it now. Here, too, the reader lets go of what it
    // had.
    virtual std::optional<std::uint64_t> find(const routing::AgentId& id) = 0;
    // Adds the agent or gives it another value. False: refused.
    virtual bool set(const routing::AgentId& id, std::uint64_t value) = 0;
    virtual bool remove(const routing::AgentId& id) = 0;

    // Around the time in which a thread reads; nothing it was given is kept beyond.
    virtual void start_reading() {}

    virtual void stop_reading() {}
};

struct Build {
    std::uint32_t agents = 0;
    bool changing = false;  // the table takes changes while it is read
};

using MakeContender = tl::expected<std::unique_ptr<Contender>, std::string>(const Build&);

struct ContenderKind {
    std::string_view name = {};
    std::string_view what = {};       // for people
    std::string_view family = {};     // those of one share their table; empty: alone
    bool concurrent = false;          // may be read while it is changed
    bool answers = true;              // false: only reads the ids
    double heap_bytes_per_agent = 0;  // of malloc, roughly
    double dpdk_bytes_per_agent = 0;  // of EAL's memory, roughly
    MakeContender* make = nullptr;
};

// In the order in which they are reported; the first is the subject unless another is named.
[[nodiscard]] const std::vector<ContenderKind>& contender_kinds();

// Each of the files with contenders adds its own.
void add_ours(std::vector<ContenderKind>& kinds);
void add_rte_hash(std::vector<ContenderKind>& kinds);
void add_maps(std::vector<ContenderKind>& kinds);
void add_concurrent_maps(std::vector<ContenderKind>& kinds);

// Calls `one` (AgentId -> Answers) for each id.
template <typename One>
Answers one_by_one(std::span<const routing::AgentId> ids, One&& one) {
    Answers all;
    for (const routing::AgentId& id : ids) {
        all += one(id);
    }
    return all;
}

// Calls `bulk` (pointers to at most kMax ids -> Answers) for each batch, more than once if a batch
// is longer.
template <unsigned kMax, typename Bulk>
Answers in_bulks(std::span<const routing::AgentId> ids, unsigned batch, Bulk&& bulk) {
    std::array<const routing::AgentId*, kMax> keys;
    Answers all;
    while (!ids.empty()) {
        std::size_t left = std::min<std::size_t>(batch, ids.size());
        while (left > 0) {
            const std::size_t count = std::min<std::size_t>(left, kMax);
            for (std::size_t i = 0; i < count; ++i) {
                keys[i] = &ids[i];
            }
            all += bulk(std::span<const routing::AgentId* const>(keys.data(), count));
            ids = ids.subspan(count);
            left -= count;
        }
    }
    return all;
}

}  // namespace posthaste::tools
