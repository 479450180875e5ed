// SPDX-License-Identifier: BSD-3-Clause
// parse_config(print_config(c)) == c for random configurations that use every key.
//
// Values are drawn from the table's ranges, so a new key is covered without a change here; what
// several keys together must satisfy is put right afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "controlplane/config.h"
#include "controlplane/config_table.h"
#include "routing/route_cache.h"

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;

class Draw {
  public:
    explicit Draw(std::uint64_t seed) : bits_(seed) {}

    std::int64_t number(std::int64_t min, std::int64_t max) {
        // Bounds come up more often than by chance: mistakes live there.
        const auto kind = std::uniform_int_distribution<int>(0, 9)(bits_);
        if (kind < 2) {
            return kind == 0 ? min : max;
        }
        return std::uniform_int_distribution<std::int64_t>(min, max)(bits_);
    }

    bool chance(int percent) { return number(1, 100) <= percent; }

    // Printable bytes with everything that needs quoting, but one kind of quote.
    std::string text(std::int64_t min, std::int64_t max) {
        const std::string_view others = chance(50) ? "abc;#\\'=[], \xc3\xa9" : "xyz;#\\\"=[]/ .";
        std::string result(static_cast<std::size_t>(number(min, std::min<std::int64_t>(max, 60))),
                           'a');
        for (char& c : result) {
            const char other = others[static_cast<std::size_t>(number(0, std::ssize(others) - 1))];
            c = static_cast<unsigned char>(other) < 0x80 ? other : 'u';
        }
        result.back() = 'z';  // a line may not end with a backslash
        return result;
    }

    std::string name() {
        std::string result(static_cast<std::size_t>(number(1, 20)), 'a');
        for (char& c : result) {
            c = "abcdefgh0123456789_-"[number(0, 19)];
        }
        return result;
    }

    template <typename T>
    const T& one_of(const std::vector<T>& items) {
        return items[static_cast<std::size_t>(number(0, std::ssize(items) - 1))];
    }

  private:
    std::mt19937_64 bits_;
};

std::string word_of(Draw& draw, std::string_view words) {
    std::vector<std::string> items;
    for (std::size_t start = 0; start < words.size();) {
        const std::size_t end = std::min(words.find(", ", start), words.size());
        items.emplace_back(words.substr(start, end - start));
        start = end + 2;
    }
    return draw.one_of(items);
}

std::string value_of(Draw& draw, const KeyRow& key) {
    switch (key.type) {
        case KeyType::number:
            return std::to_string(draw.number(key.min, key.max));
        case KeyType::number_or_auto:
            return draw.chance(20) ? "auto" : std::to_string(draw.number(key.min, key.max));
        case KeyType::boolean:
            return draw.chance(50) ? "yes" : "no";
        case KeyType::word:
            return word_of(draw, key.words);
        case KeyType::mac:
            return "02:00:00:00:00:1" + std::to_string(draw.number(0, 9));
        case KeyType::texts:
            if (key.rule == TextRule::seed) {
                return draw.chance(50) ? "10.9.0.2" : "10.9.0.3:7946, 10.9.0.4";
            }
            return draw.chance(50) ? "ocr, faces/near@7*3" : "translate@1000";
        case KeyType::flags:
            return draw.chance(50) ? "dotall" : "utf8, caseless";
        case KeyType::text:
            return key.rule == TextRule::capability ? "vision/" + std::to_string(draw.number(0, 9))
                   : key.rule == TextRule::name     ? draw.name()
                   : key.rule == TextRule::node     ? "West-" + std::to_string(draw.number(0, 9))
                   : key.rule == TextRule::path     ? "/run/" + draw.name()
                   : key.rule == TextRule::device   ? "net_null0," + draw.text(1, 40)
                                                    : draw.text(key.min, key.max);
        default:
            return {};  // addresses and lists of workers: set by hand
    }
}

void fill(Draw& draw, SectionKind kind, Target target) {
    for (const KeyRow& key : config_keys(kind)) {
        const std::string value = draw.chance(80) ? value_of(draw, key) : "";
        if (!value.empty()) {
            EXPECT_EQ(key.read(key, value, target), "") << key.name << " = " << value;
        }
    }
}

routing::AgentId draw_id(Draw& draw) {
    routing::AgentId id;
    for (std::uint8_t& byte : id.bytes) {
        byte = static_cast<std::uint8_t>(draw.number(0, 255));
    }
    id.bytes[0] = static_cast<std::uint8_t>(draw.number(1, 0x0c));
    return id;
}

void draw_ports(Draw& draw, Config& config) {
    const std::int64_t count = draw.number(2, 6);
    for (std::int64_t i = 0; i < count; ++i) {
        PortConfig port;
        fill(draw, SectionKind::port, &port);
        port.name = "p" + std::to_string(i);
        port.device = "net_null" + std::to_string(i) + "," + draw.text(1, 40);
        port.role = i == 0 ? dataplane::Role::edge : dataplane::Role::fabric;
        const std::string net = "10." + std::to_string(i) + ".0.";
        port.addresses = {*routing::Prefix::from_text(net + "1/24")};
        if (draw.chance(50)) {
            port.addresses.push_back(
                *routing::Prefix::from_text("2001:db8:" + std::to_string(i) + "::1/64"));
            port.mtu = std::max<std::uint16_t>(port.mtu, 1'280);
        }
        port.gateway = draw.chance(30) ? routing::IpAddress::from_text(net + "254") : std::nullopt;
        port.workers = {};
        if (draw.chance(50)) {
            port.workers = {config.dataplane.workers - 1};
        }
        config.ports.push_back(port);
    }
}

// In a cluster or in none; after the ports.
void draw_cluster(Draw& draw, Config& config) {
    ClusterConfig& cluster = config.cluster;
    if (draw.chance(30)) {
        cluster = {};
        return;
    }
    cluster.address = routing::IpAddress::from_text("10.9.0.1");
    cluster.node = cluster.node.empty() ? "west" : cluster.node;
    if (cluster.route_port == cluster.port) {
        cluster.route_port = static_cast<std::uint16_t>(cluster.port % 65'535 + 1);
    }
    if (draw.chance(50)) {
        cluster.fabric_address = config.ports[1].addresses.front().address;
    }
}

Config draw_config(Draw& draw) {
    Config config;
    const auto singles = single_sections(config);
    for (std::size_t i = 0; i < singles.size(); ++i) {
        fill(draw, static_cast<SectionKind>(i), singles[i]);
    }
    AgentsConfig& agents = config.agents;
    std::array<std::uint32_t*, 3> leases = {
        &agents.lease_min_ms, &agents.lease_default_ms, &agents.lease_max_ms};
    std::array<std::uint32_t, 3> ordered = {*leases[0], *leases[1], *leases[2]};
    std::ranges::sort(ordered);
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        *leases[i] = ordered[i];
    }
    agents.agents_max = std::max<std::uint32_t>(agents.agents_max, 100);
    agents.capabilities_max = std::max<std::uint16_t>(agents.capabilities_max, 2);
    agents.agents_per_port_max = std::min(agents.agents_per_port_max, agents.agents_max);
    for (std::uint32_t* ttl : {&config.lookup.local_ttl_ms, &config.lookup.remote_ttl_ms}) {
        *ttl = *ttl == 0 ? 0 : std::max(*ttl, routing::RouteCache::kTickMs);
    }
    config.neighbours.held_per_neighbour =
        std::min(config.neighbours.held_per_neighbour, config.neighbours.held_max);
    config.dataplane.mbufs = 0;
    config.dataplane.tx_backlog = std::min<std::uint32_t>(config.dataplane.tx_backlog, 4'096);
    config.eal.memory_mb = 1'048'576;
    draw_ports(draw, config);
    draw_cluster(draw, config);
    for (std::int64_t i = draw.number(0, 5); i > 0; --i) {
        RouterConfig router;
        fill(draw, SectionKind::router, &router);
        router.name = "r" + std::to_string(i);
        router.address = *routing::IpAddress::from_text("10.1.0." + std::to_string(10 + i));
        router.port = draw.chance(50) ? "p1" : "";
        config.routers.push_back(router);
    }
    for (std::int64_t i = config.routers.empty() ? 0 : draw.number(0, 20); i > 0; --i) {
        config.routes.push_back({draw_id(draw), draw.one_of(config.routers).name, {}, {}});
    }
    for (std::int64_t i = draw.number(0, 20); i > 0; --i) {
        AgentConfig agent;
        fill(draw, SectionKind::agent, &agent);
        agent.agent = draw_id(draw);
        agent.port = "p0";
        agent.address = *routing::IpAddress::from_text("10.0.0." + std::to_string(10 + i));
        config.static_agents.push_back(agent);
    }
    for (std::int64_t i = draw.number(0, 5); i > 0; --i) {
        PolicyConfig policy;
        fill(draw, SectionKind::policy, &policy);
        policy.name = "c" + std::to_string(i);
        policy.ports = {};
        if (draw.chance(50)) {
            policy.ports = {"p0"};
        }
        policy.mirror_port = "p1";
        policy.redirect = "scanner";
        policy.rules = "/etc/rules";
        if (policy.action == routing::PolicyAction::redirect) {
            policy.direction = routing::PolicyDirection::in;
        }
        config.content_policies.push_back(policy);
    }
    return config;
}

TEST(config_roundtrip, what_is_printed_reads_back_as_the_same) {
    const char* given = std::getenv("POSTHASTE_SEED");
    const std::uint64_t seed =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    for (std::uint64_t run = 0; run < 500; ++run) {
        Draw draw(seed + run);
        const Config config = draw_config(draw);
        const std::string text = print_config(config);
        const auto again = parse_config(text, "");
        ASSERT_TRUE(again) << "POSTHASTE_SEED=" << seed + run << "\n" << again.error().text << text;
        ASSERT_EQ(*again, config) << "POSTHASTE_SEED=" << seed + run << "\n" << text;
        ASSERT_EQ(print_config(*again), text) << "POSTHASTE_SEED=" << seed + run;
    }
}

}  // namespace
