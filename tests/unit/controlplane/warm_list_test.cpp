// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/warm_list.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/numbered_id.h"
#include "tests/support/scratch_directory.h"

using posthaste::routing::AgentId;
using posthaste::support::numbered_id;
using namespace posthaste::controlplane;

namespace {

std::string text_of(const std::vector<AgentId>& agents, const std::string& end) {
    std::string text = "posthaste warm 1\n";
    for (const AgentId& agent : agents) {
        text += agent.to_text() + '\n';
    }
    return text + end;
}

}  // namespace

TEST(warm_list, what_is_written_is_read) {
    const posthaste::support::ScratchDirectory directory;
    const std::string path = directory / "box.warm";
    std::vector<AgentId> agents;
    for (std::uint32_t i = 0; i < kWarmMax + 10; ++i) {
        agents.push_back(numbered_id(i));
    }
    EXPECT_TRUE(read_warm_list(path).value().empty());  // no file
    ASSERT_TRUE(write_warm_list(path, agents).has_value());
    agents.resize(kWarmMax);
    EXPECT_EQ(read_warm_list(path).value(), agents);
    ASSERT_TRUE(write_warm_list(path, std::span(agents).first(1)).has_value());
    EXPECT_EQ(read_warm_list(path).value().size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(warm_list, anything_else_is_refused_with_the_reason) {
    const std::vector<AgentId> one = {numbered_id(1)};
    EXPECT_TRUE(parse_warm_list(text_of(one, "end 1\n")).has_value());
    for (const std::string& text : {std::string(),
                                    std::string("posthaste warm 2\nend 0\n"),
                                    text_of(one, ""),
                                    text_of(one, "end 2\n"),
                                    text_of(one, "end 1"),
                                    text_of(one, "end 1\nmore\n"),
                                    text_of({AgentId{}}, "end 1\n"),
                                    std::string(1 << 20, '\n')}) {
        EXPECT_FALSE(parse_warm_list(text).has_value()) << text.substr(0, 80);
    }
}

TEST(warm_list, what_cannot_be_written_leaves_the_old_one) {
    const std::vector<AgentId> one = {numbered_id(1)};
    EXPECT_FALSE(write_warm_list("/nonexistent/box.warm", one).has_value());
}
