// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/fake_cluster.h"

#include <algorithm>

#include <utility>

#include "controlplane/cluster/cluster_text.h"
#include "tests/support/fake_operations.h"

namespace posthaste::test {

using controlplane::RouterMember;
using gossip::membership::KeyAction;
using gossip::membership::KeyAnswers;
using gossip::membership::MemberStatus;
using gossip::membership::MemberView;

namespace {

MemberView member(const char* name, const char* address) {
    MemberView view;
    view.name = name;
    view.tags = {{"role", "posthaste"}, {"rp", "7947"}};
    view.address = controlplane::socket_address(*routing::IpAddress::from_text(address), 7'946);
    return view;
}

RouterMember router(std::size_t number, const char* name) {
    RouterMember member;
    member.name = name;
    member.id = support::PlaneGroup::id(number);
    member.route_port = 7'947;
    return member;
}

std::vector<RouterMember> two_others() {
    RouterMember second = router(2, "west-2");
    second.fabric = *routing::IpAddress::from_text("172.16.0.2");
    second.fabric_port = 4'747;
    second.connected = true;
    RouterMember third = router(3, "west-3");
    third.membership = gossip::claims::Membership::out;
    return {second, third};
}

}  // namespace

FakeCluster::FakeCluster() : routers_(two_others()) {
    counters_.received[0] = 12;
    counters_.refused[1] = 1;
    group.connect(1, 2);
    attach(1, 1);
    attach(2, 1);
    attach(2, 2);
    attach(2, 3);
    group.pass(200);
    for (unsigned moves = 0; moves <= gossip::claims::MoveLimits{}.moves_max; ++moves) {
        attach(1, 3);
        group[1].own().detach(numbered_agent(3), group.now_ms);
    }
    group.pass(200);
    // Somebody who says what nobody can: it is refused by name.
    static_cast<void>(group[1].connect(99, false, std::nullopt, group.now_ms));
    const std::vector<std::uint8_t> noise(64, 0xee);
    group[1].receive(99, noise, group.now_ms);
}

void FakeCluster::attach(std::size_t router, std::uint64_t agent) const {
    gossip::claims::Attachment attachment;
    attachment.offers = {*routing::offer_from_text("vision/ocr@800*20")};
    static_cast<void>(group[router].own().attach(numbered_agent(agent), attachment, group.now_ms));
}

void FakeCluster::fall_apart() {
    attach(1, 4);
    attach(2, 5);
    group[1].compare_all();
    while (group.carry()) {
    }
    changes_ = true;
}

std::vector<MemberView> FakeCluster::members() const {
    MemberView self = member("west-1", "10.9.0.1");
    self.self = true;
    MemberView second = member("west-2", "10.9.0.2");
    second.suspect = true;
    second.round_trip_us = 400;
    MemberView third = member("west-3", "2001:db8::3");
    third.status = MemberStatus::failed;
    return {third, second, self, member("serf-a", "10.9.0.9")};
}

std::vector<RouterMember> FakeCluster::routers() const {
    return routers_;
}

const RouterMember* FakeCluster::router(gossip::claims::RouterId id) const {
    const auto found = std::ranges::find(routers_, id, &RouterMember::id);
    return found == routers_.end() ? nullptr : &*found;
}

std::uint64_t FakeCluster::now_ms() const {
    group.now_ms += 10;
    if (changes_) {
        attach(1, next_agent_++);
    }
    while (carries && group.carry()) {
    }
    if (answer_ && answers_to != nullptr && --answer_in_ == 0) {
        gossip::membership::MemberEvent event;
        event.kind = gossip::membership::MemberEventKind::keys_answered;
        event.keys = *std::exchange(answer_, std::nullopt);
        answers_to->note(event);
    }
    return group.now_ms;
}

tl::expected<void, std::string> FakeCluster::force_leave(std::string_view member, bool prune) {
    if (member != "west-3") {
        return tl::unexpected(std::string("the member has not failed"));
    }
    forced = std::string(member) + (prune ? " pruned" : "");
    return {};
}

tl::expected<std::uint32_t, std::string> FakeCluster::ask_keys(KeyAction action,
                                                               std::string_view key) {
    if (!key.empty() && key == asked_key) {
        return tl::unexpected(std::string("the primary key cannot be removed"));
    }
    asked_key = key;
    KeyAnswers answers;
    answers.number = ++asked_;
    answers.action = action;
    answers.members = 3;
    answers.answers = action == KeyAction::list ? 3 : 2;
    if (action != KeyAction::list) {
        answers.messages = {{"serf-a", "no keyring"}};
        answers.errors = 1;
    }
    answers.keys = {{"AAAAAAAAAAAAAAAAAAAAAA==", 3}, {"AQEBAQEBAQEBAQEBAQEBAQ==", 2}};
    answers.primary_keys = {{"AAAAAAAAAAAAAAAAAAAAAA==", 3}};
    answer_ = answers;
    answer_in_ = kTurnsToAnswer;
    return answers.number;
}

}  // namespace posthaste::test
