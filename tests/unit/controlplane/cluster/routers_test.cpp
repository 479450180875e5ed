// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/routers.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {
namespace {

using gossip::claims::Membership;
using gossip::claims::RouterId;
using gossip::membership::MemberEventKind;
using gossip::membership::MemberStatus;
using gossip::membership::MemberView;

const SocketAddress kFabric = seed_address("192.0.2.1:4747", 0).value();

MemberView view(const std::string& name, const std::string& address = "10.0.0.1") {
    return {.name = name,
            .address = seed_address(address, 7946).value(),
            .tags = router_tags(router_id_of("c", name), 7947, kFabric)};
}

struct Table : Routers {
    explicit Table(std::size_t routers_max = 16)
        : Routers("c", router_id_of("c", "self"), routers_max) {}

    std::optional<RouterMember> tell(MemberEventKind kind, const MemberView& member) {
        return take({.kind = kind, .member = member});
    }

    [[nodiscard]] std::uint64_t count(MemberRefusal why) const {
        return refused()[static_cast<std::size_t>(why)];
    }
};

TEST(routers, an_id_follows_from_cluster_and_name) {
    EXPECT_EQ(router_id_of("c", "a"), router_id_of("c", "a"));
    EXPECT_NE(router_id_of("c", "a"), router_id_of("c", "b"));
    EXPECT_NE(router_id_of("c", "a"), router_id_of("d", "a"));
    EXPECT_NE(router_id_of("c", "a"), RouterId{});
}

TEST(routers, tags_say_what_a_router_is) {
    const auto tags = router_tags(RouterId{0xab}, 7947, kFabric);
    EXPECT_EQ(tags,
              (gossip::membership::Tags{{"role", "posthaste"},
                                        {"rid", "00000000000000ab"},
                                        {"rp", "7947"},
                                        {"dp", "192.0.2.1:4747"}}));
    const auto router = router_of(view("a"), "c").value();
    ASSERT_TRUE(router);
    EXPECT_EQ(router->id, router_id_of("c", "a"));
    EXPECT_EQ(router->management.to_text(), "10.0.0.1");
    EXPECT_EQ(router->route_port, 7947);
    EXPECT_EQ(router->fabric.to_text(), "192.0.2.1");
    EXPECT_EQ(router->fabric_port, 4747);
}

TEST(routers, a_member_of_another_role_is_no_router) {
    MemberView member = view("a");
    member.tags["role"] = "web";
    EXPECT_FALSE(router_of(member, "c").value());
    Table table;
    EXPECT_FALSE(table.tell(MemberEventKind::joined, member));
    EXPECT_EQ(table.refused(), MemberRefusalCounts{});
}

TEST(routers, an_id_that_is_not_the_names_is_refused_by_name) {
    Table table;
    MemberView member = view("a");
    member.name = "b";
    EXPECT_FALSE(table.tell(MemberEventKind::joined, member));
    EXPECT_EQ(table.count(MemberRefusal::foreign_id), 1U);
    EXPECT_EQ(table.all().size(), 0U);
    // The name does not help in another cluster.
    EXPECT_EQ(router_of(view("a"), "d").error(), MemberRefusal::foreign_id);
}

TEST(routers, tags_that_cannot_be_read_are_refused_by_name) {
    for (const auto& [tag, value] :
         std::initializer_list<std::pair<const char*, const char*>>{{"rid", ""},
                                                                    {"rid", "ab"},
                                                                    {"rid", "+000000000000001"},
                                                                    {"rp", "0"},
                                                                    {"rp", "65536"},
                                                                    {"rp", ""},
                                                                    {"dp", "10.0.0.1"},
                                                                    {"dp", "x:1"}}) {
        MemberView member = view("a");
        member.tags[tag] = value;
        EXPECT_EQ(router_of(member, "c").error(), MemberRefusal::bad_tags) << tag << "=" << value;
    }
}

TEST(routers, events_make_a_router_come_go_and_be_forgotten) {
    Table table;
    EXPECT_EQ(table.tell(MemberEventKind::joined, view("a"))->membership, Membership::alive);
    EXPECT_EQ(table.at(*routing::IpAddress::from_text("10.0.0.1")), 1U);
    EXPECT_EQ(table.take_changes().size(), 1U);
    EXPECT_EQ(table.take_changes().size(), 0U);

    MemberView gone = view("a");
    gone.status = MemberStatus::leaving;
    EXPECT_EQ(table.tell(MemberEventKind::updated, gone)->membership, Membership::alive);
    gone.status = MemberStatus::failed;
    EXPECT_EQ(table.tell(MemberEventKind::failed, gone)->membership, Membership::out);
    EXPECT_EQ(table.tell(MemberEventKind::reaped, gone)->membership, Membership::forgotten);
    EXPECT_EQ(table.find(router_id_of("c", "a")), nullptr);
    const auto changes = table.take_changes();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].membership, Membership::forgotten);
}

TEST(routers, a_router_whose_tags_no_longer_hold_is_out) {
    Table table;
    EXPECT_TRUE(table.tell(MemberEventKind::joined, view("a")));
    MemberView other = view("a");
    other.tags.clear();
    EXPECT_EQ(table.tell(MemberEventKind::updated, other)->membership, Membership::out);
}

TEST(routers, a_move_keeps_the_session_and_changes_the_address) {
    Table table;
    EXPECT_TRUE(table.tell(MemberEventKind::joined, view("a")));
    table.set_connected(router_id_of("c", "a"), true);
    const auto moved = table.tell(MemberEventKind::updated, view("a", "10.0.0.9"));
    EXPECT_TRUE(moved->connected);
    EXPECT_EQ(table.at(*routing::IpAddress::from_text("10.0.0.1")), 0U);
    EXPECT_EQ(table.at(*routing::IpAddress::from_text("10.0.0.9")), 1U);
}

TEST(routers, we_are_not_among_them) {
    Table table;
    MemberView self = view("self");
    EXPECT_FALSE(table.tell(MemberEventKind::joined, self));
    self.self = true;
    EXPECT_FALSE(table.tell(MemberEventKind::joined, self));
}

TEST(routers, there_are_no_more_than_there_may_be) {
    Table table(2);
    EXPECT_TRUE(table.tell(MemberEventKind::joined, view("a")));
    EXPECT_TRUE(table.tell(MemberEventKind::joined, view("b")));
    EXPECT_FALSE(table.tell(MemberEventKind::joined, view("c")));
    EXPECT_EQ(table.count(MemberRefusal::too_many), 1U);
    EXPECT_TRUE(table.tell(MemberEventKind::reaped, view("a")));
    EXPECT_TRUE(table.tell(MemberEventKind::joined, view("c")));
}

TEST(routers, changes_that_nobody_takes_are_bounded) {
    Table table(2);
    for (int i = 0; i < 100; ++i) {
        const MemberView member = view("r" + std::to_string(i));
        EXPECT_TRUE(table.tell(MemberEventKind::joined, member));
        EXPECT_TRUE(table.tell(MemberEventKind::reaped, member));
    }
    EXPECT_LE(table.take_changes().size(), 5U);
}

}  // namespace
}  // namespace posthaste::controlplane
