// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/interactive.h"

#include <histedit.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "tools/ctl/command.h"
#include "tools/ctl/completion.h"
#include "tools/ctl/text.h"
#include "tools/ctl/words.h"

namespace posthaste::tools {

namespace {

constexpr int kHistoryLines = 500;
constexpr const char* kHistoryFile = "/.posthastectl_history";

struct EndEditLine {
    void operator()(EditLine* edit) const { ::el_end(edit); }
};

struct EndHistory {
    void operator()(History* history) const { ::history_end(history); }
};

// The commands of the router and our own two.
Json fetch_tree(RouterClient& router) {
    const auto answer = router.ask({"tree"});
    Json tree = answer && (*answer)["ok"].get<bool>() ? (*answer)["data"] : Json::object();
    if (tree.is_object() && tree.contains("commands") && tree["commands"].is_array()) {
        tree["commands"].push_back({{"words", {"quit"}}, {"help", "Leave."}});
    }
    return tree;
}

char* prompt(EditLine* /*edit*/) {
    static char text[] = "posthaste> ";
    return text;
}

// Lists candidates under the line being edited.
void list(const Completion& completion) {
    std::size_t column = 0;
    for (const Candidate& candidate : completion.candidates) {
        column = std::max(column, width(candidate.text));
    }
    std::string text = "\n";
    for (const Candidate& candidate : completion.candidates) {
        const std::string blanks(column + 2 - width(candidate.text), ' ');
        text += "  " + printable(candidate.text) +
                (candidate.help.empty() ? "" : blanks + printable(candidate.help)) + '\n';
    }
    if (completion.candidates.empty()) {
        text += "  " + printable(completion.hint) + '\n';
    }
    std::cout << text << std::flush;
}

unsigned char on_tab(EditLine* edit, int /*key*/) {
    void* router = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &router);
    const LineInfo* const info = ::el_line(edit);
    const std::string line(info->buffer, info->cursor);
    const Completion completion = complete(fetch_tree(*static_cast<RouterClient*>(router)), line);
    if (completion.candidates.empty() && completion.hint.empty()) {
        return CC_REFRESH_BEEP;
    }
    std::string more = common_beginning(completion.candidates);
    more.erase(0, std::min(more.size(), line.size() - completion.start));
    if (completion.candidates.size() == 1) {
        more += ' ';
    }
    if (more.empty()) {
        list(completion);
        return CC_REDISPLAY;
    }
    return ::el_insertstr(edit, more.c_str()) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
}

// Ctrl-C throws the line away, as shells do.
unsigned char on_interrupt(EditLine* edit, int /*key*/) {
    const LineInfo* const info = ::el_line(edit);
    ::el_cursor(edit, static_cast<int>(info->lastchar - info->cursor));
    ::el_deletestr(edit, static_cast<int>(info->lastchar - info->buffer));
    std::cout << "^C\n" << std::flush;
    return CC_REDISPLAY;
}

std::string history_path() {
    const char* const home = std::getenv("HOME");
    return home == nullptr ? std::string() : std::string(home) + kHistoryFile;
}

// False: leave.
bool run_line(RouterClient& router, const Settings& settings, const std::string& line) {
    const auto words = split_words(line);
    if (words && words->empty()) {
        return true;
    }
    if (words && words->size() == 1 && (words->front() == "quit" || words->front() == "exit")) {
        return false;
    }
    const Result result =
        words ? run_command(router, *words, settings)
              : failure(settings, kExitUsage, controlplane::code::usage, words.error());
    std::cout << result.out << std::flush;
    std::cerr << result.err;
    return true;
}

void set_up(EditLine* edit, History* history, RouterClient& router) {
    ::el_set(edit, EL_CLIENTDATA, &router);
    ::el_set(edit, EL_PROMPT, &prompt);
    ::el_set(edit, EL_EDITOR, "emacs");
    ::el_set(edit, EL_HIST, &::history, history);
    ::el_set(edit, EL_ADDFN, "posthaste-complete", "Complete the word", &on_tab);
    ::el_set(edit, EL_BIND, "^I", "posthaste-complete", nullptr);
    ::el_set(edit, EL_ADDFN, "posthaste-interrupt", "Throw the line away", &on_interrupt);
    ::el_set(edit, EL_BIND, "^C", "posthaste-interrupt", nullptr);
    ::el_set(edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    // While a line is edited Ctrl-C is a key.
    ::el_set(edit, EL_SETTY, "-d", "-isig", nullptr);
    ::el_source(edit, nullptr);
}

// One line. libedit by itself shows the prompt first and takes the terminal out of line mode only
// then. A Ctrl-C in between would be a signal, for which the kernel drops what was typed and no new
// prompt comes; a Ctrl-D would be lost. So the terminal takes keys before the prompt invites them,
// but not where ~/.editrc turns editing off: libedit then wants whole lines from the kernel.
const char* read_line(EditLine* edit, int& count) {
    int edits = 0;
    if (::el_get(edit, EL_EDITMODE, &edits) == 0 && edits != 0) {
        ::el_set(edit, EL_PREP_TERM, 1);
    }
    return ::el_gets(edit, &count);
}

}  // namespace

int run_interactive(RouterClient& router, const Settings& settings) {
    const auto version = router.ask({"show", "version"});
    if (!version || !(*version)["ok"].get<bool>()) {
        const Result result =
            version ? run_command(router, {"show", "version"}, settings)
                    : failure(settings, kExitUnreachable, "unreachable", version.error());
        std::cout << result.out;
        std::cerr << result.err;
        return result.exit_code;
    }
    const std::unique_ptr<EditLine, EndEditLine> edit(
        ::el_init("posthastectl", stdin, stdout, stderr));
    const std::unique_ptr<History, EndHistory> history(::history_init());
    HistEvent event{};
    const std::string path = history_path();
    ::history(history.get(), &event, H_SETSIZE, kHistoryLines);
    ::history(history.get(), &event, H_SETUNIQUE, 1);
    if (!path.empty()) {
        ::history(history.get(), &event, H_LOAD, path.c_str());
    }
    set_up(edit.get(), history.get(), router);
    // While a command runs the terminal is in line mode: Ctrl-C is a signal then, and must not end
    // the client. The next prompt comes when the command has ended.
    std::signal(SIGINT, SIG_IGN);
    const Json& data = (*version)["data"];
    std::cout << "posthaste " << cell("version", data.value("version", Json())) << " on "
              << cell("name", data.value("name", Json()))
              << "; TAB completes, help lists the commands, Ctrl-D leaves\n"
              << std::flush;
    int count = 0;
    for (;;) {
        const char* const typed = read_line(edit.get(), count);
        if (typed == nullptr || count <= 0) {
            std::cout << '\n';
            break;
        }
        const std::string line(typed, static_cast<std::size_t>(count));
        if (line.find_first_not_of(" \t\n") != std::string::npos) {
            ::history(history.get(), &event, H_ENTER, line.c_str());
        }
        if (!run_line(router, settings, line)) {
            break;
        }
    }
    if (!path.empty()) {
        ::history(history.get(), &event, H_SAVE, path.c_str());
    }
    return kExitOk;
}

}  // namespace posthaste::tools
