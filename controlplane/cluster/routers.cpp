// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/routers.h"

#include <algorithm>
#include <charconv>

#include "routing/capability_name.h"

namespace posthaste::controlplane {

namespace {

using gossip::claims::Membership;
using gossip::claims::RouterId;
using gossip::membership::MemberEvent;
using gossip::membership::MemberEventKind;
using gossip::membership::MemberStatus;
using gossip::membership::MemberView;
using gossip::membership::Tags;

constexpr std::string_view kRole = "posthaste";

template <typename Number>
std::optional<Number> number_of(std::string_view text, int base) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number, base);
    return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

std::string_view tag(const Tags& tags, const char* name) {
    const auto found = tags.find(name);
    return found == tags.end() ? std::string_view() : std::string_view(found->second);
}

Membership membership_of(MemberStatus status) {
    const bool there = status == MemberStatus::alive || status == MemberStatus::leaving;
    return there ? Membership::alive : Membership::out;
}

}  // namespace

RouterId router_id_of(std::string_view cluster, std::string_view node) {
    // A node's name has no slash: no two pairs give the same text.
    const auto id =
        routing::capability_id("router/" + std::string(cluster) + "/" + std::string(node));
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        number = number << 8 | id.bytes[i];
    }
    return RouterId{std::max<std::uint64_t>(number, 1)};
}

Tags router_tags(RouterId id, std::uint16_t route_port, const SocketAddress& fabric) {
    return {{"role", std::string(kRole)},
            {"rid", hex_text(gossip::claims::number(id))},
            {"rp", std::to_string(route_port)},
            {"dp", text_of(fabric)}};
}

tl::expected<std::optional<RouterMember>, MemberRefusal> router_of(const MemberView& member,
                                                                   std::string_view cluster) {
    if (tag(member.tags, "role") != kRole) {
        return std::optional<RouterMember>{};
    }
    const std::string_view rid = tag(member.tags, "rid");
    const auto id = number_of<std::uint64_t>(rid, 16);
    const auto port = number_of<std::uint16_t>(tag(member.tags, "rp"), 10);
    const auto fabric = seed_address(tag(member.tags, "dp"), 0);
    if (rid.size() != 16 || !id || !port || *port == 0 || !fabric || fabric->port == 0) {
        return tl::unexpected(MemberRefusal::bad_tags);
    }
    if (RouterId{*id} != router_id_of(cluster, member.name)) {
        return tl::unexpected(MemberRefusal::foreign_id);
    }
    return RouterMember{.name = member.name,
                        .id = RouterId{*id},
                        .management = ip_of(member.address),
                        .route_port = *port,
                        .fabric = ip_of(*fabric),
                        .fabric_port = fabric->port,
                        .membership = membership_of(member.status)};
}

Routers::Routers(std::string cluster, RouterId self, std::size_t routers_max)
    : cluster_(std::move(cluster)), self_(self), routers_max_(routers_max) {}

std::optional<RouterMember> Routers::take(const MemberEvent& event) {
    switch (event.kind) {
        case MemberEventKind::joined:
        case MemberEventKind::updated:
        case MemberEventKind::recovered:
        case MemberEventKind::failed:
        case MemberEventKind::left:
            return event.member.self ? std::nullopt : put(event.member);
        case MemberEventKind::reaped:
            return forget(event.member.name);
        default:
            return std::nullopt;
    }
}

std::optional<RouterMember> Routers::put(const MemberView& member) {
    const auto router = router_of(member, cluster_);
    const RouterId by_name = router_id_of(cluster_, member.name);
    const auto held = routers_.find(by_name);
    if (!router || !*router) {
        if (!router) {
            ++refused_[static_cast<std::size_t>(router.error())];
        }
        if (held == routers_.end() || held->second.membership == Membership::out) {
            return std::nullopt;
        }
        held->second.membership = Membership::out;  // it was one
        note(held->second);
        return held->second;
    }
    if (by_name == self_) {
        return std::nullopt;
    }
    if (held == routers_.end() && routers_.size() >= routers_max_) {
        ++refused_[static_cast<std::size_t>(MemberRefusal::too_many)];
        return std::nullopt;
    }
    RouterMember& entry = routers_[by_name];
    const bool connected = entry.connected;
    entry = **router;
    entry.connected = connected;
    note(entry);
    return entry;
}

std::optional<RouterMember> Routers::forget(const std::string& name) {
    const auto held = routers_.find(router_id_of(cluster_, name));
    if (held == routers_.end()) {
        return std::nullopt;
    }
    RouterMember gone = held->second;
    gone.membership = Membership::forgotten;
    gone.connected = false;
    routers_.erase(held);
    note(gone);
    return gone;
}

void Routers::set_connected(RouterId router, bool connected) {
    const auto held = routers_.find(router);
    if (held != routers_.end() && held->second.connected != connected) {
        held->second.connected = connected;
        note(held->second);
    }
}

void Routers::note(const RouterMember& router) {
    changes_[router.id] = router;
    if (changes_.size() > 2 * routers_max_ + 1) {
        changes_.erase(changes_.begin());  // nobody asks for them
    }
}

const RouterMember* Routers::find(RouterId router) const {
    const auto held = routers_.find(router);
    return held == routers_.end() ? nullptr : &held->second;
}

std::size_t Routers::at(const routing::IpAddress& address) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        routers_, [&address](const auto& entry) { return entry.second.management == address; }));
}

std::vector<RouterMember> Routers::take_changes() {
    std::vector<RouterMember> changes;
    changes.reserve(changes_.size());
    for (auto& [id, router] : changes_) {
        changes.push_back(std::move(router));
    }
    changes_.clear();
    return changes;
}

}  // namespace posthaste::controlplane
