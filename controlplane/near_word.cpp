// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/near_word.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kWordBytesMax = 64;

using Row = std::array<std::size_t, kWordBytesMax + 1>;

// Optimal string alignment distance, three rows at a time.
std::size_t edits(std::string_view a, std::string_view b) {
    Row before{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before = last;
        last = row;
    }
    return last[b.size()];
}

}  // namespace

std::string_view near_word(std::string_view word, std::span<const std::string_view> known) {
    std::string_view best;
    std::size_t fewest = word.size() / 3 + 1;
    if (word.size() > kWordBytesMax) {
        return best;
    }
    for (const std::string_view candidate : known) {
        if (candidate.size() > kWordBytesMax) {
            continue;
        }
        const std::size_t count = edits(word, candidate);
        if (count < fewest) {
            fewest = count;
            best = candidate;
        }
    }
    return best;
}

}  // namespace posthaste::controlplane
