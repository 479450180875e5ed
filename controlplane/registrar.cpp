// SPDX-License-Identifier: BSD-3-Clause
// Registration in band: from a control frame to the Rib and back to an answer.
#include "controlplane/registrar.h"

#include <algorithm>
#include <utility>

namespace posthaste::controlplane {

using routing::AgentId;
using routing::AgentState;
using routing::ChecksumHint;
using routing::Drop;
using routing::Endpoint;
using routing::ErrorCode;
using routing::FrameKind;
using routing::FrameView;
using routing::Offer;
using routing::OfferKind;
using routing::Tlv;
using routing::Type;

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kTlvHeadBytes = 2;
constexpr std::size_t kSessionBytes = 5;
constexpr std::uint8_t kMultiHomed = 1;  // of a session's flags

Bytes payload_of(std::span<const std::uint8_t> frame, const FrameView& view) {
    return frame.subspan(std::size_t{view.message} + view.header_bytes, view.payload_bytes);
}

// What an answer may carry at most: it keeps the fixed header only.
std::size_t answer_room(const FrameView& view) noexcept {
    return view.header_bytes - routing::kHeaderBytesMin + view.payload_bytes;
}

std::string_view text_of(Bytes value) noexcept {
    return {reinterpret_cast<const char*>(value.data()), value.size()};
}

bool is_own(const dataplane::PortView& port, const routing::IpAddress& ip) noexcept {
    const auto& rules = port.rules;
    const auto* const own4 = rules.ipv4.data();
    const auto* const own6 = rules.ipv6.data();
    return std::find(own4, own4 + rules.ipv4_count, ip) != own4 + rules.ipv4_count ||
           std::find(own6, own6 + rules.ipv6_count, ip) != own6 + rules.ipv6_count;
}

// Where the sender of the frame is, if an answer and later messages can reach it there.
tl::expected<Endpoint, std::string> endpoint_of(std::uint16_t ingress,
                                                const dataplane::PortView& port,
                                                std::span<const std::uint8_t> frame,
                                                const FrameView& view) {
    const routing::OuterSource from = routing::outer_source(frame.data(), view);
    if (from.mac.is_group() || from.mac.is_zero() || from.mac == port.rules.mac) {
        return tl::unexpected(std::string("the source MAC is no host's"));
    }
    if (!from.ip.is_unicast_host() || is_own(port, from.ip)) {
        return tl::unexpected(std::string("the source address is no host's"));
    }
    if (from.udp_port == 0) {
        return tl::unexpected(std::string("the UDP source port is 0"));
    }
    return Endpoint{.ip = from.ip, .udp_port = from.udp_port, .mac = from.mac, .port = ingress};
}

// Remembers which TLVs that may come once have come.
class Once {
  public:
    // False: a duplicate.
    [[nodiscard]] bool first(Tlv type) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(type);
        const bool fresh = (seen_ & bit) == 0;
        seen_ |= bit;
        return fresh;
    }

  private:
    std::uint64_t seen_ = 0;
};

std::uint16_t read_u16(Bytes value, std::size_t at) {
    return static_cast<std::uint16_t>(value[at] << 8 | value[at + 1]);
}

std::uint32_t read_u32(Bytes value) {
    return std::uint32_t{value[0]} << 24 | std::uint32_t{value[1]} << 16 |
           std::uint32_t{value[2]} << 8 | value[3];
}

std::string_view read_session(Bytes value, RegisterRequest& request) {
    if (value.size() != kSessionBytes) {
        return "a session has 5 bytes";
    }
    const std::uint8_t flags = value[4];
    if ((flags & ~kMultiHomed) != 0) {
        return "a session's flags are 0 or 1 multi-homed";
    }
    request.epoch = read_u32(value);
    request.multi = flags != 0;
    return {};
}

// A name alone; or priority, weight and a name; or these after the kind of a pattern.
std::string_view read_offer(Tlv type, Bytes value, std::vector<Offer>& offers) {
    if (offers.size() == kRegisterCapabilitiesMax) {
        return "at most 64 capabilities";
    }
    Offer offer;
    if (type == Tlv::pattern) {
        if (value.empty() || value[0] > 1) {
            return "a pattern's kind is 0 glob or 1 regex";
        }
        offer.kind = value[0] == 0 ? OfferKind::glob : OfferKind::regex;
        value = value.subspan(1);
    }
    if (type != Tlv::capability_name) {
        if (value.size() < 4) {
            return "a capability begins with a priority and a weight of 2 bytes each";
        }
        offer.priority = read_u16(value, 0);
        offer.weight = read_u16(value, 2);
        value = value.subspan(4);
    }
    offer.text = text_of(value);
    offers.push_back(std::move(offer));
    return {};
}

// One TLV into the request; the text says what is wrong with it, empty: nothing.
std::string_view read_tlv(Tlv type, Bytes value, Once& once, RegisterRequest& request) {
    switch (type) {
        case Tlv::capability_name:
        case Tlv::capability:
        case Tlv::pattern:
            return read_offer(type, value, request.offers);
        case Tlv::agent_name:
            if (!once.first(type)) {
                return "more than one agent name";
            }
            if (value.empty()) {
                return "an agent name has 1 to 255 bytes";
            }
            request.name = text_of(value);
            return {};
        case Tlv::lease_ms:
            if (!once.first(type)) {
                return "more than one lease";
            }
            if (value.size() != 4) {
                return "a lease has 4 bytes";
            }
            request.lease_ms = read_u32(value);
            return {};
        case Tlv::session:
            return once.first(type) ? read_session(value, request) : "more than one session";
        case Tlv::agent_state:
            if (!once.first(type)) {
                return "more than one state";
            }
            if (value.size() != 1 || value[0] < static_cast<std::uint8_t>(AgentState::running) ||
                value[0] > static_cast<std::uint8_t>(AgentState::stopped)) {
                return "a state is 1 running, 2 draining or 3 stopped";
            }
            request.state = static_cast<AgentState>(value[0]);
            return {};
        case Tlv::load: {
            const auto load = routing::load_from_tlv(value);
            if (!load) {
                return "a load has 6 bytes, and is at most 1000";
            }
            request.load = *load;
            return {};
        }
        default:
            return {};  // unknown types are skipped
    }
}

}  // namespace

tl::expected<RegisterRequest, std::string> parse_register(Bytes payload) {
    RegisterRequest request;
    Once once;
    routing::TlvReader tlvs(payload);
    while (tlvs.next()) {
        const std::string_view wrong =
            read_tlv(static_cast<Tlv>(tlvs.type()), tlvs.value(), once, request);
        if (!wrong.empty()) {
            return tl::unexpected(std::string(wrong));
        }
    }
    if (!tlvs.ok()) {
        return tl::unexpected(std::string("a TLV runs past the payload"));
    }
    return request;
}

Registrar::Registrar(routing::Rib& rib,
                     Directory& directory,
                     PatternJudge& patterns,
                     const RegistrarOptions& options)
    : rib_(rib), directory_(directory), patterns_(patterns) {
    set_options(options);
}

void Registrar::set_options(const RegistrarOptions& options) {
    requests_ = routing::TokenBucket(options.registrations_per_second);
    errors_.clear();
    for (const std::uint32_t rate : options.error_rate) {
        errors_.emplace_back(rate);
    }
    regexes_ = options.regexes;
}

ControlOutcome Registrar::receive(std::uint16_t ingress,
                                  const dataplane::PortView& port,
                                  std::span<std::uint8_t> frame,
                                  std::uint64_t now_ms) {
    FrameView view;
    const auto parsed = routing::parse_frame(
        frame, static_cast<std::uint32_t>(frame.size()), port.rules, ChecksumHint::good, view);
    if (parsed.drop != Drop::none || view.kind != FrameKind::control ||
        port.role != dataplane::Role::edge) {
        ++counters_.unanswered;
        return {.drop = parsed.drop != Drop::none ? parsed.drop : Drop::control_refused};
    }
    // parse_frame() saw to it that the router is addressed and the source is an agent.
    const routing::WireHeader& header = routing::header_of(frame.data(), view);
    const auto serve =
        static_cast<Type>(header.type) == Type::register_agent ? &Registrar::register_agent
        : static_cast<Type>(header.type) == Type::query        ? &Registrar::answer_query
                                                               : &Registrar::deregister_agent;
    auto done = (this->*serve)(ingress, port, frame, view, now_ms);
    return done ? *done : refuse(ingress, frame, view, done.error(), now_ms);
}

ControlOutcome Registrar::receive_kept(KeptRequest& kept,
                                       const dataplane::PortView& port,
                                       std::uint64_t now_ms) {
    kept_ = &kept;
    const ControlOutcome outcome = receive(kept.ingress, port, kept.frame, now_ms);
    kept_ = nullptr;
    return outcome;
}

bool Registrar::within_rate(std::uint64_t now_ms) {
    return kept_ != nullptr || requests_.take(static_cast<std::uint32_t>(now_ms));
}

tl::expected<bool, Registrar::Refusal> Registrar::judge(const Endpoint& from,
                                                        const AgentId& agent,
                                                        std::span<const std::uint8_t> frame,
                                                        RegisterRequest& request) {
    const bool regexes = from.port < regexes_.size() && regexes_[from.port];
    auto judgement = patterns_.judge(request.offers, regexes);
    if (!judgement) {
        return tl::unexpected(Refusal{judgement.error().code, judgement.error().detail});
    }
    if (judgement->untried.empty()) {
        return true;
    }
    if (!patterns_.keep({.ingress = from.port,
                         .agent = agent,
                         .from = from,
                         .frame = {frame.begin(), frame.end()},
                         .untried = std::move(judgement->untried),
                         .number = kept_ == nullptr ? 0 : kept_->number})) {
        return tl::unexpected(Refusal{
            ErrorCode::overloaded, "too many registrations wait for their patterns to be tried"});
    }
    ++counters_.kept;
    return false;
}

tl::expected<ControlOutcome, Registrar::Refusal> Registrar::register_agent(
    std::uint16_t ingress,
    const dataplane::PortView& port,
    std::span<std::uint8_t> frame,
    const FrameView& view,
    std::uint64_t now_ms) {
    if (draining_) {
        return tl::unexpected(Refusal{ErrorCode::draining, "this router is shutting down"});
    }
    auto endpoint = endpoint_of(ingress, port, frame, view);
    if (!endpoint) {
        return tl::unexpected(Refusal{ErrorCode::malformed, endpoint.error()});
    }
    auto request = parse_register(payload_of(frame, view));
    if (!request) {
        return tl::unexpected(Refusal{ErrorCode::malformed, request.error()});
    }
    if (!within_rate(now_ms)) {
        return tl::unexpected(Refusal{ErrorCode::rate_limited, "too many registrations"});
    }
    if (kept_ != nullptr && kept_->superseded) {
        return tl::unexpected(
            Refusal{ErrorCode::superseded, "a later request of the agent was served first"});
    }
    const AgentId agent = routing::header_of(frame.data(), view).source;
    const auto decided = judge(*endpoint, agent, frame, *request);
    if (!decided) {
        return tl::unexpected(decided.error());
    }
    if (!*decided) {
        return ControlOutcome{};
    }
    routing::Registration wanted{.agent = agent,
                                 .endpoint = *endpoint,
                                 .origin = routing::Origin::registered,
                                 .state = request->state,
                                 .multi = request->multi,
                                 .epoch = request->epoch,
                                 .lease_ms = request->lease_ms,
                                 .name = std::move(request->name),
                                 .offers = std::move(request->offers)};
    if (!no_changes_.empty() && !rib_.holds(wanted)) {
        return tl::unexpected(Refusal{ErrorCode::overloaded, std::string(no_changes_)});
    }
    if (auto allowed = attaches_->may_attach(wanted, now_ms); !allowed) {
        return tl::unexpected(Refusal{allowed.error().code, std::move(allowed.error().detail)});
    }
    const auto outcome = rib_.register_agent(std::move(wanted), now_ms);
    if (!outcome) {
        return tl::unexpected(Refusal{outcome.error().code, outcome.error().detail});
    }
    patterns_.supersede(agent, nullptr, kept_ == nullptr ? PatternJudge::kAll : kept_->number);
    ++counters_.accepted[static_cast<std::size_t>(*outcome)];
    std::array<std::uint8_t, kTlvHeadBytes + 4> granted{};
    routing::TlvWriter tlvs(granted);
    tlvs.put_u32(Tlv::lease_ms, rib_.find_agent(agent)->registration.lease_ms);
    return ControlOutcome{
        .drop = Drop::none,
        .answer_bytes = routing::answer_in_place(frame, view, Type::ack, ErrorCode::none, granted),
        .registered = *endpoint,
        .agent = agent,
        .load = request->load};
}

tl::expected<ControlOutcome, Registrar::Refusal> Registrar::deregister_agent(
    std::uint16_t ingress,
    const dataplane::PortView& port,
    std::span<std::uint8_t> frame,
    const FrameView& view,
    std::uint64_t now_ms) {
    const auto endpoint = endpoint_of(ingress, port, frame, view);
    if (!endpoint) {
        return tl::unexpected(Refusal{ErrorCode::malformed, endpoint.error()});
    }
    if (!requests_.take(static_cast<std::uint32_t>(now_ms))) {
        return tl::unexpected(Refusal{ErrorCode::rate_limited, "too many registrations"});
    }
    if (!no_changes_.empty()) {
        return tl::unexpected(Refusal{ErrorCode::overloaded, std::string(no_changes_)});
    }
    const AgentId agent = routing::header_of(frame.data(), view).source;
    const auto gone = rib_.deregister_agent(agent, &*endpoint);
    // Perhaps it is not registered yet: then it never will be from there.
    const bool yet_to_come = !gone && gone.error().code == ErrorCode::unknown_agent;
    const bool ended = (gone || yet_to_come) &&
                       patterns_.supersede(agent, gone ? nullptr : &*endpoint, PatternJudge::kAll);
    if (!gone && !ended) {
        return tl::unexpected(Refusal{gone.error().code, gone.error().detail});
    }
    ++counters_.deregistered;
    return ControlOutcome{
        .drop = Drop::none,
        .answer_bytes = routing::answer_in_place(frame, view, Type::ack, ErrorCode::none, {}),
        .agent = agent};
}

// Only agents that are registered, from where they are, may ask.
tl::expected<ControlOutcome, Registrar::Refusal> Registrar::answer_query(
    std::uint16_t ingress,
    const dataplane::PortView& /*port*/,
    std::span<std::uint8_t> frame,
    const FrameView& view,
    std::uint64_t now_ms) {
    const routing::AgentRecord* const asker =
        rib_.find_agent(routing::header_of(frame.data(), view).source);
    if (asker == nullptr || asker->registration.endpoint.port != ingress ||
        asker->registration.endpoint.ip != routing::outer_source(frame.data(), view).ip) {
        return tl::unexpected(Refusal{ErrorCode::unauthorised, "register here first"});
    }
    if (!requests_.take(static_cast<std::uint32_t>(now_ms))) {
        return tl::unexpected(Refusal{ErrorCode::rate_limited, "too many requests"});
    }
    const auto query = parse_query(payload_of(frame, view));
    if (!query) {
        return tl::unexpected(Refusal{ErrorCode::malformed, query.error()});
    }
    const routing::ProviderSet* const set = directory_.providers(query->name, now_ms);
    if (set == nullptr) {
        directory_.discover(query->name, now_ms);
        return tl::unexpected(Refusal{ErrorCode::unknown_capability, "nobody has " + query->name});
    }
    ++counters_.queries;
    std::vector<std::uint8_t> room(answer_room(view));
    const std::optional<std::size_t> bytes = write_reply(*query, *set, directory_, room);
    if (!bytes) {
        return tl::unexpected(Refusal{ErrorCode::too_large, "pad a query to 64 bytes"});
    }
    return ControlOutcome{.drop = Drop::none,
                          .answer_bytes = routing::answer_in_place(
                              frame,
                              view,
                              Type::query_reply,
                              ErrorCode::none,
                              std::span<const std::uint8_t>(room).first(*bytes))};
}

ControlOutcome Registrar::refuse(std::uint16_t ingress,
                                 std::span<std::uint8_t> frame,
                                 const FrameView& view,
                                 const Refusal& refusal,
                                 std::uint64_t now_ms) {
    ++counters_.refused[static_cast<std::size_t>(refusal.code)];
    ControlOutcome outcome{.drop = Drop::control_refused};
    if (!may_send_error(ingress, now_ms)) {
        return outcome;
    }
    // TLV 5: the code, then as much of the text as the request leaves room for.
    std::array<std::uint8_t, kTlvHeadBytes + 255> buffer{};
    std::array<std::uint8_t, 255> value{};
    const std::size_t room = std::min(answer_room(view), buffer.size());
    std::size_t used = 0;
    if (room > kTlvHeadBytes) {
        const std::size_t text = std::min(refusal.detail.size(), room - kTlvHeadBytes - 1);
        value[0] = static_cast<std::uint8_t>(refusal.code);
        std::copy_n(refusal.detail.begin(), text, value.begin() + 1);
        routing::TlvWriter tlvs(std::span<std::uint8_t>(buffer).first(room));
        tlvs.put(Tlv::error, std::span<const std::uint8_t>(value).first(1 + text));
        used = tlvs.size();
    }
    outcome.answer_bytes = routing::answer_in_place(
        frame, view, Type::error, refusal.code, std::span<const std::uint8_t>(buffer).first(used));
    return outcome;
}

std::size_t Registrar::answer_dropped(std::uint16_t ingress,
                                      const dataplane::PortView& port,
                                      std::span<std::uint8_t> first,
                                      std::uint32_t frame_bytes,
                                      Drop why,
                                      std::uint64_t now_ms) {
    const ErrorCode code = routing::error_of(why);
    FrameView view;
    const auto parsed =
        routing::parse_frame(first, frame_bytes, port.rules, ChecksumHint::good, view);
    if (code == ErrorCode::none || parsed.drop != Drop::none || view.message == 0 ||
        !routing::wants_error(routing::header_of(first.data(), view)) ||
        !may_send_error(ingress, now_ms)) {
        return 0;
    }
    return routing::answer_in_place(first, view, Type::error, code, {});
}

bool Registrar::may_send_error(std::uint16_t ingress, std::uint64_t now_ms) {
    if (ingress >= errors_.size() || !errors_[ingress].take(static_cast<std::uint32_t>(now_ms))) {
        ++counters_.errors_suppressed;
        return false;
    }
    ++counters_.errors_sent;
    return true;
}

}  // namespace posthaste::controlplane
