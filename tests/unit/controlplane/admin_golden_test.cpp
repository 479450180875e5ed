// SPDX-License-Identifier: BSD-3-Clause
// The keys and types of every answer are a contract: tests/golden/admin_COMMAND.json.
// POSTHASTE_WRITE_GOLDEN=1 writes the files anew; a difference is to be reviewed as a change of
// the contract.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "controlplane/command_tree.h"
#include "tests/support/fake_operations.h"
#include "tests/support/json_shape.h"

namespace posthaste::controlplane {
namespace {

struct Golden {
    const char* file;
    std::vector<const char*> lines;  // commands whose answers have this shape together
};

const Golden kGolden[] = {
    {"agent_add",
     {"agent add 00000000-0000-4000-8000-000000000001 --port edge0 --address 10.0.0.5"}},
    {"agent_drain", {"agent drain 00000000-0000-4000-8000-000000000001"}},
    {"agent_remove", {"agent remove 00000000-0000-4000-8000-000000000001"}},
    {"cluster_check", {"cluster check"}},
    {"cluster_force-leave", {"cluster force-leave west-3 --prune"}},
    {"cluster_join", {"cluster join 10.9.0.7"}},
    {"cluster_keys_install", {"cluster keys install AgICAgICAgICAgICAgICAg=="}},
    {"cluster_keys_list", {"cluster keys list"}},
    {"cluster_keys_remove", {"cluster keys remove AgICAgICAgICAgICAgICAg=="}},
    {"cluster_keys_use", {"cluster keys use AgICAgICAgICAgICAgICAg=="}},
    {"cluster_leave", {"cluster leave"}},
    {"events", {"events --count 1", "events --count 1 --topic routes"}},
    {"help", {"help"}},
    {"lookup",
     {"lookup 00000000-0000-4000-8000-000000000001",
      "lookup 00000000-0000-4000-8000-00000000beef"}},
    {"policy_test",
     {"policy test 7061737300", "policy test 6f75 --port edge0 --capability vision/ocr"}},
    {"rekey", {"rekey"}},
    {"reload", {"reload"}},
    {"route_add",
     {"route add 00000000-0000-4000-8000-000000000001 r2",
      "route add 00000000-0000-4000-8000-000000000001 r2 --seconds 30"}},
    {"route_remove", {"route remove 00000000-0000-4000-8000-00000000ff00"}},
    {"router_restore", {"router restore r2"}},
    {"router_withdraw", {"router withdraw r2"}},
    {"show_agent",
     {"show agent 00000000-0000-4000-8000-000000000001",
      "show agent 00000000-0000-4000-8000-000000000002",
      "show agent 00000000-0000-4000-8000-000000000003"}},
    {"show_agents", {"show agents", "show agents --limit 1"}},
    {"show_capabilities", {"show capabilities", "show capabilities --limit 1"}},
    {"show_capability",
     {"show capability vision/ocr --all", "show capability vision/ocr --limit 1"}},
    {"show_claims",
     {"show claims 00000000-0000-4000-8000-000000000001",
      "show claims 00000000-0000-4000-8000-000000000003"}},
    {"show_config", {"show config"}},
    {"show_conflicts", {"show conflicts"}},
    {"show_discovery", {"show discovery"}},
    {"show_drops", {"show drops --all"}},
    {"show_gossip", {"show gossip"}},
    {"show_lcores", {"show lcores"}},
    {"show_lookup", {"show lookup", "show lookup"}},
    {"show_memory", {"show memory"}},
    {"show_neighbours", {"show neighbours", "show neighbours --limit 1"}},
    {"show_peers", {"show peers", "show peers --limit 1"}},
    {"show_policies", {"show policies", "show policies"}},
    {"show_policy", {"show policy secrets", "show policy secrets --limit 1"}},
    {"show_ports", {"show ports"}},
    {"show_rekey", {"show rekey", "show rekey"}},
    {"show_routers", {"show routers"}},
    {"show_routes", {"show routes", "show routes --limit 1"}},
    {"show_stages", {"show stages"}},
    {"show_store", {"show store"}},
    {"show_top", {"show top", "show top --limit 1"}},
    {"show_topology", {"show topology"}},
    {"show_version", {"show version"}},
    {"show_versions", {"show versions", "show versions --limit 1"}},
    {"tree", {"tree"}},
};

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream text(line);
    std::vector<std::string> words;
    for (std::string word; text >> word;) {
        words.push_back(word);
    }
    return words;
}

// The first answer, however long it takes: what goes on is asked again until there is one.
Outcome answer_of(test::FakeOperations& operations, Reply reply) {
    if (reply.ongoing == nullptr) {
        return reply.outcome;
    }
    operations.make_event();
    for (int turn = 0; turn < 1'000; ++turn) {
        if (auto answer = reply.ongoing->next()) {
            return answer->outcome;
        }
    }
    return refuse(code::failed, "no answer");
}

Json shape_of_answers(const std::vector<const char*>& lines) {
    test::FakeOperations operations;
    Json shape;
    for (const char* const line : lines) {
        const Outcome outcome = answer_of(operations, execute(operations, words_of(line), {}));
        EXPECT_TRUE(outcome.has_value())
            << line << ": " << (outcome ? "" : outcome.error().message);
        const Json next = test::shape_of(outcome.value_or(Json()));
        shape = shape.is_null() ? next : test::merge_shapes(shape, next);
    }
    return shape;
}

std::string golden_path(const char* file) {
    const char* const folder = std::getenv("POSTHASTE_GOLDEN");
    return std::string(folder == nullptr ? "tests/golden" : folder) + "/admin_" + file + ".json";
}

TEST(admin_golden, every_answer_has_the_keys_and_types_of_its_file) {
    for (const Golden& golden : kGolden) {
        const Json shape = shape_of_answers(golden.lines);
        const std::string path = golden_path(golden.file);
        if (std::getenv("POSTHASTE_WRITE_GOLDEN") != nullptr) {
            std::ofstream(path) << shape.dump(2) << '\n';
        }
        std::ifstream file(path);
        ASSERT_TRUE(file.is_open()) << path;
        const Json expected = Json::parse(file, nullptr, false);
        EXPECT_EQ(shape, expected) << path << " is\n"
                                   << expected.dump(2) << "\nnot\n"
                                   << shape.dump(2);
    }
}

TEST(admin_golden, every_command_has_a_file) {
    EXPECT_EQ(std::size(kGolden), commands().size());
}

}  // namespace
}  // namespace posthaste::controlplane
