// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/claims_world.h"

#include <algorithm>

#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace posthaste::sim {

namespace {

// Small, so that a range takes many ticks and is met by whatever happens meanwhile.
claims::PlaneOptions options_of(const claims::Mutations& mutations) {
    claims::PlaneOptions options;
    options.store.limits.records_max = 4'096;
    options.store.limits.withdrawn_max = 8;
    options.store.stale_ms = 400;
    options.store.mutations = mutations;
    options.own.grace_ms = 300;
    options.own.withdrawn_ms = 2'000;
    options.own.moves.within_ms = 2'000;
    options.own.moves.freeze_ms = 200;
    options.digest_ms = 100;
    options.push_ms = kTickMs;
    options.load_ms = 100;
    options.floor_ms = 300;
    options.behind_ms = 200;
    options.pull_idle_ms = 1'000;
    options.chunk_entries = 1;
    options.push_entries_max = 6;
    options.out_low = 96;
    options.out_max = 1U << 20;
    return options;
}

std::size_t link_bytes(Dice& dice) {
    return dice.one_in(4) ? 4'096 : 128;
}

}  // namespace

routing::AgentId agent_id(unsigned number) {
    return support::numbered_id(number + 1);
}

ClaimsWorld::ClaimsWorld(std::uint64_t seed, const claims::Mutations& mutations)
    : dice_(seed), options_(options_of(mutations)) {
    routers_.resize(2 + dice_.below(4));
    side_.resize(routers_.size());
    forgets_ = dice_.one_in(2);
    for (unsigned i = 0; i < routers_.size(); ++i) {
        routers_[i].id = claims::RouterId{i + 1};
        routers_[i].skew_ms = dice_.one_in(3) ? dice_.below(100'000) : dice_.below(50);
        start(routers_[i], true);
    }
}

void ClaimsWorld::start(Router& router, bool with_disk) {
    if (!with_disk) {
        router.counter = 0;
        router.disk.clear();
    }
    const std::uint64_t nonce = dice_.word();
    const bool no_nonce = options_.store.mutations.no_boot_nonce;
    router.fib.clear();
    router.moves.clear();
    const auto index = static_cast<unsigned>(&router - routers_.data());
    std::erase_if(forgotten_, [index](const auto& pair) { return pair.first == index; });
    router.plane = std::make_unique<claims::RoutePlane>(
        options_,
        router.id,
        claims::Generation{++router.counter, no_nonce ? 0 : nonce},
        dice_.word(),
        support::hash_key(claims::number(router.id)));
    ++router.lives;
    for (const unsigned agent : std::set<unsigned>(router.disk)) {
        if (!dice_.one_in(4)) {
            attach(router, agent);
        }
    }
    if (!dice_.one_in(8)) {
        router.plane->own().end_of_rib(clock(router));
    }
    tell_members();
}

void ClaimsWorld::crash(Router& router) {
    const auto index = static_cast<unsigned>(&router - routers_.data());
    router.disk.clear();
    router.plane->store().for_each_claim(router.id, [&router](const claims::Entry& entry) {
        for (unsigned agent = 0; agent < kAgents; ++agent) {
            if (entry.key == agent_id(agent)) {
                router.disk.insert(agent);
            }
        }
    });
    router.counter = router.plane->store().row(router.id)->at.generation.counter;
    for (std::size_t link = links_.size(); link-- > 0;) {
        if (links_[link].one == index || links_[link].other == index) {
            cut(link);
        }
    }
    router.plane.reset();
    tell_members();
}

void ClaimsWorld::attach(Router& router, unsigned agent) {
    claims::Attachment attachment;
    attachment.epoch = dice_.one_in(8) ? dice_.below(3) : 0;
    attachment.new_session = dice_.one_in(2);
    attachment.multi = agent == 0;
    attachment.state =
        dice_.one_in(6) ? routing::AgentState::draining : routing::AgentState::running;
    static const char* const kNames[] = {"a/b", "c/d@7", "e/f*9"};
    if (const unsigned set = dice_.below(4); set < 3) {
        attachment.offers.push_back(*routing::offer_from_text(kNames[set]));
    }
    // A refusal is an answer: there is no session then.
    const std::uint64_t moved = router.plane->own().counts().moved_here;
    static_cast<void>(router.plane->own().attach(agent_id(agent), attachment, clock(router)));
    if (router.plane->own().counts().moved_here > moved) {
        auto& moves = router.moves[agent_id(agent)];
        moves.push_back(now_ms_);
        while (moves.front() + options_.own.moves.within_ms <= now_ms_) {
            moves.pop_front();
        }
        too_many_moves_ = too_many_moves_ || moves.size() > options_.own.moves.moves_max;
    }
}

Router* ClaimsWorld::up() {
    Router& router = routers_[dice_.below(static_cast<unsigned>(routers_.size()))];
    return router.plane == nullptr ? nullptr : &router;
}

bool ClaimsWorld::joined(unsigned one, unsigned other) const {
    return routers_[one].plane != nullptr && routers_[other].plane != nullptr &&
           side_[one] == side_[other];
}

// Membership, as it would say in the end; a little too well informed, which only makes it harder
// for claims of routers that are out and back.
void ClaimsWorld::tell_members() {
    for (unsigned i = 0; i < routers_.size(); ++i) {
        for (unsigned j = 0; j < routers_.size(); ++j) {
            if (joined(i, j)) {
                forgotten_.erase({i, j});
            }
            if (i != j && routers_[i].plane != nullptr && !forgotten_.contains({i, j})) {
                routers_[i].plane->set_member(
                    routers_[j].id,
                    joined(i, j) ? claims::Membership::alive : claims::Membership::out);
            }
        }
    }
}

// One that was out for long, as some router has it; others may have it still.
void ClaimsWorld::forget(unsigned at) {
    for (unsigned whom = 0; whom < routers_.size() && forgets_; ++whom) {
        if (whom != at && !joined(at, whom) && (healed_ || dice_.one_in(2))) {
            routers_[at].plane->set_member(routers_[whom].id, claims::Membership::forgotten);
            forgotten_.insert({at, whom});
            ++routers_[at].forgets[claims::number(routers_[whom].id)];
        }
    }
}

// A second connection of two that have one: they must agree on which to keep.
void ClaimsWorld::duplicate() {
    const auto one = dice_.below(static_cast<unsigned>(routers_.size()));
    const auto other = dice_.below(static_cast<unsigned>(routers_.size()));
    if (one != other && joined(one, other)) {
        begin_link(one, other);
    }
}

void ClaimsWorld::begin_link(unsigned one, unsigned other) {
    Link link{.id = next_link_++, .one = one, .other = other, .to_other = {}, .to_one = {}};
    Router& from = routers_[one];
    Router& to = routers_[other];
    static_cast<void>(from.plane->connect(link.id, true, to.id, clock(from)));
    static_cast<void>(to.plane->connect(link.id, false, std::nullopt, clock(to)));
    links_.push_back(std::move(link));
}

void ClaimsWorld::cut(std::size_t link) {
    for (const unsigned end : {links_[link].one, links_[link].other}) {
        if (routers_[end].plane != nullptr) {
            routers_[end].plane->disconnect(links_[link].id, clock(routers_[end]));
        }
    }
    links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(link));
}

void ClaimsWorld::split() {
    for (unsigned& side : side_) {
        side = dice_.below(2);
    }
    for (std::size_t link = links_.size(); link-- > 0;) {
        if (!joined(links_[link].one, links_[link].other)) {
            cut(link);
        }
    }
    tell_members();
}

void ClaimsWorld::connect_missing() {
    for (unsigned i = 0; i < routers_.size(); ++i) {
        for (unsigned j = i + 1; j < routers_.size(); ++j) {
            const bool there = std::any_of(links_.begin(), links_.end(), [&](const Link& link) {
                return (link.one == i && link.other == j) || (link.one == j && link.other == i);
            });
            if (there || !joined(i, j) || (!healed_ && !dice_.one_in(8))) {
                continue;
            }
            const bool turned = dice_.one_in(2);
            begin_link(turned ? j : i, turned ? i : j);
        }
    }
}

void ClaimsWorld::carry(Link& link, bool forth) {
    Router& from = routers_[forth ? link.one : link.other];
    Router& to = routers_[forth ? link.other : link.one];
    std::deque<Delivery>& way = forth ? link.to_other : link.to_one;
    if (!forth && link.deaf) {
        return;  // it waits there, as for a network that lets one way through
    }
    auto bytes = from.plane->take_output(link.id, link_bytes(dice_), clock(from));
    if (!bytes.empty()) {
        const std::uint64_t earliest = way.empty() ? now_ms_ : way.back().at_ms;
        const std::uint64_t delay = dice_.one_in(6) ? 10 * kTickMs : kTickMs * dice_.below(3);
        way.push_back({std::max(earliest, now_ms_ + delay), std::move(bytes)});
    }
    while (!way.empty() && way.front().at_ms <= now_ms_) {
        to.plane->receive(link.id, way.front().bytes, clock(to));
        way.pop_front();
    }
}

void ClaimsWorld::close_sessions(Router& router) {
    for (const claims::Event& event : router.plane->take_events()) {
        if (event.kind == claims::EventKind::close_session) {
            router.plane->own().detach(event.agent, clock(router));
        }
    }
}

void ClaimsWorld::tick() {
    now_ms_ += kTickMs;
    connect_missing();
    for (Link& link : links_) {
        carry(link, true);
        carry(link, false);
    }
    for (std::size_t link = links_.size(); link-- > 0;) {
        if (routers_[links_[link].one].plane->closed(links_[link].id) ||
            routers_[links_[link].other].plane->closed(links_[link].id)) {
            cut(link);
        }
    }
    for (Router& router : routers_) {
        if (router.plane == nullptr) {
            continue;
        }
        close_sessions(router);
        router.plane->on_timer(clock(router));
        for (const routing::AgentId& agent : router.plane->take_changes()) {
            if (const auto best = router.plane->store().best(agent)) {
                router.fib[agent] = claims::number(best->router);
            } else {
                router.fib.erase(agent);
            }
        }
    }
}

void ClaimsWorld::act() {
    Router* const router = up();
    const unsigned what = dice_.below(100);
    const unsigned agent = dice_.below(kAgents);
    if (what < 6) {
        Router& any = routers_[dice_.below(static_cast<unsigned>(routers_.size()))];
        if (any.plane == nullptr && !any.gone) {
            start(any, !dice_.one_in(3));
        }
    } else if (router == nullptr) {
        return;
    } else if (what < 50) {
        attach(*router, agent);
    } else if (what < 70) {
        router->plane->own().detach(agent_id(agent), clock(*router));
    } else if (what < 78) {
        // As if what was withdrawn so far were old enough.
        router->plane->own().collect(clock(*router) + 1'000'000);
    } else if (what < 81) {
        if (!links_.empty()) {
            cut(dice_.below(static_cast<unsigned>(links_.size())));
        }
    } else if (what == 81) {
        duplicate();
    } else if (what == 82) {
        if (!links_.empty()) {
            Link& link = links_[dice_.below(static_cast<unsigned>(links_.size()))];
            link.deaf = !link.deaf;
        }
    } else if (what == 83) {
        forget(static_cast<unsigned>(router - routers_.data()));
    } else if (what < 88) {
        split();
    } else if (what < 91) {
        std::fill(side_.begin(), side_.end(), 0);
        tell_members();
    } else if (what < 96) {
        crash(*router);
    } else if (what == 96) {
        router->gone = true;
        crash(*router);
    } else {
        router->plane->own().set_load(agent_id(agent), {static_cast<std::uint16_t>(what), 1});
    }
}

void ClaimsWorld::step() {
    act();
    for (unsigned ticks = dice_.below(4); ticks > 0; --ticks) {
        tick();
    }
}

void ClaimsWorld::heal() {
    healed_ = true;
    std::fill(side_.begin(), side_.end(), 0);
    for (Link& link : links_) {
        link.deaf = false;
    }
    for (Router& router : routers_) {
        if (router.plane == nullptr && !router.gone) {
            start(router, !dice_.one_in(3));
        }
        if (router.plane != nullptr) {
            router.plane->own().end_of_rib(clock(router));
        }
    }
    tell_members();
    for (unsigned i = 0; i < routers_.size(); ++i) {
        if (routers_[i].plane != nullptr) {
            forget(i);  // all that will not come back
        }
    }
}

bool ClaimsWorld::quiet() const {
    return std::all_of(links_.begin(), links_.end(), [](const Link& link) {
        return link.to_one.empty() && link.to_other.empty();
    });
}

}  // namespace posthaste::sim
