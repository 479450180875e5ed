// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/forward.h"

#include <rte_cycles.h>
#include <rte_eal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "tools/benchmark/rig.h"

namespace posthaste::tools {

namespace {

RigOptions rig_options(const ForwardOptions& options) {
    RigOptions made;
    made.agents = options.agents;
    made.stream = stream_of(options.stream).value_or(Stream::uniform);
    made.payload = options.payload;
    made.edge = options.ingress == "edge";
    made.checksum = options.checksum == "on";
    made.malformed = options.malformed;
    made.unknown = options.unknown;
    return made;
}

double ns_per_frame(const Rig::Turned& turned) {
    return static_cast<double>(turned.cycles) * 1e9 / static_cast<double>(rte_get_tsc_hz()) /
           static_cast<double>(turned.frames);
}

// Nanoseconds per frame.
struct Costs {
    double whole;
    double io;
    double generator;
};

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

std::string table_of(const ForwardOptions& options, const Costs& costs) {
    std::array<char, 512> text;
    std::snprintf(text.data(),
                  text.size(),
                  "forward: %u agents, %s, %s ingress, %u byte payload, medians of %u x %.2f s%s\n"
                  "  whole router            %7.1f ns/frame  %7.2f Mframes/s\n"
                  "  receive, write, send    %7.1f ns/frame  %7.2f Mframes/s\n"
                  "  of that the generator   %7.1f ns/frame\n"
                  "  router's own share      %7.1f ns/frame\n",
                  options.agents,
                  options.stream.c_str(),
                  options.ingress.c_str(),
                  options.payload,
                  options.repeat,
                  options.seconds,
                  options.hugepages ? ", hugepages" : "",
                  costs.whole,
                  1e3 / costs.whole,
                  costs.io,
                  1e3 / costs.io,
                  costs.generator,
                  costs.whole - costs.io);
    return text.data();
}

std::string json_of(const ForwardOptions& options, const Costs& costs) {
    std::array<char, 512> text;
    std::snprintf(text.data(),
                  text.size(),
                  "{\"agents\":%u,\"stream\":\"%s\",\"ingress\":\"%s\",\"payload_bytes\":%u,"
                  "\"repeat\":%u,\"hugepages\":%s,\"router_ns_per_frame\":%.2f,"
                  "\"io_ns_per_frame\":%.2f,\"generator_ns_per_frame\":%.2f,"
                  "\"router_mframes_per_s\":%.3f,\"io_mframes_per_s\":%.3f}\n",
                  options.agents,
                  options.stream.c_str(),
                  options.ingress.c_str(),
                  options.payload,
                  options.repeat,
                  options.hugepages ? "true" : "false",
                  costs.whole,
                  costs.io,
                  costs.generator,
                  1e3 / costs.whole,
                  1e3 / costs.io);
    return text.data();
}

}  // namespace

tl::expected<std::string, std::string> run_forward(const ForwardOptions& options) {
    if (auto started = start_eal({options.agents, options.core, options.hugepages});
        !started.has_value()) {
        return tl::unexpected(started.error());
    }
    auto rig = Rig::open(rig_options(options));
    if (!rig.has_value()) {
        return tl::unexpected(rig.error());
    }
    const auto cycles =
        static_cast<std::uint64_t>(options.seconds * static_cast<double>(rte_get_tsc_hz()));
    std::vector<double> whole;
    std::vector<double> io;
    std::vector<double> generator;
    for (unsigned i = 0; i < options.repeat; ++i) {  // in turn, so that both meet the same noise
        whole.push_back(ns_per_frame((*rig)->forward(cycles)));
        io.push_back(ns_per_frame((*rig)->pass_for(cycles)));
        generator.push_back(ns_per_frame((*rig)->generate(cycles / 4)));
        std::fprintf(stderr, "forward: repetition %u of %u\n", i + 1, options.repeat);
    }
    if (auto closed = (*rig)->close(); !closed.has_value()) {
        return tl::unexpected(closed.error());
    }
    rig->reset();
    rte_eal_cleanup();
    const Costs costs{median(whole), median(io), median(generator)};
    return options.json ? json_of(options, costs) : table_of(options, costs);
}

}  // namespace posthaste::tools
