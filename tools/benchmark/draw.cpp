// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/draw.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace posthaste::tools {

namespace {

constexpr std::array<std::string_view, 3> kStreamNames = {"uniform", "zipf", "round-robin"};

// Zipf's law by rejection-inversion (Hoermann, Derflinger: "Rejection-inversion to generate
// variates from monotone discrete distributions", ACM TOMACS 6(3), 1996): no table, whatever the
// count. height is the density over the reals, area its integral.
double height(double x) {
    return std::pow(x, -kZipfExponent);
}

double area(double x) {
    constexpr double kOrder = 1 - kZipfExponent;
    return (std::pow(x, kOrder) - 1) / kOrder;
}

double inverse_area(double a) {
    constexpr double kOrder = 1 - kZipfExponent;
    return std::pow(1 + kOrder * a, 1 / kOrder);
}

}  // namespace

std::string_view name_of(Stream stream) noexcept {
    return kStreamNames[static_cast<std::size_t>(stream)];
}

std::optional<Stream> stream_of(std::string_view name) noexcept {
    const auto at = std::ranges::find(kStreamNames, name);
    if (at == kStreamNames.end()) {
        return std::nullopt;
    }
    return static_cast<Stream>(at - kStreamNames.begin());
}

Draw::Draw(Stream stream, std::uint32_t count, std::uint64_t seed) noexcept
    : stream_(stream),
      count_(count),
      random_(seed),
      area_first_(area(1.5) - 1),
      area_last_(area(count + 0.5)),
      accept_(2 - inverse_area(area(2.5) - height(2))) {}

std::uint32_t Draw::next() noexcept {
    switch (stream_) {
        case Stream::zipf:
            return zipf();
        case Stream::round_robin: {
            const std::uint32_t number = turn_;
            turn_ = number + 1 == count_ ? 0 : number + 1;
            return number;
        }
        case Stream::uniform:
            break;
    }
    return static_cast<std::uint32_t>(random_.below(count_));
}

std::uint32_t Draw::zipf() noexcept {
    for (;;) {
        const double under = area_last_ + random_.unit() * (area_first_ - area_last_);
        const double x = inverse_area(under);
        const double k = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(count_));
        if (k - x <= accept_ || under >= area(k + 0.5) - height(k)) {
            return static_cast<std::uint32_t>(k) - 1;
        }
    }
}

}  // namespace posthaste::tools
