// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/route_links.h"

#include <algorithm>
#include <set>
#include <variant>

namespace posthaste::controlplane {

namespace {

using gossip::claims::ConnectionId;
using gossip::claims::RouterId;
using gossip::seal::SealedStream;

constexpr unsigned kAcceptsPerTurn = 16;
constexpr unsigned kReadsPerTurn = 8;
constexpr unsigned kTakesPerTurn = 4;
constexpr std::size_t kReadBytes = 16 * 1'024;
constexpr std::size_t kTakeBytes = 64 * 1'024;
constexpr std::size_t kHelloBytes = gossip::claims::kHelloFrameBytes;
constexpr std::uint64_t kCareMs = 10;

// Who the first message says it is; nullopt: it is no hello of our cluster.
std::optional<RouterId> who_says_hello(std::span<const std::uint8_t> first, std::uint32_t cluster) {
    gossip::claims::FrameReader frames(cluster);
    frames.add(first);
    const auto frame = frames.next();
    if (!frame || !*frame) {
        return std::nullopt;
    }
    const auto message = gossip::claims::decode((*frame)->kind, (*frame)->body);
    const auto* const hello = message ? std::get_if<gossip::claims::Hello>(&*message) : nullptr;
    return hello == nullptr ? std::nullopt : std::optional(hello->router);
}

}  // namespace

RouteLinks::RouteLinks(Watch& watch,
                       gossip::claims::RoutePlane& plane,
                       const Routers& routers,
                       const gossip::seal::Keyring& keyring,
                       const std::string& cluster,
                       const routing::IpAddress& local,
                       const LinkLimits& limits,
                       std::uint64_t random_seed)
    : watch_(watch),
      plane_(plane),
      routers_(routers),
      keyring_(keyring),
      cluster_(gossip::claims::cluster_hash(cluster)),
      local_(local),
      limits_(limits),
      random_state_(random_seed),
      room_(kReadBytes) {}

std::uint64_t RouteLinks::draw() {
    random_state_ += routing::kMixStep;
    return routing::mix(random_state_);
}

SealedStream RouteLinks::new_seal(bool initiated) const {
    gossip::seal::Challenge challenge;
    gossip::seal::Nonce nonce;
    fill_random(challenge);
    fill_random(nonce);
    return {keyring_, initiated, challenge, nonce};
}

ConnectionId RouteLinks::next_number() {
    do {
        ++last_number_;
    } while (links_.contains(last_number_));
    return last_number_;
}

void RouteLinks::refuse(LinkRefusal why) {
    ++counters_.refused[static_cast<std::size_t>(why)];
}

RouteLinks::Link* RouteLinks::add(Descriptor socket, bool initiated, std::uint64_t now_ms) {
    const ConnectionId number = next_number();
    Link link{.tcp = TcpStream(std::move(socket), {Watched::route_link, number}, initiated),
              .seal = new_seal(initiated),
              .initiated = initiated,
              .router = std::nullopt,
              .from = {},
              .begun_ms = now_ms,
              .known_to_plane = false,
              .first = {}};
    if (!link.tcp.watch(watch_)) {
        return nullptr;
    }
    return &links_.emplace(number, std::move(link)).first->second;
}

void RouteLinks::greet(Link& link) {
    const auto preamble = link.seal.preamble();
    link.tcp.out().insert(link.tcp.out().end(), preamble.begin(), preamble.end());
    // If it is broken, so is reading.
    static_cast<void>(link.tcp.flush(watch_));
}

std::optional<LinkRefusal> RouteLinks::judge_caller(const routing::IpAddress& from,
                                                    std::uint64_t now_ms) {
    const std::size_t known = routers_.at(from);
    if (known == 0) {
        return LinkRefusal::unknown_source;
    }
    if (callers_.size() >= limits_.links_max) {
        std::erase_if(callers_,
                      [this](const auto& entry) { return routers_.at(entry.first) == 0; });
    }
    auto& bucket =
        callers_.try_emplace(from, routing::TokenBucket(limits_.calls_per_second)).first->second;
    if (!bucket.take(static_cast<std::uint32_t>(now_ms))) {
        return LinkRefusal::too_often;
    }
    const auto strangers = std::ranges::count_if(links_, [&from](const auto& entry) {
        return !entry.second.known_to_plane && entry.second.from == from;
    });
    if (links_.size() >= limits_.links_max ||
        static_cast<std::size_t>(strangers) >= limits_.strangers_max * known) {
        return LinkRefusal::too_many_links;
    }
    return std::nullopt;
}

void RouteLinks::accept(const Descriptor& listener, std::uint64_t now_ms) {
    for (unsigned i = 0; i < kAcceptsPerTurn; ++i) {
        auto accepted = accept_one(listener);
        if (!accepted) {
            return;
        }
        const routing::IpAddress from = ip_of(accepted->second);
        if (const auto why = judge_caller(from, now_ms)) {
            refuse(*why);
            continue;
        }
        if (Link* const link = add(std::move(accepted->first), false, now_ms)) {
            ++counters_.accepted;
            link->from = from;
            greet(*link);
        }
    }
}

void RouteLinks::call(const RouterMember& router, std::uint64_t now_ms) {
    ++counters_.dialled;
    auto socket = links_.size() < limits_.links_max
                      ? begin_connect(local_, socket_address(router.management, router.route_port))
                      : std::nullopt;
    Link* const link = socket ? add(std::move(*socket), true, now_ms) : nullptr;
    if (link == nullptr) {
        ++counters_.dials_failed;
        calls_[router.id].failed(now_ms, draw());
        return;
    }
    link->router = router.id;
}

bool RouteLinks::serve(ConnectionId number, const TurnBudget& budget, std::uint64_t now_ms) {
    const auto found = links_.find(number);
    if (found == links_.end()) {
        return false;
    }
    Link& link = found->second;
    if (link.tcp.connecting()) {
        if (!link.tcp.finish_connect(watch_)) {
            end(number, End::lost, now_ms);
            return false;
        }
        greet(link);
    }
    for (unsigned i = 0; i < kReadsPerTurn; ++i) {
        std::size_t count = 0;
        switch (link.tcp.read(room_, count)) {
            case TcpStream::Read::nothing:
                return false;
            case TcpStream::Read::ended:
                end(number, End::lost, now_ms);
                return false;
            case TcpStream::Read::bytes:
                if (!take(number, std::span(room_).first(count), now_ms)) {
                    return false;
                }
        }
        if (budget.spent()) {
            return true;
        }
    }
    return true;
}

bool RouteLinks::take(ConnectionId number,
                      std::span<const std::uint8_t> bytes,
                      std::uint64_t now_ms) {
    Link& link = links_.at(number);
    plain_.clear();
    if (const auto opened = link.seal.open(bytes, plain_); !opened) {
        ++counters_.seal_refused[static_cast<std::size_t>(opened.error())];
        end(number, End::refused, now_ms);
        return false;
    }
    if (!link.known_to_plane && link.initiated && link.seal.ready()) {
        if (!plane_.connect(number, true, link.router, now_ms)) {
            end(number, End::refused, now_ms);
            return false;
        }
        link.known_to_plane = true;
    }
    if (link.known_to_plane) {
        plane_.receive(number, plain_, now_ms);
    } else {
        link.first.insert(link.first.end(), plain_.begin(), plain_.end());
        if (link.first.size() >= kHelloBytes && !introduce(number, link, now_ms)) {
            return false;
        }
    }
    if (plane_.closed(number)) {
        end(number, End::refused, now_ms);
        return false;
    }
    return true;
}

bool RouteLinks::introduce(ConnectionId number, Link& link, std::uint64_t now_ms) {
    link.router = who_says_hello(link.first, cluster_);
    if (link.router) {
        const RouterMember* const router = routers_.find(*link.router);
        if (router == nullptr || router->management != link.from) {
            refuse(LinkRefusal::foreign_router);
            end(number, End::refused, now_ms);
            return false;
        }
    }
    // What is no hello the plane refuses, by the name it has there.
    if (!plane_.connect(number, false, link.router, now_ms)) {
        end(number, End::refused, now_ms);
        return false;
    }
    link.known_to_plane = true;
    plane_.receive(number, link.first, now_ms);
    link.first = {};
    return true;
}

void RouteLinks::care(std::uint64_t now_ms) {
    if (now_ms < care_ms_) {
        return;
    }
    care_ms_ = now_ms + kCareMs;
    end_overdue(now_ms);
    std::set<RouterId> linked;
    for (const auto& [number, link] : links_) {
        if (link.router) {
            linked.insert(*link.router);
        }
    }
    const RouterId self = plane_.store().self();
    for (const auto& [id, router] : routers_.all()) {
        if (self < id && router.membership == gossip::claims::Membership::alive &&
            !linked.contains(id) && now_ms >= calls_[id].due_ms()) {
            call(router, now_ms);
        }
    }
    if (calls_.size() > 2 * routers_.all().size()) {
        std::erase_if(calls_,
                      [this](const auto& entry) { return routers_.find(entry.first) == nullptr; });
    }
}

void RouteLinks::end_overdue(std::uint64_t now_ms) {
    std::vector<std::pair<ConnectionId, End>> ended;
    for (const auto& [number, link] : links_) {
        if (plane_.closed(number)) {
            ended.emplace_back(number, End::refused);
        } else if (!link.known_to_plane && now_ms >= link.begun_ms + limits_.handshake_ms) {
            ended.emplace_back(number, End::lost);
            if (!link.tcp.connecting()) {
                refuse(LinkRefusal::handshake_timeout);
            }
        }
    }
    for (const auto& [number, how] : ended) {
        end(number, how, now_ms);
    }
}

bool RouteLinks::send(const TurnBudget& budget, std::uint64_t now_ms) {
    bool more = false;
    auto next = links_.upper_bound(served_);
    for (std::size_t left = links_.size(); left > 0; --left) {
        if (next == links_.end()) {
            next = links_.begin();
        }
        const ConnectionId number = next->first;
        more = send_some(number, next->second, budget, now_ms) || more;
        next = links_.upper_bound(number);  // it may have ended
        served_ = number;
        if (budget.spent()) {
            return more || left > 1;
        }
        if (links_.empty()) {
            return false;
        }
    }
    return more;
}

bool RouteLinks::send_some(ConnectionId number,
                           Link& link,
                           const TurnBudget& budget,
                           std::uint64_t now_ms) {
    for (unsigned i = 0; i < kTakesPerTurn; ++i) {
        if (link.tcp.waiting() == 0) {
            if (!link.known_to_plane) {
                return false;
            }
            const auto bytes = plane_.take_output(number, kTakeBytes, now_ms);
            if (bytes.empty()) {
                return false;
            }
            link.seal.seal(bytes, link.tcp.out());
        }
        if (!link.tcp.flush(watch_)) {
            end(number, End::lost, now_ms);
            return false;
        }
        if (link.tcp.waiting() > 0) {
            return false;  // until the socket takes more
        }
        if (budget.spent()) {
            return true;
        }
    }
    return true;
}

void RouteLinks::hang_up(RouterId router, std::uint64_t now_ms) {
    std::vector<ConnectionId> ended;
    for (const auto& [number, link] : links_) {
        if (link.router == router) {
            ended.push_back(number);
        }
    }
    for (const ConnectionId number : ended) {
        end(number, End::lost, now_ms);
    }
}

void RouteLinks::end(ConnectionId number, End how, std::uint64_t now_ms) {
    const auto found = links_.find(number);
    const Link& link = found->second;
    const auto* const session = link.router ? plane_.session_of(*link.router) : nullptr;
    const bool was_up = session != nullptr && session->connection() == number;
    const auto why = plane_.closed(number);
    counters_.ended += was_up ? 1 : 0;
    if (link.initiated) {
        Backoff& calls = calls_[*link.router];
        // That there are two, or that it is slow, is no ill will. One that greets us and then ends
        // it will not have us.
        const bool benign = why == gossip::claims::Refusal::slow_peer ||
                            why == gossip::claims::Refusal::duplicate_session;
        const bool refused = !benign && (how == End::refused || (link.known_to_plane && !was_up));
        if (refused) {
            calls.refused(now_ms, draw());
        } else {
            if (was_up) {
                calls.succeeded();
            }
            calls.failed(now_ms, draw());
        }
        counters_.dials_failed += was_up ? 0 : 1;
    }
    plane_.disconnect(number, now_ms);
    links_.erase(found);
}

}  // namespace posthaste::controlplane
