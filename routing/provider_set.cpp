// SPDX-License-Identifier: BSD-3-Clause
#include "routing/provider_set.h"

#include <cstring>

#include "routing/load_cells.h"
#include "routing/mix.h"

namespace posthaste::routing {

namespace {

// Apart from the conversation itself is remembered where it goes when he that it leads to is the
// one who sends: what a provider asks of his colleagues does not take the conversation from him.
constexpr std::uint64_t kFromProvider = 0x5bd1e995a3c59ac3;

// The draws of the routers on a message's way, apart from one another and from ~key; as all that is
// drawn from, the same at each router for all of a conversation.
constexpr std::uint64_t kDrawApart = 0xd6e8feb86659fd93;

// AgentId's own comparison calls memcmp().
bool before(const AgentId& a, const AgentId& b) noexcept {
    const auto half = [](const AgentId& id, std::size_t at) {
        std::uint64_t word;
        std::memcpy(&word, id.bytes.data() + at, sizeof word);
        return __builtin_bswap64(word);
    };
    return half(a, 0) != half(b, 0) ? half(a, 0) < half(b, 0) : half(a, 8) < half(b, 8);
}

}  // namespace

const Provider* ProviderSet::of_cell(std::uint32_t cell) const noexcept {
    if (count_ == 0) {
        return nullptr;
    }
    const std::uint32_t mask = (std::uint32_t{1} << (32 - cells_shift_)) - 1;
    for (std::uint32_t at = cell_hash(cell) >> cells_shift_;; at = (at + 1) & mask) {
        if (cells_[at] == 0) {
            return nullptr;
        }
        const Provider& provider = providers_[cells_[at] - 1];
        if (provider.cell == cell) {
            return &provider;
        }
    }
}

std::size_t ProviderSet::available(const RouterMask& routers) const noexcept {
    std::size_t all = local_running_;
    for (std::uint32_t i = 0; i < router_count_; ++i) {
        all += routers.out(routers_[i]) ? 0 : router_starts_[i + 1] - router_starts_[i];
    }
    return all;
}

// One choice under way.
class ProviderChoice {
  public:
    ProviderChoice(const ProviderSet& set, const Ask& ask, ChoiceContext& context) noexcept
        : set_(set),
          ask_(ask),
          context_(context),
          draw_(ask.key ^ ask.chosen_before * kDrawApart) {}

    [[nodiscard]] const Provider* sticky() noexcept;
    // By any other strategy.
    [[nodiscard]] const Provider* remembered_or_new() noexcept;

  private:
    using Pool = ProviderSet::Pool;
    using Column = ProviderSet::Column;

    [[nodiscard]] bool sends(const Provider& provider) const noexcept {
        return ask_.sender != nullptr && provider.agent == *ask_.sender;
    }

    [[nodiscard]] bool available(std::uint32_t provider) const noexcept {
        return !context_.routers.out(set_.providers_[provider].router) &&
               !sends(set_.providers_[provider]);
    }

    enum class Among : std::uint8_t { all, available, running };

    [[nodiscard]] bool may_win(std::uint32_t provider, Among among) const noexcept {
        return among == Among::all ||
               (available(provider) && (among == Among::available ||
                                        set_.providers_[provider].state == AgentState::running));
    }

    [[nodiscard]] const Provider* sticky_in(bool local_only) noexcept;
    [[nodiscard]] std::uint32_t nearest(const ProviderRing& ring, Among among) noexcept;
    [[nodiscard]] std::uint32_t nearer(std::uint32_t best,
                                       std::uint32_t best_distance,
                                       const RingPoint& point,
                                       std::uint32_t distance) const noexcept;
    [[nodiscard]] const Provider* known() noexcept;
    [[nodiscard]] const Provider* anew(bool local_only) noexcept;
    [[nodiscard]] std::uint32_t by_priority(bool local_only) noexcept;
    [[nodiscard]] std::uint32_t weighted(bool local_only) noexcept;
    [[nodiscard]] std::uint32_t least_loaded(const Pool& pool) noexcept;
    [[nodiscard]] std::uint32_t drawn(const Pool& pool) noexcept;
    [[nodiscard]] std::uint32_t drawn_beside(const Pool& pool, std::uint32_t first) noexcept;
    [[nodiscard]] std::uint32_t scan(const Pool& pool, std::uint32_t from) noexcept;
    [[nodiscard]] std::uint32_t any(bool local_only) const noexcept;
    [[nodiscard]] std::uint32_t member_of(std::uint32_t router) const noexcept;

    static constexpr std::uint32_t kNobody = 0xffffffff;

    const ProviderSet& set_;
    const Ask& ask_;
    ChoiceContext& context_;
    std::uint64_t draw_;                         // what is drawn from where chance decides
    std::uint64_t memory_key_ = ask_.key;        // of the table of conversations
    const Provider* nearest_ = nullptr;          // of all in the ring, whoever asks
    std::uint32_t budget_ = ProviderSet::kScan;  // providers that may still be looked at
    bool cut_ = false;                           // nearest() has not seen all it had to
};

// Of the point and the best so far the nearer one.
inline std::uint32_t ProviderChoice::nearer(std::uint32_t best,
                                            std::uint32_t best_distance,
                                            const RingPoint& point,
                                            std::uint32_t distance) const noexcept {
    const std::uint32_t number = point.number();
    if (best == kNobody || distance < best_distance) {
        return number;
    }
    if (distance == best_distance && number != best) [[unlikely]] {
        return before(set_.providers_[number].agent, set_.providers_[best].agent) ? number : best;
    }
    return best;
}

// Whoever is nearest, available or not; kNobody where two are as near. Without a branch that
// depends on the distances, which nobody could foretell.
inline std::uint32_t nearest_of_all(const ProviderRing& ring, std::uint64_t key) noexcept {
    std::uint64_t best = ~std::uint64_t{0};
    bool tie = false;
    for (const std::uint32_t probe : ProviderRing::probes(key)) {
        const RingPoint* const point = ring.successor(probe);
        const std::uint64_t here = std::uint64_t{point->position - probe} << 32 | point->number();
        tie |= (here ^ best) >> 32 == 0;
        best = here < best ? here : best;
    }
    return tie ? 0xffffffff : static_cast<std::uint32_t>(best);
}

// The lower id of two as near. kNobody with cut_: there may be a nearer one behind kWalk points.
std::uint32_t ProviderChoice::nearest(const ProviderRing& ring, Among among) noexcept {
    std::uint32_t best = kNobody;
    std::uint32_t best_distance = 0xffffffff;
    std::uint32_t seen = 0xffffffff;  // the distance up to which all points were looked at
    for (const std::uint32_t probe : ProviderRing::probes(ask_.key)) {
        const RingPoint* at = ring.successor(probe);
        const std::uint32_t steps =
            ring.count() < ProviderSet::kWalk ? ring.count() : ProviderSet::kWalk;
        std::uint32_t step = 0;
        std::uint32_t distance = 0;
        for (; step < steps; ++step) {
            distance = at->position - probe;
            if (distance > best_distance) {
                break;
            }
            if (may_win(at->number(), among)) {
                best = nearer(best, best_distance, *at, distance);
                best_distance = distance;
                break;
            }
            at = ring.next(at);
        }
        if (step == steps && steps < ring.count() && distance < seen) {
            seen = distance;
        }
    }
    cut_ = seen != 0xffffffff && (best == kNobody || seen <= best_distance);
    return cut_ ? kNobody : best;
}

const Provider* ProviderChoice::sticky_in(bool local_only) noexcept {
    const ProviderRing& ring = local_only ? set_.local_ring_ : set_.all_;
    if (ring.count() == 0) {
        return nullptr;
    }
    const bool asked = local_only == (ask_.local_only || ask_.local_first);
    std::uint32_t winner = asked ? ask_.foreseen : kNobody;
    if (winner == kNobody) {
        winner = nearest_of_all(ring, ask_.key);
    }
    if (winner == kNobody) [[unlikely]] {
        winner = nearest(ring, Among::all);
    }
    nearest_ = set_.providers_ + winner;
    if (!available(winner)) [[unlikely]] {
        if (sends(set_.providers_[winner])) {
            memory_key_ = ask_.key ^ kFromProvider;
        }
        winner = nearest(ring, Among::available);
        if (winner == kNobody) {
            winner = cut_ ? any(local_only) : kNobody;
            return winner == kNobody ? nullptr : set_.providers_ + winner;
        }
    }
    const Provider* provider = set_.providers_ + winner;
    if (provider->state == AgentState::running) [[likely]] {
        return provider;
    }
    if (context_.conversations.find(memory_key_) == provider->cell) {
        return provider;
    }
    winner = nearest(ring, Among::running);
    if (winner == kNobody && cut_) {
        winner = any(local_only);
    }
    return winner == kNobody ? nullptr : set_.providers_ + winner;
}

const Provider* ProviderChoice::sticky() noexcept {
    const Provider* provider = nullptr;
    if (ask_.local_only || ask_.local_first) {
        provider = sticky_in(true);
    }
    // Whoever asks has nobody here to be asked first.
    const bool first = !ask_.local_only && (!ask_.local_first || set_.local_ring_.count() == 0);
    bool same = provider != nullptr && provider == nearest_;
    if (provider == nullptr && !ask_.local_only) {
        memory_key_ = ask_.key;
        provider = sticky_in(false);
        same = first && provider == nearest_;
    }
    if (provider != nullptr) {
        context_.conversations.keep(memory_key_, provider->cell);
    }
    context_.same_for_others = same;
    return provider;
}

// The provider of the conversation, if it may stay with him.
const Provider* ProviderChoice::known() noexcept {
    const auto usable = [this](const Provider* provider) {
        return provider != nullptr && provider->state != AgentState::stopped &&
               (!ask_.local_only || provider->local()) && !context_.routers.out(provider->router);
    };
    const auto ask_for = [this](std::uint64_t key) {
        const std::uint32_t cell = context_.conversations.find(key);
        return cell == Conversations::kNone ? nullptr : set_.of_cell(cell);
    };
    const Provider* provider = ask_for(ask_.key);
    if (provider != nullptr && sends(*provider)) [[unlikely]] {
        memory_key_ = ask_.key ^ kFromProvider;
        provider = ask_for(memory_key_);
        return usable(provider) && !sends(*provider) ? provider : nullptr;
    }
    return usable(provider) ? provider : nullptr;
}

const Provider* ProviderChoice::remembered_or_new() noexcept {
    const Provider* provider = known();
    context_.same_for_others = memory_key_ == ask_.key;
    if (provider != nullptr) {
        return provider;
    }
    if (ask_.local_only || ask_.local_first) {
        provider = anew(true);
    }
    if (provider == nullptr && !ask_.local_only) {
        provider = anew(false);
    }
    if (provider != nullptr) {
        context_.conversations.keep(memory_key_, provider->cell);
    }
    return provider;
}

const Provider* ProviderChoice::anew(bool local_only) noexcept {
    const Pool pool = set_.running(local_only);
    if (pool.size() == 0) {
        return nullptr;
    }
    std::uint32_t choice = kNobody;
    switch (ask_.strategy) {
        case Strategy::sticky:
        case Strategy::priority:
            choice = by_priority(local_only);
            break;
        case Strategy::weighted:
            choice = weighted(local_only);
            break;
        case Strategy::least_loaded:
            choice = least_loaded(pool);
            break;
    }
    if (choice == kNobody) {
        choice = any(local_only);
    }
    return choice == kNobody ? nullptr : set_.providers_ + choice;
}

std::uint32_t ProviderChoice::by_priority(bool local_only) noexcept {
    for (std::uint32_t i = 0; i < set_.group_count_ && budget_ > 0; ++i) {
        Pool group = set_.groups_[i];
        group.remote_count = local_only ? 0 : group.remote_count;
        const std::uint32_t choice = drawn(group);
        if (choice != kNobody) {
            return choice;
        }
    }
    return kNobody;
}

std::uint32_t ProviderChoice::weighted(bool local_only) noexcept {
    const Pool pool = set_.running(local_only);
    const Column* columns = local_only ? set_.weighted_local_ : set_.weighted_;
    if (columns == nullptr) {
        return drawn(pool);
    }
    for (std::uint32_t i = 0; i < ProviderSet::kWalk; ++i) {
        const std::uint64_t drawing = mix(draw_ + i * kMixStep);
        const std::uint32_t own = scaled(static_cast<std::uint32_t>(drawing >> 32), pool.size());
        const Column& column = columns[own];
        const std::uint32_t choice =
            pool.at(static_cast<std::uint32_t>(drawing) < column.threshold ? own : column.other);
        if (available(choice)) {
            return choice;
        }
    }
    return drawn(pool);
}

// The power of two choices (Mitzenmacher 2001).
std::uint32_t ProviderChoice::least_loaded(const Pool& pool) noexcept {
    const std::uint32_t first = drawn(pool);
    if (first == kNobody) {
        return kNobody;
    }
    const std::uint32_t second = drawn_beside(pool, first);
    if (second == kNobody) {
        return first;
    }
    const auto rank = [this](std::uint32_t provider) {
        return context_.loads.rank(set_.providers_[provider].cell);
    };
    return rank(second) < rank(first) ? second : first;
}

// One of the pool that is available, each alike; where few are, from a random one on.
std::uint32_t ProviderChoice::drawn(const Pool& pool) noexcept {
    const std::uint32_t size = pool.size();
    if (size == 0) {
        return kNobody;
    }
    std::uint32_t from = 0;
    for (std::uint32_t i = 0; i < ProviderSet::kTries && budget_ > 0; ++i, --budget_) {
        from = scaled(static_cast<std::uint32_t>(mix(draw_ + i * kMixStep) >> 32), size);
        if (available(pool.at(from))) {
            return pool.at(from);
        }
        if (size <= ProviderSet::kTries) {
            break;  // the scan sees all of them
        }
    }
    return scan(pool, from);
}

// One of the pool other than `first`; kNobody where none was soon found.
std::uint32_t ProviderChoice::drawn_beside(const Pool& pool, std::uint32_t first) noexcept {
    const std::uint32_t others = pool.size() - 1;
    if (others == 0) {
        return kNobody;
    }
    std::uint32_t from = 0;
    for (std::uint32_t i = 0; i < ProviderSet::kTries; ++i) {
        from = scaled(static_cast<std::uint32_t>(mix(~draw_ + i * kMixStep) >> 32), others);
        // Numbered without the first one: the last of the pool stands in for it.
        const std::uint32_t choice = pool.at(from) == first ? pool.at(others) : pool.at(from);
        if (available(choice)) {
            return choice;
        }
    }
    for (std::uint32_t i = 0; i <= others && i < ProviderSet::kWalk; ++i) {
        const std::uint32_t choice = pool.at((from + i) % pool.size());
        if (choice != first && available(choice)) {
            return choice;
        }
    }
    return kNobody;
}

std::uint32_t ProviderChoice::scan(const Pool& pool, std::uint32_t from) noexcept {
    const std::uint32_t size = pool.size();
    std::uint32_t at = from;
    for (std::uint32_t i = 0; i < size && budget_ > 0; ++i, --budget_) {
        if (available(pool.at(at))) {
            return pool.at(at);
        }
        at = at + 1 == size ? 0 : at + 1;
    }
    return kNobody;
}

// Some running one, where there is any: here, or at the router that the key likes best (rendezvous
// hashing, Thaler and Ravishankar 1998) of those that are not out.
std::uint32_t ProviderChoice::any(bool local_only) const noexcept {
    if (set_.local_running_ > 0) {
        const std::uint32_t at =
            scaled(static_cast<std::uint32_t>(draw_ >> 32), set_.local_running_);
        const std::uint32_t next = at + 1 == set_.local_running_ ? 0 : at + 1;
        if (!sends(set_.providers_[at])) {
            return at;
        }
        if (next != at) {
            return next;
        }
    }
    if (local_only) {
        return kNobody;
    }
    std::uint32_t best = kNobody;
    std::uint64_t best_score = 0;
    for (std::uint32_t i = 0; i < set_.router_count_; ++i) {
        const std::uint16_t router = set_.routers_[i];
        const std::uint64_t score = mix(draw_ + (router + 1) * kMixStep);
        if (!context_.routers.out(router) && (best == kNobody || score > best_score)) {
            const std::uint32_t member = member_of(i);
            best = member == kNobody ? best : member;
            best_score = member == kNobody ? best_score : score;
        }
    }
    return best;
}

// A running one at the router; kNobody where the sender is alone there.
std::uint32_t ProviderChoice::member_of(std::uint32_t router) const noexcept {
    const std::uint32_t first = set_.router_starts_[router];
    const std::uint32_t count = set_.router_starts_[router + 1] - first;
    const std::uint32_t at = scaled(static_cast<std::uint32_t>(draw_), count);
    const std::uint32_t member = set_.router_members_[first + at];
    if (!sends(set_.providers_[member])) {
        return member;
    }
    return count == 1 ? kNobody : set_.router_members_[first + (at + 1 == count ? 0 : at + 1)];
}

std::uint32_t ProviderSet::foresee(std::uint64_t key, bool local_only) const noexcept {
    const ProviderRing& ring = local_only ? local_ring_ : all_;
    const std::uint32_t winner = ring.count() == 0 ? 0xffffffff : nearest_of_all(ring, key);
    if (winner != 0xffffffff) [[likely]] {
        prefetch_line(providers_ + winner);
        prefetch_line(reinterpret_cast<const char*>(providers_ + winner + 1) - 1);
    }
    return winner;
}

const Provider* ProviderSet::choose_with_care(const Ask& ask,
                                              ChoiceContext& context) const noexcept {
    ProviderChoice choice(*this, ask, context);
    return ask.strategy == Strategy::sticky ? choice.sticky() : choice.remembered_or_new();
}

}  // namespace posthaste::routing
