// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/payload.h"

#include <gtest/gtest.h>

#include <fstream>

#include "controlplane/protocol.h"
#include "tests/support/scratch_directory.h"

namespace posthaste::tools {
namespace {

using Words = std::vector<std::string>;

class payload : public ::testing::Test {
  protected:
    std::string file(const std::string& name, const std::string& bytes) {
        const std::string path = directory / name;
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

    support::ScratchDirectory directory;
};

TEST_F(payload, a_file_is_sent_as_digits) {
    const std::string path = file("message", std::string("a\0\xff", 3));
    EXPECT_EQ(load_payload({"policy", "test", path}), (Words{"policy", "test", "6100ff"}));
    EXPECT_EQ(load_payload({"policy", "test", "--port", "edge0", "--capability", "a", path}),
              (Words{"policy", "test", "--port", "edge0", "--capability", "a", "6100ff"}));
    EXPECT_EQ(load_payload({"policy", "test", "--json", path}),
              (Words{"policy", "test", "--json", "6100ff"}));
}

TEST_F(payload, digits_stay_and_other_commands_are_not_touched) {
    for (const Words& words : {Words{"policy", "test", "00FFab"},
                               Words{"policy", "test"},
                               Words{"policy", "test", "--json"},
                               Words{"show", "policy", "message"},
                               Words{}}) {
        EXPECT_EQ(load_payload(words), words);
    }
}

TEST_F(payload, of_a_long_file_as_much_is_read_as_policies_look_at) {
    const std::string path = file("long", std::string(controlplane::kPayloadBytesMax + 1, 'x'));
    const auto words = load_payload({"policy", "test", path});
    ASSERT_TRUE(words);
    EXPECT_EQ(words->back().size(), 2 * controlplane::kPayloadBytesMax);
}

TEST_F(payload, what_cannot_be_read_is_named) {
    EXPECT_EQ(load_payload({"policy", "test", "abc"}).error(),
              "abc is not hexadecimal, and as a file it cannot be read: No such file or directory");
    const std::string folder = directory.path().string();
    EXPECT_EQ(load_payload({"policy", "test", folder}).error(),
              folder + " is not hexadecimal, and as a file it cannot be read: Is a directory");
    const std::string path = file("empty", "");
    EXPECT_EQ(load_payload({"policy", "test", path}).error(), path + " is empty");
}

}  // namespace
}  // namespace posthaste::tools
