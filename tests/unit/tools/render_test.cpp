// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/render.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_operations.h"
#include "tools/ctl/text.h"

namespace posthaste::tools {
namespace {

using test::FakeOperations;

std::string shown(std::vector<std::string> words,
                  const controlplane::Outcome& outcome,
                  bool wide = false) {
    EXPECT_TRUE(outcome.has_value());
    return render(view_of(words), *outcome, wide);
}

TEST(text, numbers_are_grouped_by_thousands) {
    EXPECT_EQ(grouped(std::uint64_t{0}), "0");
    EXPECT_EQ(grouped(std::uint64_t{999}), "999");
    EXPECT_EQ(grouped(std::uint64_t{1'000}), "1,000");
    EXPECT_EQ(grouped(~std::uint64_t{0}), "18,446,744,073,709,551,615");
    EXPECT_EQ(grouped(std::int64_t{-1'234'567}), "-1,234,567");
    EXPECT_EQ(grouped(INT64_MIN), "-9,223,372,036,854,775,808");
}

TEST(text, durations_and_sizes_have_fitting_units) {
    EXPECT_EQ(duration(999), "999 ms");
    EXPECT_EQ(duration(59'999), "59.9 s");
    EXPECT_EQ(duration(312'000), "5 min 12 s");
    EXPECT_EQ(duration(3'900'000), "1 h 05 min");
    EXPECT_EQ(duration(93'784'000), "1 d 02 h");
    EXPECT_EQ(size(1'023), "1023 B");
    EXPECT_EQ(size(12'800), "12.5 KiB");
    EXPECT_EQ(size(1'073'741'824), "1.0 GiB");
    EXPECT_EQ(size(~std::uint64_t{0}), "16384.0 PiB");
}

TEST(text, what_could_play_tricks_on_a_terminal_is_escaped) {
    EXPECT_EQ(printable("a\x1b[2Jb\x7f\n"), "a\\x1b[2Jb\\x7f\\x0a");
    EXPECT_EQ(printable("\xc2\x9b"
                        "2J"),
              "\\xc2\\x9b2J");
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "abc"),
              "\\xe2\\x80\\xaeabc");
    EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac"), "gr\xc3\xbc\xc3\x9f \xe2\x82\xac");
    EXPECT_EQ(printable_lines("a\n\tb\r"), "a\n\tb\\x0d");
    EXPECT_EQ(printable("\xe2"), "\xe2");
    EXPECT_EQ(width("gr\xc3\xbc\xc3\x9f"), 4U);
}

TEST(text, the_key_says_how_its_value_reads) {
    EXPECT_EQ(cell("udp_port", 65535), "65535");
    EXPECT_EQ(cell("frames", 65535), "65,535");
    EXPECT_EQ(cell("uptime_ms", 1'500), "1.5 s");
    EXPECT_EQ(cell("received_bytes", 2'048), "2.0 KiB");
    EXPECT_EQ(cell("busy_percent", 37.25), "37.2");
    EXPECT_EQ(cell("up", true), "yes");
    EXPECT_EQ(cell("mac", nullptr), "-");
    EXPECT_EQ(cell("queues", Json::array()), "-");
    EXPECT_EQ(cell("lcores", Json::parse(R"([{"lcore":1,"frames":1000},{"lcore":0,"frames":2}])")),
              "1:1,000 0:2");
    EXPECT_EQ(title("busy_percent"), "busy %");
    EXPECT_EQ(title("expires_in_ms"), "expires in");
}

TEST(render, a_table_aligns_its_columns_and_sums_what_the_view_says) {
    FakeOperations box;
    EXPECT_EQ(shown({"show", "drops"}, box.show_drops(false)),
              "frames  4,330\n"
              "\n"
              "PORT     REASON         ERROR          FRAMES  LCORES\n"
              "edge0    bad_magic      -                   7  1:6 0:1\n"
              "edge0    unknown_agent  unknown-agent   4,322  1:4,321 0:1\n"
              "fabric0  hop_limit      hop-limit           1  0:1\n"
              "total                                   4,330\n");
}

TEST(render, a_page_says_how_many_there_are_and_how_to_go_on) {
    FakeOperations box(1'234);
    const std::string text = shown({"show", "agents"}, box.show_agents({1, "", ""}));
    EXPECT_EQ(
        text,
        "AGENT                                 NAME      STATE    ORIGIN      PORT   ADDRESS  "
        "  UDP PORT  MAC                EXPIRES IN  CAPABILITY COUNT\n"
        "00000000-0000-4000-8000-000000000001  worker-1  running  registered  edge0  10.0.0.10"
        "      4747  02:00:00:00:0a:01      27.5 s                 1\n"
        "1 of 1,234 agents; the next page: --after 00000000-0000-4000-8000-000000000001\n");
    FakeOperations none(0);
    EXPECT_EQ(shown({"show", "agents"}, none.show_agents({})), "none\n0 of 0 agents\n");
}

TEST(render, ports_show_the_columns_of_the_view_and_all_of_them_when_wide) {
    FakeOperations box;
    const std::string narrow = shown({"show", "ports"}, box.show_ports());
    EXPECT_TRUE(narrow.starts_with("NAME     ROLE    LINK  UP")) << narrow;
    EXPECT_EQ(narrow.find("DEVICE"), std::string::npos);
    EXPECT_NE(narrow.find("10.0.0.1/24 2001:db8::1/64"), std::string::npos);
    EXPECT_NE(narrow.find("\ntotal "), std::string::npos);
    const std::string wide = shown({"show", "ports"}, box.show_ports(), true);
    EXPECT_TRUE(wide.starts_with("NAME     ROLE    LINK  UP")) << wide;
    EXPECT_NE(wide.find("net_memif0,role=client"), std::string::npos);
    const Json ports = box.show_ports().value_or(Json());
    for (const Json& row : ports) {
        for (const auto& [key, value] : row.items()) {
            std::string heading = title(key);
            std::transform(heading.begin(), heading.end(), heading.begin(), ::toupper);
            EXPECT_NE(wide.find(heading), std::string::npos) << key;
        }
    }
}

TEST(render, an_object_is_lines_of_key_and_value_with_its_tables_below) {
    FakeOperations box;
    EXPECT_EQ(shown({"lookup"}, box.lookup(test::numbered_agent(0xbeef))),
              "agent      00000000-0000-4000-8000-00000000beef\n"
              "answer     unknown\n"
              "forwarded  no\n"
              "drop       unknown_agent\n"
              "error      unknown-agent\n"
              "\n"
              "STEP  RESULT   DETAIL\n"
              "fib   unknown  Neither attached here nor routed.\n");
    EXPECT_EQ(shown({"show", "memory"}, box.show_memory()),
              "ROUTES\n"
              "used         5\n"
              "capacity     100,000\n"
              "full         no\n"
              "times full   0\n"
              "retired      2\n"
              "retired max  6,250\n"
              "spilled      0\n"
              "rekeying     no\n"
              "\n"
              "TABLES\n"
              "TABLE       PLANNED BYTES     BYTES  ERROR %  USED  CAPACITY\n"
              "fib              16.0 MiB  16.0 MiB      0.1     5   100,000\n"
              "neighbours              -         -        -     3     1,024\n"
              "\n"
              "POOLS\n"
              "POOL    PLANNED BYTES     BYTES  ERROR %   SIZE  IN USE  AVAILABLE\n"
              "frames       19.0 MiB  19.5 MiB     -2.5  8,191     512      7,679\n"
              "\n"
              "RINGS\n"
              "RING      USED  CAPACITY\n"
              "injected     3     1,022\n"
              "\n"
              "PROCESS\n"
              "resident bytes          70.0 MiB\n"
              "eal planned bytes       57.2 MiB\n"
              "eal bytes               40.0 MiB\n"
              "eal total bytes         64.0 MiB\n"
              "hugepages               no\n"
              "heap planned bytes      50.0 MiB\n"
              "heap allocated bytes    6.0 MiB\n"
              "heap resident bytes     9.0 MiB\n"
              "capability share bytes  0 B\n");
}

TEST(render, lookups_are_a_row_for_each_worker_and_all_counters_below) {
    FakeOperations box;
    const std::string text = shown({"show", "lookup"}, box.show_lookup());
    const auto has = [&text](const char* part) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
    };
    has("WORKER  LCORE  CACHE  CACHE BYTES  LOOKUPS  HIT %  UNKNOWN  IDS PER BATCH  P50 NS");
    has("     0      1  on         1.0 MiB    1,000   75.0       10           50.0");
    has("     1      2  off        1.0 MiB        0      -        0              -       -");
    has(" total                    2.0 MiB    1,000              10\n");
    has("cache inserted positive  0\n");
    has("OUTCOME       COUNT  SHARE %\nhit positive    700     70.0\n");
    has("IDS     CALLS  SHARE %\n1           5     25.0\n64-127     15     75.0\n");
    EXPECT_EQ(text.find("CACHE REPLACED"), std::string::npos);
    const std::string wide = shown({"show", "lookup"}, box.show_lookup(), true);
    EXPECT_NE(wide.find("CACHE REPLACED"), std::string::npos);
}

TEST(render, outcomes_texts_and_help_have_their_own_forms) {
    FakeOperations box;
    EXPECT_EQ(shown({"route", "add"}, box.add_route(test::numbered_agent(1), "r2", 0)),
              "added: agent 00000000-0000-4000-8000-000000000001, router r2, seconds -\n");
    EXPECT_EQ(shown({"show", "config"}, box.show_config()),
              "[system]\nname = posthaste\n\n[port edge0]\nrole = edge\n");
    EXPECT_EQ(shown({"help"}, Json::parse(R"([{"command":"show ports","help":"Show."}])")),
              "show ports\n    Show.\n");
    EXPECT_EQ(shown({"reload"}, box.reload()),
              "path     /etc/posthaste/posthaste.ini\n"
              "changes  [port edge0] error_rate: 1000 to 500\n");
}

TEST(render, an_error_is_its_message_and_its_details) {
    EXPECT_EQ(render_error(Json::parse(R"({"code":"x","message":"no","details":["a","b"]})")),
              "no\n  a\n  b\n");
    EXPECT_EQ(render_error(Json::parse(R"({"code":"x","message":"no"})")), "no\n");
    EXPECT_EQ(render_error(Json::parse("{}")), "-\n");
}

TEST(render, any_answer_has_some_text) {
    for (const char* const text : {"null",
                                   "7",
                                   "[]",
                                   "{}",
                                   "[1,2]",
                                   "[[1],{\"a\":[]}]",
                                   "{\"a\":{\"b\":{\"c\":1}}}",
                                   "{\"next\":null,\"a\":[1]}",
                                   "{\"text\":7}",
                                   "[{},{}]",
                                   "{\"outcome\":null}"}) {
        EXPECT_TRUE(render({}, Json::parse(text), true).ends_with('\n') ||
                    std::string_view(text) == "{}")
            << text;
    }
}

TEST(event_line, has_the_time_in_utc_and_what_is_there) {
    EXPECT_EQ(event_line({{"at_ms", 1'700'000'000'250U},
                          {"topic", "agents"},
                          {"event", "agent moved"},
                          {"agent", "6f1d2c3b-0a4e-4d55-9e0f-111111111111"},
                          {"name", "edge0"},
                          {"detail", nullptr},
                          {"lost", 0U}}),
              "2023-11-14T22:13:20.250Z  agent moved  6f1d2c3b-0a4e-4d55-9e0f-111111111111  "
              "edge0\n");
}

TEST(event_line, tells_what_was_lost_before_it) {
    EXPECT_EQ(event_line({{"at_ms", 0U}, {"event", "port up"}, {"name", "a\x1b"}, {"lost", 12U}}),
              "(12 events lost)\n1970-01-01T00:00:00.000Z  port up  a\\x1b\n");
}

}  // namespace
}  // namespace posthaste::tools
