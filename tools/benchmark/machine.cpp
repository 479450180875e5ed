// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/machine.h"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace posthaste::tools {

Machine this_machine() {
    Machine made;
    std::ifstream lines("/proc/cpuinfo");
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("model name")) {
            made.processor = line.substr(line.find(':') + 2);
            break;
        }
    }
    made.processors = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
    utsname name{};
    if (uname(&name) == 0) {
        made.release = name.release;
    }
    return made;
}

unsigned other_processor(unsigned core) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(getpid(), sizeof allowed, &allowed) == 0) {
        for (unsigned i = 0; i < CPU_SETSIZE; ++i) {
            if (i != core && CPU_ISSET(i, &allowed)) {
                return i;
            }
        }
    }
    return core;
}

void pin_to(unsigned core) {
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    CPU_SET(core, &wanted);
    sched_setaffinity(0, sizeof wanted, &wanted);
}

}  // namespace posthaste::tools
