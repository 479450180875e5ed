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

// The table; what is read of it is the derived class's.
class RteHash : public Contender {
  public:
    RteHash() : grace_(1) {}

    ~RteHash() override { rte_hash_free(hash_); }

    [[nodiscard]] tl::expected<void, std::string> open(const Build& build, std::uint32_t entries) {
        static unsigned made = 0;  // each rte_hash needs a name of its own
        char name[RTE_HASH_NAMESIZE];
        std::snprintf(name, sizeof name, "rival.%u", made++);
        rte_hash_parameters parameters{};
        parameters.name = name;
        parameters.entries = entries;
        parameters.key_len = sizeof(AgentId);
        parameters.socket_id = -1;
        parameters.extra_flag = build.changing ? RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF : 0;
        hash_ = rte_hash_create(&parameters);
        rte_hash_rcu_config reclaim{};
        reclaim.v = grace_.qsbr();
        reclaim.mode = RTE_HASH_QSBR_MODE_DQ;
        if (hash_ == nullptr || (build.changing && rte_hash_rcu_qsbr_add(hash_, &reclaim) != 0)) {
            return tl::unexpected("no memory for rte_hash with " + std::to_string(entries) +
                                  " entries (" + rte_strerror(rte_errno) + ")");
        }
        return {};
    }

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

  protected:
    rte_hash* hash_ = nullptr;
    routing::Grace grace_;
};

class RteHashSingle final : public RteHash {
  public:
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

// Filled to the brim, a table of just as many entries may refuse one; its user would double it.
bool fills(RteHash& table, std::uint32_t agents) {
    for (std::uint32_t number = 0; number < agents; ++number) {
        if (!table.set(member_id(number), number)) {
            return false;
        }
    }
    return true;
}

template <typename Table>
tl::expected<std::unique_ptr<Contender>, std::string> make(const Build& build) {
    for (const std::uint32_t entries : {build.agents, std::bit_ceil(build.agents) + 1}) {
        auto table = std::make_unique<Table>();
        if (auto opened = table->open(build, std::max(entries, 8U)); !opened.has_value()) {
            return tl::unexpected(opened.error());
        }
        if (fills(*table, build.agents)) {
            return table;
        }
    }
    return tl::unexpected("rte_hash refuses " + std::to_string(build.agents) + " agents");
}

}  // namespace

void add_rte_hash(std::vector<ContenderKind>& kinds) {
    kinds.push_back({.name = "rte-hash-bulk",
                     .what = "rte_hash_lookup_bulk_data, up to 64 a call, CRC32C; with changes "
                             "in the lock-free mode (RW_CONCURRENCY_LF)",
                     .concurrent = true,
                     .dpdk_bytes_per_agent = 96,
                     .make = make<RteHashBulk>});
    kinds.push_back({.name = "rte-hash-single",
                     .what = "rte_hash_lookup_data, CRC32C; with changes in the lock-free mode",
                     .concurrent = true,
                     .dpdk_bytes_per_agent = 96,
                     .make = make<RteHashSingle>});
}

}  // namespace posthaste::tools
