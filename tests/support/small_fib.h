// SPDX-License-Identifier: BSD-3-Clause
// The routes of small_world() in a real Fib, and the resolver of its one reader, who is online and
// whom the test takes offline. Needs EAL.
#pragma once

#include <memory>

#include "routing/check.h"
#include "routing/fib.h"
#include "routing/resolver.h"
#include "tests/support/hash_key.h"
#include "tests/support/small_world.h"

namespace posthaste::test {

struct SmallFib {
    SmallFib() {
        auto created = routing::Fib::create(
            {.name = "small", .capacity = 100, .key = support::hash_key(1)}, grace);
        CHECK(created.has_value());
        fib = std::move(*created);
        for (const routing::FibEntry& entry : small_world_routes()) {
            CHECK(fib->set(entry, 0));
        }
        resolver = routing::Resolver::create(*fib, {});
        CHECK(resolver != nullptr);
        grace.online(0);
    }

    routing::Grace grace{1};
    std::unique_ptr<routing::Fib> fib;
    std::unique_ptr<routing::Resolver> resolver;
};

}  // namespace posthaste::test
