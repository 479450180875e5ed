// SPDX-License-Identifier: BSD-3-Clause
// What the paced benchmarks share: a rig between rings with its worker turning on another core.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "tools/benchmark/forward.h"
#include "tools/benchmark/paced_trial.h"
#include "tools/benchmark/rig.h"

namespace posthaste::tools {

class Paced {
  public:
    // Starts EAL: the generator on the other core, the router on `core`.
    [[nodiscard]] static tl::expected<std::unique_ptr<Paced>, std::string> open(
        const ForwardOptions& options);

    [[nodiscard]] tl::expected<Trial, std::string> trial(double rate, double seconds) {
        return thread_->run(rate, seconds);
    }

    // Frames a second with the ring before the router always full: the best of short slices, since
    // the others had time stolen.
    [[nodiscard]] tl::expected<double, std::string> most(double seconds);

    // Stops the worker and checks what was counted.
    [[nodiscard]] tl::expected<void, std::string> close();

  private:
    std::unique_ptr<Rig> rig_;
    std::unique_ptr<RouteChanges> changes_;  // null: routes stay
    std::unique_ptr<RouterThread> thread_;
};

}  // namespace posthaste::tools
