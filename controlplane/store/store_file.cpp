// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/store_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

#include "controlplane/store/sqlite.h"

namespace posthaste::controlplane {

namespace {

using routing::AgentId;
using Bytes = std::span<const std::uint8_t>;

constexpr std::int64_t kApplication = 0x50485354;  // "PHST", in the head of the file
constexpr std::int64_t kSchema = 2;                // user_version
constexpr std::size_t kNamesMax = 255;             // bytes of a port's or an agent's name

constexpr std::string_view kCreate =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE agent(id BLOB NOT NULL PRIMARY KEY, port TEXT NOT NULL, ip BLOB NOT NULL,"
    " mac BLOB NOT NULL, udp_port INTEGER NOT NULL, state INTEGER NOT NULL,"
    " lease_ms INTEGER NOT NULL, name TEXT NOT NULL, offers BLOB NOT NULL,"
    " epoch INTEGER NOT NULL DEFAULT 0, multi INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE life(cluster TEXT NOT NULL, node TEXT NOT NULL, counter INTEGER NOT NULL,"
    " PRIMARY KEY(cluster, node)) STRICT, WITHOUT ROWID;"
    "PRAGMA application_id = 1346917204;"
    "PRAGMA user_version = 2;"
    "COMMIT";

// Version 1 had no sessions: its agents gave no epoch and were at one router. Its table of how far
// other routers were known was never read.
constexpr std::string_view kFromVersion1 =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE agent ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE agent ADD COLUMN multi INTEGER NOT NULL DEFAULT 0;"
    "DROP TABLE IF EXISTS position;"
    "PRAGMA user_version = 2;"
    "COMMIT";

bool run(sqlite3* database, std::string_view sql) {
    return sqlite3_exec(database, std::string(sql).c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

// The first column of the first row; nullopt: an error, or no row.
std::optional<std::string> ask(sqlite3* database, std::string_view sql) {
    Statement question;
    if (question.prepare(database, sql) != SQLITE_OK || question.step() != SQLITE_ROW) {
        return std::nullopt;
    }
    return std::string(question.text(0));
}

std::string reason(sqlite3* database) {
    std::string text = sqlite3_errmsg(database);
    const int code = sqlite3_errcode(database);
    const int number = code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_FULL
                           ? sqlite3_system_errno(database)
                           : 0;
    if (number != 0) {
        text += std::string(" (") + std::strerror(number) + ")";
    }
    return text;
}

std::string no_access(const std::string& path, sqlite3* database) {
    switch (sqlite3_errcode(database)) {
        case SQLITE_BUSY:
            return "store " + path +
                   ": another process has it open; stop that one, or give this "
                   "router a [store] path of its own";
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            return "store " + path + ": " + reason(database) +
                   "; move it away to start without "
                   "the agents in it, or put a good copy in its place";
        default:
            return "store " + path + ": " + reason(database) +
                   "; [store] path must be a file this "
                   "user may write, in a directory this user may write";
    }
}

enum class Found : std::uint8_t { nothing, version_1, current };

// Whose file it is, and which version of ours.
tl::expected<Found, std::string> check_owner(const std::string& path, sqlite3* database) {
    const auto application = ask(database, "PRAGMA application_id");
    const auto tables = ask(database, "SELECT count(*) FROM sqlite_master");
    const auto schema = ask(database, "PRAGMA user_version");
    if (!application || !tables || !schema) {
        return tl::unexpected(no_access(path, database));
    }
    if (*application == "0" && *tables == "0") {
        return Found::nothing;
    }
    if (*application != std::to_string(kApplication)) {
        return tl::unexpected("store " + path +
                              ": this is another program's SQLite file; give [store] another path");
    }
    if (*schema == "1") {
        return Found::version_1;
    }
    if (*schema != std::to_string(kSchema)) {
        return tl::unexpected("store " + path + ": its version is " + *schema + ", this router's " +
                              std::to_string(kSchema) +
                              "; run the router that wrote it, or move the file away");
    }
    return Found::current;
}

tl::expected<void, std::string> check_soundness(const std::string& path, sqlite3* database) {
    const auto verdict = ask(database, "PRAGMA quick_check(1)");
    if (!verdict) {
        return tl::unexpected(no_access(path, database));
    }
    if (*verdict != "ok") {
        return tl::unexpected("store " + path + " is damaged: " + *verdict +
                              "; move it away to start without the agents in it, or put a good "
                              "copy in its place");
    }
    return {};
}

tl::expected<Database, std::string> open_database(const std::string& path) {
    sqlite3* opened = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(),
                        &opened,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        nullptr);
    Database database(opened);
    if (opened == nullptr) {
        return tl::unexpected("store " + path + ": no memory for SQLite");
    }
    if (code != SQLITE_OK) {
        return tl::unexpected(no_access(path, opened));
    }
    if (sqlite3_db_readonly(opened, "main") != 0) {
        return tl::unexpected("store " + path + ": this user may not write it");
    }
    if (!run(opened, "PRAGMA locking_mode = EXCLUSIVE")) {
        return tl::unexpected(no_access(path, opened));
    }
    const auto found = check_owner(path, opened);
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (*found == Found::version_1) {
        if (auto sound = check_soundness(path, opened); !sound) {
            return tl::unexpected(sound.error());
        }
    }
    // Two of 16 MB each: what is read again while it is written, and what awaits its place.
    if (ask(opened, "PRAGMA journal_mode = WAL") != "wal" ||
        !run(opened, "PRAGMA synchronous = FULL") || !run(opened, "PRAGMA cache_size = -16384") ||
        !run(opened, "PRAGMA wal_autocheckpoint = 4096") ||
        !run(opened, "PRAGMA journal_size_limit = 67108864") ||
        (*found == Found::nothing && !run(opened, kCreate))) {
        return tl::unexpected(no_access(path, opened));
    }
    if (*found == Found::version_1 && !run(opened, kFromVersion1)) {
        return tl::unexpected("store " + path + ": cannot be brought from version 1 to " +
                              std::to_string(kSchema) + ": " + reason(opened));
    }
    return database;
}

std::optional<routing::IpAddress> ip_of(Bytes bytes) {
    if (bytes.size() != 4 && bytes.size() != 16) {
        return std::nullopt;
    }
    routing::IpAddress ip;
    ip.family = bytes.size() == 4 ? routing::Family::ipv4 : routing::Family::ipv6;
    std::ranges::copy(bytes, ip.bytes.begin());
    return ip;
}

// nullopt: the row makes no sense. Whether the agent may be there is the Rib's to say.
std::optional<StoredAgent> agent_of(const Statement& row) {
    StoredAgent agent;
    const Bytes id = row.bytes(0);
    const auto ip = ip_of(row.bytes(2));
    const Bytes mac = row.bytes(3);
    const std::int64_t udp_port = row.integer(4);
    const std::int64_t state = row.integer(5);
    const std::int64_t lease_ms = row.integer(6);
    auto offers = unpack_offers(row.bytes(8));
    const std::int64_t epoch = row.integer(9);
    const std::int64_t multi = row.integer(10);
    if (id.size() != agent.agent.bytes.size() || !ip || mac.size() != agent.mac.bytes.size() ||
        udp_port < 1 || udp_port > std::numeric_limits<std::uint16_t>::max() || state < 1 ||
        state > 3 || lease_ms < 0 || lease_ms > std::numeric_limits<std::uint32_t>::max() ||
        row.text(1).size() > kNamesMax || row.text(7).size() > kNamesMax || !offers || epoch < 0 ||
        epoch > std::numeric_limits<std::uint32_t>::max() || multi < 0 || multi > 1) {
        return std::nullopt;
    }
    std::ranges::copy(id, agent.agent.bytes.begin());
    agent.port = row.text(1);
    agent.ip = *ip;
    std::ranges::copy(mac, agent.mac.bytes.begin());
    agent.udp_port = static_cast<std::uint16_t>(udp_port);
    agent.state = static_cast<routing::AgentState>(state);
    agent.lease_ms = static_cast<std::uint32_t>(lease_ms);
    agent.name = row.text(7);
    agent.offers = std::move(*offers);
    agent.epoch = static_cast<std::uint32_t>(epoch);
    agent.multi = multi == 1;
    return agent;
}

}  // namespace

struct StoreFile::Handles {
    Database database;  // closed last
    Statement begin;
    Statement commit;
    Statement rollback;
    Statement put_agent;
    Statement remove_agent;
    Statement agents;
    Statement last_counter;
    Statement next_counter;
};

StoreFile::StoreFile(std::string path, std::unique_ptr<Handles> handles)
    : path_(std::move(path)), handles_(std::move(handles)) {}

StoreFile::~StoreFile() = default;

tl::expected<std::unique_ptr<StoreFile>, std::string> StoreFile::open(const std::string& path) {
    auto database = open_database(path);
    if (!database) {
        return tl::unexpected(database.error());
    }
    auto handles = std::make_unique<Handles>();
    handles->database = std::move(*database);
    std::unique_ptr<StoreFile> file(new StoreFile(path, std::move(handles)));
    if (auto prepared = file->prepare(); !prepared) {
        return tl::unexpected(prepared.error());
    }
    return file;
}

tl::expected<void, std::string> StoreFile::prepare() {
    struct Row {
        Statement* statement;
        std::string_view sql;
    };

    Handles& h = *handles_;
    const std::array rows = {
        Row{&h.begin, "BEGIN IMMEDIATE"},
        Row{&h.commit, "COMMIT"},
        Row{&h.rollback, "ROLLBACK"},
        Row{&h.put_agent, "INSERT OR REPLACE INTO agent VALUES(?,?,?,?,?,?,?,?,?,?,?)"},
        Row{&h.remove_agent, "DELETE FROM agent WHERE id = ?"},
        Row{&h.agents,
            "SELECT id, port, ip, mac, udp_port, state, lease_ms, name, offers, epoch, multi"
            " FROM agent"},
        Row{&h.last_counter, "SELECT max(counter) FROM life WHERE cluster = ? AND node = ?"},
        Row{&h.next_counter,
            "INSERT INTO life VALUES(?,?,1)"
            " ON CONFLICT DO UPDATE SET counter = counter + 1 RETURNING counter"},
    };
    for (const Row& row : rows) {
        if (row.statement->prepare(h.database.get(), row.sql) != SQLITE_OK) {
            return tl::unexpected(error("its tables are not those of its version"));
        }
    }
    return {};
}

std::string StoreFile::error(std::string_view doing) const {
    return "store " + path_ + ": " + std::string(doing) + ": " + reason(handles_->database.get());
}

tl::expected<std::uint64_t, std::string> StoreFile::last_counter(std::string_view cluster,
                                                                 std::string_view node) {
    Statement& last = handles_->last_counter;
    last.bind(1, cluster);
    last.bind(2, node);
    if (last.step() != SQLITE_ROW) {
        auto why = tl::unexpected(no_access(path_, handles_->database.get()));
        last.reset();
        return why;
    }
    const auto counter = static_cast<std::uint64_t>(last.integer(0));
    last.reset();
    return counter;
}

tl::expected<std::uint64_t, std::string> StoreFile::next_counter(std::string_view cluster,
                                                                 std::string_view node) {
    Statement& next = handles_->next_counter;
    next.bind(1, cluster);
    next.bind(2, node);
    // The row comes before the statement is done, and done it must be to be on the disk.
    const int row = next.step();
    const std::uint64_t counter =
        row == SQLITE_ROW ? static_cast<std::uint64_t>(next.integer(0)) : 0;
    if (row != SQLITE_ROW || next.step() != SQLITE_DONE) {
        auto why = tl::unexpected(error("the generation cannot be written"));
        next.reset();
        return why;
    }
    next.reset();
    return counter;
}

tl::expected<std::vector<StoredAgent>, std::string> StoreFile::read_agents(std::size_t count_max) {
    Statement& rows = handles_->agents;
    std::vector<StoredAgent> agents;
    // A statement that is done would begin again.
    if (std::exchange(agents_read_, false)) {
        return agents;
    }
    agents.reserve(count_max);
    while (agents.size() < count_max) {
        const int code = rows.step();
        if (code == SQLITE_DONE) {
            agents_read_ = !agents.empty();
            rows.reset();
            break;
        }
        if (code != SQLITE_ROW) {
            auto why =
                tl::unexpected(code == SQLITE_CORRUPT ? no_access(path_, handles_->database.get())
                                                      : error("its agents cannot be read"));
            rows.reset();
            return why;
        }
        if (auto agent = agent_of(rows)) {
            agents.push_back(std::move(*agent));
        } else {
            ++unreadable_;
        }
    }
    return agents;
}

tl::expected<void, std::string> StoreFile::check() const {
    return check_soundness(path_, handles_->database.get());
}

bool StoreFile::put(const StoredAgent& agent) {
    const std::vector<std::uint8_t> offers = pack_offers(agent.offers);
    Statement& row = handles_->put_agent;
    row.bind(1, Bytes(agent.agent.bytes));
    row.bind(2, std::string_view(agent.port));
    row.bind(3, Bytes(agent.ip.bytes).first(agent.ip.size()));
    row.bind(4, Bytes(agent.mac.bytes));
    row.bind(5, std::int64_t{agent.udp_port});
    row.bind(6, static_cast<std::int64_t>(agent.state));
    row.bind(7, std::int64_t{agent.lease_ms});
    row.bind(8, std::string_view(agent.name));
    row.bind(9, Bytes(offers));
    row.bind(10, std::int64_t{agent.epoch});
    row.bind(11, std::int64_t{agent.multi ? 1 : 0});
    const bool done = row.step() == SQLITE_DONE;
    row.reset();
    return done;
}

bool StoreFile::remove(const AgentId& agent) {
    Statement& row = handles_->remove_agent;
    row.bind(1, Bytes(agent.bytes));
    const bool done = row.step() == SQLITE_DONE;
    row.reset();
    return done;
}

bool StoreFile::apply(const StoreChange& change) {
    if (const auto* const agent = std::get_if<StoredAgent>(&change)) {
        return put(*agent);
    }
    return remove(std::get<AgentId>(change));
}

tl::expected<void, std::string> StoreFile::write(std::span<const StoreChange> changes) {
    Handles& h = *handles_;
    const auto once = [](Statement& statement) {
        const bool done = statement.step() == SQLITE_DONE;
        statement.reset();
        return done;
    };
    if (!once(h.begin)) {
        return tl::unexpected(error("cannot be written"));
    }
    const bool applied =
        std::ranges::all_of(changes, [this](const StoreChange& change) { return apply(change); });
    if (!applied || !once(h.commit)) {
        auto why = tl::unexpected(error("cannot be written"));
        // Some errors have rolled back by themselves.
        if (sqlite3_get_autocommit(h.database.get()) == 0) {
            static_cast<void>(once(h.rollback));
        }
        return why;
    }
    return {};
}

std::uint64_t StoreFile::bytes() const {
    std::uint64_t sum = 0;
    for (const char* const suffix : {"", "-wal"}) {
        std::error_code none;
        const std::uintmax_t size = std::filesystem::file_size(path_ + suffix, none);
        sum += none ? 0 : size;
    }
    return sum;
}

}  // namespace posthaste::controlplane
