#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Builds Posthaste and runs its checks and tests, step by step; called by tools/test.

Every step prints a line when it starts and one with its result and time. The last line of all
is the number of passed and failed cases; a build or tool that fails counts as one case.
"""
import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The rest of the tree need not be compiled once more for ThreadSanitizer.
THREAD_TESTS = ("tests/threads/controlplane/threads-controlplane",
                "tests/threads/dataplane/threads-dataplane",
                "tests/threads/routing/threads-routing")
# What quickstart and bench build: the optimiser sees more, and warns of more.
RELEASE_PROGRAMS = ("controlplane/posthaste", "tools/posthastectl",
                    "tools/benchmark/posthaste-bench", "tests/bench/pipeline-bench")
BUILD, RELEASE = ROOT / "build", ROOT / "build-release"
ASAN, TSAN = ROOT / "build-asan", ROOT / "build-tsan"
FUZZ_SECONDS = 20
PROGRESS_SECONDS = 15
TAIL_LINES = 40

# Abort on the first report, so that a test cannot pass over it. Leaks are looked for too.
SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/support/lsan.supp:print_suppressions=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": f"halt_on_error=1:suppressions={ROOT}/tests/tsan.supp",
}

# What was compiled before, here or in another folder, is not compiled again, where there is ccache.
CACHE = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}

Result = collections.namedtuple("Result", "passed failed skipped")


class Steps:
    """Runs steps and adds up their cases."""

    def __init__(self):
        self.started = time.monotonic()
        self.passed = self.failed = self.skipped = 0
        self.bad = []

    def say(self, text):
        elapsed = time.monotonic() - self.started
        print(f"[{int(elapsed) // 60:2d}:{int(elapsed) % 60:02d}] {text}", flush=True)

    def count(self, what, result, seconds, log=None):
        self.passed += result.passed
        self.failed += result.failed
        self.skipped += result.skipped
        text = f"{what}: {result.passed} passed, {result.failed} failed"
        text += f", {result.skipped} skipped" if result.skipped else ""
        self.say(f"{text} ({seconds:.1f} s)")
        if result.failed:
            self.bad.append(what)
            if log is not None:
                show_tail(log)

    def run(self, what, command, log, *, env=None, cases=None):
        """Runs one command with its output in `log`. `cases` reads the result files it leaves;
        without it the command itself is one case. True where it ended with status 0."""
        self.say(f"{what} ...")
        began = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as stream:
            process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
            try:
                self._wait(process, what, log)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        good = process.returncode == 0
        if cases is None:
            result = Result(int(good), int(not good), 0)
        else:
            result = cases()
            if not good and result.failed == 0:
                result = result._replace(failed=1)
        self.count(what, result, time.monotonic() - began, log)
        return good

    def _wait(self, process, what, log):
        while True:
            try:
                process.wait(timeout=PROGRESS_SECONDS)
                return
            except subprocess.TimeoutExpired:
                lines = log.read_bytes()[-2000:].decode(errors="replace").strip().splitlines()
                self.say(f"{what}: {lines[-1][:100] if lines else 'no output yet'}")

    def end(self):
        if self.skipped:
            self.say(f"{self.skipped} cases skipped (see above)")
        if self.bad:
            self.say(f"failed: {', '.join(self.bad)}")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def show_tail(log):
    lines = log.read_text(errors="replace").splitlines()
    marked = [number for number, line in enumerate(lines)
              if re.search(r"\berror:|FAILED|^E  |ERROR: |^==\d+==", line)]
    first = max(0, len(lines) - TAIL_LINES)
    if marked and marked[0] < first:
        print("\n".join(f"    {line}" for line in lines[marked[0]:marked[0] + 15]))
        print("    ...")
    print("\n".join(f"    {line}" for line in lines[first:]))
    print(f"    (all of it: {log.relative_to(ROOT)})", flush=True)


def junit(path):
    """A reader of the cases in a JUnit file; a suite that ended badly without cases is one."""
    def read():
        passed = failed = skipped = 0
        if not path.exists():
            return Result(0, 0, 0)
        for suite in ElementTree.parse(path).getroot().iter("testsuite"):
            cases = suite.findall("testcase")
            if not cases and suite.find("error") is not None:
                failed += 1
            for case in cases:
                if case.find("failure") is not None or case.find("error") is not None:
                    failed += 1
                elif case.find("skipped") is not None:
                    skipped += 1
                else:
                    passed += 1
        return Result(passed, failed, skipped)
    path.unlink(missing_ok=True)
    return read


def check_sources(steps):
    listed = subprocess.run(["git", "ls-files", "*.cpp", "*.h"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split()
    steps.run(f"format of {len(listed)} files",
              ["clang-format-14", "--dry-run", "--Werror", *listed], BUILD / "log/format.txt")
    steps.run("tidy", [sys.executable, "tools/tidy.py"], BUILD / "log/tidy.txt")


def build(steps, folder, options=(), compiler=None, targets=()):
    cache = "ccache " if shutil.which("ccache") else ""
    env = {**CACHE, "CXX": cache + (compiler or "g++")}
    if not (folder / "build.ninja").exists():
        if not steps.run(f"{folder.name}: configure", ["meson", "setup", folder, *options],
                         folder / "log/setup.txt", env=env):
            return False
    return steps.run(f"{folder.name}: compile", ["ninja", "-C", folder, *targets],
                     folder / "log/compile.txt", env=CACHE)


def suites(steps, folder, names, env=None):
    """Runs meson suites one after the other; component tests are EAL processes of their own."""
    for name in names:
        listed = subprocess.run(["meson", "test", "-C", folder, "--list", "--suite", name],
                                cwd=ROOT, capture_output=True, text=True, check=False)
        if f"posthaste:{name}" not in listed.stdout + listed.stderr:
            steps.count(f"{folder.name}: {name} has no tests", Result(0, 1, 0), 0.0)
            continue
        steps.run(f"{folder.name}: {name}",
                  ["meson", "test", "-C", folder, "--no-rebuild", "--suite", name,
                   "--logbase", name,
                   "--print-errorlogs", "--timeout-multiplier", "3" if env else "1"],
                  folder / f"log/{name}.txt", env=env,
                  cases=junit(folder / f"meson-logs/{name}.junit.xml"))


def as_root():
    """The prefix with which a command may make network namespaces; None where nothing can."""
    if os.geteuid() == 0:
        return []
    ways = [["sudo", "-n"], ["unshare", "--user", "--map-root-user", "--net", "--mount",
                             str(ROOT / "tools/in_namespace")]]
    for way in ways:
        if shutil.which(way[0]) and subprocess.run([*way, "true"], capture_output=True,
                                                   check=False).returncode == 0:
            return way
    return None


def end_to_end(steps, folder, selected=(), env=None):
    prefix = as_root()
    if prefix is None:
        count = sum(len(re.findall(r"^def test_", path.read_text(), flags=re.M))
                    for path in (ROOT / "tests/e2e").glob("test_*.py"))
        steps.count(f"{folder.name}: e2e not run, network namespaces need root "
                    "(run: sudo tools/test --only e2e)", Result(0, 0, count), 0.0)
        return
    where = folder / "e2e.junit.xml"
    variables = {"POSTHASTE_BUILD": str(folder), **(env or {})}
    steps.run(f"{folder.name}: e2e",
              [*prefix, "env", *(f"{key}={value}" for key, value in variables.items()),
               "/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
               f"--junitxml={where}", *(selected or ["tests/e2e", "tests/scapy"])],
              folder / "log/e2e.txt", cases=junit(where))


def fuzz(steps, folder, seconds):
    """Every libFuzzer target for a while, from its corpus; what it finds stays in fuzz/."""
    targets = sorted(path for path in (folder / "tests/fuzz").glob("*_fuzz") if path.is_file())
    if not targets:
        steps.count("fuzz targets: none built", Result(0, 1, 0), 0.0)
    for target in targets:
        found = folder / "fuzz" / target.name
        found.mkdir(parents=True, exist_ok=True)
        corpus = ROOT / "tests/fuzz/corpus" / target.name.removesuffix("_fuzz")
        steps.run(f"{folder.name}: {target.name} for {seconds} s",
                  [target, f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=10",
                   f"-artifact_prefix={found}/crash-", found,
                   *([corpus] if corpus.is_dir() else [])],
                  folder / f"log/{target.name}.txt", env=SANITIZERS)


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tools/test", description="Installs what is missing, builds, runs all tests.",
        epilog="logs: build*/log/; the last line of output is 'N passed, N failed'")
    parser.add_argument("--fast", action="store_true",
                        help="leave out the release and the sanitizers")
    parser.add_argument("--only", choices=("sources", "build", "e2e", "release", "asan", "tsan"),
                        help="one part: checks of the sources; build with unit, property, "
                        "component, fuzz corpus; end to end; whether a release compiles; a "
                        "sanitizer")
    parser.add_argument("--fuzz-seconds", type=int, default=FUZZ_SECONDS,
                        help="per fuzz target (%(default)s)")
    return parser.parse_args()


def main():
    options = parse_arguments()
    steps = Steps()
    wanted = {options.only} if options.only else {"sources", "build", "e2e"}
    if not options.only and not options.fast:
        wanted |= {"release", "asan", "tsan"}
    if "sources" in wanted:
        check_sources(steps)
    if wanted & {"build", "e2e"} and build(steps, BUILD):
        if "build" in wanted:
            suites(steps, BUILD, ("unit", "property", "component", "fuzz", "sim"))
        if "e2e" in wanted:
            end_to_end(steps, BUILD)
    if "release" in wanted:
        build(steps, RELEASE, ("--buildtype=release",), targets=RELEASE_PROGRAMS)
    if "asan" in wanted and build(
            steps, ASAN, ("-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1",
                          "-Dcpp_args=-Wthread-safety"), "clang++-14"):
        suites(steps, ASAN, ("unit", "property", "component", "fuzz"), SANITIZERS)
        fuzz(steps, ASAN, options.fuzz_seconds)
    if "tsan" in wanted and build(
            steps, TSAN, ("-Db_sanitize=thread", "-Db_lundef=false", "-Doptimization=1"),
            targets=THREAD_TESTS):
        suites(steps, TSAN, ("threads",), SANITIZERS)
    return steps.end()


if __name__ == "__main__":
    sys.exit(main())
