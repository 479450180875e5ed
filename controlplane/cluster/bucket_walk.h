// SPDX-License-Identifier: BSD-3-Clause
// BucketWalk: through the buckets of a hash table that changes meanwhile, a few at a time. Control
// thread only.
//
// A table that has grown has its elements elsewhere: then all are walked again, from the first.
#pragma once

#include <algorithm>
#include <cstddef>

namespace posthaste::controlplane {

class BucketWalk {
  public:
    // All of `buckets`, beginning where the last walk ended.
    void begin(std::size_t buckets) noexcept { left_ = std::max<std::size_t>(buckets, 1); }

    [[nodiscard]] bool done() const noexcept { return left_ == 0; }

    // The one to look into now; `buckets`: as many as there are. Not when done().
    [[nodiscard]] std::size_t next(std::size_t buckets) noexcept {
        if (buckets != buckets_) {
            buckets_ = buckets;
            left_ = buckets;
            next_ = 0;
        }
        const std::size_t bucket = next_;
        next_ = (next_ + 1) % buckets_;
        --left_;
        return bucket;
    }

    // The one that next() gave last is to be looked into once more.
    void again() noexcept {
        next_ = (next_ + buckets_ - 1) % buckets_;
        ++left_;
    }

  private:
    std::size_t buckets_ = 0;
    std::size_t next_ = 0;
    std::size_t left_ = 0;
};

}  // namespace posthaste::controlplane
