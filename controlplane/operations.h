// SPDX-License-Identifier: BSD-3-Clause
// Operations: what an operator can read and do, one function per command of the admin socket.
//
// The command tree calls these on the control thread with arguments already checked for their
// form; each must return soon (well under a millisecond) and never wait. What it returns becomes
// `data` of the answer. The keys named here are a contract: all of them are always present, and
// null where there is no value. Counters are totals since start unless said otherwise. Units are
// in the names (_ms, _bytes, _percent); a key without one is a count, a name or a flag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/event_log.h"
#include "controlplane/ongoing.h"
#include "controlplane/outcome.h"
#include "routing/address.h"
#include "routing/agent_id.h"

namespace posthaste::controlplane {

class ClusterCommands;

struct AgentAddition {
    routing::AgentId agent;
    std::string port;
    routing::IpAddress address;
    std::optional<std::uint16_t> udp_port;  // none: the port frames are received on
    std::optional<routing::Mac> mac;        // none: resolved by ARP or ND
    std::string name;
    std::vector<std::string> capabilities;
};

struct PolicyTrial {
    std::vector<std::uint8_t> payload;
    std::string port;        // empty: every port
    std::string capability;  // the message is addressed to; empty: to an agent
};

class Operations {
  public:
    Operations() = default;
    Operations(const Operations&) = delete;
    Operations& operator=(const Operations&) = delete;
    virtual ~Operations() = default;

    // For completion and "did you mean"; in the order of the ini.
    [[nodiscard]] virtual std::vector<std::string> port_names() const = 0;
    [[nodiscard]] virtual std::vector<std::string> router_names() const = 0;
    // Of those that run.
    [[nodiscard]] virtual std::vector<std::string> policy_names() const = 0;

    // [{name, index, device, driver, role: "edge"|"fabric", addresses: ["10.0.0.1/24"],
    //   gateways: ["10.0.0.254"], mac, vlan: number|null, mtu,
    //   up: lcores use it, link: the device says so, link_mbps: number|null, rx_queues, tx_queues,
    //   received, received_bytes, resubmitted, copied, sent, punted, dropped, answered,
    //   answers_suppressed, transmitted, transmitted_bytes, tx_discarded, tx_backlog: frames now,
    //   control_consumed, control_resubmitted, control_dropped, control_originated,
    //   missed: lost by the device with its rx queues full, rx_errors, no_mbuf, tx_errors,
    //   reconnects}]
    // received..answers_suppressed are by ingress port; received + resubmitted + copied == sent +
    // punted + dropped whenever no burst is under way; copied: made for further recipients. Of the
    // punted ones the control thread has answered or learnt from control_consumed, given back
    // control_resubmitted, and dropped control_dropped; the rest it still holds.
    // control_originated and what begins with t are by egress port, the others the device's.
    [[nodiscard]] virtual Outcome show_ports() = 0;

    // [{lcore, cpu, role: "control"|"worker", worker: number|null, queues: ["edge0/0"],
    //   busy_percent: share of cycles in loops that moved something, since the last time this was
    //   asked or start, number|null, loops: number|null, received, resubmitted, copied, injected,
    //   sent, punted, dropped, transmitted}]
    // The control thread's row: received are the frames punted to it, injected those it gave back
    // to workers or made itself, dropped its own drops; sent, resubmitted, copied, punted and
    // transmitted 0, queues [], busy_percent and loops null: it sleeps when it has nothing to do.
    [[nodiscard]] virtual Outcome show_lcores() = 0;

    // [{stage, calls, frames, frames_per_call: number|null, cycles_per_frame: number|null}], in
    // the order of the pipeline, over all workers.
    [[nodiscard]] virtual Outcome show_stages() = 0;

    // {drops: [{port, reason, error: error code name|null, frames,
    //           lcores: [{lcore, frames}]}], frames: sum}
    // By port in the order of the ini, then by reason in the order of routing::Drop; `lcores` has
    // those with frames > 0, the control thread included. Rows with frames 0 only with `all`.
    [[nodiscard]] virtual Outcome show_drops(bool all) = 0;

    // {agents: [{agent, name: string|null, state: "running"|"draining"|"stopped",
    //            origin: "registered"|"configured"|"operator", port, address, udp_port,
    //            mac: string|null (not yet resolved), expires_in_ms: number|null (never), moves,
    //            capability_count}],
    //  total: agents on this box, next: string|null}
    // In no particular order. An agent that stays is given exactly once over all pages, unless
    // the table was rebuilt in between: then stale_cursor. not_found: no port of that name.
    [[nodiscard]] virtual Outcome show_agents(const Page& page) = 0;

    // {agent, name, state, origin, port, address, udp_port, mac, expires_in_ms, moves: as above,
    //  lease_ms: number|null, last_heard_ms: ago|null, registered_ms: ago,
    //  stability: "normal"|"stable"|"unstable", used_ms: ago|null (not seen to be),
    //  frames_estimated: to it, by samples,
    //  epoch: of its session, as it said, multi: it may be at several routers,
    //  capabilities: [NAME[@PRIORITY][*WEIGHT]], patterns: [KIND TEXT[@PRIORITY][*WEIGHT]],
    //  load_per_mille, queue_depth: as it last said}
    // not_found: no such agent on this box; the message says so if a route to a router exists.
    [[nodiscard]] virtual Outcome show_agent(const routing::AgentId& agent) = 0;

    // {capabilities: [{capability: name or pattern, kind: "name"|"glob"|"regex", providers,
    //                  available, available_here: of them, bytes,
    //                  matching: null: a name|"compiling"|"ready"|"failed": it matches nothing}],
    //  next, names, names_max, patterns, patterns_max, providers: the sum over agents,
    //  providers_max, sets, sets_max, bytes: of all sets, changes, published, waiting: sets with
    //  changes no lcore sees yet, delayed: turns that left work over, lag_ms_worst,
    //  frames: {chosen: {STRATEGY: to any}, to_all: sent to at least one, copies: made for those,
    //           no_provider, failovers: another than the chosen, who was gone, conversations_kept,
    //           conversations_remembered: asked for and known, names: that frames say, checked,
    //           names_hashed: of them, not checked lately},
    //  matching: {matched, unmatched, no_room: names nobody has, nameless: messages for an id that
    //             nobody here knows, without its name, regexes_tried, regexes_refused,
    //             builds_failed, patterns_failed: that match nothing now, per_name_max: patterns
    //             that a name leads to, names_cut: look-ups that found more, the rest of which
    //             was left out, databases, bytes: of them}}
    // Changes in between may hide or repeat a row on the next page.
    [[nodiscard]] virtual Outcome show_capabilities(const Page& page) = 0;

    // {capability, id, by: "name"|"pattern", providers: [{agent, router: null: this one|name,
    //  state, priority, weight, load_per_mille, queue_depth}], total: in whatever state,
    //  available, next}
    // Those that are available, or `all`; those here first, then by falling priority. not_found:
    // nobody has it.
    [[nodiscard]] virtual Outcome show_capability(const std::string& name,
                                                  const Page& page,
                                                  bool all) = 0;

    // {routes: [{agent, router, origin: "configured"|"operator"|"claimed", in_use: false while the
    //            agent is also attached here and the route is none of a claim, the router is
    //            withdrawn or out, or the route's end is past, resolved: the router's link address
    //            is known, expires_in_ms: number|null (never)}],
    //  total, next}                                   Page::port is always empty.
    [[nodiscard]] virtual Outcome show_routes(const Page& page) = 0;

    // [{router, address, port, udp_port, next_hop: the host or a gateway, mac: string|null,
    //   resolved, withdrawn: by the operator, out: by the cluster, member: of the cluster,
    //   routes: how many}]
    [[nodiscard]] virtual Outcome show_routers() = 0;

    // {neighbours: [{port, address, mac: string|null, state: "incomplete"|"reachable"|"stale"|
    //                "probing"|"failed", held: frames waiting for it, age_ms: since last
    //                confirmed, null if never}], total, next}
    [[nodiscard]] virtual Outcome show_neighbours(const Page& page) = 0;

    // {policies: [{policy, action: "count"|"drop"|"mirror"|"redirect", direction: "in"|"out",
    //              priority, ports: ["..."], capability: name|null, depth: bytes,
    //              target: mirror port or capability|null, rules: how many,
    //              matched: frames, acted: of them those it decided about, lost: copies}],
    //  state: "none"|"ready"|"compiling" (those above run meanwhile)|"failed" (they stay),
    //  failure: ["..."]: lines, rules, rules_max, databases, database_bytes, database_max_bytes,
    //  scratch_bytes: of each worker, compile_ms: number|null,
    //  scanned_bytes: of payloads that databases were shown, rules_reported: by them, asked about
    //  or not, mirrored: copies made by all, scans_failed: frames dropped because Hyperscan failed}
    // The strongest first. Counters go on over reloads while policy and expression stay.
    [[nodiscard]] virtual Outcome show_policies() = 0;

    // {rules: [{rule: expression, where: FILE:LINE, hits: frames}], policy, total, next}
    [[nodiscard]] virtual Outcome show_policy(const std::string& name, const Page& page) = 0;

    // {matches: [{direction, policy, action, priority, ports, capability, rule, where}], bytes,
    //  decides: [{port, in, out: policy|null: of a message that comes, or leaves, there}]}
    // matches: what the payload matches, ports and capabilities aside, in the order of the
    // directions, then the strongest first. decides: among the policies that look at such a message
    // on that port. Nothing is counted. not_found: no such port.
    [[nodiscard]] virtual Outcome test_policies(const PolicyTrial& trial) = 0;

    // {routes: {used, capacity, full: bool (registrations of new agents are refused), times_full,
    //           retired: entries that lcores may still hold, retired_max, spilled: ids the table
    //           in front of the hash had no room for, rekeying: bool},
    //  tables: [{table, planned_bytes: number|null, bytes: taken, number|null (not known apart),
    //            error_percent: of the plan, number|null, used, capacity}],
    //  pools: [{pool, planned_bytes, bytes, error_percent, size, in_use, available}],
    //  rings: [{ring, used, capacity}], of all workers together,
    //  process: {resident_bytes, eal_planned_bytes, eal_bytes: of the EAL's memory handed out,
    //            eal_total_bytes, hugepages: bool, heap_planned_bytes: with all agents in,
    //            heap_allocated_bytes, heap_resident_bytes: jemalloc's,
    //            capability_share_bytes: kept by cache_kb = auto}}
    // Table "records" is planned for the agents and routes that are in, with names and
    // capabilities as assumed by routing::AgentShape; its bytes are what the whole control plane
    // allocated since the start, null while they are too few to be seen. Table "providers" is what
    // lcores choose from; small sets take more a provider than is planned.
    [[nodiscard]] virtual Outcome show_memory() = 0;

    // {table: bool, stripes,
    //  workers: [{worker, lcore, cache: "on"|"off" (it does not pay now)|"none", cache_bytes,
    //  ...}], all: {...}, the sum, outcomes: [{outcome: "hit positive"|"hit
    //  negative"|"found"|"unknown", count,
    //              share_percent: number|null}],
    //  batches: [{ids: "1", "2-3", "4-7", ..., calls, share_percent}], sizes that occurred}
    // where ... are hit_percent: number|null, ids_per_batch: number|null, p50_ns, p90_ns, p99_ns,
    // p999_ns: of a lookup, its id hashed and its lines asked for already, number|null, and every
    // counter of routing::LookupCounters.
    [[nodiscard]] virtual Outcome show_lookup() = 0;

    // {in_flight, in_flight_max, requests_per_second, timeout_ms, and every counter of
    //  routing::DiscoveryCounts}: agents that nobody knew, and whether other routers are asked.
    [[nodiscard]] virtual Outcome show_discovery() = 0;

    // {agents: [{agent, kind: "local"|"remote", used_ms: ago, changed_ms: ago, of the route,
    //            frames_estimated: since the agent came}], the most used first,
    //  sampled_one_in, samples, outdated: samples of routes replaced meanwhile,
    //  ages: [{from_ms, samples}]: how old routes were when used, up to twice from_ms,
    //  warmed: agents handed to caches, still_to_warm}
    [[nodiscard]] virtual Outcome show_top(unsigned count) = 0;

    // {state: "never"|"running"|"done"|"given_up", reason: "operator"|"spilled"|null,
    //  took_ms: number|null, rekeyed: times in all, spilled: ids the table has no place for,
    //  spilled_max: more than these change the key}
    [[nodiscard]] virtual Outcome show_rekey() = 0;
    // {outcome: "started"}; conflict: one is under way, or there is no memory.
    [[nodiscard]] virtual Outcome rekey() = 0;

    // {router, outcome: "withdrawn"|"restored"|"unchanged"}
    [[nodiscard]] virtual Outcome withdraw_router(const std::string& router, bool withdrawn) = 0;

    // {path, text: the running configuration as ini, with every key}
    [[nodiscard]] virtual Outcome show_config() = 0;

    // {name: of this box, version, dpdk, wire_version, pid, state: "running"|"draining",
    //  uptime_ms, routing_table_version}
    [[nodiscard]] virtual Outcome show_version() = 0;

    // {agent, answer: "local"|"remote"|"unknown", forwarded: bool,
    //  drop: reason|null, error: error code name the sender gets|null,
    //  steps: [{step, result, detail: one sentence}]}
    // What would be done now with a frame from an edge port for this agent, in the order of the
    // decisions; steps end where the answer is known. Steps: "fib" (result local, remote,
    // unknown), "state" (running, draining, stopped), "endpoint" (port, address, udp port) or
    // "router" (name, address), "route" (withdrawn, stale: then the answer is unknown), "adjacency"
    // (resolved, unresolved, none), "egress" (up, down), "mtu" (largest payload). forwarded is true
    // also for frames that would first be held for a neighbour.
    [[nodiscard]] virtual Outcome lookup(const routing::AgentId& agent) = 0;

    // {agent, outcome: "added"|"changed"|"moved"|"refreshed"}
    //
    // Of an agent that registered in band, these three are answered once the store has it on the
    // disk. refused: the store takes nothing now; failed: done, but not yet on the disk.
    [[nodiscard]] virtual Reply add_agent(const AgentAddition& addition) = 0;
    // {agent, outcome: "removed"}; conflict: it stands in the ini file.
    [[nodiscard]] virtual Reply remove_agent(const routing::AgentId& agent) = 0;
    // {agent, outcome: "draining"}
    [[nodiscard]] virtual Reply drain_agent(const routing::AgentId& agent) = 0;

    // {agent, router, seconds: number|null (for ever), outcome: "added"|"changed"|"unchanged"}
    // `seconds` 0: for ever.
    [[nodiscard]] virtual Outcome add_route(const routing::AgentId& agent,
                                            const std::string& router,
                                            unsigned seconds) = 0;
    // {agent, outcome: "removed"}; conflict: it stands in the ini file.
    [[nodiscard]] virtual Outcome remove_route(const routing::AgentId& agent) = 0;

    // {path, changes: ["..."]}; bad_config or refused, with the lines in details, and then
    // nothing was changed.
    [[nodiscard]] virtual Outcome reload() = 0;

    // {path, generation: of this router's claims, file_bytes, written: changes, commits, errors,
    //  queued: changes not yet on the disk, commit_us_max: the longest since this was last asked,
    //  loaded: agents at the start, skipped, pending: changes the queue has no room for, awaited:
    //  agents that are not told yet, answers_held, answers_given_up}
    // refused: there is no store.
    [[nodiscard]] virtual Outcome show_store() = 0;

    // What commands about the cluster go to; null: this router is in none.
    [[nodiscard]] virtual ClusterCommands* cluster() = 0;
    // What `events` watches.
    [[nodiscard]] virtual EventLog& events() = 0;
};

}  // namespace posthaste::controlplane
