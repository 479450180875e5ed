// SPDX-License-Identifier: BSD-3-Clause
// Who may use a name, and what is cleaned for whom.
#include "controlplane/instance.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/support/scratch_directory.h"
#include "tests/support/unix_listener.h"

namespace posthaste::controlplane {
namespace {

using support::ScratchDirectory;
using support::UnixListener;

std::string text_of(const std::string& path) {
    std::string text;
    std::getline(std::ifstream(path), text);
    return text;
}

TEST(instance, makes_the_run_directory_and_writes_its_pid) {
    const ScratchDirectory root;
    const mode_t before = umask(077);
    const auto instance = Instance::claim(root.path() / "a/b", "box", root / "a/b/box.sock");
    umask(before);
    ASSERT_TRUE(instance) << instance.error();

    struct stat status {};

    ASSERT_EQ(stat((root / "a/b").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0755U);
    EXPECT_EQ(text_of(root / "a/b/box.lock"), std::to_string(getpid()));
}

TEST(instance, a_second_one_of_the_name_is_refused_with_the_pid) {
    const ScratchDirectory root;
    const auto first = Instance::claim(root.path(), "box", root / "box.sock");
    ASSERT_TRUE(first) << first.error();
    const auto second = Instance::claim(root.path(), "box", root / "box.sock");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(),
              "'box' is already running, pid " + std::to_string(getpid()) + " (it holds '" +
                  root / "box.lock" + "')");
    EXPECT_TRUE(Instance::claim(root.path(), "other", root / "other.sock"));
}

TEST(instance, the_name_is_free_again_at_the_end) {
    const ScratchDirectory root;
    ASSERT_TRUE(Instance::claim(root.path(), "box", root / "box.sock"));
    EXPECT_TRUE(Instance::claim(root.path(), "box", root / "box.sock"));
}

TEST(instance, a_killed_process_leaves_no_claim) {
    const ScratchDirectory root;
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const auto held = Instance::claim(root.path(), "box", root / "box.sock");
        const char answer = held ? 'y' : 'n';
        (void)!write(ready[1], &answer, 1);
        pause();
        _exit(0);
    }
    char answer = 0;
    ASSERT_EQ(read(ready[0], &answer, 1), 1);
    ASSERT_EQ(answer, 'y');
    const auto refused = Instance::claim(root.path(), "box", root / "box.sock");
    EXPECT_FALSE(refused);
    EXPECT_NE(refused.error().find("pid " + std::to_string(child)), std::string::npos);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    EXPECT_TRUE(Instance::claim(root.path(), "box", root / "box.sock"));
    EXPECT_EQ(text_of(root / "box.lock"), std::to_string(getpid()));
    close(ready[0]);
    close(ready[1]);
}

TEST(instance, the_admin_socket_of_a_dead_instance_is_removed) {
    const ScratchDirectory root;
    UnixListener listener(root / "box.sock");
    listener.die();
    ASSERT_TRUE(Instance::claim(root.path(), "box", root / "box.sock"));
    EXPECT_FALSE(std::filesystem::exists(root / "box.sock"));
}

TEST(instance, nothing_is_cleaned_for_one_that_is_refused) {
    const ScratchDirectory root;
    const auto first = Instance::claim(root.path(), "box", root / "box.sock");
    ASSERT_TRUE(first);
    UnixListener listener(root / "box.sock");
    listener.die();
    EXPECT_FALSE(Instance::claim(root.path(), "box", root / "box.sock"));
    EXPECT_TRUE(std::filesystem::exists(root / "box.sock"));
}

TEST(instance, a_live_socket_and_a_file_in_its_place_are_errors) {
    const ScratchDirectory root;
    const UnixListener listener(root / "live.sock");
    std::ofstream(root / "file.sock") << "precious";
    const auto live = Instance::claim(root.path(), "a", root / "live.sock");
    ASSERT_FALSE(live);
    EXPECT_EQ(live.error(),
              "another process listens on the admin socket '" + root / "live.sock" + "'");
    const auto file = Instance::claim(root.path(), "b", root / "file.sock");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error(),
              "'" + root / "file.sock" + "' exists and is no socket; it is left alone");
    EXPECT_EQ(text_of(root / "file.sock"), "precious");
}

TEST(instance, whether_a_name_is_taken_is_seen_without_touching_it) {
    const ScratchDirectory root;
    EXPECT_FALSE(Instance::is_claimed(root.path(), "box"));
    {
        const auto first = Instance::claim(root.path(), "box", root / "box.sock");
        ASSERT_TRUE(first);
        EXPECT_TRUE(Instance::is_claimed(root.path(), "box"));
        EXPECT_FALSE(Instance::is_claimed(root.path(), "other"));
    }
    EXPECT_FALSE(Instance::is_claimed(root.path(), "box")) << "the lock file alone is no router";
}

TEST(instance, a_run_directory_that_cannot_be_is_named) {
    const ScratchDirectory root;
    std::ofstream(root / "file") << 'x';
    const auto refused = Instance::claim(root.path() / "file/run", "box", root / "box.sock");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("cannot make the run directory '" + root / "file/run'"),
              std::string::npos)
        << refused.error();
}

}  // namespace
}  // namespace posthaste::controlplane
