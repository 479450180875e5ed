// SPDX-License-Identifier: BSD-3-Clause
// The table of commands itself; controlplane/command_tree.cpp reads it.
#include <algorithm>
#include <array>

#include "controlplane/cluster/cluster_commands.h"
#include "controlplane/cluster/cluster_text.h"
#include "controlplane/command_tree.h"
#include "controlplane/endpoint_text.h"
#include "controlplane/event_stream.h"

namespace posthaste::controlplane {

namespace {

constexpr Parameter kAgent{"agent", ValueKind::agent, Need::required, "The agent's UUID."};

constexpr std::array kAgentOnly{kAgent};

constexpr std::array kRouteTarget{
    kAgent,
    Parameter{"router", ValueKind::router, Need::required, "Where the agent is attached."},
};

constexpr std::array kRouteOptions{
    Parameter{"seconds", ValueKind::number, Need::optional, "How long it holds; else for ever."},
};

constexpr std::array kRouterOnly{
    Parameter{"router", ValueKind::router, Need::required, "A router of the ini file."},
};

constexpr std::array kPolicyOnly{
    Parameter{"policy", ValueKind::policy, Need::required, "A policy of the ini file."},
};

constexpr std::array kPayloadOnly{
    Parameter{"payload", ValueKind::payload, Need::required, "What a message may hold."},
};

constexpr std::array kPolicyTestOptions{
    Parameter{"port", ValueKind::port, Need::optional, "Only what would be done there."},
    Parameter{"capability",
              ValueKind::capability,
              Need::optional,
              "What the message is addressed to; without, an agent."},
};

constexpr std::array kTopOptions{
    Parameter{"limit", ValueKind::number, Need::optional, "Agents to give; default 20."},
};

constexpr std::array kHelpWords{
    Parameter{"words", ValueKind::word, Need::repeated, "The beginning of a command."},
};

constexpr Parameter kLimit{
    "limit", ValueKind::number, Need::optional, "Rows to give, 1 to 1000; default 100."};
constexpr Parameter kAfter{
    "after", ValueKind::cursor, Need::optional, "Go on after an earlier answer: its next."};
constexpr Parameter kOfPort{"port", ValueKind::port, Need::optional, "Only rows of this port."};

constexpr std::array kPageOptions{kLimit, kAfter};
constexpr std::array kPortPageOptions{kLimit, kAfter, kOfPort};

constexpr std::array kCapabilityOnly{
    Parameter{"capability", ValueKind::capability, Need::required, "The capability's name."},
};

constexpr std::array kCapabilityOptions{
    kLimit,
    kAfter,
    Parameter{"all", ValueKind::flag, Need::optional, "Also those that are not available."},
};

constexpr std::array kDropOptions{
    Parameter{"all", ValueKind::flag, Need::optional, "Also reasons that never occurred."},
};

constexpr std::array kAdditionOptions{
    Parameter{"port", ValueKind::port, Need::required, "The port it is attached to."},
    Parameter{"address", ValueKind::endpoint, Need::required, "Its IP address, and UDP port."},
    Parameter{"mac", ValueKind::mac, Need::optional, "Its MAC; without, it is resolved."},
    Parameter{"name", ValueKind::name, Need::optional, "A name for people."},
    Parameter{"capability", ValueKind::capability, Need::repeated, "What it can do; repeatable."},
};

constexpr std::array kSeeds{
    Parameter{"seed", ValueKind::endpoint, Need::required, "A member; its port if it is not ours."},
};

constexpr std::array kMemberOnly{
    Parameter{"member", ValueKind::name, Need::required, "The name of a failed member."},
};

constexpr std::array kForceLeaveOptions{
    Parameter{"prune", ValueKind::flag, Need::optional, "Forget it at once, everywhere."},
};

constexpr std::array kKeyOnly{
    Parameter{"key", ValueKind::key, Need::required, "The key, in base64."},
};

constexpr std::array kEventOptions{
    Parameter{"count", ValueKind::number, Need::optional, "Events to give; else without end."},
    Parameter{"topic", ValueKind::topic, Need::optional, "Only events of this."},
};

Page page_of(const Arguments& arguments) {
    return {
        arguments.number("limit", kPageDefault), arguments.text("after"), arguments.text("port")};
}

Reply begin_agent_add(Operations& operations, const Arguments& arguments) {
    const EndpointText endpoint =
        host_endpoint_from_text(arguments.text("address")).value_or(EndpointText{});
    return operations.add_agent({
        .agent = arguments.agent("agent"),
        .port = arguments.text("port"),
        .address = endpoint.address,
        .udp_port = endpoint.port,
        .mac = routing::Mac::from_text(arguments.text("mac")),
        .name = arguments.text("name"),
        .capabilities = arguments.texts("capability"),
    });
}

bool begins_with(std::string_view path, const std::vector<std::string>& words) {
    std::string start;
    for (const std::string& word : words) {
        start += word + ' ';
    }
    return (std::string(path) + ' ').starts_with(start);
}

Outcome run_help(Operations& /*operations*/, const Arguments& arguments) {
    Json rows = Json::array();
    for (const Command& command : commands()) {
        if (begins_with(command.path, arguments.texts("words"))) {
            rows.push_back({{"command", usage_of(command)}, {"help", command.help}});
        }
    }
    if (rows.empty()) {
        return refuse(code::not_found,
                      "no command begins with these words; help without them "
                      "lists all commands");
    }
    return rows;
}

OperationError no_cluster() {
    return {std::string(code::refused), "this router is not in a cluster ([cluster] address)", {}};
}

template <typename Use>
Outcome of_cluster(Operations& operations, const Use& use) {
    ClusterCommands* const cluster = operations.cluster();
    return cluster == nullptr ? tl::unexpected(no_cluster()) : use(*cluster);
}

Reply change_keys(Operations& operations,
                  gossip::membership::KeyAction action,
                  const Arguments& arguments) {
    ClusterCommands* const cluster = operations.cluster();
    return cluster == nullptr ? Reply{tl::unexpected(no_cluster()), nullptr}
                              : cluster->keys(action, arguments.text("key"));
}

Reply run_check(Operations& operations, const Arguments& /*arguments*/) {
    ClusterCommands* const cluster = operations.cluster();
    return cluster == nullptr ? Reply{tl::unexpected(no_cluster()), nullptr} : cluster->check();
}

Outcome run_join(Operations& operations, const Arguments& arguments) {
    const EndpointText seed =
        host_endpoint_from_text(arguments.text("seed")).value_or(EndpointText{});
    return of_cluster(operations, [&seed](ClusterCommands& cluster) {
        return cluster.join({socket_address(seed.address, seed.port.value_or(cluster.port()))});
    });
}

Reply run_events(Operations& operations, const Arguments& arguments) {
    return {Json(),
            std::make_unique<EventStream>(operations.events(),
                                          topic_from_text(arguments.text("topic")),
                                          arguments.number("count", 0))};
}

using gossip::membership::KeyAction;

constexpr std::array kCommands{
    Command{"agent add",
            kAgentOnly,
            kAdditionOptions,
            "Attach an agent that does not register itself.",
            nullptr,
            begin_agent_add},
    Command{"agent drain",
            kAgentOnly,
            {},
            "Set an agent to draining: it still gets frames, but is chosen for nothing new.",
            nullptr,
            [](Operations& o, const Arguments& a) { return o.drain_agent(a.agent("agent")); }},
    Command{"agent remove",
            kAgentOnly,
            {},
            "Detach an agent, however it came.",
            nullptr,
            [](Operations& o, const Arguments& a) { return o.remove_agent(a.agent("agent")); }},
    Command{"cluster check",
            {},
            {},
            "Ask all routers whether they know the same, and list what differs.",
            nullptr,
            run_check},
    Command{"cluster force-leave",
            kMemberOnly,
            kForceLeaveOptions,
            "Take a failed member for one that left.",
            [](Operations& o, const Arguments& a) {
                return of_cluster(o, [&a](ClusterCommands& cluster) {
                    return cluster.force_leave(a.text("member"), a.has("prune"));
                });
            }},
    Command{"cluster join", kSeeds, {}, "Join the cluster of a member.", run_join},
    Command{
        "cluster keys install",
        kKeyOnly,
        {},
        "Give every member a key; it is not used yet.",
        nullptr,
        [](Operations& o, const Arguments& a) { return change_keys(o, KeyAction::install, a); }},
    Command{"cluster keys list",
            {},
            {},
            "Ask every member for the keys it has.",
            nullptr,
            [](Operations& o, const Arguments& a) { return change_keys(o, KeyAction::list, a); }},
    Command{"cluster keys remove",
            kKeyOnly,
            {},
            "Take a key that is not in use from every member.",
            nullptr,
            [](Operations& o, const Arguments& a) { return change_keys(o, KeyAction::remove, a); }},
    Command{"cluster keys use",
            kKeyOnly,
            {},
            "Let every member seal with a key that all have.",
            nullptr,
            [](Operations& o, const Arguments& a) { return change_keys(o, KeyAction::use, a); }},
    Command{"cluster leave",
            {},
            {},
            "Leave the cluster, for as long as this process runs.",
            [](Operations& o, const Arguments&) {
                return of_cluster(o, [](ClusterCommands& cluster) { return cluster.leave(); });
            }},
    Command{"events",
            {},
            kEventOptions,
            "Show what happens to agents, ports, members and routes, from now on.",
            nullptr,
            run_events},
    Command{"help", kHelpWords, {}, "List commands, all or those that begin so.", run_help},
    Command{"lookup",
            kAgentOnly,
            {},
            "Explain step by step what would be done with a frame for an agent.",
            [](Operations& o, const Arguments& a) { return o.lookup(a.agent("agent")); }},
    Command{"policy test",
            kPayloadOnly,
            kPolicyTestOptions,
            "Show which rules a payload matches, and which policy would decide at each port.",
            [](Operations& o, const Arguments& a) {
                return o.test_policies({.payload = a.bytes("payload"),
                                        .port = a.text("port"),
                                        .capability = a.text("capability")});
            }},
    Command{"rekey",
            {},
            {},
            "Change the secret key by which the route table is hashed.",
            [](Operations& o, const Arguments&) { return o.rekey(); }},
    Command{"reload",
            {},
            {},
            "Read the configuration file again and apply the difference.",
            [](Operations& o, const Arguments&) { return o.reload(); }},
    Command{"route add",
            kRouteTarget,
            kRouteOptions,
            "Send an agent's frames to another router.",
            [](Operations& o, const Arguments& a) {
                return o.add_route(a.agent("agent"), a.text("router"), a.number("seconds", 0));
            }},
    Command{"route remove",
            kAgentOnly,
            {},
            "Forget the route to an agent.",
            [](Operations& o, const Arguments& a) { return o.remove_route(a.agent("agent")); }},
    Command{"router restore",
            kRouterOnly,
            {},
            "Use the routes to a router again.",
            [](Operations& o, const Arguments& a) {
                return o.withdraw_router(a.text("router"), false);
            }},
    Command{"router withdraw",
            kRouterOnly,
            {},
            "Take all routes to a router out of use, at once; until restored.",
            [](Operations& o, const Arguments& a) {
                return o.withdraw_router(a.text("router"), true);
            }},
    Command{"show agent",
            kAgentOnly,
            {},
            "Show everything known of one agent.",
            [](Operations& o, const Arguments& a) { return o.show_agent(a.agent("agent")); }},
    Command{"show agents",
            {},
            kPortPageOptions,
            "List the agents attached to this box.",
            [](Operations& o, const Arguments& a) { return o.show_agents(page_of(a)); }},
    Command{"show capabilities",
            {},
            kPageOptions,
            "List what agents can do, and how many of them.",
            [](Operations& o, const Arguments& a) { return o.show_capabilities(page_of(a)); }},
    Command{"show capability",
            kCapabilityOnly,
            kCapabilityOptions,
            "List the agents that have a capability, and where they are.",
            [](Operations& o, const Arguments& a) {
                return o.show_capability(a.text("capability"), page_of(a), a.has("all"));
            }},
    Command{"show claims",
            kAgentOnly,
            {},
            "List what every router claims of an agent, and whose claim holds.",
            [](Operations& o, const Arguments& a) {
                return of_cluster(o, [&a](ClusterCommands& cluster) {
                    return cluster.show_claims(a.agent("agent"));
                });
            }},
    Command{"show config",
            {},
            {},
            "Show the running configuration.",
            [](Operations& o, const Arguments&) { return o.show_config(); }},
    Command{"show conflicts",
            {},
            {},
            "Show agents and names that are there twice, and damage that was found.",
            [](Operations& o, const Arguments&) {
                return of_cluster(
                    o, [](ClusterCommands& cluster) { return cluster.show_conflicts(); });
            }},
    Command{"show discovery",
            {},
            {},
            "Show how agents that nobody knows are asked for.",
            [](Operations& o, const Arguments&) { return o.show_discovery(); }},
    Command{"show drops",
            {},
            kDropOptions,
            "Show dropped frames by port and reason.",
            [](Operations& o, const Arguments& a) { return o.show_drops(a.has("all")); }},
    Command{"show gossip",
            {},
            {},
            "Show what this router told and heard in the cluster, by kind.",
            [](Operations& o, const Arguments&) {
                return of_cluster(o,
                                  [](ClusterCommands& cluster) { return cluster.show_gossip(); });
            }},
    Command{"show lcores",
            {},
            {},
            "Show the threads, how busy they are, what they moved.",
            [](Operations& o, const Arguments&) { return o.show_lcores(); }},
    Command{"show lookup",
            {},
            {},
            "Show what lookups came to, how long they took, and what caches are worth.",
            [](Operations& o, const Arguments&) { return o.show_lookup(); }},
    Command{"show memory",
            {},
            {},
            "Show tables, pools and the process: memory planned and taken, and what is full.",
            [](Operations& o, const Arguments&) { return o.show_memory(); }},
    Command{"show neighbours",
            {},
            kPortPageOptions,
            "List hosts on the links, from ARP and ND.",
            [](Operations& o, const Arguments& a) { return o.show_neighbours(page_of(a)); }},
    Command{"show peers",
            {},
            kPageOptions,
            "List the members of the cluster, and how far their routers are.",
            [](Operations& o, const Arguments& a) {
                return of_cluster(
                    o, [&a](ClusterCommands& cluster) { return cluster.show_peers(page_of(a)); });
            }},
    Command{"show policies",
            {},
            {},
            "Show the content policies, what they matched, and how they were compiled.",
            [](Operations& o, const Arguments&) { return o.show_policies(); }},
    Command{"show policy",
            kPolicyOnly,
            kPageOptions,
            "List the rules of a policy, and what each matched.",
            [](Operations& o, const Arguments& a) {
                return o.show_policy(a.text("policy"), page_of(a));
            }},
    Command{"show ports",
            {},
            {},
            "Show the ports, their links and counters.",
            [](Operations& o, const Arguments&) { return o.show_ports(); }},
    Command{"show rekey",
            {},
            {},
            "Show the last change of the route table's key, and what would bring the next.",
            [](Operations& o, const Arguments&) { return o.show_rekey(); }},
    Command{"show routers",
            {},
            {},
            "Show the other routers and whether they can be reached.",
            [](Operations& o, const Arguments&) { return o.show_routers(); }},
    Command{"show routes",
            {},
            kPageOptions,
            "List the routes to agents at other routers.",
            [](Operations& o, const Arguments& a) { return o.show_routes(page_of(a)); }},
    Command{"show stages",
            {},
            {},
            "Show the stages of the pipeline and what a frame costs there.",
            [](Operations& o, const Arguments&) { return o.show_stages(); }},
    Command{"show store",
            {},
            {},
            "Show what is on the disk, and what waits to be.",
            [](Operations& o, const Arguments&) { return o.show_store(); }},
    Command{"show top",
            {},
            kTopOptions,
            "Show the agents that most frames go to, by samples.",
            [](Operations& o, const Arguments& a) { return o.show_top(a.number("limit", 20)); }},
    Command{"show topology",
            {},
            {},
            "Draw the routers, the links to them and their agents.",
            [](Operations& o, const Arguments&) {
                return of_cluster(o,
                                  [](ClusterCommands& cluster) { return cluster.show_topology(); });
            }},
    Command{"show version",
            {},
            {},
            "Show what runs here and for how long.",
            [](Operations& o, const Arguments&) { return o.show_version(); }},
    Command{"show versions",
            {},
            kPageOptions,
            "List how far each router has counted, and who is behind.",
            [](Operations& o, const Arguments& a) {
                return of_cluster(o, [&a](ClusterCommands& cluster) {
                    return cluster.show_versions(page_of(a));
                });
            }},
    Command{"tree",
            {},
            {},
            "Give all commands as data, for completion.",
            [](Operations& o, const Arguments&) -> Outcome { return describe_commands(o); }},
};

static_assert(std::ranges::is_sorted(kCommands, {}, &Command::path));

}  // namespace

std::span<const Command> commands() noexcept {
    return kCommands;
}

}  // namespace posthaste::controlplane
