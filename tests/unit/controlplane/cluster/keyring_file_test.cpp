// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/keyring_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "gossip/seal/keyring.h"
#include "tests/support/scratch_directory.h"

namespace posthaste::controlplane {
namespace {

const std::string kOne(32, '\x01');
const std::string kTwo(16, '\x02');

std::string text_of_keys(std::initializer_list<std::string> keys) {
    std::string text;
    for (const std::string& key : keys) {
        text += gossip::seal::key_text(key) + "\n";
    }
    return text;
}

void write_file(const std::string& path, const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

mode_t mode_of(const std::string& path) {
    struct stat about {};

    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
}

TEST(keyring_file, keys_stand_one_a_line_and_the_first_is_the_primary) {
    const auto keys = parse_keyring(
        "# keys\n\n" + text_of_keys({kTwo}) + "  " + gossip::seal::key_text(kOne) + "  # old\r\n",
        "k");
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_EQ(*keys, (std::vector<std::string>{kTwo, kOne}));
}

TEST(keyring_file, what_is_wrong_is_named_with_its_line_and_what_is_allowed) {
    EXPECT_EQ(parse_keyring(text_of_keys({kOne}) + "AAAA\n", "/k").error(),
              "keyring /k:2: this is no key; allowed: 16, 24 or 32 bytes in standard base64.");
    EXPECT_EQ(parse_keyring(text_of_keys({kOne, kOne}), "/k").error(),
              "keyring /k:2: this key is there twice; allowed: each key once.");
    EXPECT_EQ(parse_keyring("# none\n", "/k").error(),
              "keyring /k: there is no key in it; allowed: one a line in standard base64, or no "
              "keyring in [cluster].");
    std::string many;
    for (char c = 'a'; c < 'a' + 17; ++c) {
        many += text_of_keys({std::string(16, c)});
    }
    EXPECT_EQ(parse_keyring(many, "/k").error(),
              "keyring /k:17: there are too many keys; allowed: 16.");
}

TEST(keyring_file, a_file_that_others_may_use_is_refused) {
    const support::ScratchDirectory scratch;
    const std::string path = scratch / "keys";
    for (const mode_t mode : {0640, 0604, 0620, 0660, 0644}) {
        write_file(path, text_of_keys({kOne}), mode);
        const auto keys = read_keyring(path);
        ASSERT_FALSE(keys);
        EXPECT_EQ(
            keys.error(),
            "keyring " + path + ": others than its owner may use it; allowed: mode 0600 or 0400.");
    }
    write_file(path, text_of_keys({kOne}), 0600);
    EXPECT_EQ(read_keyring(path).value(), std::vector<std::string>{kOne});
}

TEST(keyring_file, what_is_no_file_or_too_long_is_refused) {
    const support::ScratchDirectory scratch;
    EXPECT_NE(read_keyring(scratch / "none").error().find("cannot be read"), std::string::npos);
    EXPECT_NE(read_keyring(scratch.path().string()).error().find("regular file"),
              std::string::npos);
    const std::string path = scratch / "long";
    write_file(path, std::string(20'000, '#'), 0600);
    EXPECT_NE(read_keyring(path).error().find("too long"), std::string::npos);
}

TEST(keyring_file, what_is_written_is_read_again_and_is_its_owners_alone) {
    const support::ScratchDirectory scratch;
    const std::string path = scratch / "keys";
    const std::vector<std::string> keys = {kTwo, kOne};
    write_file(path, text_of_keys({kOne}), 0600);
    write_file(path + ".new", "left by a crash", 0644);
    ASSERT_TRUE(write_keyring(path, keys));
    EXPECT_EQ(read_keyring(path).value(), keys);
    EXPECT_EQ(mode_of(path), 0600U);
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(keyring_file, a_file_that_cannot_be_written_stays_as_it_is) {
    const support::ScratchDirectory scratch;
    const std::string path = scratch / "none/keys";
    const auto written = write_keyring(path, std::vector<std::string>{kOne});
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().find(path), std::string::npos);
}

}  // namespace
}  // namespace posthaste::controlplane
