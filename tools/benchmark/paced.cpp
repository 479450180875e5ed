// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/paced.h"

#include <rte_eal.h>

#include <algorithm>

namespace posthaste::tools {

namespace {

constexpr double kWarmingSeconds = 0.1;
constexpr double kSliceSeconds = 0.02;

}  // namespace

tl::expected<std::unique_ptr<Paced>, std::string> Paced::open(const ForwardOptions& options) {
    if (options.other_core == options.core) {
        return tl::unexpected(
            std::string("this needs two processors: one for the router, one for the generator"));
    }
    const EalOptions eal{.agents = options.agents,
                         .core = *options.other_core,
                         .hugepages = options.hugepages,
                         .second_core = options.core};
    if (auto started = start_eal(eal); !started.has_value()) {
        return tl::unexpected(started.error());
    }
    RigOptions rig = rig_options(options);
    rig.rings = true;
    auto opened = Rig::open(rig);
    if (!opened.has_value()) {
        return tl::unexpected(opened.error());
    }
    auto paced = std::make_unique<Paced>();
    paced->rig_ = std::move(*opened);
    if (options.churn > 0) {
        Rig& router = *paced->rig_;
        paced->changes_ = std::make_unique<RouteChanges>(
            router.fib(),
            ChurnOptions{
                .rate = options.churn,
                .agents = options.agents,
                .route = [&router](std::uint32_t number) { return router.route(number); }});
    }
    paced->thread_ = std::make_unique<RouterThread>(*paced->rig_, paced->changes_.get());
    if (auto warm = paced->most(kWarmingSeconds); !warm.has_value()) {
        return tl::unexpected(warm.error());
    }
    return paced;
}

tl::expected<double, std::string> Paced::most(double seconds) {
    const auto slices = static_cast<unsigned>(std::max(seconds / kSliceSeconds, 1.0));
    const double length = seconds / slices;
    double best = 0;
    for (unsigned i = 0; i < slices; ++i) {
        const auto slice = trial(0, length);
        if (!slice.has_value()) {
            return tl::unexpected(slice.error());
        }
        best = std::max(best, static_cast<double>(slice->accepted) / length);
    }
    return best;
}

tl::expected<void, std::string> Paced::close() {
    thread_.reset();
    changes_.reset();
    if (auto closed = rig_->close(); !closed.has_value()) {
        return closed;
    }
    rig_.reset();
    rte_eal_cleanup();
    return {};
}

}  // namespace posthaste::tools
