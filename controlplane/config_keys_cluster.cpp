// SPDX-License-Identifier: BSD-3-Clause
// The rows of [cluster] and [store].
#include <algorithm>

#include "controlplane/config_field.h"
#include "controlplane/config_table.h"

namespace posthaste::controlplane {

namespace {

constexpr std::int64_t kPathBytesMax = 512;

constexpr KeyRow kKeys[] = {
    field<&ClusterConfig::address>(
        {.name = "address",
         .example = "10.9.0.1",
         .help = "Management address of this router, on an interface of the kernel; without it "
                 "the router is in no cluster."}),
    field<&ClusterConfig::name>(
        {.name = "name",
         .min = 1,
         .max = 32,
         .rule = TextRule::name,
         .help = "Name of the cluster; routers of another one are refused."}),
    field<&ClusterConfig::node>(
        {.name = "node",
         .min = 1,
         .max = 128,
         .rule = TextRule::node,
         .example = "west-1",
         .help = "Name of this router in the cluster, for ever the same and nobody else's; not "
                 "set: [system] name."}),
    field<&ClusterConfig::port>({.name = "port",
                                 .min = 1,
                                 .max = 65'535,
                                 .help = "Of membership, UDP and TCP; Serf's is 7946."}),
    field<&ClusterConfig::route_port>(
        {.name = "route_port",
         .min = 1,
         .max = 65'535,
         .help = "TCP port on which routers tell each other which agents they have."}),
    field<&ClusterConfig::seeds>(
        {.name = "seeds",
         .max = 64,
         .item_max = 64,
         .rule = TextRule::seed,
         .reloadable = true,
         .example = "10.9.0.2, 10.9.0.3:7946",
         .help = "Members to join, routers or Serf agents: tried until one answers, and again "
                 "whenever this router is alone."}),
    field<&ClusterConfig::profile>(
        {.name = "profile",
         .words = "lan, wan, local, fast",
         .help = "How patient members are with each other: a crash is known after about 5 s (lan), "
                 "30 s (wan), 4 s (local), 1 s (fast). The same everywhere."}),
    field<&ClusterConfig::keyring>(
        {.name = "keyring",
         .min = 2,
         .max = kPathBytesMax,
         .rule = TextRule::path,
         .example = "/etc/posthaste/keyring",
         .help =
             "File of base64 keys (16, 24 or 32 bytes), one a line, the one to send with first; "
             "its owner alone may read it. Without it nothing is encrypted."}),
    field<&ClusterConfig::label>(
        {.name = "label",
         .min = 1,
         .max = 255,
         .example = "production",
         .help = "Put before membership packets, in clear text; Serf before 0.10 knows none."}),
    field<&ClusterConfig::fabric_address>(
        {.name = "fabric_address",
         .example = "198.51.100.1",
         .help = "Where other routers send frames for agents here, one of a fabric port; not set: "
                 "the first address of the first fabric port."}),
    field<&ClusterConfig::routers_max>({.name = "routers_max",
                                        .min = 2,
                                        .max = 1'000,
                                        .help = "Routers there may be in the cluster."}),
    field<&ClusterConfig::claims_max>(
        {.name = "claims_max",
         .min = 1'024,
         .max = 16'777'216,
         .help = "Claims of all routers that are kept, those that were withdrawn and lists of "
                 "capabilities included; agents_max of them can be routes."}),
    field<&ClusterConfig::max_version_drift>(
        {.name = "max_version_drift",
         .min = 1,
         .max = 1'000'000'000,
         .reloadable = true,
         .help =
             "Changes by which another router may be ahead before they are asked for at once."}),
    field<&ClusterConfig::push_ms>(
        {.name = "push_ms",
         .min = 1,
         .max = 1'000,
         .unit = "ms",
         .reloadable = true,
         .help = "Changes of agents that come within this are told together."}),
    field<&ClusterConfig::digest_ms>(
        {.name = "digest_ms",
         .min = 100,
         .max = 60'000,
         .unit = "ms",
         .reloadable = true,
         .help = "How often what is known is compared with another router."}),
    field<&ClusterConfig::discovery_rate>(
        {.name = "discovery_rate",
         .min = 0,
         .max = 10'000,
         .help = "Unknown agents and capabilities that others are asked about in a second."}),
    field<&ClusterConfig::forget_ms>(
        {.name = "forget_ms",
         .min = 60'000,
         .max = 30 * kDayMs,
         .unit = "ms",
         .reloadable = true,
         .help = "A router that is out for so long is forgotten, and its agents with it."}),

    field<&StoreConfig::path>(
        {.name = "path",
         .min = 2,
         .max = kPathBytesMax,
         .rule = TextRule::path,
         .example = "/var/lib/posthaste/posthaste.db",
         .help = "SQLite file of agents that registered and of this router's generation; not set: "
                 "nothing outlives the process."}),
    field<&StoreConfig::commit_ms>(
        {.name = "commit_ms",
         .min = 0,
         .max = 1'000,
         .unit = "ms",
         .help = "Registrations that come within this are written, and then acknowledged, "
                 "together."}),
};

static_assert(std::ranges::is_sorted(kKeys, std::less{}, &KeyRow::section));

}  // namespace

std::span<const KeyRow> config_keys_of_cluster() {
    return kKeys;
}

}  // namespace posthaste::controlplane
