// SPDX-License-Identifier: BSD-3-Clause
// Grace: quiescent-state based reclamation (rte_rcu_qsbr) shared by everything lcores read.
//
// One object for the whole program. Readers are numbered 0..readers-1; each reports a quiescent
// state once per loop. The control thread takes a token when it unlinks something and frees it
// once every reader online has passed a quiescent state since. Nothing here blocks.
#pragma once

#include <cstdint>
#include <memory>

struct rte_rcu_qsbr;

namespace posthaste::routing {

class Grace {
  public:
    // Caller-allocated memory; needs no EAL. Readers start offline (invisible), so each must go
    // online before it reads anything.
    explicit Grace(unsigned readers);  // at least one
    ~Grace();
    Grace(const Grace&) = delete;
    Grace& operator=(const Grace&) = delete;

    // Reader `id`, on its own thread.
    void online(unsigned id) noexcept;
    void quiescent(unsigned id) noexcept;
    void offline(unsigned id) noexcept;

    // Control thread.
    [[nodiscard]] std::uint64_t start() noexcept;
    [[nodiscard]] bool elapsed(std::uint64_t token) noexcept;

    [[nodiscard]] unsigned readers() const noexcept { return readers_; }

    [[nodiscard]] rte_rcu_qsbr* qsbr() noexcept { return qsbr_; }

  private:
    unsigned readers_;
    rte_rcu_qsbr* qsbr_;
};

}  // namespace posthaste::routing
