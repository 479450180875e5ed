// SPDX-License-Identifier: BSD-3-Clause
// A directory of a test's own, gone at its end. Short, so that socket paths fit.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace posthaste::support {

class ScratchDirectory {
  public:
    ScratchDirectory() {
        std::string name = "/tmp/posthaste-XXXXXX";
        path_ = mkdtemp(name.data()) != nullptr ? name : std::string{};
        EXPECT_FALSE(path_.empty());
    }

    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] std::string operator/(const std::string& file) const {
        return (path_ / file).string();
    }

  private:
    std::filesystem::path path_;
};

}  // namespace posthaste::support
