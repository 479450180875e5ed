#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks of the tree that no compiler makes: layering, sizes, banned words and calls.

Prints one line per violation, `path:line: rule: what`; status 1 if there is any. An exception
to a rule is an entry in a table of this file, with its reason, and is reviewed as such.
"""
import argparse
import ast
import pathlib
import re
import subprocess
import sys

COLUMNS_MAX = 100
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

FOLDERS = ("dataplane", "controlplane", "routing", "gossip", "tests", "tools", "configs")
TOP_LEVEL = {*FOLDERS, "meson.build", "README.md", "LICENSE"}  # and dot files

# Which of our folders (or single headers) the files of a folder may include.
LAYERS = {
    "routing": ("routing/",),
    "gossip": ("gossip/", "routing/"),
    "dataplane": ("dataplane/", "routing/"),
    "controlplane": ("controlplane/", "dataplane/", "gossip/", "routing/"),
    "tools": ("tools/", "routing/", "controlplane/protocol.h"),
    # Runs the worker and the route plane in its own process.
    "tools/benchmark": ("tools/", "dataplane/", "gossip/", "routing/"),
    "tests": ("controlplane/", "dataplane/", "gossip/", "routing/", "tests/", "tools/"),
}

# Which DPDK headers the files of a folder may include; first match of the path decides.
DPDK_HEADERS = (
    ("routing/", r"rte_(hash|hash_crc|rcu_qsbr|malloc|ring|ring_elem|byteorder|errno|prefetch)\.h"),
    ("dataplane/", r"rte_\w+\.h"),
    ("controlplane/eal", r"rte_\w+\.h"),
    # The composition: it owns mbufs the lcores gave up, launches workers and shows what DPDK has.
    ("controlplane/box.cpp", r"rte_(cycles|launch|lcore)\.h"),
    ("controlplane/conductor.cpp", r"rte_mbuf\.h"),
    ("controlplane/live_lookup.cpp", r"rte_(cycles|mempool)\.h"),
    ("controlplane/live_show.cpp", r"rte_(ethdev|lcore|version)\.h"),
    ("controlplane/punted_frame.cpp", r"rte_mbuf\.h"),
    ("controlplane/process_memory.cpp", r"rte_(lcore|malloc)\.h"),
    ("tools/benchmark/", r"rte_\w+\.h"),
    ("tests/", r"rte_\w+\.h"),
)

# The pipeline's files: what an lcore runs. Everything in dataplane/ but what opens ports and
# builds values before the lcores start.
SET_UP = {
    "interrupt_thread": "lets EAL's own thread stop and start a device",
    "port": "opens, starts and stops devices on the control thread",
    "pool": "creates mempools before the lcores start",
    "reconnect": "decides on the control thread when a port is started again",
    "vdev": "reads device strings and drivers' facts",
    "world": "a value the control thread builds and publishes",
}
# Constructors here allocate what the lcore uses later, once.
CONSTRUCTS = {"counters.h", "fan_out.cpp", "name_check.cpp", "tx_backlog.h", "worker.h",
              "worker.cpp"}

BANNED_EVERYWHERE = (
    (r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b", "unfinished work"),
    (r"\b(not imple[m]ented|unimple[m]ented|place[h]older|for no[w])\b", "unfinished work"),
    (r"(?<![\w.])/(wor[k]|hom[e]|roo[t])/", "a path of one machine"),
)
BANNED_ON_LCORES = (
    (r"\bnew\b(?!\s*\()", "allocates"),
    (r"\b(malloc|calloc|realloc|strdup)\s*\(", "allocates"),
    (r"\bstd::(string|vector|map|unordered_map|deque|function|make_unique|make_shared)\b",
     "allocates"),
    (r"\b(printf|fprintf|snprintf|RTE_LOG|rte_log)\s*\(|\bstd::(cout|cerr|format)\b", "prints"),
    (r"\bthrow\b", "throws"),
    (r"\bstd::(mutex|lock_guard|unique_lock|condition_variable)\b", "locks"),
)
# Files of pure folders that may: key_hash makes the secret key of the tables, at start.
DRAWS_RANDOM = {"routing/key_hash.cpp"}
BANNED_IN_PURE_CODE = (
    (r"\bstd::chrono::\w*clock\b|\b(clock_gettime|gettimeofday|rte_rdtsc\w*|__rdtsc)\b|"
     r"\brte_get_(timer|tsc)_cycles\b|(?<![\w.>:])time\s*\(", "reads a clock"),
    (r"\bstd::(random_device|rand)\b|(?<![\w.>:])(rand|random|getrandom)\s*\(|\brte_rand\b",
     "draws random numbers"),
)
TIMED_WAITS = (
    (r"\bsleep_(for|until)\b|\b(u|nano)?sleep\s*\(|\btime\.sleep\b|\brte_delay_\w+\s*\(",
     "waits for a time; wait for the event"),
)
SHELL_WAITS = ((r"(^|[;&|]|\bdo|\bthen)\s*sleep\s", "waits for a time; wait for the event"),)
BANNED_NAMES = (r"\b(?:class|struct|union|enum(?: class)?)\s+"
                r"(\w*(?:Manager|Handler|Helper|Util|Info))\b")


def tracked_files(root):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, check=True, capture_output=True).stdout.decode()
    return sorted(path for path in listed.split("\0") if path and (root / path).is_file())


def package_hosts():
    """Hosts this machine installs packages from; they have no business in the tree."""
    hosts = set()
    for source in [pathlib.Path("/etc/apt/sources.list"),
                   *pathlib.Path("/etc/apt/sources.list.d").glob("*")]:
        if source.is_file():
            hosts |= set(re.findall(r"https?://([^/\s]+)", source.read_text(errors="replace")))
    return hosts


CODE_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|'
    r"""(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""", re.S)


def without_comments_and_strings(text):
    """The C++ text with comments and literals blanked; every line keeps its number."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return CODE_TOKEN.sub(blank, text)


def cpp_functions(code):
    """(first line, last line, name) of every function body, by matching braces."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code, flags=re.M)
    stack = []   # per open brace: start offset of the function it opens, or None
    head = 0     # where the text before the next brace begins
    for match in re.finditer(r"[{};]", code):
        where, mark = match.start(), match.group(0)
        if mark == "{":
            before = code[head:where]
            inside = any(start is not None for start, _ in stack)
            name = None if inside else function_name(before)
            first = head + len(before) - len(before.lstrip())
            stack.append((first, name) if name else (None, None))
        elif mark == "}" and stack:
            start, name = stack.pop()
            if name:
                yield code.count("\n", 0, start) + 1, code.count("\n", 0, where) + 1, name
        head = where + 1


def function_name(before):
    before = re.sub(r"\b(public|private|protected)\s*:", " ", before).strip()
    if "(" not in before or re.match(r"(inline\s+)?namespace\b", before):
        return None
    before = re.sub(r"\balignas\(\w+\)", " ", before)
    if re.search(r"(^|[\s>])(class|struct|union|enum)\s+[\w:\s]+(:\s[^()]*)?$", before):
        return None
    if re.search(r"=\s*$", before):
        return None
    found = re.search(r"([\w:~]+(?:\s*operator\S+)?)\s*\(", before)
    return found.group(1) if found else None


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = tracked_files(root)
        self.violations = []
        self.hosts = package_hosts()

    def report(self, path, line, rule, what):
        self.violations.append(f"{path}:{line}: {rule}: {what}")

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def search(self, path, text, rule, patterns):
        for pattern, what in patterns:
            for match in re.finditer(pattern, text, flags=re.M):
                line = text.count("\n", 0, match.start()) + 1
                self.report(path, line, rule, f"'{match.group(0).strip()}' {what}")

    def check(self):
        self.check_layout()
        for path in self.files:
            kind = self.kind_of(path)
            if kind is None:
                continue
            text = self.text(path)
            self.check_text(path, kind, text)
            if kind == "cpp":
                self.check_cpp(path, text)
            elif kind == "python":
                self.check_python(path, text)
            elif kind == "shell":
                self.check_shell(path, text)
        return self.violations

    def kind_of(self, path):
        suffix = pathlib.PurePath(path).suffix
        if suffix in (".cpp", ".h"):
            return "cpp"
        if suffix == ".py":
            return "python"
        if suffix in (".md", ".ini", ".txt") or path == "LICENSE" or path.startswith("."):
            return "prose" if path != ".ci/run" else "shell"
        if pathlib.PurePath(path).name == "meson.build":
            return "meson"
        with open(self.root / path, "rb") as stream:
            first = stream.readline(80)
        if first.startswith(b"#!"):
            return "python" if b"python" in first else "shell"
        return None  # a capture, a corpus entry

    def check_layout(self):
        for path in self.files:
            top = path.split("/", 1)[0]
            if top not in TOP_LEVEL and not top.startswith("."):
                self.report(path, 1, "layout", "outside the agreed top level")
        for folder in FOLDERS:
            if f"{folder}/README.md" not in self.files:
                self.report(f"{folder}/README.md", 1, "layout", "missing")

    def check_text(self, path, kind, text):
        lines = text.split("\n")
        if text and not text.endswith("\n"):
            self.report(path, len(lines), "text", "no newline at the end")
        for number, line in enumerate(lines, 1):
            if line != line.rstrip() and kind != "prose":
                self.report(path, number, "text", "blanks at the end of the line")
            if len(line) > COLUMNS_MAX and kind != "prose":
                self.report(path, number, "columns", f"{len(line)} > {COLUMNS_MAX}")
        for host in self.hosts:
            if host in text:
                self.report(path, 1, "machine", f"names the package host {host}")
        if kind == "prose":
            self.search(path, text, "machine", BANNED_EVERYWHERE[-1:])
            return
        self.search(path, text, "words", BANNED_EVERYWHERE)
        if len(lines) - 1 > FILE_LINES_MAX:
            self.report(path, len(lines), "size", f"{len(lines) - 1} > {FILE_LINES_MAX} lines")
        if kind != "meson" and not any("SPDX-License-Identifier: BSD-3-Clause" in line
                                       for line in lines[:2]):
            self.report(path, 1, "licence", "no SPDX line at the top")

    def check_cpp(self, path, text):
        code = without_comments_and_strings(text)
        self.check_includes(path, text)
        self.check_listed(path)
        for first, last, name in cpp_functions(code):
            if last - first + 1 > FUNCTION_LINES_MAX:
                self.report(path, first, "size",
                            f"{name} has {last - first + 1} > {FUNCTION_LINES_MAX} lines")
        for match in re.finditer(BANNED_NAMES, code):
            self.report(path, code.count("\n", 0, match.start()) + 1, "names",
                        f"{match.group(1)} says nothing of what it is")
        if path.endswith(".h"):
            if "#pragma once" not in text:
                self.report(path, 1, "header", "no #pragma once")
            self.search(path, code, "header", ((r"^\s*using namespace\b", "in a header"),))
        folder, name = path.split("/", 1)
        if folder == "dataplane" and pathlib.PurePath(name).stem not in SET_UP:
            banned = BANNED_ON_LCORES
            if name in CONSTRUCTS:
                banned = [entry for entry in banned if entry[1] != "allocates"]
            self.search(path, code, "lcore", banned)
        if folder in ("routing", "gossip"):
            banned = BANNED_IN_PURE_CODE[:1] if path in DRAWS_RANDOM else BANNED_IN_PURE_CODE
            self.search(path, code, "pure", banned)
        if folder in ("tests", "tools"):
            self.search(path, code, "wait", TIMED_WAITS)

    def check_includes(self, path, text):
        folder = path.split("/", 1)[0]
        layer = path.rsplit("/", 1)[0]
        may = LAYERS.get(layer, LAYERS.get(folder, ()))
        for number, line in enumerate(text.split("\n"), 1):
            ours = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if ours and not ours.group(1).startswith(may):
                self.report(path, number, "layers", f'{folder}/ may not include "{ours.group(1)}"')
            dpdk = re.match(r"\s*#\s*include\s*[<\"](rte_\w+\.h)", line)
            if dpdk:
                allowed = next((headers for prefix, headers in DPDK_HEADERS
                                if path.startswith(prefix)), r"(?!)")
                if not re.fullmatch(allowed, dpdk.group(1)):
                    self.report(path, number, "layers", f"{dpdk.group(1)} does not belong here")

    def check_listed(self, path):
        if not path.endswith(".cpp"):
            return
        folder, name = path.rsplit("/", 1)
        builds = [f for f in self.files if f.endswith("meson.build")]
        for build in builds:
            base = build[: -len("meson.build")]
            if path.startswith(base):
                if re.search(rf"'{re.escape(path[len(base):])}'", self.text(build)):
                    return
                stem = pathlib.PurePath(name).stem  # tests are named by their subject in a loop
                if base == folder + "/" and re.search(rf"'{re.escape(stem)}'", self.text(build)):
                    return
                if base == folder + "/" and stem.endswith(("_test", "_fuzz")):
                    subject = stem.rsplit("_", 1)[0]
                    if re.search(rf"'{re.escape(subject)}'", self.text(build)):
                        return
        self.report(path, 1, "build", "in no meson.build: not compiled")

    def check_python(self, path, text):
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            self.report(path, error.lineno or 1, "python", str(error))
            return
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    self.report(path, node.lineno, "size",
                                f"{node.name} has {length} > {FUNCTION_LINES_MAX} lines")
        self.search(path, text, "wait", TIMED_WAITS if path != "tools/tidy.py" else ())

    def check_shell(self, path, text):
        if "set -euo pipefail" not in text:
            self.report(path, 1, "shell", "without set -euo pipefail")
        if not (self.root / path).stat().st_mode & 0o100:
            self.report(path, 1, "shell", "not executable")
        self.search(path, text, "wait", SHELL_WAITS)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--root", type=pathlib.Path,
                           default=pathlib.Path(__file__).resolve().parent.parent)
    options = arguments.parse_args()
    tree = Tree(options.root)
    violations = tree.check()
    for violation in violations:
        print(violation)
    print(f"tidy: {len(tree.files)} files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
