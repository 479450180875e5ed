// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/eal_fixture.h"

#include <gtest/gtest.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace posthaste::support {

namespace {

std::vector<std::string>& extra_arguments() {
    static std::vector<std::string> arguments;
    return arguments;
}

bool& stays() {
    static bool value = false;
    return value;
}

bool overridden(std::string_view prefix) {
    const auto& extra = extra_arguments();
    return std::any_of(extra.begin(), extra.end(), [prefix](const std::string& argument) {
        return argument.starts_with(prefix);
    });
}

class EalEnvironment : public testing::Environment {
  public:
    void SetUp() override {
        arguments_ = {"posthaste-test",
                      "--no-huge",
                      "--no-shconf",
                      "--no-telemetry",
                      "--no-pci",
                      "--log-level=error",
                      "--file-prefix=posthaste-test-" + std::to_string(getpid())};
        if (!overridden("-m")) {
            arguments_.emplace_back("-m64");
        }
        if (!overridden("--lcores=")) {
            arguments_.emplace_back("--lcores=0@0");
        }
        for (const std::string& argument : extra_arguments()) {
            arguments_.push_back(argument);
        }
        // EAL keeps and permutes the pointers, so they live as long as this.
        for (std::string& argument : arguments_) {
            pointers_.push_back(argument.data());
        }
        pointers_.push_back(nullptr);
        const int used = rte_eal_init(static_cast<int>(arguments_.size()), pointers_.data());
        ASSERT_GE(used, 0) << rte_strerror(rte_errno);
        started_ = true;
    }

    void TearDown() override {
        if (started_ && !stays()) {
            rte_eal_cleanup();
        }
    }

  private:
    std::vector<std::string> arguments_;
    std::vector<char*> pointers_;
    bool started_ = false;
};

// gtest owns and deletes the environment.
[[maybe_unused]] const testing::Environment* const kEnvironment =
    testing::AddGlobalTestEnvironment(new EalEnvironment);

}  // namespace

bool eal_without_cleanup() {
    stays() = true;
    return true;
}

bool eal_argument(std::string argument) {
    extra_arguments().push_back(std::move(argument));
    return true;
}

}  // namespace posthaste::support
