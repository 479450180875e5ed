// SPDX-License-Identifier: BSD-3-Clause
// Config: the ini file as plain values. Filled once by load_config(), constant afterwards.
//
// One table (controlplane/config_table.h) drives parsing, ranges, defaults, --print-defaults and
// the documentation of every key; this struct is its target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/world.h"
#include "routing/address.h"
#include "routing/agent_id.h"
#include "routing/policy.h"

namespace posthaste::controlplane {

// Where a section stands in its file, for messages. Any two are equal: moving a section changes
// nothing.
struct FileLine {
    int number = 0;

    friend bool operator==(const FileLine&, const FileLine&) { return true; }
};

enum class LogLevel : std::uint8_t { error, warning, notice, info, debug };

struct SystemConfig {                        // [system]
    std::string name = "posthaste";          // this box; also the EAL file prefix
    std::string run_dir = "/run/posthaste";  // lock, sockets: run_dir/NAME.*
    LogLevel log_level = LogLevel::info;
    std::uint32_t drain_ms = 2'000;  // after SIGTERM, at most; see the key's help

    friend bool operator==(const SystemConfig&, const SystemConfig&) = default;
};

struct EalConfig {  // [eal]
    bool hugepages = true;
    std::uint32_t memory_mb = 0;  // 0: computed from tables and pools
    std::vector<unsigned> cores;  // first: control thread; others: workers. empty: chosen
    bool share_cores = false;     // several threads on one core (tests, laboratories)
    std::string extra;            // further EAL arguments, for drivers that need one

    friend bool operator==(const EalConfig&, const EalConfig&) = default;
};

struct DataplaneConfig {  // [dataplane]
    unsigned workers = 1;
    std::uint16_t udp_port = 4747;
    std::uint32_t mbufs = 0;  // 0: computed
    std::uint16_t rx_descriptors = 512;
    std::uint16_t tx_descriptors = 512;
    std::uint16_t tx_backlog = 256;   // frames per worker and port
    std::uint16_t punt_ring = 256;    // per worker and class
    std::uint16_t inject_ring = 512;  // per worker
    std::uint32_t idle_sleep_us = 0;  // 0: poll without pause (cores of one's own)
    bool shed = true;                 // drop low priorities first while rx queues stay full

    friend bool operator==(const DataplaneConfig&, const DataplaneConfig&) = default;
};

struct AgentsConfig {                       // [agents]
    std::uint32_t agents_max = 100'000;     // with static routes: capacity of the Fib
    std::uint32_t agents_per_port_max = 0;  // 0: agents_max
    std::uint16_t capabilities_max = 64;
    std::uint32_t lease_default_ms = 30'000;
    std::uint32_t lease_min_ms = 1'000;
    std::uint32_t lease_max_ms = 3'600'000;
    std::uint32_t registrations_per_second = 100'000;

    friend bool operator==(const AgentsConfig&, const AgentsConfig&) = default;
};

struct LookupConfig {   // [lookup]
    bool table = true;  // the RouteTable in front of rte_hash: 130 bytes a route
    std::optional<std::uint32_t> cache_kb = 1'024;  // of each worker, 0: none; not set: automatic
    std::uint32_t local_ttl_ms = 60'000;
    std::uint32_t remote_ttl_ms = 30'000;
    std::uint32_t negative_ttl_ms = 2'000;

    friend bool operator==(const LookupConfig&, const LookupConfig&) = default;
};

struct CapabilitiesConfig {  // [capabilities]
    std::uint32_t names_max = 10'000;
    std::uint32_t providers_max = 1'000'000;
    std::uint32_t patterns_max = 1'000;
    std::uint32_t name_cache = 4'096;  // names that patterns match; and as many that none does
    std::uint32_t negative_ttl_ms = 2'000;
    std::uint32_t database_mb = 64;
    std::uint32_t publish_ms = 5;
    bool local_first = false;
    std::uint16_t fan_out_max = 64;
    std::uint32_t conversations = 131'072;  // of each worker

    friend bool operator==(const CapabilitiesConfig&, const CapabilitiesConfig&) = default;
};

struct PoliciesConfig {  // [policies]
    std::uint32_t database_mb = 64;

    friend bool operator==(const PoliciesConfig&, const PoliciesConfig&) = default;
};

struct NeighboursConfig {  // [neighbours]
    std::uint32_t neighbours_max = 1'024;
    std::uint32_t held_per_neighbour = 16;
    std::uint32_t held_max = 256;
    std::uint32_t hold_ms = 1'000;  // longest wait of a held frame
    std::uint32_t retry_ms = 250;   // between requests
    std::uint32_t retries = 3;
    std::uint32_t reachable_ms = 30'000;  // then refreshed by a probe
    std::uint32_t stale_ms = 300'000;     // unused so long: forgotten

    friend bool operator==(const NeighboursConfig&, const NeighboursConfig&) = default;
};

struct AdminConfig {     // [admin]
    std::string socket;  // empty: run_dir/NAME.sock
    std::uint16_t connections_max = 16;

    friend bool operator==(const AdminConfig&, const AdminConfig&) = default;
};

enum class ClusterProfile : std::uint8_t { lan, wan, local, fast };

struct ClusterConfig {                          // [cluster]; without an address the box is alone
    std::optional<routing::IpAddress> address;  // management address, on a kernel interface
    std::string name = "posthaste";             // of the cluster: others are refused
    std::string node;                           // of this router; empty: system.name
    std::uint16_t port = 7946;                  // membership, UDP and TCP
    std::uint16_t route_port = 7947;            // route plane, TCP
    std::vector<std::string> seeds;             // ADDRESS or ADDRESS:PORT, tried for ever
    ClusterProfile profile = ClusterProfile::lan;
    std::string keyring;  // path of a file with base64 keys, the primary first; empty: no sealing
    std::string label;    // of membership packets, in clear text; empty: none
    std::optional<routing::IpAddress> fabric_address;  // not set: of the first fabric port
    std::uint16_t routers_max = 256;
    std::uint32_t claims_max = 1'048'576;  // of all routers, with their capability sets
    std::uint64_t max_version_drift = 1'000;
    std::uint32_t push_ms = 10;
    std::uint32_t digest_ms = 1'000;
    std::uint32_t discovery_rate = 1'000;  // agents asked for in a second
    std::uint32_t forget_ms = 86'400'000;  // a router that is out for so long

    friend bool operator==(const ClusterConfig&, const ClusterConfig&) = default;
};

struct StoreConfig {              // [store]
    std::string path;             // SQLite file; empty: nothing outlives the process
    std::uint32_t commit_ms = 2;  // registrations that come in so long are written together

    friend bool operator==(const StoreConfig&, const StoreConfig&) = default;
};

struct PortConfig {  // [port NAME]
    std::string name;
    std::string device;  // PCI address, or vdev string: driver name, arguments
    dataplane::Role role = dataplane::Role::edge;
    std::vector<routing::Prefix> addresses;
    std::optional<routing::IpAddress> gateway;  // IPv4
    std::optional<routing::IpAddress> gateway6;
    std::uint16_t mtu = 1500;
    std::uint16_t queues = 1;
    std::vector<unsigned> workers;  // empty: all
    std::uint16_t vlan = 0;
    std::optional<routing::Mac> mac;
    bool promiscuous = false;
    bool verify_checksum = true;
    dataplane::SourceCheck source_check = dataplane::SourceCheck::strict;
    std::uint32_t error_rate = 1'000;    // error frames per second
    bool regex_patterns = false;         // agents may register regular expressions
    std::uint32_t link_wait_ms = 2'000;  // a port without link by then is a start error
    bool reconnect = true;               // memif, virtio_user: stop/start while link is down
    FileLine line;

    friend bool operator==(const PortConfig&, const PortConfig&) = default;
};

struct RouterConfig {  // [router NAME]
    std::string name;
    routing::IpAddress address;  // on a fabric port's link, or behind its gateway
    std::string port;            // empty: the fabric port whose prefix has it
    std::uint16_t udp_port = 0;  // 0: dataplane.udp_port
    FileLine line;

    friend bool operator==(const RouterConfig&, const RouterConfig&) = default;
};

struct RouteConfig {  // [route UUID]
    routing::AgentId agent;
    std::string router;
    std::vector<std::string> capabilities;  // as offer_from_text() takes them
    FileLine line;

    friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};

struct AgentConfig {  // [agent UUID]
    routing::AgentId agent;
    std::string port;
    routing::IpAddress address;
    std::uint16_t udp_port = 4747;
    std::optional<routing::Mac> mac;  // none: resolved by ARP or ND
    std::string name;
    std::vector<std::string> capabilities;  // as offer_from_text() takes them
    FileLine line;

    friend bool operator==(const AgentConfig&, const AgentConfig&) = default;
};

struct PolicyConfig {  // [policy NAME]
    std::string name;
    std::string expression;  // empty: none here
    std::string rules;       // path of a file with one on each line; empty: none there
    routing::ExpressionFlags flags;
    std::vector<std::string> ports;  // empty: all, but the one it mirrors to
    std::string capability;          // empty: whatever frames are addressed to
    routing::PolicyDirection direction = routing::PolicyDirection::in;
    std::uint16_t depth = 1'024;  // bytes of payload
    routing::PolicyAction action = routing::PolicyAction::count;
    std::string mirror_port;
    std::string redirect;  // name of a capability
    std::uint16_t priority = 100;
    FileLine line;
    FileLine expression_line;

    friend bool operator==(const PolicyConfig&, const PolicyConfig&) = default;
};

struct Config {
    std::string path;
    SystemConfig system;
    EalConfig eal;
    DataplaneConfig dataplane;
    AgentsConfig agents;
    LookupConfig lookup;
    CapabilitiesConfig capabilities;
    PoliciesConfig policies;
    NeighboursConfig neighbours;
    AdminConfig admin;
    ClusterConfig cluster;
    StoreConfig store;
    std::vector<PortConfig> ports;  // in file order: index = Posthaste port index
    std::vector<RouterConfig> routers;
    std::vector<RouteConfig> routes;
    std::vector<AgentConfig> static_agents;
    std::vector<PolicyConfig> content_policies;

    friend bool operator==(const Config&, const Config&) = default;
};

inline constexpr int kExitSyntax = 1;   // not a well-formed ini text, or no file to read
inline constexpr int kExitMeaning = 2;  // well formed, but not something the router can do

// All errors of a file are reported together: text has one line for each, at most
// kConfigErrorsMax of them and then a line with the number left out. Each line reads
// FILE:LINE: [section] key = value: why; allowed: ...
struct ConfigError {
    int exit_code = kExitMeaning;
    std::string text;  // every line ends with a newline
};

// Bounds on what one file may hold. (iniparser takes lines up to 1024 bytes.)
inline constexpr std::size_t kConfigFileBytesMax = 16 * 1024 * 1024;
inline constexpr std::size_t kConfigLineBytesMax = 1000;
inline constexpr std::size_t kConfigKeysMax = 100;  // of one section
inline constexpr std::size_t kConfigErrorsMax = 20;
inline constexpr std::size_t kPortsMax = 32;
inline constexpr std::size_t kRoutersMax = 1'000;
inline constexpr std::size_t kStaticAgentsMax = 32'768;

// Reads a regular file or a pipe; text says why it cannot be read.
[[nodiscard]] tl::expected<Config, ConfigError> load_config(const std::string& path);
// `path` is only named in messages. Thread-safe; bounded time for any text.
[[nodiscard]] tl::expected<Config, ConfigError> parse_config(const std::string& text,
                                                             const std::string& path);

// The index of the fabric port that leads to a router: the one it names, else the only one whose
// prefix has its address, else the only one with a gateway of its family. Always there in a
// configuration that parse_config() returned.
[[nodiscard]] std::optional<std::size_t> fabric_port_of(const Config& config,
                                                        const RouterConfig& router);

// The name of this router in the cluster, and where others send frames for its agents; the latter
// is there in a configuration with a cluster that parse_config() returned.
[[nodiscard]] std::string cluster_node(const Config& config);
[[nodiscard]] std::optional<routing::IpAddress> cluster_fabric_address(const Config& config);

[[nodiscard]] std::string_view to_text(LogLevel level);
[[nodiscard]] std::optional<LogLevel> log_level_from_text(std::string_view text);

// What a reload would do. Keys that need a restart make `refused` non-empty, and then nothing of
// the difference may be applied.
struct ConfigDifference {
    std::vector<std::string> changes;  // one line each: what, from, to
    std::vector<std::string> refused;  // keys that need a restart, with both values
};

[[nodiscard]] ConfigDifference compare_configs(const Config& running, const Config& next);

// The configuration as an ini text with every key, its unit, range and default as a comment.
[[nodiscard]] std::string print_defaults();
[[nodiscard]] std::string print_config(const Config& config);

}  // namespace posthaste::controlplane
