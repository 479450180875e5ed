// SPDX-License-Identifier: BSD-3-Clause
// Routers: the members of the cluster whose tags say that they are routers, and what they say of
// themselves. A router's id follows from its name, so that nobody can take another's. At most as
// many as were asked for. Control thread only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/cluster/router_member.h"
#include "controlplane/cluster/sockets.h"
#include "gossip/membership/view.h"

namespace posthaste::controlplane {

// Members that are no routers for us, by name.
enum class MemberRefusal : std::uint8_t {
    bad_tags,    // one is missing or cannot be read
    foreign_id,  // it is not that of the name: another router's, or another cluster's
    too_many,
    count,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(MemberRefusal::count)>
    kMemberRefusalNames = {"bad-tags", "foreign-id", "too-many-routers"};
// For people, behind "it says it is a router, but".
inline constexpr std::array<std::string_view, static_cast<std::size_t>(MemberRefusal::count)>
    kMemberRefusalReasons = {"one of its tags is missing or cannot be read",
                             "its id is not that of its name in this cluster",
                             "there are as many as [cluster] routers_max allows"};

using MemberRefusalCounts =
    std::array<std::uint64_t, static_cast<std::size_t>(MemberRefusal::count)>;

[[nodiscard]] gossip::membership::Tags router_tags(gossip::claims::RouterId id,
                                                   std::uint16_t route_port,
                                                   const SocketAddress& fabric);
// nullopt: a member that is no router.
[[nodiscard]] tl::expected<std::optional<RouterMember>, MemberRefusal> router_of(
    const gossip::membership::MemberView& member, std::string_view cluster);

class Routers {
  public:
    Routers(std::string cluster, gossip::claims::RouterId self, std::size_t routers_max);

    // What the event says of a router; nullopt: nothing that matters here.
    std::optional<RouterMember> take(const gossip::membership::MemberEvent& event);
    void set_connected(gossip::claims::RouterId router, bool connected);

    [[nodiscard]] const RouterMember* find(gossip::claims::RouterId router) const;
    // How many routers have that management address.
    [[nodiscard]] std::size_t at(const routing::IpAddress& address) const;

    [[nodiscard]] const std::map<gossip::claims::RouterId, RouterMember>& all() const noexcept {
        return routers_;
    }

    // The last state of each that changed since the last call.
    [[nodiscard]] std::vector<RouterMember> take_changes();

    [[nodiscard]] const MemberRefusalCounts& refused() const noexcept { return refused_; }

  private:
    std::optional<RouterMember> put(const gossip::membership::MemberView& member);
    std::optional<RouterMember> forget(const std::string& name);
    void note(const RouterMember& router);

    std::string cluster_;
    gossip::claims::RouterId self_;
    std::size_t routers_max_;
    std::map<gossip::claims::RouterId, RouterMember> routers_;
    std::map<gossip::claims::RouterId, RouterMember> changes_;
    MemberRefusalCounts refused_{};
};

}  // namespace posthaste::controlplane
