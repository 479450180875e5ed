// SPDX-License-Identifier: BSD-3-Clause
// RouteCache against a map that forgets nothing: the cache may have forgotten what it was told,
// but it never says what it was not told last, or was told under another version or too long ago.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <vector>

#include "routing/route_cache.h"

using posthaste::routing::AgentId;
using posthaste::routing::RouteCache;

namespace {

constexpr std::uint32_t kIds = 12;

AgentId id_of(std::uint32_t number) {
    AgentId id;
    std::memcpy(id.bytes.data(), &number, sizeof number);
    return id;
}

// The id's own, spread over all lines; several ids share one.
std::uint64_t hash_of(std::uint32_t id) {
    return id * 0x9e3779b97f4a7c15ULL;
}

struct Told {
    std::uint32_t number = 0;  // RouteCache::kNegative: that it is not there
    std::uint32_t version = 0;
    std::uint32_t at_ms = 0;
    std::uint32_t ttl_ms = 0;
};

enum class Act { find, insert, insert_negative, bump, pass, age, clear };

struct Trial {
    explicit Trial(std::size_t line_count) : lines(line_count), cache(lines) {}

    std::vector<RouteCache::Line> lines;
    RouteCache cache;
    std::map<std::uint32_t, Told> told;
    std::vector<std::uint32_t> version{0, 0};  // two stripes
    std::uint32_t now_ms = 0;
    std::uint64_t known = 0;

    std::uint32_t& version_of(std::uint32_t id) { return version[hash_of(id) >> 63]; }

    void find(std::uint32_t id) {
        const std::uint32_t said = cache.find(id_of(id), hash_of(id), version_of(id), now_ms);
        if (said == RouteCache::kMiss) {
            return;
        }
        ++known;
        const auto last = told.find(id);
        RC_ASSERT(last != told.end());
        RC_ASSERT(said == last->second.number);
        RC_ASSERT(version_of(id) == last->second.version);
        RC_ASSERT(now_ms - last->second.at_ms < last->second.ttl_ms);
    }

    void tell(std::uint32_t id, std::uint32_t number, std::uint32_t ttl_ms) {
        const std::uint32_t version_now = version_of(id);
        if (number == RouteCache::kNegative) {
            cache.insert_negative(id_of(id), hash_of(id), version_now, now_ms, ttl_ms);
        } else {
            cache.insert(id_of(id), hash_of(id), number, version_now, now_ms, ttl_ms);
        }
        // One that is not kept leaves what was told before, which is then as good as it was.
        const bool kept = number == RouteCache::kNegative
                              ? ttl_ms > 0
                              : now_ms % RouteCache::kTickMs + ttl_ms >= RouteCache::kTickMs;
        if (kept) {
            told[id] = {number, version_now, now_ms, ttl_ms};
        }
    }

    // As an lcore does: it comes round to age() much more often than a tick gets old.
    void pass(std::uint32_t ms) {
        for (; ms > 500; ms -= 500) {
            now_ms += 500;
            cache.age(now_ms);
        }
        now_ms += ms;
    }

    void act(Act what) {
        const auto id = *rc::gen::inRange(0U, kIds);
        switch (what) {
            case Act::find:
                find(id);
                break;
            case Act::insert:
                tell(id,
                     *rc::gen::inRange(1U, 5U),
                     *rc::gen::inRange(0U, RouteCache::kTtlMaxMs + 1));
                break;
            case Act::insert_negative:
                tell(id, RouteCache::kNegative, *rc::gen::inRange(0U, 5'000U));
                break;
            case Act::bump:
                ++version_of(id);
                break;
            case Act::pass:
                pass(*rc::gen::element(1U, 1'000U, 5'000U, 60'000U, 200'000U));
                break;
            case Act::age:
                cache.age(now_ms);
                break;
            case Act::clear:
                cache.clear();
                told.clear();
                break;
        }
    }
};

}  // namespace

TEST(route_cache_property, it_may_forget_but_never_invents) {
    std::uint64_t known = 0;
    const bool passed = rc::check([&known] {
        Trial run(*rc::gen::element<std::size_t>(2, 4, 8));
        run.now_ms = *rc::gen::element(0U, 1U, 0xffff'0000U, 0x7fff'f000U, 0x3ff00U);
        run.cache.age(run.now_ms);
        const auto steps = *rc::gen::container<std::vector<Act>>(
            rc::gen::weightedElement<Act>({{12, Act::find},
                                           {6, Act::insert},
                                           {4, Act::insert_negative},
                                           {1, Act::bump},
                                           {2, Act::pass},
                                           {1, Act::age},
                                           {1, Act::clear}}));
        for (const Act step : steps) {
            run.act(step);
            for (std::uint32_t id = 0; step != Act::find && id < kIds; id += 5) {
                run.find(id);
            }
        }
        known += run.known;
    });
    EXPECT_TRUE(passed);
    EXPECT_GT(known, 100U);
}
