// SPDX-License-Identifier: BSD-3-Clause
// Instance: the claim of this process on its name: run directory, lock file, cleaned leftovers.
//
// The lock (flock on RUN_DIR/NAME.lock, holding our pid) ends with the process however it dies, so
// whoever gets it knows that what else bears the name is left over. Control thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <tl/expected.hpp>

namespace posthaste::controlplane {

class Instance {
  public:
    // Makes the run directory (0755), takes the lock, then removes NAME.sock if it is a socket.
    // A live instance is an error with its pid.
    [[nodiscard]] static tl::expected<std::unique_ptr<Instance>, std::string> claim(
        const std::filesystem::path& run_dir,
        const std::string& name,
        const std::filesystem::path& admin_socket);
    // Whether a process has that name now. Asks the kernel and touches nothing.
    [[nodiscard]] static bool is_claimed(const std::filesystem::path& run_dir,
                                         const std::string& name);
    // Gives the lock back. The lock file stays: removing it would let two processes lock two
    // files of one name.
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    [[nodiscard]] const std::filesystem::path& lock_path() const noexcept { return lock_path_; }

  private:
    Instance() = default;
    std::filesystem::path lock_path_;
    int fd_ = -1;
};

}  // namespace posthaste::controlplane
