// SPDX-License-Identifier: BSD-3-Clause
// StoreFile: the store on the disk, a SQLite file (WAL, synchronous=FULL) held by this process
// alone.
//
// One thread at a time, and every call may wait for the disk. What write() has said yes to is
// there after kill -9 and after a loss of power. A file of version 1 is brought to this one when it
// is opened, all or nothing; one that cannot be read, of a later version or somebody else's is
// refused, never written to; check() finds what else is damaged. Every error names the file and is
// one sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/store/stored.h"

namespace posthaste::controlplane {

class StoreFile {
  public:
    // Makes the file if there is none, in a directory that there must be.
    [[nodiscard]] static tl::expected<std::unique_ptr<StoreFile>, std::string> open(
        const std::string& path);
    ~StoreFile();
    StoreFile(const StoreFile&) = delete;
    StoreFile& operator=(const StoreFile&) = delete;

    // The counter of this router's latest life in this file; 0: this is its first.
    [[nodiscard]] tl::expected<std::uint64_t, std::string> last_counter(std::string_view cluster,
                                                                        std::string_view node);
    // The counter of this router's next life: one more than ever before in this file.
    [[nodiscard]] tl::expected<std::uint64_t, std::string> next_counter(std::string_view cluster,
                                                                        std::string_view node);
    // Whether the file is damaged: reads all of it. Not between the first agents read and the last.
    [[nodiscard]] tl::expected<void, std::string> check() const;
    // The next agents in the order of their ids, at most `count_max`; none: that was all. Nothing
    // else may be called between the first and the last.
    [[nodiscard]] tl::expected<std::vector<StoredAgent>, std::string> read_agents(
        std::size_t count_max);
    // All of the changes or, with an error, none.
    [[nodiscard]] tl::expected<void, std::string> write(std::span<const StoreChange> changes);

    // Rows that made no sense since open(); read_agents() leaves them out and drops none.
    [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

    // On the disk, with what is not yet in its place (SQLite's -wal file).
    [[nodiscard]] std::uint64_t bytes() const;

  private:
    struct Handles;

    StoreFile(std::string path, std::unique_ptr<Handles> handles);
    [[nodiscard]] tl::expected<void, std::string> prepare();
    [[nodiscard]] std::string error(std::string_view doing) const;
    [[nodiscard]] bool apply(const StoreChange& change);
    [[nodiscard]] bool put(const StoredAgent& agent);
    [[nodiscard]] bool remove(const routing::AgentId& agent);

    std::string path_;
    std::unique_ptr<Handles> handles_;
    bool agents_read_ = false;  // to the last of them
    std::uint64_t unreadable_ = 0;
};

}  // namespace posthaste::controlplane
