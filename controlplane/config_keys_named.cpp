// SPDX-License-Identifier: BSD-3-Clause
// The rows of the sections that have names: ports, and what refers to them.
#include <algorithm>

#include "controlplane/config_field.h"
#include "routing/capability_name.h"
#include "routing/policy.h"

namespace posthaste::controlplane {

namespace {

constexpr KeyRow kKeys[] = {
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
    field<&PortConfig::regex_patterns>(
        {.name = "regex_patterns",
         .reloadable = true,
         .help =
             "Agents here may register patterns that are regular expressions, not globs only."}),
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
    field<&RouteConfig::capabilities>({.name = "capabilities",
                                       .max = 64,
                                       .item_max = 110,
                                       .rule = TextRule::offer,
                                       .reloadable = true,
                                       .example = "vision/ocr",
                                       .help = "What the agent can do, as in [agent]."}),

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
                                       .item_max = 110,
                                       .rule = TextRule::offer,
                                       .reloadable = true,
                                       .example = "vision/ocr, vision/faces@800*20",
                                       .help = "What it can do; priority 50, weight 100 unless "
                                               "it says so."}),

    field<&PolicyConfig::expression>(
        {.name = "expression",
         .min = 1,
         .max = routing::kExpressionBytesMax,
         .reloadable = true,
         .example = R"(password\s*=\s*\S+)",
         .help = "A regular expression as Hyperscan takes it: Perl's, without back references, "
                 "lookaround and possessive repeats."}),
    field<&PolicyConfig::rules>(
        {.name = "rules",
         .min = 2,
         .max = 900,
         .rule = TextRule::path,
         .reloadable = true,
         .example = "/etc/posthaste/secrets.rules",
         .help = "A file with more of them, one on each line; lines that begin with '#' are "
                 "comments. It is read again with the configuration."}),
    field<&PolicyConfig::flags>(
        {.name = "flags",
         .words = "caseless, multiline, dotall, utf8",
         .reloadable = true,
         .example = "caseless",
         .help = "How all its expressions are meant. With utf8 a payload is looked at up to the "
                 "first byte that is not UTF-8."}),
    field<&PolicyConfig::ports>(
        {.name = "ports",
         .max = kPortsMax,
         .item_max = 32,
         .reloadable = true,
         .example = "edge0",
         .help = "Names of ports; not set: all but the one it mirrors to."}),
    field<&PolicyConfig::capability>(
        {.name = "capability",
         .min = 1,
         .max = routing::kCapabilityNameMax,
         .rule = TextRule::capability,
         .reloadable = true,
         .example = "vision/ocr",
         .help = "Only messages addressed to this capability; not set: all."}),
    field<&PolicyConfig::direction>(
        {.name = "direction",
         .words = "in, out",
         .reloadable = true,
         .help = "in: messages received on these ports; out: messages about to be sent on them."}),
    field<&PolicyConfig::depth>({.name = "depth",
                                 .min = 1,
                                 .max = routing::kPolicyDepthMax,
                                 .unit = "bytes",
                                 .reloadable = true,
                                 .help = "How much of a payload is looked at."}),
    field<&PolicyConfig::action>(
        {.name = "action",
         .words = "count, drop, mirror, redirect",
         .reloadable = true,
         .help = "count: nothing else; mirror: a copy goes to mirror_port; redirect: an agent "
                 "with the capability redirect gets it instead."}),
    field<&PolicyConfig::mirror_port>({.name = "mirror_port",
                                       .min = 1,
                                       .max = 32,
                                       .rule = TextRule::name,
                                       .reloadable = true,
                                       .example = "fabric0",
                                       .help = "The port copies are sent on, as they came."}),
    field<&PolicyConfig::redirect>({.name = "redirect",
                                    .min = 1,
                                    .max = routing::kCapabilityNameMax,
                                    .rule = TextRule::capability,
                                    .reloadable = true,
                                    .example = "scanner/virus",
                                    .help = "The capability messages are redirected to."}),
    field<&PolicyConfig::priority>(
        {.name = "priority",
         .min = 0,
         .max = routing::kPolicyPriorityMax,
         .reloadable = true,
         .help = "Of several that match, the highest decides; then the first in the file."}),
};

static_assert(std::ranges::is_sorted(kKeys, std::less{}, &KeyRow::section));
static_assert(kKeys[0].section == SectionKind::port);

}  // namespace

std::span<const KeyRow> config_keys_of_named_sections() {
    return kKeys;
}

}  // namespace posthaste::controlplane
