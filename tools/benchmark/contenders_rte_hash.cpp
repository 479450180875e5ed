// SPDX-License-Identifier: BSD-3-Clause
// rte_hash as its users have it: made for the number of agents, with the default hash (CRC32C).
#include <rte_errno.h>
#include <rte_hash.h>

#include <bit>
#include <cstdio>

#include "routing/grace.h"
#include "tools/benchmark/contender.h"

namespace posthaste::tools {

namespace {

using routing::AgentId;

void* data_of(std::uint64_t value) {
    return reinterpret_cast<void*>(value);
}

std::uint32_t number_of(void* data) {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uint64_t>(data));
}

struct Table {
    Table() = default;

    ~Table() { rte_hash_free(hash); }

    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    [[nodiscard]] bool open(const Build& build, std::uint32_t entries) {
        static unsigned made = 0;  // each rte_hash needs a name of its own
        char name[RTE_HASH_NAMESIZE];
        std::snprintf(name, sizeof name, "rival.%u", made++);
        rte_hash_parameters parameters{};
        parameters.name = name;
        parameters.entries = std::max(entries, 8U);
        parameters.key_len = sizeof(AgentId);
        parameters.socket_id = -1;
        parameters.extra_flag = build.changing ? RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF : 0;
        hash = rte_hash_create(&parameters);
        rte_hash_rcu_config reclaim{};
        reclaim.v = grace.qsbr();
        reclaim.mode = RTE_HASH_QSBR_MODE_DQ;
        agents = build.agents;
        return hash != nullptr && (!build.changing || rte_hash_rcu_qsbr_add(hash, &reclaim) == 0);
    }

    [[nodiscard]] bool fill() {
        for (std::uint32_t number = 0; number < agents; ++number) {
            const AgentId id = member_id(number);
            if (rte_hash_add_key_data(hash, &id, data_of(number)) != 0) {
                return false;
            }
        }
        return true;
    }

    routing::Grace grace = routing::Grace(1);
    rte_hash* hash = nullptr;
    std::uint32_t agents = 0;
};

// One for both contenders, unless it will be changed. Filled to the brim, a table of just as many
// entries may refuse one; its user would double it.
tl::expected<std::shared_ptr<Table>, std::string> filled_table(const Build& build) {
    static std::weak_ptr<Table> last;
    if (auto held = last.lock(); held && held->agents == build.agents && !build.changing) {
        return held;
    }
    for (const std::uint32_t entries : {build.agents, std::bit_ceil(build.agents) + 1}) {
        auto table = std::make_shared<Table>();
        if (!table->open(build, entries)) {
            return tl::unexpected("no memory for rte_hash with " + std::to_string(entries) +
                                  " entries (" + rte_strerror(rte_errno) + ")");
        }
        if (table->fill()) {
            last = table;
            return table;
        }
    }
    return tl::unexpected("rte_hash refuses " + std::to_string(build.agents) + " agents");
}

// How it is read is the derived class's.
class RteHash : public Contender {
  public:
    explicit RteHash(std::shared_ptr<Table> table)
        : table_(std::move(table)), hash_(table_->hash), grace_(table_->grace) {}

    std::optional<std::uint64_t> find(const AgentId& id) override {
        void* data = nullptr;
        const bool there = rte_hash_lookup_data(hash_, &id, &data) >= 0;
        grace_.quiescent(0);
        return there ? std::optional(reinterpret_cast<std::uint64_t>(data)) : std::nullopt;
    }

    bool set(const AgentId& id, std::uint64_t value) override {
        return rte_hash_add_key_data(hash_, &id, data_of(value)) == 0;
    }

    bool remove(const AgentId& id) override { return rte_hash_del_key(hash_, &id) >= 0; }

    void start_reading() override { grace_.online(0); }

    void stop_reading() override { grace_.offline(0); }

  private:
    std::shared_ptr<Table> table_;

  protected:
    rte_hash* hash_;
    routing::Grace& grace_;
};

class RteHashSingle final : public RteHash {
  public:
    using RteHash::RteHash;

    Answers lookup(std::span<const AgentId> ids, unsigned /*batch*/) override {
        const Answers answers = one_by_one(ids, [this](const AgentId& id) -> Answers {
            void* data = nullptr;
            if (rte_hash_lookup_data(hash_, &id, &data) < 0) {
                return {};
            }
            return {1, number_of(data)};
        });
        grace_.quiescent(0);
        return answers;
    }
};

class RteHashBulk final : public RteHash {
  public:
    using RteHash::RteHash;

    Answers lookup(std::span<const AgentId> ids, unsigned batch) override {
        return in_bulks<kBulk>(ids, batch, [this](std::span<const AgentId* const> keys) {
            std::array<void*, kBulk> data;
            std::uint64_t found = 0;
            auto** const raw =
                const_cast<const void**>(reinterpret_cast<const void* const*>(keys.data()));
            rte_hash_lookup_bulk_data(
                hash_, raw, static_cast<std::uint32_t>(keys.size()), &found, data.data());
            Answers answers;
            for (; found != 0; found &= found - 1) {
                answers += {1, number_of(data[static_cast<unsigned>(std::countr_zero(found))])};
            }
            grace_.quiescent(0);
            return answers;
        });
    }
};

template <typename Reader>
tl::expected<std::unique_ptr<Contender>, std::string> make(const Build& build) {
    auto table = filled_table(build);
    if (!table.has_value()) {
        return tl::unexpected(table.error());
    }
    return std::make_unique<Reader>(std::move(*table));
}

}  // namespace

void add_rte_hash(std::vector<ContenderKind>& kinds) {
    kinds.push_back({.name = "rte-hash-bulk",
                     .what = "rte_hash_lookup_bulk_data, up to 64 a call, CRC32C; with changes "
                             "in the lock-free mode (RW_CONCURRENCY_LF)",
                     .family = "rte-hash",
                     .concurrent = true,
                     .dpdk_bytes_per_agent = 96,
                     .make = make<RteHashBulk>});
    kinds.push_back({.name = "rte-hash-single",
                     .what = "rte_hash_lookup_data, CRC32C; with changes in the lock-free mode",
                     .family = "rte-hash",
                     .concurrent = true,
                     .dpdk_bytes_per_agent = 96,
                     .make = make<RteHashSingle>});
}

}  // namespace posthaste::tools
