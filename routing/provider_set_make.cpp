// SPDX-License-Identifier: BSD-3-Clause
// How a ProviderSet comes about: the rows, the ring and the tables, each in one pass.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

#include "routing/changed_providers.h"
#include "routing/check.h"
#include "routing/provider_set.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kLine = 64;
constexpr std::uint32_t kGone = RingPoint::kEnd;

// Lines of a ring asked for before they are read or written: a set that changes has mostly not been
// read for long.
constexpr std::size_t kAhead = 24;

// Falling priority is rising rank.
std::uint32_t rank_of(const Provider& provider) {
    return (provider.local() ? 0U : 1U) << 31 | static_cast<std::uint32_t>(provider.state) << 16 |
           (0xffffU - provider.priority);
}

bool in_order(const Provider& a, const Provider& b) {
    const std::uint32_t rank_a = rank_of(a);
    const std::uint32_t rank_b = rank_of(b);
    return rank_a != rank_b ? rank_a < rank_b : a.agent < b.agent;
}

// Where each part lies in the one piece of memory.
class Layout {
  public:
    template <typename T>
    [[nodiscard]] std::size_t add(std::size_t count) {
        const std::size_t at = bytes_;
        bytes_ += (count * sizeof(T) + kLine - 1) / kLine * kLine;
        return at;
    }

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    std::size_t bytes_ = 0;
};

}  // namespace

class ProviderSetBuilder {
  public:
    ProviderSetBuilder(const ProviderSet* before, std::span<const ProviderChange> changes)
        : before_(before) {
        merge_rows(last_changes(changes));
        count_rows();
        find_groups();
        find_routers();
    }

    [[nodiscard]] std::unique_ptr<const ProviderSet> build() {
        // One line more is enough, unless very many points fall together at the end of the ring.
        std::uint32_t spare = 1;
        do {
            allocate(spare);
            spare *= 8;
        } while (!fill_rings());
        fill_cells();
        fill_weights();
        fill_routers();
        std::copy(rows_.begin(), rows_.end(), rows());
        std::copy(groups_.begin(), groups_.end(), part<ProviderSet::Pool>(groups_at_));
        return std::move(set_);
    }

  private:
    using Pool = ProviderSet::Pool;
    using Column = ProviderSet::Column;

    template <typename T>
    [[nodiscard]] T* part(std::size_t at) {
        return reinterpret_cast<T*>(memory_ + at);
    }

    [[nodiscard]] Provider* rows() { return part<Provider>(rows_at_); }

    void merge_rows(const std::vector<ProviderChange>& last);
    void count_rows();
    void find_groups();
    void find_routers();
    [[nodiscard]] bool differ(std::uint32_t first, std::uint32_t count, std::uint16_t weight) const;
    void allocate(std::uint32_t spare);

    // By position, and where those are alike by id.
    [[nodiscard]] bool ascending(const RingPoint& a, const RingPoint& b) const {
        return a.position != b.position ? a.position < b.position
                                        : rows_[a.provider].agent < rows_[b.provider].agent;
    }

    [[nodiscard]] std::vector<RingPoint> fresh_points() const;
    [[nodiscard]] bool fill_rings();
    [[nodiscard]] std::uint32_t fill_ring(const ProviderRing& before,
                                          std::span<const RingPoint> fresh,
                                          std::uint32_t homes,
                                          ProviderRing::Writer writer) const;
    void fill_cells();
    void fill_weights();
    void fill_columns(const Pool& pool, Column* columns);
    void fill_routers();

    const ProviderSet* before_;
    std::vector<Provider> rows_;
    std::vector<std::uint32_t> moved_;  // by number before: number now, or kGone
    std::vector<std::uint32_t> added_;  // numbers of those that were not there or have changed
    std::uint32_t in_ring_ = 0;         // how many are running or draining
    std::uint32_t local_in_ring_ = 0;
    std::uint32_t local_ = 0;
    std::uint32_t local_running_ = 0;
    std::uint32_t remote_running_ = 0;
    std::vector<Pool> groups_;
    std::vector<std::uint16_t> routers_;
    std::vector<std::uint32_t> router_starts_;
    bool two_rings_ = false;
    bool weighted_ = false;
    bool weighted_local_ = false;

    std::size_t rows_at_ = 0;
    std::size_t lines_at_ = 0;
    std::size_t local_lines_at_ = 0;
    std::size_t cells_at_ = 0;
    std::size_t columns_at_ = 0;
    std::size_t local_columns_at_ = 0;
    std::size_t groups_at_ = 0;
    std::size_t routers_at_ = 0;
    std::size_t router_starts_at_ = 0;
    std::size_t members_at_ = 0;
    std::uint32_t lines_ = 0;
    std::uint32_t local_lines_ = 0;
    std::uint32_t cell_slots_ = 0;
    char* memory_ = nullptr;
    std::unique_ptr<ProviderSet> set_;
};

void ProviderSetBuilder::merge_rows(const std::vector<ProviderChange>& last) {
    std::vector<Provider> added;
    for (const ProviderChange& change : last) {
        if (!change.remove) {
            const std::uint16_t router = change.provider.router;
            CHECK(router == kNoRouter || router < RouterMask::kRoutersMax);
            added.push_back(change.provider);
        }
    }
    std::sort(added.begin(), added.end(), in_order);
    const auto old = before_ == nullptr ? std::span<const Provider>() : before_->providers();
    CHECK(old.size() + added.size() < kGone / (2 * ProviderRing::kPoints));
    rows_.reserve(old.size() + added.size());
    moved_.resize(old.size());
    added_.reserve(added.size());
    const ChangedProviders changed(last);
    std::size_t next = 0;
    const auto keep_until = [&](std::size_t end) {
        for (; next < end; ++next) {
            moved_[next] = kGone;
            if (!changed.has(old[next].agent)) {
                moved_[next] = static_cast<std::uint32_t>(rows_.size());
                rows_.push_back(old[next]);
            }
        }
    };
    for (const Provider& provider : added) {
        const auto behind = std::lower_bound(old.begin() + next, old.end(), provider, in_order);
        keep_until(static_cast<std::size_t>(behind - old.begin()));
        added_.push_back(static_cast<std::uint32_t>(rows_.size()));
        rows_.push_back(provider);
    }
    keep_until(old.size());
}

void ProviderSetBuilder::count_rows() {
    const auto end_of = [this](bool local, AgentState state) {
        const auto row = std::partition_point(rows_.begin(), rows_.end(), [&](const Provider& a) {
            return a.local() != local ? a.local() : a.state <= state;
        });
        return static_cast<std::uint32_t>(row - rows_.begin());
    };
    local_running_ = end_of(true, AgentState::running);
    local_in_ring_ = end_of(true, AgentState::draining);
    local_ = end_of(true, AgentState::stopped);
    remote_running_ = end_of(false, AgentState::running) - local_;
    in_ring_ = local_in_ring_ + end_of(false, AgentState::draining) - local_;
    two_rings_ = local_in_ring_ > 0 && local_in_ring_ < in_ring_;
}

// The same priority of those here and of the others side by side.
void ProviderSetBuilder::find_groups() {
    std::uint32_t here = 0;
    std::uint32_t there = local_;
    const std::uint32_t there_end = local_ + remote_running_;
    while (here < local_running_ || there < there_end) {
        std::uint16_t priority = 0;
        if (here < local_running_) {
            priority = rows_[here].priority;
        }
        if (there < there_end) {
            priority = std::max(priority, rows_[there].priority);
        }
        Pool group{.first = here, .count = 0, .remote_first = there, .remote_count = 0};
        for (; here < local_running_ && rows_[here].priority == priority; ++here) {
            ++group.count;
        }
        for (; there < there_end && rows_[there].priority == priority; ++there) {
            ++group.remote_count;
        }
        groups_.push_back(group);
    }
}

void ProviderSetBuilder::find_routers() {
    if (remote_running_ == 0) {
        return;
    }
    std::array<std::uint32_t, RouterMask::kRoutersMax> counts{};
    for (std::uint32_t i = local_; i < local_ + remote_running_; ++i) {
        ++counts[rows_[i].router];
    }
    router_starts_.push_back(0);
    for (std::uint16_t router = 0; router < RouterMask::kRoutersMax; ++router) {
        if (counts[router] > 0) {
            routers_.push_back(router);
            router_starts_.push_back(router_starts_.back() + counts[router]);
        }
    }
}

bool ProviderSetBuilder::differ(std::uint32_t first,
                                std::uint32_t count,
                                std::uint16_t weight) const {
    return std::any_of(rows_.begin() + first,
                       rows_.begin() + first + count,
                       [&](const Provider& a) { return a.weight != weight; });
}

void ProviderSetBuilder::allocate(std::uint32_t spare) {
    weighted_local_ = local_running_ > 0 && differ(0, local_running_, rows_[0].weight);
    if (local_running_ + remote_running_ > 0) {
        const std::uint16_t weight = rows_[local_running_ > 0 ? 0 : local_].weight;
        weighted_ = weighted_local_ || differ(local_, remote_running_, weight);
    }
    const auto count = static_cast<std::uint32_t>(rows_.size());
    lines_ = ProviderRing::homes_for(in_ring_ * ProviderRing::kPoints) + spare;
    local_lines_ = ProviderRing::homes_for(local_in_ring_ * ProviderRing::kPoints) + spare;
    cell_slots_ = std::bit_ceil(std::max(2U, count + count / 2 + 1));
    Layout layout;
    static_cast<void>(layout.add<ProviderSet>(1));
    rows_at_ = layout.add<Provider>(count);
    lines_at_ = layout.add<ProviderRing::Line>(in_ring_ > 0 ? lines_ : 0);
    local_lines_at_ = layout.add<ProviderRing::Line>(two_rings_ ? local_lines_ : 0);
    cells_at_ = layout.add<std::uint32_t>(cell_slots_);
    columns_at_ = layout.add<Column>(weighted_ ? local_running_ + remote_running_ : 0);
    const bool columns_for_local = weighted_local_ && remote_running_ > 0;
    local_columns_at_ = layout.add<Column>(columns_for_local ? local_running_ : 0);
    groups_at_ = layout.add<Pool>(groups_.size());
    routers_at_ = layout.add<std::uint16_t>(routers_.size());
    router_starts_at_ = layout.add<std::uint32_t>(router_starts_.size());
    members_at_ = layout.add<std::uint32_t>(remote_running_);

    memory_ = static_cast<char*>(::operator new (layout.bytes(), std::align_val_t{kLine}));
    set_.reset(::new (static_cast<void*>(memory_)) ProviderSet);
    set_->providers_ = rows();
    set_->count_ = count;
    set_->local_ = local_;
    set_->local_running_ = local_running_;
    set_->remote_running_ = remote_running_;
    set_->group_count_ = static_cast<std::uint32_t>(groups_.size());
    set_->groups_ = part<Pool>(groups_at_);
    set_->router_count_ = static_cast<std::uint32_t>(routers_.size());
    set_->routers_ = part<std::uint16_t>(routers_at_);
    set_->router_starts_ = part<std::uint32_t>(router_starts_at_);
    set_->router_members_ = part<std::uint32_t>(members_at_);
    set_->bytes_ = layout.bytes();
}

// The points of those who stayed are in order already; the others' are put between them. Most lines
// are as they were, but for the numbers, where the homes are as many. Gives how many found room.
std::uint32_t ProviderSetBuilder::fill_ring(const ProviderRing& before,
                                            std::span<const RingPoint> fresh,
                                            std::uint32_t homes,
                                            ProviderRing::Writer writer) const {
    constexpr RingPoint kNone{.position = 0xffffffff, .provider = RingPoint::kEnd};
    // In registers: it is changed for each point, and finish() has a copy.
    ProviderRing::Writer out = writer;
    const auto finish = [](ProviderRing::Writer last) { return last.finish(); };
    const RingPoint* const first = before.count() == 0 ? &kNone : before.places().data();
    const RingPoint* at = first;
    const std::uint32_t* const moved = moved_.data();
    const bool alike = before.homes() == homes;
    // Which places are repetitions is not to be foretold; one is put where its point will be.
    const auto put = [&out, moved](const RingPoint& point) {
        const std::uint32_t number = moved[point.number()];
        if (number != kGone) {
            out.put({.position = point.position, .provider = number}, point.repeated() ? 0 : 1);
        }
    };
    // The line that begins at `at`.
    const auto keep_line = [&](std::uint64_t end) {
        const RingPoint& last = at[ProviderRing::kPlaces - 1];
        const auto line = static_cast<std::uint32_t>((at - first) / ProviderRing::kPlaces);
        return last.provider != RingPoint::kEnd && last.position < end &&
               out.keep_line(line, at, moved);
    };
    for (auto next = fresh.begin();; ++next) {
        const std::uint64_t end = next == fresh.end() ? std::uint64_t{1} << 32 : next->position;
        while (at->provider != RingPoint::kEnd && at->position < end) {
            const bool begins = (at - first) % ProviderRing::kPlaces == 0;
            if (begins) {
                prefetch_line(at + ProviderRing::kPlaces * kAhead);
                out.prefetch(kAhead);
            }
            if (begins && alike && keep_line(end)) {
                at += ProviderRing::kPlaces;
            } else {
                put(*at++);
            }
        }
        if (next == fresh.end()) {
            return finish(out);
        }
        for (; at->provider != RingPoint::kEnd && at->position == end &&
               before_->providers_[at->number()].agent < rows_[next->provider].agent;
             ++at) {
            put(*at);
        }
        out.put(*next);
    }
}

std::vector<RingPoint> ProviderSetBuilder::fresh_points() const {
    std::vector<RingPoint> fresh;
    fresh.reserve(added_.size() * ProviderRing::kPoints + 1);
    for (const std::uint32_t number : added_) {
        if (rows_[number].state != AgentState::stopped) {
            for (const std::uint32_t position : ProviderRing::positions(rows_[number].agent)) {
                fresh.push_back({.position = position, .provider = number});
            }
        }
    }
    std::sort(fresh.begin(), fresh.end(), [this](const RingPoint& a, const RingPoint& b) {
        return ascending(a, b);
    });
    return fresh;
}

// False: not all points found room.
bool ProviderSetBuilder::fill_rings() {
    std::vector<RingPoint> fresh = fresh_points();
    const auto fill = [&](const ProviderRing& before,
                          std::size_t lines_at,
                          std::uint32_t line_count,
                          std::uint32_t in_ring,
                          ProviderRing& ring) {
        auto* const lines = part<ProviderRing::Line>(lines_at);
        const std::uint32_t count = in_ring * ProviderRing::kPoints;
        const std::uint32_t homes = ProviderRing::homes_for(count);
        ring = ProviderRing(lines, homes, line_count, count);
        const ProviderRing::Writer writer(lines, homes, line_count);
        return fill_ring(before, fresh, homes, writer) == count;
    };
    const ProviderRing none;
    const ProviderRing& all = before_ == nullptr ? none : before_->all_;
    if (in_ring_ > 0 && !fill(all, lines_at_, lines_, in_ring_, set_->all_)) {
        return false;
    }
    if (!two_rings_) {
        set_->local_ring_ = local_in_ring_ > 0 ? set_->all_ : ProviderRing();
        return true;
    }
    std::erase_if(fresh, [this](const RingPoint& point) { return point.provider >= local_; });
    const ProviderRing& local = before_ == nullptr ? none : before_->local_ring_;
    return fill(local, local_lines_at_, local_lines_, local_in_ring_, set_->local_ring_);
}

void ProviderSetBuilder::fill_cells() {
    std::uint32_t* const slots = part<std::uint32_t>(cells_at_);
    std::fill_n(slots, cell_slots_, 0);
    set_->cells_ = slots;
    set_->cells_shift_ = 32U - static_cast<std::uint32_t>(std::countr_zero(cell_slots_));
    for (std::uint32_t i = 0; i < rows_.size(); ++i) {
        std::uint32_t at = ProviderSet::cell_hash(rows_[i].cell) >> set_->cells_shift_;
        while (slots[at] != 0) {
            at = (at + 1) & (cell_slots_ - 1);
        }
        slots[at] = i + 1;
    }
}

void ProviderSetBuilder::fill_weights() {
    if (weighted_) {
        Column* const columns = part<Column>(columns_at_);
        fill_columns(set_->running(false), columns);
        set_->weighted_ = columns;
    }
    if (weighted_local_) {
        Column* const columns = part<Column>(remote_running_ > 0 ? local_columns_at_ : columns_at_);
        if (remote_running_ > 0) {
            fill_columns(set_->running(true), columns);
        }
        set_->weighted_local_ = columns;
    }
}

// Vose's way, in whole numbers: a column holds as much as all of them on average, `total` units of
// which each is a size-th of a weight.
void ProviderSetBuilder::fill_columns(const Pool& pool, Column* columns) {
    const std::uint32_t size = pool.size();
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
        total += rows_[pool.at(i)].weight;
    }
    std::vector<std::uint64_t> left(size);
    std::vector<std::uint32_t> small;
    std::vector<std::uint32_t> large;
    for (std::uint32_t i = 0; i < size; ++i) {
        left[i] = std::uint64_t{rows_[pool.at(i)].weight} * size;
        (left[i] < total ? small : large).push_back(i);
    }
    const double unit = 0x1p32 / static_cast<double>(total);
    while (!small.empty() && !large.empty()) {
        const std::uint32_t column = small.back();
        const std::uint32_t giver = large.back();
        small.pop_back();
        // Below 2^32: left is less than total by 1 or more, and that is at most 2^43.
        const auto threshold = static_cast<std::uint32_t>(static_cast<double>(left[column]) * unit);
        columns[column] = {.threshold = threshold, .other = giver};
        left[giver] -= total - left[column];
        if (left[giver] < total) {
            large.pop_back();
            small.push_back(giver);
        }
    }
    for (const std::vector<std::uint32_t>* rest : {&small, &large}) {
        for (const std::uint32_t column : *rest) {
            columns[column] = {.threshold = 0xffffffff, .other = column};
        }
    }
}

void ProviderSetBuilder::fill_routers() {
    std::copy(routers_.begin(), routers_.end(), part<std::uint16_t>(routers_at_));
    std::copy(router_starts_.begin(), router_starts_.end(), part<std::uint32_t>(router_starts_at_));
    std::array<std::uint32_t, RouterMask::kRoutersMax> next{};
    for (std::size_t i = 0; i < routers_.size(); ++i) {
        next[routers_[i]] = router_starts_[i];
    }
    std::uint32_t* const members = part<std::uint32_t>(members_at_);
    for (std::uint32_t i = local_; i < local_ + remote_running_; ++i) {
        members[next[rows_[i].router]++] = i;
    }
}

void ProviderSet::operator delete(void* set) {
    ::operator delete (set, std::align_val_t{kLine});
}

std::unique_ptr<const ProviderSet> ProviderSet::make(const ProviderSet* before,
                                                     std::span<const ProviderChange> changes) {
    return ProviderSetBuilder(before, changes).build();
}

std::unique_ptr<const ProviderSet> ProviderSet::make_union(
    std::span<const ProviderSet* const> sets) {
    std::vector<ProviderChange> all;
    for (const ProviderSet* set : sets) {
        for (const Provider& provider : set->providers()) {
            all.push_back({.remove = false, .provider = provider});
        }
    }
    // Of an agent's changes the last one counts.
    std::sort(all.begin(), all.end(), [](const ProviderChange& a, const ProviderChange& b) {
        const auto order = [](const Provider& p) {
            return std::tie(p.agent, p.priority, p.weight);
        };
        return order(a.provider) < order(b.provider);
    });
    return make(nullptr, all);
}

}  // namespace posthaste::routing
