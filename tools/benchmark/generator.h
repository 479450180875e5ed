// SPDX-License-Identifier: BSD-3-Clause
// Generator: writes real frames, Ethernet to Posthaste header, as cheaply as memory allows.
//
// The targets (agent and UDP checksum) are drawn once, at the start, into an array that is then
// read in order, round and round; a frame is a copy of the template with two fields replaced. So
// what the generator costs depends neither on the stream nor on the number of agents.
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "routing/address.h"
#include "routing/agent_id.h"
#include "routing/drop.h"
#include "routing/message.h"
#include "routing/offer.h"
#include "routing/provider.h"
#include "tools/benchmark/draw.h"

struct rte_mbuf;

namespace posthaste::tools {

// Agent `number` of the benchmark, evenly spread over all ids.
[[nodiscard]] routing::AgentId agent_id(std::uint64_t number) noexcept;

struct GeneratorOptions {
    routing::Mac source_mac;
    routing::Mac destination_mac;
    routing::IpAddress source;       // IPv4
    routing::IpAddress destination;  // IPv4
    routing::AgentId sender;
    std::uint32_t agents = 1;         // numbers 0 .. agents - 1 are known, `agents` is the sender
    Stream stream = Stream::uniform;  // over them
    std::uint32_t targets = 0;        // 0: targets_for(agents)
    unsigned payload = 0;             // bytes after the Posthaste header
    bool relayed = false;             // as another router sends it
    bool checksum = true;             // in the UDP header; else 0, which IPv4 allows
    double malformed = 0;             // percent of the frames, of each Fault in turn
    double unknown = 0;               // percent of the frames, to agents nobody has
    std::uint64_t seed = 1;
    // To capabilities instead; `agents` is how many there are then.
    routing::Addressing addressing = routing::Addressing::agent;
    routing::Strategy strategy = routing::Strategy::sticky;
    std::uint32_t conversations = 0;  // going on, each with one of them; 0: each frame begins one
    routing::OfferKind offered = routing::OfferKind::name;  // how their providers offer them
    bool named = false;                                     // each frame says its capability's name
};

// What capability `number` of the benchmark is called, and its id: those that are offered by name
// are others than those that are offered by a pattern. Names are all of one length, up to number
// 99 999 999.
[[nodiscard]] std::string capability_name(std::uint64_t number,
                                          routing::OfferKind offered = routing::OfferKind::name);
[[nodiscard]] routing::AgentId capability_id(std::uint64_t number,
                                             routing::OfferKind offered = routing::OfferKind::name);

// So many that they touch nearly every agent, within bounds.
[[nodiscard]] std::uint32_t targets_for(std::uint32_t agents) noexcept;

// What may be wrong with a frame.
enum class Fault : std::uint8_t { none, magic, checksum, nil_id, version, unknown };

// What the router says of it, in a frame to an agent or to a capability.
[[nodiscard]] routing::Drop drop_of(Fault fault, bool to_capability = false) noexcept;

class Generator {
  public:
    static constexpr std::size_t kHeadBytes = 14 + 20 + 8 + 64;
    static constexpr std::size_t kNameTlvBytes = 32;  // behind those, where frames say names

    explicit Generator(const GeneratorOptions& options);

    // Writes the next frames into mbufs.
    void fill(rte_mbuf** frames, std::uint16_t count) noexcept;
    // Writes the next frame, frame_bytes() of them; gives its fault.
    Fault write(std::uint8_t* bytes) noexcept;
    // The same, with `stamp` as it lies in memory for a message id.
    Fault write_stamped(std::uint8_t* bytes, std::uint64_t stamp) noexcept;
    [[nodiscard]] static std::uint64_t stamp_of(const std::uint8_t* frame) noexcept;

    [[nodiscard]] unsigned frame_bytes() const noexcept { return frame_bytes_; }

    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

    // Of the frames written so far, those the router is to drop, by reason.
    [[nodiscard]] const std::array<std::uint64_t, routing::kDropCount>& faulty() const noexcept {
        return faulty_;
    }

  private:
    struct Target {
        routing::AgentId agent;
        std::uint16_t checksum;  // as it lies in the frame
        Fault fault;
        std::uint32_t conversation;
    };

    Fault put(std::uint8_t* bytes) noexcept;
    void write_template(const GeneratorOptions& options);
    void write_names(const GeneratorOptions& options);
    void draw_targets(const GeneratorOptions& options);
    [[nodiscard]] std::uint16_t checksum_with(const routing::AgentId& agent,
                                              std::uint64_t conversation,
                                              Fault fault,
                                              std::span<const std::uint8_t> more = {}) noexcept;

    std::array<std::uint8_t, 2'048> frame_{};  // to the nil agent, without UDP checksum
    std::uint64_t partial_sum_ = 0;            // over pseudo header and datagram of that
    std::vector<Target> targets_;
    // Where frames say names: by number, and by target whose.
    using Name = std::array<std::uint8_t, kNameTlvBytes - 2>;
    std::vector<Name> names_;
    std::vector<std::uint32_t> said_;
    std::size_t next_ = 0;
    unsigned head_bytes_;
    unsigned frame_bytes_;
    bool checksum_;
    bool conversations_;  // frames have one each
    std::uint64_t frames_ = 0;
    std::array<std::uint64_t, routing::kDropCount> faulty_{};
};

}  // namespace posthaste::tools
