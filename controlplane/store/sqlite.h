// SPDX-License-Identifier: BSD-3-Clause
// SQLite's handles with owners. Used by one thread at a time; included by store_file.cpp only.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace posthaste::controlplane {

struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};

using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// One prepared statement. Parameters count from 1, columns from 0, as SQLite has them; what is
// bound as bytes or text must stay until the statement was reset.
class Statement {
  public:
    // Gives SQLite's code.
    int prepare(sqlite3* database, std::string_view sql) {
        sqlite3_stmt* made = nullptr;
        const int code = sqlite3_prepare_v3(database,
                                            sql.data(),
                                            static_cast<int>(sql.size()),
                                            SQLITE_PREPARE_PERSISTENT,
                                            &made,
                                            nullptr);
        statement_.reset(made);
        return code;
    }

    void bind(int at, std::int64_t value) { sqlite3_bind_int64(statement_.get(), at, value); }

    void bind(int at, std::span<const std::uint8_t> bytes) {
        // A null pointer would be NULL, not an empty value.
        const void* const data = bytes.empty() ? "" : static_cast<const void*>(bytes.data());
        sqlite3_bind_blob64(statement_.get(), at, data, bytes.size(), SQLITE_STATIC);
    }

    void bind(int at, std::string_view text) {
        const char* const data = text.empty() ? "" : text.data();
        sqlite3_bind_text64(statement_.get(), at, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }

    // SQLITE_ROW, SQLITE_DONE or an error.
    int step() { return sqlite3_step(statement_.get()); }

    void reset() { sqlite3_reset(statement_.get()); }

    [[nodiscard]] std::int64_t integer(int column) const {
        return sqlite3_column_int64(statement_.get(), column);
    }

    // Both until the next step.
    [[nodiscard]] std::span<const std::uint8_t> bytes(int column) const {
        const auto* const data =
            static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
        return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
    }

    [[nodiscard]] std::string_view text(int column) const {
        const auto value = bytes(column);
        return {reinterpret_cast<const char*>(value.data()), value.size()};
    }

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
    };

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace posthaste::controlplane
