// SPDX-License-Identifier: BSD-3-Clause
// The file on a real disk: what is written is read again, and what is not ours is left alone.
#include "controlplane/store/store_file.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "tests/support/scratch_directory.h"
#include "tests/unit/controlplane/store/stored_agents.h"

namespace posthaste::controlplane {

namespace {

class store_file : public testing::Test {
  protected:
    std::unique_ptr<StoreFile> open() {
        auto file = StoreFile::open(path_);
        EXPECT_TRUE(file.has_value()) << file.error();
        return file.has_value() ? std::move(*file) : nullptr;
    }

    // The sentence open() refuses with; empty: it did not.
    std::string refusal() {
        auto file = StoreFile::open(path_);
        return file.has_value() ? std::string() : file.error();
    }

    void write(const std::vector<StoreChange>& changes) {
        const auto file = open();
        ASSERT_NE(file, nullptr);
        const auto written = file->write(changes);
        ASSERT_TRUE(written.has_value()) << written.error();
    }

    void run_sql(const std::string& sql) {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(database);
        sqlite3_close(database);
    }

    std::string bytes() const {
        std::ifstream file(path_, std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

    void set_bytes(const std::string& bytes) const {
        std::ofstream(path_, std::ios::binary) << bytes;
    }

    support::ScratchDirectory folder_;
    std::string path_ = folder_ / "store.db";
};

TEST_F(store_file, agents_come_back_as_they_went_in_ordered_by_id) {
    std::vector<StoredAgent> agents;
    std::vector<StoreChange> changes;
    for (unsigned number = 1; number <= 10; ++number) {
        agents.push_back(stored_agent(number));
    }
    agents[3].ip = *routing::IpAddress::from_text("fd00::7");
    agents[4].name = std::string("Ada \xc3\xa9 \0 end", 13);
    agents[5].state = routing::AgentState::draining;
    agents[6].offers = {{.text = "mail/sort"},
                        {.kind = routing::OfferKind::glob, .priority = 3, .text = "mail/*"}};
    agents[7].name.clear();
    agents[7].multi = true;
    agents[7].epoch = std::numeric_limits<std::uint32_t>::max();
    agents[8].lease_ms = std::numeric_limits<std::uint32_t>::max();
    agents[8].udp_port = std::numeric_limits<std::uint16_t>::max();
    for (auto agent = agents.rbegin(); agent != agents.rend(); ++agent) {
        changes.emplace_back(*agent);
    }
    write(changes);
    EXPECT_EQ(agents_in(path_), agents);
}

TEST_F(store_file, the_last_of_several_changes_of_one_agent_holds) {
    StoredAgent moved = stored_agent(1);
    moved.port = "other";
    write({stored_agent(1), stored_agent(2), moved, stored_agent(2).agent, stored_agent(3).agent});
    EXPECT_EQ(agents_in(path_), std::vector<StoredAgent>{moved});
}

TEST_F(store_file, agents_are_read_from_the_beginning_each_time) {
    write({stored_agent(1), stored_agent(2), stored_agent(3)});
    const auto file = open();
    EXPECT_EQ(agents_in(*file).size(), 3U);  // as many as a batch
    EXPECT_EQ(agents_in(*file).size(), 3U);
    ASSERT_TRUE(file->write(std::vector<StoreChange>{stored_agent(4)}).has_value());
    EXPECT_EQ(agents_in(*file).size(), 4U);
    EXPECT_EQ(agents_in(*file).size(), 4U);
}

TEST_F(store_file, every_life_of_a_router_has_a_counter_of_its_own) {
    EXPECT_EQ(open()->next_counter("blue", "west"), 1U);
    EXPECT_EQ(open()->next_counter("blue", "west"), 2U);
    EXPECT_EQ(open()->next_counter("blue", "east"), 1U);
    EXPECT_EQ(open()->next_counter("red", "west"), 1U);
    EXPECT_EQ(open()->next_counter("blue", "west"), 3U);
    EXPECT_EQ(open()->last_counter("blue", "west"), 3U);
    EXPECT_EQ(open()->last_counter("blue", "north"), 0U);
}

TEST_F(store_file, a_row_that_makes_no_sense_is_left_out_and_counted) {
    write({stored_agent(1), stored_agent(2), stored_agent(3), stored_agent(4), stored_agent(5)});
    run_sql(
        "UPDATE agent SET mac = x'00' WHERE name = 'agent 1';"
        "UPDATE agent SET udp_port = 65536 WHERE name = 'agent 3';"
        "UPDATE agent SET epoch = 4294967296 WHERE name = 'agent 4';"
        "UPDATE agent SET multi = 2 WHERE name = 'agent 5';"
        "INSERT INTO agent SELECT x'01', port, ip, mac, udp_port, state, lease_ms, name, offers,"
        " epoch, multi FROM agent WHERE name = 'agent 2'");
    const auto file = open();
    EXPECT_EQ(agents_in(*file), std::vector<StoredAgent>{stored_agent(2)});
    EXPECT_EQ(file->unreadable(), 5U);
}

TEST_F(store_file, one_that_is_open_is_refused_to_another_process) {
    const auto file = open();
    ASSERT_TRUE(file->write(std::vector<StoreChange>{stored_agent(1)}).has_value());
    EXPECT_NE(refusal().find("another process has it open"), std::string::npos) << refusal();
    EXPECT_NE(refusal().find(path_), std::string::npos);
    EXPECT_TRUE(file->write(std::vector<StoreChange>{stored_agent(2)}).has_value());
    const pid_t child = fork();
    if (child == 0) {
        _exit(StoreFile::open(path_).has_value() ? 0 : 7);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7);
    EXPECT_EQ(agents_in(*file).size(), 2U);
}

TEST_F(store_file, a_text_is_refused_and_left_as_it_is) {
    const std::string text(5'000, 'x');
    set_bytes(text);
    EXPECT_NE(refusal().find(path_ + ": file is not a database; move it away"), std::string::npos)
        << refusal();
    EXPECT_EQ(bytes(), text);
}

TEST_F(store_file, another_programs_database_is_refused_and_left_as_it_is) {
    run_sql("CREATE TABLE agent(id)");
    const std::string before = bytes();
    EXPECT_NE(refusal().find("another program's"), std::string::npos) << refusal();
    EXPECT_EQ(bytes(), before);
}

TEST_F(store_file, a_later_version_is_refused_and_left_as_it_is) {
    write({stored_agent(1)});
    run_sql("PRAGMA user_version = 3; PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string before = bytes();
    EXPECT_NE(refusal().find("its version is 3, this router's 2"), std::string::npos) << refusal();
    EXPECT_EQ(bytes(), before);
}

// Word for word what version 1 made.
constexpr const char* kVersion1 =
    "CREATE TABLE agent(id BLOB NOT NULL PRIMARY KEY, port TEXT NOT NULL, ip BLOB NOT NULL,"
    " mac BLOB NOT NULL, udp_port INTEGER NOT NULL, state INTEGER NOT NULL,"
    " lease_ms INTEGER NOT NULL, name TEXT NOT NULL, offers BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE life(cluster TEXT NOT NULL, node TEXT NOT NULL, counter INTEGER NOT NULL,"
    " PRIMARY KEY(cluster, node)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE position(router INTEGER PRIMARY KEY, counter INTEGER NOT NULL,"
    " boot INTEGER NOT NULL, version INTEGER NOT NULL, floor INTEGER NOT NULL) STRICT;"
    "PRAGMA application_id = 1346917204;"
    "PRAGMA user_version = 1;"
    "PRAGMA journal_mode = WAL;"
    "INSERT INTO agent VALUES(x'000102030405060708090a0b0c0d0e0f', 'edge', x'0a000007',"
    " x'020000000007', 40000, 2, 30000, 'Ada', x'');"
    "INSERT INTO life VALUES('blue', 'west', 7);"
    "INSERT INTO position VALUES(3, 4, 5, 6, 2);";

TEST_F(store_file, one_of_version_1_is_brought_to_this_version_with_its_agents_and_lives) {
    run_sql(kVersion1);
    StoredAgent ada = stored_agent(0);
    for (std::uint8_t at = 0; at < 16; ++at) {
        ada.agent.bytes[at] = at;
    }
    ada.state = routing::AgentState::draining;
    ada.name = "Ada";
    EXPECT_EQ(agents_in(path_), std::vector<StoredAgent>{ada});
    StoredAgent later = ada;
    later.epoch = 9;
    later.multi = true;
    write({later});
    EXPECT_EQ(agents_in(path_), std::vector<StoredAgent>{later}) << "and once only";
    EXPECT_EQ(open()->next_counter("blue", "west"), 8U);
    run_sql("CREATE TABLE position(a)");  // the name is free
}

TEST_F(store_file, one_of_version_1_that_cannot_be_brought_further_is_refused_and_stays) {
    run_sql(kVersion1);
    run_sql("ALTER TABLE agent ADD COLUMN multi INTEGER; PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string before = bytes();
    EXPECT_NE(refusal().find("cannot be brought from version 1 to 2: duplicate column name: multi"),
              std::string::npos)
        << refusal();
    EXPECT_EQ(bytes(), before);
}

TEST_F(store_file, tables_that_are_not_those_of_the_version_are_refused) {
    write({stored_agent(1)});
    run_sql("ALTER TABLE agent DROP COLUMN offers");
    EXPECT_NE(refusal().find("its tables are not those of its version"), std::string::npos)
        << refusal();
}

TEST_F(store_file, damage_is_found_by_the_check_and_the_file_is_left_as_it_is) {
    std::vector<StoreChange> many;
    for (unsigned number = 0; number < 500; ++number) {
        many.emplace_back(stored_agent(number));
    }
    write(many);
    std::string damaged = bytes();
    ASSERT_GT(damaged.size(), 20'000U);
    EXPECT_TRUE(open()->check().has_value());
    // The heads of all pages but the first, which has the schema.
    for (std::size_t at = 4'096; at < damaged.size(); at += 4'096) {
        damaged.replace(at, 16, 16, '\x7f');
    }
    set_bytes(damaged);
    {
        const auto file = open();
        ASSERT_NE(file, nullptr);
        const auto sound = file->check();
        ASSERT_FALSE(sound.has_value());
        EXPECT_NE(sound.error().find("move it away"), std::string::npos) << sound.error();
    }
    EXPECT_EQ(bytes(), damaged);
}

TEST_F(store_file, a_file_cut_short_is_refused) {
    std::vector<StoreChange> many;
    for (unsigned number = 0; number < 500; ++number) {
        many.emplace_back(stored_agent(number));
    }
    write(many);
    set_bytes(bytes().substr(0, 10'000));
    EXPECT_NE(refusal().find("move it away"), std::string::npos) << refusal();
}

TEST_F(store_file, a_directory_that_is_not_there_or_takes_no_file_is_named) {
    for (const std::string& path : {folder_ / "none/store.db", std::string("/proc/store.db")}) {
        path_ = path;
        EXPECT_NE(refusal().find(path), std::string::npos);
        EXPECT_NE(refusal().find("directory"), std::string::npos) << refusal();
    }
}

// Root may write anything: what others may not is tried as one of them.
TEST_F(store_file, a_file_or_directory_this_user_may_not_write_is_refused) {
    write({stored_agent(1)});
    const std::string before = bytes();
    const uid_t self = geteuid();
    ASSERT_EQ(chmod(folder_.path().c_str(), 0555), 0);
    ASSERT_EQ(chmod(path_.c_str(), 0444), 0);
    if (self == 0) {
        ASSERT_EQ(seteuid(65'534), 0);
    }
    const std::string of_file = refusal();
    path_ = folder_ / "new.db";
    const std::string of_directory = refusal();
    ASSERT_EQ(seteuid(self), 0);
    ASSERT_EQ(chmod(folder_.path().c_str(), 0755), 0);
    EXPECT_NE(of_file.find("may not write it"), std::string::npos) << of_file;
    EXPECT_NE(of_directory.find("this user may write"), std::string::npos) << of_directory;
    path_ = folder_ / "store.db";
    EXPECT_EQ(bytes(), before);
}

}  // namespace

}  // namespace posthaste::controlplane
