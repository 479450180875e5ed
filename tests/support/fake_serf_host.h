// SPDX-License-Identifier: BSD-3-Clause
// SWIM as the Serf layer sees it: members that a test names, and what was asked of it, kept.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossip/membership/address.h"
#include "gossip/membership/serf_codec.h"
#include "gossip/membership/serf_host.h"

namespace posthaste::support {

// Member number n of a test: 10.0.0.n, port 7946.
inline gossip::membership::SocketAddress member_address(std::uint8_t number) {
    const char bytes[] = {10, 0, 0, static_cast<char>(number)};
    return *gossip::membership::socket_address_of({bytes, sizeof(bytes)}, 7'946);
}

class FakeSerfHost final : public gossip::membership::SerfHost {
  public:
    struct Member {
        std::string address;
        std::string meta;
        std::string versions = std::string("\1\5\2\2\5\5");
        gossip::membership::NodeState state = gossip::membership::NodeState::alive;
    };

    FakeSerfHost() {
        options_.name = "self";
        options_.address = member_address(1);
        options_.tags = {{"role", "router"}};
        add("self", 1);
    }

    void add(const std::string& name, std::uint8_t number) {
        table[name] = {.address = address_bytes_of(member_address(number)), .meta = {}};
    }

    [[nodiscard]] const gossip::membership::MembershipOptions& options() const override {
        return options_;
    }

    gossip::membership::BroadcastNumber broadcast_user(std::string payload) override {
        broadcasts.push_back(std::move(payload));
        return broadcasts.size();
    }

    [[nodiscard]] bool is_broadcasting(gossip::membership::BroadcastNumber number) const override {
        return number > told;
    }

    bool send_user(const gossip::membership::SocketAddress& to, std::string_view payload) override {
        sent.emplace_back(to, payload);
        return true;
    }

    [[nodiscard]] gossip::membership::SwimMember find(std::string_view name) const override {
        const auto found = table.find(name);
        return found == table.end() ? gossip::membership::SwimMember{} : view_of(*found);
    }

    [[nodiscard]] bool has_member_at(const gossip::membership::SocketAddress& address,
                                     std::string_view /*name*/) const override {
        return std::any_of(table.begin(), table.end(), [&](const auto& entry) {
            return gossip::membership::socket_address_of(entry.second.address, 7'946) == address;
        });
    }

    [[nodiscard]] std::size_t known_count() const override { return table.size(); }

    [[nodiscard]] std::size_t alive_count() const override {
        return static_cast<std::size_t>(std::count_if(
            table.begin(), table.end(), [](const auto& entry) { return is_alive(entry.second); }));
    }

    // Not random: the first ones.
    [[nodiscard]] std::vector<gossip::membership::SwimMember> random_members(
        std::size_t count, std::string_view except) override {
        std::vector<gossip::membership::SwimMember> members;
        for (const auto& entry : table) {
            if (members.size() < count && is_alive(entry.second) && entry.first != except &&
                entry.first != options_.name) {
                members.push_back(view_of(entry));
            }
        }
        return members;
    }

    void forget(std::string_view name) override { forgotten.emplace_back(name); }

    [[nodiscard]] gossip::seal::Keyring& keyring() override { return keys; }

    [[nodiscard]] std::uint64_t draw() override { return ++drawn_; }

    void emit(gossip::membership::MemberEvent event) override {
        events.push_back(std::move(event));
    }

    void emit_member(gossip::membership::MemberEventKind kind, std::string_view name) override {
        gossip::membership::MemberEvent event{.kind = kind};
        event.member.name = name;
        events.push_back(std::move(event));
    }

    void refuse(gossip::membership::Refusal why) override { refused.push_back(why); }

    [[nodiscard]] gossip::membership::MembershipCounters& counters() override { return counters_; }

    std::map<std::string, Member, std::less<>> table;
    std::vector<std::string> broadcasts;
    gossip::membership::BroadcastNumber told = 0;  // as often as it will be
    std::vector<std::pair<gossip::membership::SocketAddress, std::string>> sent;
    std::vector<std::string> forgotten;
    std::vector<gossip::membership::MemberEvent> events;
    std::vector<gossip::membership::Refusal> refused;
    gossip::seal::Keyring keys;

  private:
    static bool is_alive(const Member& member) {
        return member.state <= gossip::membership::NodeState::suspect;
    }

    static gossip::membership::SwimMember view_of(
        const std::pair<const std::string, Member>& entry) {
        return {.name = entry.first,
                .address = entry.second.address,
                .port = 7'946,
                .meta = entry.second.meta,
                .versions = entry.second.versions,
                .state = entry.second.state,
                .found = true};
    }

    gossip::membership::MembershipOptions options_;
    gossip::membership::MembershipCounters counters_;
    std::uint64_t drawn_ = 0;
};

}  // namespace posthaste::support
