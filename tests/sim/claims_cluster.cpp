// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/claims_cluster.h"

#include <time.h>

#include <algorithm>

#include "tests/support/hash_key.h"

namespace posthaste::sim {

namespace {

constexpr std::size_t kPieceBytes = 16 * 1'024;  // what controlplane/cluster reads at once
constexpr std::uint64_t kSkewStepMs = 1'013;     // so that timers of two routers rarely coincide

double thread_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// From its making until its end.
class Stopwatch {
  public:
    Stopwatch(bool on, double& longest)
        : on_(on), longest_(longest), start_(on ? thread_ms() : 0) {}

    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;

    ~Stopwatch() {
        if (on_) {
            longest_ = std::max(longest_, thread_ms() - start_);
        }
    }

  private:
    bool on_;
    double& longest_;
    double start_;
};

}  // namespace

ClaimsCluster::ClaimsCluster(const ClusterOptions& options) : options_(options) {
    claims::PlaneOptions plane;
    plane.store.limits.records_max = options.records_max;
    routers_.resize(options.routers);
    for (unsigned i = 0; i < options.routers; ++i) {
        routers_[i].skew_ms = i * kSkewStepMs;
        routers_[i].plane = std::make_unique<claims::RoutePlane>(plane,
                                                                 claims::RouterId{i + 1},
                                                                 claims::Generation{1, 1'000 + i},
                                                                 i,
                                                                 support::hash_key(i));
    }
}

template <typename Call>
auto ClaimsCluster::timed(PlaneCall kind, const Call& call) {
    const Stopwatch watch(options_.time_calls, longest_[static_cast<std::size_t>(kind)]);
    return call();
}

void ClaimsCluster::connect() {
    std::erase_if(ways_, [this](const Way& way) {
        const bool apart = routers_[way.from].side != routers_[way.to].side;
        if (apart) {
            timed(PlaneCall::disconnect,
                  [&] { routers_[way.from].plane->disconnect(way.link, now_ms(way.from)); });
        }
        return apart;
    });
    for (unsigned from = 0; from < size(); ++from) {
        for (unsigned to = from + 1; to < size(); ++to) {
            Router& one = routers_[from];
            Router& other = routers_[to];
            if (one.side != other.side ||
                one.plane->session_of(claims::RouterId{to + 1}) != nullptr) {
                continue;
            }
            const claims::ConnectionId link = ++links_made_;
            static_cast<void>(timed(PlaneCall::connect, [&] {
                return one.plane->connect(link, true, claims::RouterId{to + 1}, now_ms(from));
            }));
            static_cast<void>(timed(PlaneCall::connect, [&] {
                return other.plane->connect(link, false, std::nullopt, now_ms(to));
            }));
            ways_.push_back({from, to, link});
            ways_.push_back({to, from, link});
        }
    }
}

void ClaimsCluster::tick() {
    ++now_ms_;
    for (unsigned i = 0; i < size(); ++i) {
        Router& router = routers_[i];
        // Not more than a piece ahead.
        router.may_send =
            std::min(router.may_send + options_.bytes_per_ms, options_.bytes_per_ms + kPieceBytes);
        if (router.plane->next_due_ms() <= now_ms(i)) {
            timed(PlaneCall::timer, [&] { router.plane->on_timer(now_ms(i)); });
            static_cast<void>(router.plane->take_changes());
        }
    }
    first_way_ = ways_.empty() ? 0 : (first_way_ + 1) % ways_.size();
    for (std::size_t i = 0; i < ways_.size(); ++i) {
        Way& way = ways_[(first_way_ + i) % ways_.size()];
        Router& to = routers_[way.to];
        while (!way.packets.empty() && way.packets.front().at_ms <= now_ms_) {
            to.bytes_in += way.packets.front().bytes.size();
            timed(PlaneCall::receive,
                  [&] { to.plane->receive(way.link, way.packets.front().bytes, now_ms(way.to)); });
            way.packets.pop_front();
        }
        Router& from = routers_[way.from];
        for (std::uint64_t piece = std::min<std::uint64_t>(from.may_send, kPieceBytes); piece > 0;
             piece = std::min<std::uint64_t>(from.may_send, kPieceBytes)) {
            auto bytes = timed(PlaneCall::output, [&] {
                return from.plane->take_output(way.link, piece, now_ms(way.from));
            });
            if (bytes.empty()) {
                break;
            }
            from.may_send -= bytes.size();
            way.packets.push_back({now_ms_ + options_.delay_ms, std::move(bytes)});
        }
    }
}

bool ClaimsCluster::agree() const {
    for (const Router& router : routers_) {
        for (const Router& other : routers_) {
            if (router.side != other.side) {
                continue;
            }
            if (other.plane->store().root() != router.plane->store().root()) {
                return false;
            }
            break;  // the first of the side speaks for it
        }
    }
    return true;
}

bool ClaimsCluster::settle(std::uint64_t ticks_max) {
    for (std::uint64_t i = 0; i < ticks_max; ++i) {
        tick();
        const bool idle = std::all_of(routers_.begin(), routers_.end(), [](const Router& router) {
            return router.plane->next_due_ms() != 0;
        });
        if (idle && agree()) {
            return true;
        }
    }
    return false;
}

std::uint64_t ClaimsCluster::take_bytes_in(unsigned router) {
    return std::exchange(routers_[router].bytes_in, 0);
}

}  // namespace posthaste::sim
