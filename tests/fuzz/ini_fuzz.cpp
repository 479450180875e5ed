// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a configuration: refused with bounded, well-formed messages, or accepted, and then
// what is printed of it reads back as the same. The strict pass and iniparser never differ about
// a text that the pass accepts.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "controlplane/config.h"
#include "controlplane/ini_scan.h"

namespace {

using namespace posthaste::controlplane;

void require(bool fact, const char* what) {
    if (!fact) {
        std::fprintf(stderr, "not so: %s\n", what);
        std::abort();
    }
}

void check_refusal(const ConfigError& error) {
    require(error.exit_code == kExitSyntax || error.exit_code == kExitMeaning, "exit code");
    require(!error.text.empty() && error.text.back() == '\n', "the text ends with a newline");
    std::size_t lines = 0;
    for (const char c : error.text) {
        lines += c == '\n' ? 1 : 0;
        require(c == '\n' || static_cast<unsigned char>(c) >= 0x20 || c == '\t', "printable");
    }
    require(lines <= kConfigErrorsMax + 1, "bounded number of lines");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const IniScan scan = scan_ini(text);
    if (scan.errors.empty()) {
        require(read_ini_values(text, scan).has_value(), "both readings agree");
    }
    const auto config = parse_config(text, "f.ini");
    if (!config) {
        check_refusal(config.error());
        return 0;
    }
    const auto again = parse_config(print_config(*config), "f.ini");
    require(again.has_value() && *again == *config, "print and parse are inverse");
    const ConfigDifference difference = compare_configs(*config, *again);
    require(difference.changes.empty() && difference.refused.empty(), "no difference");
    return 0;
}
