// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/hash_bench.h"

#include <rte_eal.h>
#include <rte_jhash.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "routing/key_hash.h"
#include "tools/benchmark/crc_colliding_ids.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/rig.h"
#include "tools/benchmark/siphash.h"
#include "tools/benchmark/time_turns.h"

namespace posthaste::tools {

namespace {

using routing::AgentId;
using routing::KeyHash;

constexpr std::size_t kIds = 1'024;  // with their addresses they stay in the first cache
constexpr std::size_t kBulk = 64;    // the router's burst

struct Ids {
    std::vector<AgentId> row;
    std::vector<const AgentId*> addresses;  // of the same, in another order
};

Ids random_ids() {
    std::mt19937_64 random(1);
    Ids ids;
    ids.row.resize(kIds);
    for (AgentId& id : ids.row) {
        std::ranges::generate(id.bytes, [&random] { return static_cast<std::uint8_t>(random()); });
        ids.addresses.push_back(&id);
    }
    std::ranges::shuffle(ids.addresses, random);
    return ids;
}

enum class Layout { addresses, row };

// Hashes kBulk ids from the given one on.
using Work = std::function<void(std::size_t)>;

// A hash of single ids, inlined into the loop. rte_hash wants 32 bits of it, a table of ours 64.
template <class Result, class One>
Work one_by_one(const Ids& ids, Layout layout, One one) {
    if (layout == Layout::addresses) {
        return [&ids, one, out = std::array<Result, kBulk>()](std::size_t first) mutable {
            for (std::size_t i = 0; i < kBulk; ++i) {
                out[i] = one(*ids.addresses[first + i]);
            }
            asm volatile("" : : "r"(out.data()) : "memory");
        };
    }
    return [&ids, one, out = std::array<Result, kBulk>()](std::size_t first) mutable {
        for (std::size_t i = 0; i < kBulk; ++i) {
            out[i] = one(ids.row[first + i]);
        }
        asm volatile("" : : "r"(out.data()) : "memory");
    };
}

Work in_bulk(const Ids& ids, Layout layout, const KeyHash& hash) {
    return
        [&ids, layout, hash, out = std::array<std::uint64_t, kBulk>()](std::size_t first) mutable {
            if (layout == Layout::addresses) {
                hash.hash_bulk(std::span(ids.addresses).subspan(first, kBulk), out.data());
            } else {
                hash.hash_bulk(std::span(ids.row).subspan(first, kBulk), out.data());
            }
            asm volatile("" : : "r"(out.data()) : "memory");
        };
}

struct Contender {
    Row row;
    Work work;
};

void add_contenders(const Ids& ids, Layout layout, std::vector<Contender>& to) {
    const bool scattered = layout == Layout::addresses;
    const auto add = [scattered, &to](std::string key, std::string title, Work work) {
        key += scattered ? "_addresses" : "_row";
        title += scattered ? ", by addresses" : ", in a row";
        to.push_back({{std::move(key), std::move(title), {}}, std::move(work)});
    };
    const KeyHash::Key key = KeyHash::random_key();
    const SipKey sip_key{key.words[0], key.words[1]};
    add("crc", "rte_hash_crc", one_by_one<std::uint32_t>(ids, layout, [](const AgentId& id) {
            return crc_of(id, 0);
        }));
    add("jhash", "rte_jhash", one_by_one<std::uint32_t>(ids, layout, [](const AgentId& id) {
            return rte_jhash(&id, sizeof id, 0);
        }));
    add("siphash",
        "SipHash-1-3",
        one_by_one<std::uint64_t>(ids, layout, [sip_key](const AgentId& id) {
            // Told nothing of where the ids lie: of several side by side the compiler makes slow
            // vectors, and the rival is to be at its best.
            const AgentId* address = &id;
            asm volatile("" : "+r"(address));
            return siphash_1_3(sip_key, *address);
        }));
    add("keyed", "keyed", in_bulk(ids, layout, KeyHash(key)));
    using Variant = KeyHash::Variant;
    for (const auto& [name, variant] : {std::pair("scalar", Variant::scalar),
                                        std::pair("aes", Variant::aes),
                                        std::pair("vaes", Variant::vaes)}) {
        if (KeyHash::has(variant)) {
            add(std::string("keyed_") + name,
                std::string("keyed, ") + name,
                in_bulk(ids, layout, KeyHash(key, variant)));
        }
    }
}

void measure(const HashOptions& options, std::vector<Contender>& contenders) {
    for (unsigned turn = 0; turn <= options.repeat; ++turn) {
        for (Contender& contender : contenders) {
            const double ns = time_turns(options.seconds, [&work = contender.work] {
                for (std::size_t first = 0; first < kIds; first += kBulk) {
                    work(first);
                }
                return kIds;
            });
            if (turn > 0) {  // the first warms up
                contender.row.ns.push_back(ns);
            }
        }
    }
}

void add_ratios(Report& report) {
    for (const std::string layout : {"_addresses", "_row"}) {
        const std::string where = layout == "_row" ? ", in a row" : ", by addresses";
        const Row& keyed = *report.row("keyed" + layout);
        report.ratios.push_back({"keyed_to_crc" + layout,
                                 "cost: keyed to rte_hash_crc" + where,
                                 median_ratio(keyed, *report.row("crc" + layout)),
                                 1.2,
                                 true});
        report.ratios.push_back({"siphash_to_keyed" + layout,
                                 "cost: SipHash-1-3 to keyed" + where,
                                 median_ratio(*report.row("siphash" + layout), keyed),
                                 12,
                                 false});
    }
}

}  // namespace

tl::expected<std::string, std::string> run_hash(const HashOptions& options) {
    pin_to(options.core);
    const Ids ids = random_ids();
    std::vector<Contender> contenders;
    add_contenders(ids, Layout::addresses, contenders);
    add_contenders(ids, Layout::row, contenders);
    measure(options, contenders);

    Report report;
    report.heading = "hashing 16-byte ids, 64 at a time; medians of " +
                     std::to_string(options.repeat) + " repetitions in turn";
    report.unit = "id";
    report.options = {{"seconds", options.seconds},
                      {"repeat", options.repeat},
                      {"core", options.core},
                      {"crc_colliding", options.crc_colliding}};
    for (Contender& contender : contenders) {
        report.rows.push_back(std::move(contender.row));
    }
    add_ratios(report);
    if (options.crc_colliding) {
        auto added = start_eal({.agents = 200'000, .core = options.core, .hugepages = false});
        if (added.has_value()) {
            added = add_flood(options, report);
        }
        if (!added.has_value()) {
            return tl::unexpected(added.error());
        }
        rte_eal_cleanup();
    }
    return options.json ? json_of(report) : table_of(report);
}

}  // namespace posthaste::tools
