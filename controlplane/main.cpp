// SPDX-License-Identifier: BSD-3-Clause
// posthaste: options, configuration, instance, policies, EAL, box, loop. One step after the other.
//
// Exit codes: 0 fine; 1 the file is not well formed, or something could not be had at start;
// 2 the configuration or the command line means nothing the router can do.
#include <cstdio>

#include "controlplane/box.h"
#include "controlplane/eal.h"
#include "controlplane/event_loop.h"
#include "controlplane/instance.h"
#include "controlplane/log.h"
#include "controlplane/options.h"
#include "controlplane/policy_rules.h"

// Read by jemalloc at its start. Lcores read the heap as well, at places nobody foresees (sets of
// providers, conversations): in pages of 2 MiB, where the kernel has some, a line is sooner found.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always";
}

namespace {

using namespace posthaste::controlplane;

constexpr int kExitStart = 1;

int say(const Answer& answer) {
    std::fputs(answer.out.c_str(), stdout);
    std::fputs(answer.err.c_str(), stderr);
    return answer.exit_code;
}

int refuse_start(const std::string& why) {
    log_error(why);
    log_flush_all();
    return kExitStart;
}

std::string admin_path(const Config& config) {
    return config.admin.socket.empty() ? config.system.run_dir + "/" + config.system.name + ".sock"
                                       : config.admin.socket;
}

int run(const Options& options, const Config& config) {
    // Before any other thread exists, so that all of them inherit it.
    const SignalSource signals;
    const std::string socket = admin_path(config);
    const auto instance = Instance::claim(config.system.run_dir, config.system.name, socket);
    if (!instance.has_value()) {
        return refuse_start(instance.error());
    }
    auto policies = build_policies(policy_source(config));
    if (!policies.has_value()) {
        std::fputs(policies.error().text.c_str(), stderr);
        return policies.error().exit_code;
    }
    const auto eal = Eal::start(config);
    if (!eal.has_value()) {
        return refuse_start(eal.error());
    }
    const auto box = Box::open(config, (*eal)->cpus());
    if (!box.has_value()) {
        return refuse_start(box.error());
    }
    (*box)->policies.start(std::move(*policies));
    auto loop = EventLoop::open(**box, signals, options, socket);
    if (!loop.has_value()) {
        return refuse_start(loop.error());
    }
    return (*loop)->run();
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse_options(argc, argv);
    if (!options.has_value()) {
        return say(options.error());
    }
    if (options->action != Action::run) {
        return say(run_offline(*options));
    }
    const auto config = load_config(options->config_path);
    if (!config.has_value()) {
        std::fputs(config.error().text.c_str(), stderr);
        return config.error().exit_code;
    }
    set_log_level(options->log_level.value_or(config->system.log_level));
    const int code = run(*options, *config);
    log_flush_all();
    return code;
}
