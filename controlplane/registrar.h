// SPDX-License-Identifier: BSD-3-Clause
// Registrar: in-band register, deregister and query requests, and the errors control frames get.
//
// Control thread only; a pure state machine over the Rib: bytes and time in, the answer built in
// place of the request, never larger than it. A refused request changes nothing. Registrations are
// taken on edge ports only. Limits: one token bucket for requests, one per port for errors.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/attach_judge.h"
#include "controlplane/pattern_judge.h"
#include "controlplane/query.h"
#include "dataplane/world.h"
#include "routing/drop.h"
#include "routing/frame.h"
#include "routing/load_cells.h"
#include "routing/message.h"
#include "routing/rib.h"
#include "routing/token_bucket.h"

namespace posthaste::controlplane {

inline constexpr std::size_t kRegisterCapabilitiesMax = 64;  // TLVs in one request

struct RegistrarOptions {
    std::uint32_t registrations_per_second = 0;
    std::vector<std::uint32_t> error_rate;  // per port and second: the control thread's share
    std::vector<bool> regexes{};            // per port: patterns may be regular expressions
};

struct RegistrarCounters {
    std::array<std::uint64_t, 4> accepted{};  // by RegisterOutcome
    std::uint64_t deregistered = 0;
    std::uint64_t queries = 0;  // answered
    std::uint64_t kept = 0;     // until their regular expressions were tried
    std::array<std::uint64_t, routing::kErrorNames.size()> refused{};  // by ErrorCode
    std::uint64_t unanswered = 0;  // not a request the registrar may answer
    std::uint64_t errors_sent = 0;
    std::uint64_t errors_suppressed = 0;  // by the rate limit
};

// What became of a punted control frame.
struct ControlOutcome {
    routing::Drop drop = routing::Drop::none;  // none: consumed; otherwise to be counted
    std::size_t answer_bytes = 0;  // > 0: the frame is now its answer, for the port it came from
    std::optional<routing::Endpoint> registered = std::nullopt;  // accepted: where the agent is
    routing::AgentId agent{};  // accepted, or gone at its own request: who it is
    std::optional<routing::Load> load = std::nullopt;  // accepted: as it says
};

// The payload of a register frame.
struct RegisterRequest {
    std::string name;
    std::vector<routing::Offer> offers;
    std::uint32_t lease_ms = 0;  // 0: not asked for
    std::uint32_t epoch = 0;     // 0: none given
    bool multi = false;
    routing::AgentState state = routing::AgentState::running;
    std::optional<routing::Load> load;
};

// Total over any bytes. The error is one sentence for the sender. What names look like is left to
// the Rib.
[[nodiscard]] tl::expected<RegisterRequest, std::string> parse_register(
    std::span<const std::uint8_t> payload);

class Registrar {
  public:
    // `directory` answers queries, `patterns` judges patterns; both outlive the registrar.
    Registrar(routing::Rib& rib,
              Directory& directory,
              PatternJudge& patterns,
              const RegistrarOptions& options);

    // A punted frame of class `registration`, contiguous, received on port `ingress` with the
    // rules `port`. Its UDP checksum was verified by the lcore. The Rib's changes are the caller's
    // to take.
    [[nodiscard]] ControlOutcome receive(std::uint16_t ingress,
                                         const dataplane::PortView& port,
                                         std::span<std::uint8_t> frame,
                                         std::uint64_t now_ms);

    // The same for a request that PatternJudge::keep() was given, once its patterns were tried or a
    // later request superseded it. It was counted against the rate when it came.
    [[nodiscard]] ControlOutcome receive_kept(KeptRequest& kept,
                                              const dataplane::PortView& port,
                                              std::uint64_t now_ms);

    // A data frame of `frame_bytes` bytes the control thread drops (held too long, no room);
    // `first` is its first segment. Gives the bytes of the error frame that now stands in its
    // place, for the port it came from; 0: no answer.
    [[nodiscard]] std::size_t answer_dropped(std::uint16_t ingress,
                                             const dataplane::PortView& port,
                                             std::span<std::uint8_t> first,
                                             std::uint32_t frame_bytes,
                                             routing::Drop why,
                                             std::uint64_t now_ms);

    // While the box drains, registrations are refused; deregistrations are not.
    void set_draining(bool draining) noexcept { draining_ = draining; }

    // While `why` is not empty, what would change the Rib is refused with it (overloaded).
    // Refreshes are taken. A text that lasts.
    void refuse_changes(std::string_view why) noexcept { no_changes_ = why; }

    void set_options(const RegistrarOptions& options);

    // Whom agents that come are told to; outlives the registrar. Without it anybody may come.
    void ask(AttachJudge& attaches) noexcept { attaches_ = &attaches; }

    [[nodiscard]] const RegistrarCounters& counters() const noexcept { return counters_; }

  private:
    struct Refusal {
        routing::ErrorCode code = routing::ErrorCode::malformed;
        std::string detail;
    };

    [[nodiscard]] tl::expected<ControlOutcome, Refusal> register_agent(
        std::uint16_t ingress,
        const dataplane::PortView& port,
        std::span<std::uint8_t> frame,
        const routing::FrameView& view,
        std::uint64_t now_ms);
    // Whether the request can be decided now; otherwise it is kept.
    [[nodiscard]] tl::expected<bool, Refusal> judge(const routing::Endpoint& from,
                                                    const routing::AgentId& agent,
                                                    std::span<const std::uint8_t> frame,
                                                    RegisterRequest& request);
    [[nodiscard]] bool within_rate(std::uint64_t now_ms);
    [[nodiscard]] tl::expected<ControlOutcome, Refusal> deregister_agent(
        std::uint16_t ingress,
        const dataplane::PortView& port,
        std::span<std::uint8_t> frame,
        const routing::FrameView& view,
        std::uint64_t now_ms);
    [[nodiscard]] tl::expected<ControlOutcome, Refusal> answer_query(
        std::uint16_t ingress,
        const dataplane::PortView& port,
        std::span<std::uint8_t> frame,
        const routing::FrameView& view,
        std::uint64_t now_ms);
    [[nodiscard]] ControlOutcome refuse(std::uint16_t ingress,
                                        std::span<std::uint8_t> frame,
                                        const routing::FrameView& view,
                                        const Refusal& refusal,
                                        std::uint64_t now_ms);
    [[nodiscard]] bool may_send_error(std::uint16_t ingress, std::uint64_t now_ms);

    routing::Rib& rib_;
    Directory& directory_;
    PatternJudge& patterns_;
    NoCluster alone_;
    AttachJudge* attaches_ = &alone_;
    routing::TokenBucket requests_;
    std::vector<routing::TokenBucket> errors_;
    std::vector<bool> regexes_;  // by port
    std::string_view no_changes_;
    bool draining_ = false;
    const KeptRequest* kept_ = nullptr;  // the request at hand, if it was kept
    RegistrarCounters counters_;
};

}  // namespace posthaste::controlplane
