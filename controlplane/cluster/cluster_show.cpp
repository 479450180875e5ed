// SPDX-License-Identifier: BSD-3-Clause
// ClusterCommands: members, counters, versions and the topology.
#include <algorithm>
#include <array>

#include "controlplane/cluster/cluster_commands.h"
#include "controlplane/cluster/cluster_text.h"
#include "controlplane/list_cursor.h"

namespace posthaste::controlplane {

using gossip::claims::DigestRow;
using gossip::claims::PeerComparison;
using gossip::claims::RouterId;
using gossip::claims::RowDifference;
using gossip::membership::MembershipCounters;
using gossip::membership::MemberStatus;
using gossip::membership::MemberView;

namespace {

constexpr std::array<std::string_view, MembershipCounters::kTypes> kMemberMessages = {
    "ping",
    "indirect-ping",
    "ack",
    "suspect",
    "alive",
    "dead",
    "push-pull",
    "compound",
    "user",
    "compress",
    "encrypt",
    "nack",
    "crc",
    "error",
};
constexpr std::array<std::string_view, MembershipCounters::kSerfTypes> kSerfMessages = {
    "leave",
    "join",
    "push-pull",
    "user-event",
    "query",
    "query-response",
    "conflict-response",
    "key-request",
    "key-response",
    "relay",
};

std::uint64_t ago(std::uint64_t now_ms, std::uint64_t at_ms) {
    return now_ms > at_ms ? now_ms - at_ms : 0;
}

// A suspect is an alive one that does not answer right now.
std::string_view status_of(const MemberView& member) {
    return member.status == MemberStatus::alive && member.suspect
               ? "suspect"
               : gossip::membership::kStatusNames[static_cast<std::size_t>(member.status)];
}

Json number_or_null(std::uint64_t number) {
    return number == 0 ? Json(nullptr) : Json(number);
}

template <typename Names, typename Counts>
void add_messages(Json& rows,
                  std::string_view layer,
                  const Names& names,
                  const Counts& received,
                  const Counts& sent) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        rows.push_back({{"layer", layer},
                        {"message", names[i]},
                        {"received", received[i]},
                        {"sent", sent[i]}});
    }
}

template <typename Names, typename Counts>
void add_refusals(Json& rows, std::string_view layer, const Names& names, const Counts& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] != 0) {
            rows.push_back({{"layer", layer}, {"refusal", names[i]}, {"count", counts[i]}});
        }
    }
}

Json transport_counters(const MembershipCounters& counters) {
    return {{"datagrams_received", counters.datagrams_received},
            {"datagrams_sent", counters.datagrams_sent},
            {"bytes_received", counters.bytes_received},
            {"bytes_sent", counters.bytes_sent},
            {"stream_bytes_received", counters.stream_bytes_received},
            {"stream_bytes_sent", counters.stream_bytes_sent},
            {"probes", counters.probes},
            {"probes_failed", counters.probes_failed},
            {"refutations", counters.refutations},
            {"suspicions", counters.suspicions},
            {"deaths", counters.deaths},
            {"broadcasts_dropped", counters.broadcasts_dropped}};
}

Json route_counters(const gossip::claims::PlaneCounters& plane,
                    const gossip::claims::OwnCounts& own,
                    const gossip::claims::ClaimStore& store) {
    return {{"bytes_received", plane.bytes_received},
            {"bytes_sent", plane.bytes_sent},
            {"updates_applied", plane.updates[0]},
            {"updates_rejected", plane.updates[1]},
            {"updates_merged", plane.updates[2]},
            {"snapshots_published", plane.snapshots_published},
            {"deltas_applied", plane.deltas_applied},
            {"pushes_applied", plane.pushes_applied},
            {"entries_received", plane.entries_received},
            {"pulls", plane.pulls},
            {"pulls_failed", plane.pulls_failed},
            {"streams", plane.streams},
            {"streams_aborted", plane.streams_aborted},
            {"fingerprint_mismatches", plane.fingerprint_mismatches},
            {"repairs", plane.repairs},
            {"reconciliations", plane.reconciliations},
            {"drift_max", plane.drift_max},
            {"drift_sum", plane.drift_sum},
            {"events_lost", plane.events_lost},
            {"questions_displaced", plane.questions_displaced},
            {"withdrawn", store.withdrawn()},
            {"withdrawn_given_up", store.withdrawn_given_up()},
            {"attached", own.attached},
            {"moved_here", own.moved_here},
            {"changed", own.changed},
            {"refreshed", own.refreshed},
            {"detached", own.detached},
            {"attaches_refused", own.refused},
            {"attaches_frozen", own.frozen},
            {"renewals", own.renewals},
            {"superseded", own.superseded}};
}

Json socket_counters(const ClusterCounters& counters) {
    return {{"dialled", counters.links.dialled},
            {"dials_failed", counters.links.dials_failed},
            {"accepted", counters.links.accepted},
            {"ended", counters.links.ended},
            {"datagrams_dropped", counters.datagrams_dropped},
            {"datagrams_refused", counters.datagrams_refused},
            {"streams_refused", counters.streams_refused},
            {"events_lost", counters.events_lost},
            {"keyring_failures", counters.keyring_failures},
            {"turns", counters.turns},
            {"turn_us_max", counters.turn_us_max}};
}

Json feed_counters(const ClusterRoutesCounts& counts) {
    return {{"routers", counts.routers},
            {"routers_waiting", counts.routers_waiting},
            {"pending", counts.pending},
            {"waiting", counts.waiting},
            {"unclaimed", counts.unclaimed},
            {"own_pending", counts.own_pending},
            {"without_offers", counts.without_offers},
            {"looked_at", counts.looked_at},
            {"routes_set", counts.routes_set},
            {"routes_removed", counts.routes_removed},
            {"unreachable", counts.unreachable},
            {"outranked", counts.outranked},
            {"refused_full", counts.refused_full},
            {"displaced", counts.displaced},
            {"offers_left_out", counts.offers_left_out},
            {"walks", counts.walks},
            {"attach_refused", counts.attach_refused},
            {"frozen", counts.frozen},
            {"sessions_closed", counts.sessions_closed},
            {"loads_told", counts.loads_told},
            {"loads_heard", counts.loads_heard},
            {"discoveries", counts.discoveries},
            {"discoveries_found", counts.discoveries_found},
            {"discoveries_unknown", counts.discoveries_unknown},
            {"not_discovered", counts.not_discovered},
            {"questions_answered", counts.questions_answered},
            {"hints_told", counts.hints_told},
            {"hints_unsent", counts.hints_unsent},
            {"hints_void", counts.hints_void},
            {"hints_strangers", counts.hints_strangers}};
}

const RouterMember* router_named(const std::vector<RouterMember>& routers,
                                 const std::string& name) {
    const auto found = std::ranges::find(routers, name, &RouterMember::name);
    return found == routers.end() ? nullptr : &*found;
}

}  // namespace

// By its name in the cluster, where it is known.
std::string ClusterCommands::router_text(RouterId router) const {
    if (router == source_.routes().store().self()) {
        return source_.node();
    }
    if (const RouterMember* const member = source_.router(router)) {
        return member->name;
    }
    return router == RouterId{} ? std::string() : hex_text(number(router));
}

Json ClusterCommands::peer_row(const MemberView& member,
                               const std::vector<RouterMember>& routers) const {
    const RouterMember* const router = router_named(routers, member.name);
    const PeerComparison* const seen =
        router == nullptr ? nullptr : source_.routes().comparison_with(router->id);
    Json tags = Json::object();
    for (const auto& [key, value] : member.tags) {
        tags[key] = value;
    }
    return {{"name", member.name},
            {"status", status_of(member)},
            {"self", member.self},
            {"address", text_of(member.address)},
            {"router", router == nullptr ? Json(nullptr) : Json(hex_text(number(router->id)))},
            {"session", router != nullptr && !member.self && router->connected},
            {"fabric",
             router == nullptr || router->fabric.is_none()
                 ? Json(nullptr)
                 : Json(text_of(router->fabric, router->fabric_port))},
            {"drift", seen == nullptr ? Json(nullptr) : Json(seen->drift.sum)},
            {"compared_ms",
             seen == nullptr ? Json(nullptr) : Json(ago(source_.claims_ms(), seen->at_ms))},
            {"round_trip_us", number_or_null(member.round_trip_us)},
            {"since_ms", ago(source_.now_ms(), member.since_ms)},
            {"incarnation", member.incarnation},
            {"protocol", member.versions[2]},
            {"tags", std::move(tags)}};
}

Outcome ClusterCommands::show_peers(const Page& page) const {
    const auto start = read_position(page.after);
    if (!start) {
        return tl::unexpected(start.error());
    }
    std::vector<MemberView> members = source_.members();
    std::ranges::sort(members, {}, &MemberView::name);
    const std::vector<RouterMember> routers = source_.routers();
    Json rows = Json::array();
    std::size_t at = std::min(*start, members.size());
    for (; at < members.size() && rows.size() < page.limit; ++at) {
        rows.push_back(peer_row(members[at], routers));
    }
    return Json{{"peers", std::move(rows)},
                {"total", members.size()},
                {"next", next_of(at, members.size())}};
}

Outcome ClusterCommands::show_gossip() const {
    const MembershipCounters& counters = source_.counters();
    const gossip::claims::RoutePlane& plane = source_.routes();
    Json members{{"alive", 0}, {"suspect", 0}, {"leaving", 0}, {"left", 0}, {"failed", 0}};
    for (const MemberView& member : source_.members()) {
        Json& count = members[std::string(status_of(member))];
        count = count.get<unsigned>() + 1;
    }
    Json messages = Json::array();
    add_messages(messages, "membership", kMemberMessages, counters.received, counters.sent);
    add_messages(messages, "serf", kSerfMessages, counters.serf_received, counters.serf_sent);
    add_messages(messages,
                 "routes",
                 gossip::claims::kMessageNames,
                 plane.counters().received,
                 plane.counters().sent);
    Json refusals = Json::array();
    add_refusals(refusals, "membership", gossip::membership::kRefusalNames, counters.refused);
    add_refusals(refusals, "routes", gossip::claims::kRefusalNames, plane.counters().refused);
    const ClusterCounters sockets = source_.sockets();
    add_refusals(refusals, "routers", kMemberRefusalNames, sockets.members_refused);
    add_refusals(refusals, "links", kLinkRefusalNames, sockets.links.refused);
    add_refusals(refusals, "seals", gossip::seal::kStreamRefusalNames, sockets.links.seal_refused);
    return Json{{"node", source_.node()},
                {"cluster", source_.name()},
                {"health_score", source_.health_score()},
                {"sealed", source_.keys() != 0},
                {"keys", source_.keys()},
                {"leaving", source_.leaving()},
                {"routers", source_.routers().size()},
                {"sessions", plane.sessions()},
                {"members", std::move(members)},
                {"messages", std::move(messages)},
                {"refusals", std::move(refusals)},
                {"transport", transport_counters(counters)},
                {"feed", feed_counters(source_.feed())},
                {"sockets", socket_counters(sockets)},
                {"routes", route_counters(plane.counters(), plane.own().counts(), plane.store())}};
}

Json ClusterCommands::version_row(const DigestRow& row, const std::vector<RouterId>& peers) const {
    gossip::claims::RoutePlane& plane = source_.routes();
    Json behind = Json::array();
    Json ahead = Json::array();
    for (const RouterId peer : peers) {
        const std::vector<RowDifference>& rows = plane.comparison_with(peer)->differences;
        const auto found = std::ranges::find(rows, row.router, &RowDifference::router);
        if (found != rows.end() && found->local != found->peer) {
            (found->peer < found->local ? behind : ahead)
                .push_back({{"peer", router_text(peer)},
                            {"changes", gossip::claims::lag(found->local, found->peer)}});
        }
    }
    const gossip::claims::Keyspace* const keyspace = plane.store().keyspace(row.router);
    return {{"name", router_text(row.router)},
            {"id", hex_text(number(row.router))},
            {"self", row.router == plane.store().self()},
            {"eligible", plane.store().is_eligible(row.router)},
            {"generation", row.at.generation.counter},
            {"boot", hex_text(row.at.generation.boot)},
            {"version", row.at.version},
            {"floor", row.floor},
            {"fingerprint", hex_text(row.fingerprint)},
            {"claims", keyspace == nullptr ? 0 : keyspace->claims},
            {"records", keyspace == nullptr ? 0 : keyspace->records},
            {"behind", std::move(behind)},
            {"ahead", std::move(ahead)}};
}

Outcome ClusterCommands::show_versions(const Page& page) const {
    const auto start = read_position(page.after);
    if (!start) {
        return tl::unexpected(start.error());
    }
    gossip::claims::RoutePlane& plane = source_.routes();
    std::vector<DigestRow> rows = plane.store().rows();
    std::ranges::sort(rows, {}, &DigestRow::router);
    std::vector<RouterId> peers;
    Json compared = Json::array();
    for (const RouterMember& router : source_.routers()) {
        if (const PeerComparison* const seen = plane.comparison_with(router.id)) {
            peers.push_back(router.id);
            compared.push_back({{"router", router.name},
                                {"compared_ms", ago(source_.claims_ms(), seen->at_ms)},
                                {"drift_sum", seen->drift.sum},
                                {"drift_max", seen->drift.max}});
        }
    }
    Json origins = Json::array();
    std::size_t at = std::min(*start, rows.size());
    for (; at < rows.size() && origins.size() < page.limit; ++at) {
        origins.push_back(version_row(rows[at], peers));
    }
    return Json{{"origins", std::move(origins)},
                {"total", rows.size()},
                {"next", next_of(at, rows.size())},
                {"peers", std::move(compared)},
                {"root", hex_text(plane.store().root())}};
}

// This router first.
Json ClusterCommands::topology_rows() const {
    const gossip::claims::ClaimStore& store = source_.routes().store();
    const std::vector<RouterMember> routers = source_.routers();
    std::vector<MemberView> members = source_.members();
    std::ranges::sort(members, [](const MemberView& one, const MemberView& other) {
        return std::make_pair(!one.self, one.name) < std::make_pair(!other.self, other.name);
    });
    Json rows = Json::array();
    for (const MemberView& member : members) {
        const RouterMember* const router = router_named(routers, member.name);
        if (router == nullptr && !member.self) {
            continue;
        }
        const RouterId id = member.self ? store.self() : router->id;
        const gossip::claims::Keyspace* const keyspace = store.keyspace(id);
        rows.push_back({{"router", member.name},
                        {"id", hex_text(number(id))},
                        {"self", member.self},
                        {"status", status_of(member)},
                        {"connected", member.self ? Json(nullptr) : Json(router->connected)},
                        {"address",
                         router == nullptr || router->fabric.is_none()
                             ? Json(nullptr)
                             : Json(text_of(router->fabric, router->fabric_port))},
                        {"agents", keyspace == nullptr ? 0 : keyspace->claims},
                        {"round_trip_us", number_or_null(member.round_trip_us)}});
    }
    return rows;
}

Outcome ClusterCommands::show_topology() const {
    Json rows = topology_rows();
    Json links = Json::array();
    std::string text;
    for (const Json& row : rows) {
        const std::string agents = std::to_string(row["agents"].get<std::uint64_t>()) + " agents";
        const auto router = row["router"].get<std::string>();
        if (row["self"].get<bool>()) {
            text += router + " (this router): " + agents + "\n";
            continue;
        }
        const bool up = row["connected"].get<bool>();
        const bool last = &row == &rows.back();
        text += std::string(last ? "`-- " : "|-- ") + (up ? "up    " : "down  ") + router + ": " +
                row["status"].get<std::string>() + ", " + agents;
        if (row["address"].is_string()) {
            text += ", frames to " + row["address"].get<std::string>();
        }
        text += "\n";
        links.push_back({{"from", source_.node()}, {"to", router}, {"up", up}});
    }
    const std::size_t others =
        source_.members().size() - std::min(source_.members().size(), rows.size());
    text += std::to_string(others) + " members that are no routers\n";
    return Json{{"routers", std::move(rows)},
                {"links", std::move(links)},
                {"members", others},
                {"text", std::move(text)}};
}

}  // namespace posthaste::controlplane
