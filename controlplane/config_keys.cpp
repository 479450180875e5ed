// SPDX-License-Identifier: BSD-3-Clause
// The rows of the table of keys: config_keys() of controlplane/config_table.h.
#include <algorithm>
#include <limits>

#include "controlplane/config_table.h"
#include "controlplane/config_values.h"
#include "routing/route_cache.h"

namespace posthaste::controlplane {

namespace {

template <typename S>
constexpr SectionKind kKindOf = SectionKind::system;
template <>
constexpr SectionKind kKindOf<EalConfig> = SectionKind::eal;
template <>
constexpr SectionKind kKindOf<DataplaneConfig> = SectionKind::dataplane;
template <>
constexpr SectionKind kKindOf<AgentsConfig> = SectionKind::agents;
template <>
constexpr SectionKind kKindOf<LookupConfig> = SectionKind::lookup;
template <>
constexpr SectionKind kKindOf<NeighboursConfig> = SectionKind::neighbours;
template <>
constexpr SectionKind kKindOf<AdminConfig> = SectionKind::admin;
template <>
constexpr SectionKind kKindOf<PortConfig> = SectionKind::port;
template <>
constexpr SectionKind kKindOf<RouterConfig> = SectionKind::router;
template <>
constexpr SectionKind kKindOf<RouteConfig> = SectionKind::route;
template <>
constexpr SectionKind kKindOf<AgentConfig> = SectionKind::agent;

template <typename T>
constexpr KeyType kTypeOf = KeyType::number;
template <>
constexpr KeyType kTypeOf<bool> = KeyType::boolean;
template <>
constexpr KeyType kTypeOf<std::optional<std::uint32_t>> = KeyType::number_or_auto;
template <>
constexpr KeyType kTypeOf<std::string> = KeyType::text;
template <>
constexpr KeyType kTypeOf<LogLevel> = KeyType::word;
template <>
constexpr KeyType kTypeOf<dataplane::Role> = KeyType::word;
template <>
constexpr KeyType kTypeOf<dataplane::SourceCheck> = KeyType::word;
template <>
constexpr KeyType kTypeOf<std::optional<routing::Mac>> = KeyType::mac;
template <>
constexpr KeyType kTypeOf<routing::IpAddress> = KeyType::ip;
template <>
constexpr KeyType kTypeOf<std::optional<routing::IpAddress>> = KeyType::ip;
template <>
constexpr KeyType kTypeOf<std::vector<routing::Prefix>> = KeyType::prefixes;
template <>
constexpr KeyType kTypeOf<std::vector<unsigned>> = KeyType::numbers;
template <>
constexpr KeyType kTypeOf<std::vector<std::string>> = KeyType::texts;

template <auto member>
struct Field;

template <typename S, typename T, T S::*member>
struct Field<member> {
    static constexpr SectionKind kSection = kKindOf<S>;
    static constexpr KeyType kType = kTypeOf<T>;
    static constexpr bool kIsNumber = kType == KeyType::number;

    static std::string read(const KeyRow& key, std::string_view text, Target target) {
        return read_value(key, text, std::get<S*>(target)->*member);
    }

    static std::string write(Source source) {
        return write_value(std::get<const S*>(source)->*member);
    }

    static std::string initial() {
        const S start;
        return write(&start);
    }

    static consteval bool holds(std::int64_t value) {
        if constexpr (kIsNumber) {
            return value >= 0 && static_cast<std::uint64_t>(value) <= std::numeric_limits<T>::max();
        } else if constexpr (kType == KeyType::number_or_auto) {
            return value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
        }
        return true;
    }
};

// Completes a row from the field it fills. A range the field could not hold does not compile.
template <auto member>
consteval KeyRow field(KeyRow row) {
    using F = Field<member>;
    if (!F::holds(row.min) || !F::holds(row.max) || row.min > row.max || row.help.empty()) {
        throw "bad row";
    }
    row.section = F::kSection;
    row.type = F::kType;
    row.read = F::read;
    row.write = F::write;
    row.initial = F::initial;
    return row;
}

// The longest path of a Unix socket, without its final zero byte.
constexpr std::int64_t kSocketBytesMax = 107;
constexpr std::int64_t kDayMs = 86'400'000;

// Copies of stable agents are kept twice as long, and no longer than the cache can count.
constexpr std::int64_t kTtlMaxMs = routing::RouteCache::kTtlMaxMs / 2;
constexpr std::int64_t kCacheKbMax = 1'048'576;

constexpr KeyRow kKeys[] = {
    field<&SystemConfig::name>(
        {.name = "name",
         .min = 1,
         .max = 32,
         .rule = TextRule::name,
         .help = "Name of this box; also names its lock, sockets and hugepage files."}),
    field<&SystemConfig::run_dir>({.name = "run_dir",
                                   .min = 2,
                                   .max = 64,
                                   .rule = TextRule::path,
                                   .help = "Folder of the lock and of sockets; made if missing."}),
    field<&SystemConfig::log_level>({.name = "log_level",
                                     .words = "error, warning, notice, info, debug",
                                     .reloadable = true,
                                     .help = "The least important lines still logged."}),
    field<&SystemConfig::drain_ms>(
        {.name = "drain_ms",
         .min = 0,
         .max = 600'000,
         .unit = "ms",
         .reloadable = true,
         .help =
             "After SIGTERM agents' messages are refused as draining and others delivered, until "
             "no frame comes, at most so long."}),

    field<&EalConfig::hugepages>(
        {.name = "hugepages",
         .help = "Hugepages; without them any machine will do, but more slowly and for "
                 "software ports only."}),
    field<&EalConfig::memory_mb>({.name = "memory_mb",
                                  .min = 0,
                                  .max = 1'048'576,
                                  .unit = "MiB",
                                  .help = "Memory for DPDK; 0: computed from tables and pools."}),
    field<&EalConfig::cores>(
        {.name = "cores",
         .max = 129,
         .item_max = 1'023,
         .example = "0-1",
         .help = "Cores: the first for the control thread, the others for the workers; not "
                 "set: chosen from those the process may use."}),
    field<&EalConfig::share_cores>(
        {.name = "share_cores",
         .help = "Several threads may share a core: for tests and small machines."}),
    field<&EalConfig::extra>(
        {.name = "extra",
         .min = 1,
         .max = 900,
         .example = "--log-level=pmd.net.af_packet:debug",
         .help = "Further EAL arguments, separated by blanks, for a driver that needs one."}),

    field<&DataplaneConfig::workers>({.name = "workers",
                                      .min = 1,
                                      .max = 128,
                                      .help = "Worker threads; each polls on a core of its own."}),
    field<&DataplaneConfig::udp_port>(
        {.name = "udp_port", .min = 1, .max = 65'535, .help = "The UDP port of Posthaste frames."}),
    field<&DataplaneConfig::mbufs>({.name = "mbufs",
                                    .min = 0,
                                    .max = 16'777'216,
                                    .help = "Frame buffers in the pool; 0: computed."}),
    field<&DataplaneConfig::rx_descriptors>(
        {.name = "rx_descriptors", .min = 32, .max = 32'768, .help = "Of each receive queue."}),
    field<&DataplaneConfig::tx_descriptors>(
        {.name = "tx_descriptors", .min = 32, .max = 32'768, .help = "Of each transmit queue."}),
    field<&DataplaneConfig::tx_backlog>(
        {.name = "tx_backlog",
         .min = 64,
         .max = 32'768,
         .help = "Frames each worker keeps for a port that takes none right now."}),
    field<&DataplaneConfig::punt_ring>(
        {.name = "punt_ring",
         .min = 16,
         .max = 32'768,
         .help = "Frames of a kind that may wait for the control thread, of each worker."}),
    field<&DataplaneConfig::inject_ring>(
        {.name = "inject_ring",
         .min = 16,
         .max = 32'768,
         .help = "Frames of the control thread that may wait for each worker."}),
    field<&DataplaneConfig::idle_sleep_us>(
        {.name = "idle_sleep_us",
         .min = 0,
         .max = 10'000,
         .unit = "us",
         .help = "A worker without frames sleeps so long; 0: it polls without pause."}),
    field<&DataplaneConfig::shed>(
        {.name = "shed",
         .help = "While receive queues stay full, frames of low priority are dropped first."}),

    field<&AgentsConfig::agents_max>(
        {.name = "agents_max",
         .min = 1,
         .max = 16'000'000,
         .help = "Agents and routes there may be, static ones included."}),
    field<&AgentsConfig::agents_per_port_max>(
        {.name = "agents_per_port_max",
         .min = 0,
         .max = 16'000'000,
         .reloadable = true,
         .help = "Agents that may register on one port; 0: agents_max."}),
    field<&AgentsConfig::capabilities_max>({.name = "capabilities_max",
                                            .min = 0,
                                            .max = 64,
                                            .reloadable = true,
                                            .help = "Capabilities one agent may have."}),
    field<&AgentsConfig::lease_default_ms>(
        {.name = "lease_default_ms",
         .min = 100,
         .max = kDayMs,
         .unit = "ms",
         .reloadable = true,
         .help = "Lease of an agent that asks for none: without a heartbeat it is then gone."}),
    field<&AgentsConfig::lease_min_ms>({.name = "lease_min_ms",
                                        .min = 100,
                                        .max = kDayMs,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "Shorter leases are raised to this."}),
    field<&AgentsConfig::lease_max_ms>({.name = "lease_max_ms",
                                        .min = 100,
                                        .max = kDayMs,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "Longer leases are cut to this."}),
    field<&AgentsConfig::registrations_per_second>(
        {.name = "registrations_per_second",
         .min = 1,
         .max = 10'000'000,
         .reloadable = true,
         .help = "Registrations taken per second; more are answered with an error."}),

    field<&LookupConfig::table>(
        {.name = "table",
         .help = "A table in front of DPDK's hash answers with one cache line; without it lookups "
                 "are slower and each route takes 85 bytes less."}),
    field<&LookupConfig::cache_kb>(
        {.name = "cache_kb",
         .min = 0,
         .max = kCacheKbMax,
         .unit = "KiB",
         .help = "Route cache of each worker, rounded down to a power of two; 0: none; auto: what "
                 "memory_mb leaves. It is used while it pays."}),
    field<&LookupConfig::local_ttl_ms>(
        {.name = "local_ttl_ms",
         .min = 0,
         .max = kTtlMaxMs,
         .unit = "ms",
         .reloadable = true,
         .help = "How long a cache keeps an agent attached here: twice as long if it seldom moves, "
                 "half as long if it often does; 0: not at all."}),
    field<&LookupConfig::remote_ttl_ms>({.name = "remote_ttl_ms",
                                         .min = 0,
                                         .max = kTtlMaxMs,
                                         .unit = "ms",
                                         .reloadable = true,
                                         .help = "The same for an agent at another router."}),
    field<&LookupConfig::negative_ttl_ms>(
        {.name = "negative_ttl_ms",
         .min = 0,
         .max = routing::RouteCache::kTtlMaxMs,
         .unit = "ms",
         .reloadable = true,
         .help = "How long a cache keeps that an agent is unknown; 0: not at all."}),

    field<&NeighboursConfig::neighbours_max>({.name = "neighbours_max",
                                              .min = 16,
                                              .max = 65'000,
                                              .reloadable = true,
                                              .help = "Neighbours remembered."}),
    field<&NeighboursConfig::held_per_neighbour>(
        {.name = "held_per_neighbour",
         .min = 1,
         .max = 1'024,
         .reloadable = true,
         .help = "Frames that may wait until one neighbour is found."}),
    field<&NeighboursConfig::held_max>({.name = "held_max",
                                        .min = 1,
                                        .max = 65'536,
                                        .reloadable = true,
                                        .help = "Frames that may wait for neighbours altogether."}),
    field<&NeighboursConfig::hold_ms>({.name = "hold_ms",
                                       .min = 10,
                                       .max = 60'000,
                                       .unit = "ms",
                                       .reloadable = true,
                                       .help = "The longest wait of such a frame."}),
    field<&NeighboursConfig::retry_ms>({.name = "retry_ms",
                                        .min = 10,
                                        .max = 60'000,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "Time between requests for one neighbour."}),
    field<&NeighboursConfig::retries>(
        {.name = "retries",
         .min = 1,
         .max = 20,
         .reloadable = true,
         .help = "Requests without an answer until a neighbour counts as gone."}),
    field<&NeighboursConfig::reachable_ms>(
        {.name = "reachable_ms",
         .min = 1'000,
         .max = kDayMs,
         .unit = "ms",
         .reloadable = true,
         .help = "A neighbour is asked again so long after its last answer."}),
    field<&NeighboursConfig::stale_ms>({.name = "stale_ms",
                                        .min = 1'000,
                                        .max = kDayMs,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "A neighbour not used so long is forgotten."}),

    field<&AdminConfig::socket>({.name = "socket",
                                 .min = 2,
                                 .max = kSocketBytesMax,
                                 .rule = TextRule::path,
                                 .example = "/run/posthaste/posthaste.sock",
                                 .help = "Its path; not set: RUN_DIR/NAME.sock."}),
    field<&AdminConfig::connections_max>(
        {.name = "connections_max", .min = 1, .max = 256, .help = "Clients at one time."}),

    field<&PortConfig::device>({.name = "device",
                                .min = 1,
                                .max = 900,
                                .rule = TextRule::device,
                                .required = true,
                                .example = "net_af_packet0,iface=eth1",
                                .help = "A PCI address, or a DPDK vdev: driver name, arguments."}),
    field<&PortConfig::role>({.name = "role",
                              .words = "edge, fabric",
                              .help = "edge: agents, not trusted; fabric: other routers."}),
    field<&PortConfig::addresses>(
        {.name = "addresses",
         .min = 1,
         .max = 16,
         .required = true,
         .reloadable = true,
         .example = "192.0.2.1/24, 2001:db8::1/64",
         .help = "Own addresses with the length of their prefix, separated by commas; the "
                 "first of a family is the sender."}),
    field<&PortConfig::gateway>({.name = "gateway",
                                 .rule = TextRule::ipv4,
                                 .reloadable = true,
                                 .example = "192.0.2.254",
                                 .help = "Next hop to IPv4 hosts outside of the prefixes."}),
    field<&PortConfig::gateway6>({.name = "gateway6",
                                  .rule = TextRule::ipv6,
                                  .reloadable = true,
                                  .example = "2001:db8::fe",
                                  .help = "Next hop to IPv6 hosts outside of the prefixes."}),
    field<&PortConfig::mtu>({.name = "mtu",
                             .min = 576,
                             .max = 9'000,
                             .unit = "bytes",
                             .help = "Longest IP packet; at least 1280 with IPv6 addresses."}),
    field<&PortConfig::queues>({.name = "queues",
                                .min = 1,
                                .max = 128,
                                .help = "Receive queues; they are spread over the workers."}),
    field<&PortConfig::workers>(
        {.name = "workers",
         .max = 128,
         .item_max = 127,
         .example = "0",
         .help = "Workers that poll this port, counted from 0; not set: all."}),
    field<&PortConfig::vlan>({.name = "vlan",
                              .min = 0,
                              .max = 4'094,
                              .help = "802.1Q tag of all frames of this port; 0: untagged."}),
    field<&PortConfig::mac>({.name = "mac",
                             .example = "02:00:00:00:00:01",
                             .help = "MAC address to set; not set: the device's."}),
    field<&PortConfig::promiscuous>(
        {.name = "promiscuous", .help = "Receive frames to any MAC address."}),
    field<&PortConfig::verify_checksum>({.name = "verify_checksum",
                                         .reloadable = true,
                                         .help = "Drop frames with a wrong UDP checksum."}),
    field<&PortConfig::source_check>(
        {.name = "source_check",
         .words = "strict, port, off",
         .reloadable = true,
         .help = "strict: a sender must be registered on this port with this MAC and IP "
                 "address; port: on this port; off: anybody may send."}),
    field<&PortConfig::error_rate>({.name = "error_rate",
                                    .min = 0,
                                    .max = 10'000'000,
                                    .reloadable = true,
                                    .help = "Error frames sent per second at most; 0: none."}),
    field<&PortConfig::link_wait_ms>(
        {.name = "link_wait_ms",
         .min = 0,
         .max = 60'000,
         .unit = "ms",
         .help = "A port without link so long after the start is an error."}),
    field<&PortConfig::reconnect>(
        {.name = "reconnect",
         .help = "memif and virtio-user: start the port again when its peer comes back."}),

    field<&RouterConfig::address>({.name = "address",
                                   .required = true,
                                   .reloadable = true,
                                   .example = "198.51.100.2",
                                   .help = "Its address on the fabric."}),
    field<&RouterConfig::port>(
        {.name = "port",
         .min = 1,
         .max = 32,
         .rule = TextRule::name,
         .reloadable = true,
         .example = "fabric0",
         .help = "The fabric port towards it; not set: the one whose prefix has the address, "
                 "or whose gateway leads to it."}),
    field<&RouterConfig::udp_port>({.name = "udp_port",
                                    .min = 0,
                                    .max = 65'535,
                                    .reloadable = true,
                                    .help = "Its UDP port; 0: as [dataplane] udp_port."}),

    field<&RouteConfig::router>({.name = "router",
                                 .min = 1,
                                 .max = 32,
                                 .rule = TextRule::name,
                                 .required = true,
                                 .reloadable = true,
                                 .example = "west",
                                 .help = "Name of the router the agent is attached to."}),

    field<&AgentConfig::port>({.name = "port",
                               .min = 1,
                               .max = 32,
                               .rule = TextRule::name,
                               .required = true,
                               .reloadable = true,
                               .example = "edge0",
                               .help = "Name of the edge port the agent is behind."}),
    field<&AgentConfig::address>({.name = "address",
                                  .required = true,
                                  .reloadable = true,
                                  .example = "192.0.2.20",
                                  .help = "Its IP address."}),
    field<&AgentConfig::udp_port>({.name = "udp_port",
                                   .min = 1,
                                   .max = 65'535,
                                   .reloadable = true,
                                   .help = "The UDP port it listens on."}),
    field<&AgentConfig::mac>({.name = "mac",
                              .reloadable = true,
                              .example = "02:00:00:00:00:20",
                              .help = "Its MAC address; not set: found by ARP or ND."}),
    field<&AgentConfig::name>({.name = "name",
                               .min = 1,
                               .max = 255,
                               .reloadable = true,
                               .example = "planner",
                               .help = "A name for people."}),
    field<&AgentConfig::capabilities>({.name = "capabilities",
                                       .max = 64,
                                       .item_max = 100,
                                       .reloadable = true,
                                       .example = "vision/ocr, vision/faces",
                                       .help = "What it can do: names, separated by commas."}),
};

static_assert(std::ranges::is_sorted(kKeys, std::less{}, &KeyRow::section));

}  // namespace

std::span<const KeyRow> config_keys() {
    return kKeys;
}

}  // namespace posthaste::controlplane
