// SPDX-License-Identifier: BSD-3-Clause
// ClusterCommands: what changes something or takes time, and what goes into the log of events.
#include "controlplane/cluster/cluster_commands.h"

#include <algorithm>

#include "controlplane/cluster/cluster_text.h"
#include "routing/capability_name.h"

namespace posthaste::controlplane {

using gossip::claims::PeerComparison;
using gossip::claims::RouterId;
using gossip::claims::RowDifference;
using gossip::membership::KeyAction;
using gossip::membership::KeyAnswers;
using gossip::membership::MemberEvent;
using gossip::membership::MemberEventKind;
using gossip::membership::SocketAddress;

namespace {

constexpr std::array<std::string_view, 4> kActionNames = {"list", "install", "use", "remove"};

// In the order of MemberEventKind up to keys_changed.
constexpr std::array kMemberKinds = {
    NotedKind::member_joined,
    NotedKind::member_updated,
    NotedKind::member_suspected,
    NotedKind::member_recovered,
    NotedKind::member_failed,
    NotedKind::member_left,
    NotedKind::member_reaped,
    NotedKind::name_conflict,
    NotedKind::lost_name,
    NotedKind::user_event,
    NotedKind::keys_changed,
};
static_assert(kMemberKinds.size() == static_cast<std::size_t>(MemberEventKind::keys_answered));

// In the order of gossip::claims::EventKind.
constexpr std::array kRouteKinds = {
    NotedKind::session_up,
    NotedKind::session_down,
    NotedKind::superseded,
    NotedKind::frozen,
    NotedKind::renewed,
    NotedKind::conflict,
    NotedKind::inconsistent,
    NotedKind::damaged_records,
    NotedKind::repaired,
    NotedKind::discovered,
    NotedKind::generations_spent,
};
static_assert(kRouteKinds.size() ==
              static_cast<std::size_t>(gossip::claims::EventKind::generations_spent) + 1);

Json describe(const KeyAnswers& answers) {
    Json keys = Json::array();
    for (const auto& [key, members] : answers.keys) {
        const auto primary = std::ranges::find(
            answers.primary_keys, key, [](const auto& each) { return each.first; });
        keys.push_back({{"key", key},
                        {"members", members},
                        {"primary", primary == answers.primary_keys.end() ? 0 : primary->second}});
    }
    Json failures = Json::array();
    for (const auto& [member, why] : answers.messages) {
        failures.push_back({{"member", member}, {"why", why}});
    }
    const bool done = answers.errors == 0 && answers.answers >= answers.members;
    return {{"action", kActionNames[static_cast<std::size_t>(answers.action)]},
            {"result", done ? "done" : "partial"},
            {"members", answers.members},
            {"answers", answers.answers},
            {"errors", answers.errors},
            {"keys", std::move(keys)},
            {"failures", std::move(failures)}};
}

}  // namespace

// Waits for the members' answers.
class ClusterCommands::KeyQuestion final : public Ongoing {
  public:
    KeyQuestion(ClusterCommands& commands, std::uint32_t number)
        : commands_(commands),
          number_(number),
          until_ms_(commands.source_.now_ms() + kKeysWaitMs) {}

    ~KeyQuestion() override { commands_.questions_.erase(number_); }

    [[nodiscard]] std::optional<Answer> next() override {
        if (const auto& answers = commands_.questions_.at(number_)) {
            return Answer{describe(*answers)};
        }
        if (commands_.source_.now_ms() >= until_ms_) {
            return Answer{refuse(
                code::failed,
                "the members have not answered within " + std::to_string(kKeysWaitMs) + " ms")};
        }
        return std::nullopt;
    }

    [[nodiscard]] bool is_endless() const override { return false; }

  private:
    ClusterCommands& commands_;
    std::uint32_t number_;
    std::uint64_t until_ms_;
};

// Compares digests with all routers that are alive.
class ClusterCommands::Check final : public Ongoing {
  public:
    explicit Check(ClusterCommands& commands)
        : commands_(commands), started_ms_(commands.source_.now_ms()), again_ms_(started_ms_) {
        const RouterId self = commands_.source_.routes().store().self();
        for (const RouterMember& router : commands_.source_.routers()) {
            if (router.id != self && router.membership == gossip::claims::Membership::alive) {
                peers_.push_back({router.id, router.name, number_of(router.id)});
            }
        }
    }

    [[nodiscard]] std::optional<Answer> next() override {
        const std::uint64_t now_ms = commands_.source_.now_ms();
        bool settled = true;
        for (Peer& peer : peers_) {
            peer.equal = peer.equal || is_equal(peer);
            settled = settled && peer.equal;
        }
        if (settled || now_ms >= started_ms_ + kCheckMs) {
            return Answer{result(now_ms)};
        }
        if (now_ms >= again_ms_) {
            commands_.source_.routes().compare_all();
            again_ms_ = now_ms + kCheckAgainMs;
        }
        return std::nullopt;
    }

    [[nodiscard]] bool is_endless() const override { return false; }

  private:
    struct Peer {
        RouterId id{};
        std::string name;
        std::uint64_t before = 0;  // comparisons
        bool equal = false;
    };

    [[nodiscard]] const PeerComparison* comparison(RouterId router) const {
        return commands_.source_.routes().comparison_with(router);
    }

    [[nodiscard]] std::uint64_t number_of(RouterId router) const {
        const PeerComparison* const seen = comparison(router);
        return seen == nullptr ? 0 : seen->number;
    }

    [[nodiscard]] bool is_equal(const Peer& peer) const {
        const PeerComparison* const seen = comparison(peer.id);
        return seen != nullptr && seen->number != peer.before && seen->differences.empty();
    }

    [[nodiscard]] Json result(std::uint64_t now_ms) const {
        Json rows = Json::array();
        Json differences = Json::array();
        bool unanswered = false;
        for (const Peer& peer : peers_) {
            const PeerComparison* const seen = comparison(peer.id);
            const bool answered = peer.equal || (seen != nullptr && seen->number != peer.before);
            unanswered = unanswered || !answered;
            const bool apart = answered && !peer.equal;
            rows.push_back({{"router", peer.name},
                            {"answer",
                             apart      ? "different"
                             : answered ? "equal"
                                        : "none"},
                            {"drift_sum", apart ? seen->drift.sum : 0},
                            {"drift_max", apart ? seen->drift.max : 0}});
            if (apart) {
                for (const RowDifference& row : seen->differences) {
                    differences.push_back(describe(peer, row));
                }
            }
        }
        return {{"result",
                 !differences.empty() ? "different"
                 : unanswered         ? "unanswered"
                                      : "equal"},
                {"took_ms", now_ms - started_ms_},
                {"peers", std::move(rows)},
                {"differences", std::move(differences)}};
    }

    [[nodiscard]] Json describe(const Peer& peer, const RowDifference& row) const {
        const char* const kind = row.peer == row.local  ? "content"
                                 : row.peer < row.local ? "behind"
                                                        : "ahead";
        return {{"peer", peer.name},
                {"router", commands_.router_text(row.router)},
                {"kind", kind},
                {"changes", gossip::claims::lag(row.local, row.peer)}};
    }

    ClusterCommands& commands_;
    std::uint64_t started_ms_;
    std::uint64_t again_ms_;
    std::vector<Peer> peers_;
};

void ClusterCommands::note(const MemberEvent& event) {
    if (event.kind == MemberEventKind::keys_answered) {
        const auto asked = questions_.find(event.keys.number);
        if (asked != questions_.end()) {
            asked->second = event.keys;
        }
        return;
    }
    // Of some events the member is nobody in particular.
    const bool named = !event.member.name.empty();
    log_.note({.kind = kMemberKinds[static_cast<std::size_t>(event.kind)],
               .at_ms = source_.claims_ms(),
               .name = event.member.name,
               .detail = !event.text.empty() ? event.text
                         : named             ? text_of(event.member.address)
                                             : ""});
}

void ClusterCommands::note(const gossip::claims::Event& event) {
    if (event.kind == gossip::claims::EventKind::discovered && event.number == 0) {
        return;  // the peer does not know the agent: nothing happened
    }
    if (event.kind == gossip::claims::EventKind::discovered &&
        routing::is_capability_key(event.agent)) {
        return;  // a capability's: its agents are told of as they come
    }
    NotedEvent noted{.kind = kRouteKinds[static_cast<std::size_t>(event.kind)],
                     .at_ms = source_.claims_ms(),
                     .name = router_text(event.router)};
    if (!event.agent.is_nil()) {
        noted.agent = event.agent;
    }
    if (event.kind == gossip::claims::EventKind::frozen) {
        const std::uint64_t now_ms = source_.claims_ms();
        noted.name.clear();
        noted.detail = std::to_string(event.number > now_ms ? event.number - now_ms : 0) + " ms";
    } else if (event.why) {
        noted.detail = name_of(*event.why);
    } else if (event.number != 0) {
        noted.detail = std::to_string(event.number);
    }
    log_.note(std::move(noted));
}

Outcome ClusterCommands::join(const std::vector<SocketAddress>& seeds) {
    if (source_.leaving()) {
        return refuse(code::conflict, "this router is leaving the cluster; restart it to join");
    }
    source_.join(seeds);
    Json texts = Json::array();
    for (const SocketAddress& seed : seeds) {
        texts.push_back(text_of(seed));
    }
    return Json{{"seeds", std::move(texts)}, {"outcome", "joining"}};
}

Outcome ClusterCommands::leave() {
    if (source_.leaving()) {
        return refuse(code::conflict, "this router is leaving the cluster already");
    }
    source_.leave();
    return Json{{"outcome", "leaving"}};
}

Outcome ClusterCommands::force_leave(const std::string& member, bool prune) {
    const auto members = source_.members();
    if (std::ranges::find(members, member, &gossip::membership::MemberView::name) ==
        members.end()) {
        return refuse(code::not_found, "no member " + member);
    }
    if (const auto done = source_.force_leave(member, prune); !done) {
        return refuse(code::refused, done.error());
    }
    return Json{{"member", member}, {"outcome", "left"}};
}

Reply ClusterCommands::keys(KeyAction action, const std::string& key) {
    if (questions_.size() >= kQuestionsMax) {
        return {refuse(code::busy, "too many questions about keys are open"), nullptr};
    }
    const auto number = source_.ask_keys(action, key);
    if (!number) {
        return {refuse(code::refused, number.error()), nullptr};
    }
    questions_[*number] = std::nullopt;
    return {Json(), std::make_unique<KeyQuestion>(*this, *number)};
}

Reply ClusterCommands::check() {
    return {Json(), std::make_unique<Check>(*this)};
}

}  // namespace posthaste::controlplane
