// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/pattern_bench.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <utility>

#include "routing/pattern.h"
#include "routing/pattern_database.h"
#include "routing/pattern_table.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/pattern_rivals.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/time_turns.h"

namespace posthaste::tools {

namespace {

using routing::PatternTable;

constexpr std::size_t kNames = 1'024;
constexpr routing::PatternTableOptions kNoLimit = {.bytes_max = ~std::uint64_t{0} >> 1,
                                                   .coalesce_ms = 0};

template <class Work>
double seconds_of(const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What compiling all of them took.
struct Compiled {
    double seconds = 0;
    double longest_build = 0;
    double one_more = 0;  // from a pattern that comes to the first name it matches
};

// As the router does: all registered, then built until nothing is left to do.
Compiled compile(const PatternSample& sample, PatternTable& table) {
    Compiled compiled;
    const auto build_one = [&](auto&& build) {
        const double seconds = seconds_of([&] {
            static_cast<void>(
                table.adopt(routing::build_patterns(std::forward<decltype(build)>(build))));
        });
        compiled.longest_build = std::max(compiled.longest_build, seconds);
        return seconds;
    };
    compiled.seconds = seconds_of([&] {
        std::uint32_t number = 0;
        for (const std::string& glob : sample.globs) {
            table.add(++number, *routing::read_pattern(routing::PatternKind::glob, glob), 0);
        }
        while (auto build = table.next_build(0)) {
            build_one(std::move(*build));
        }
    });
    constexpr std::uint32_t kLast = 1'000'000'000;
    compiled.one_more = seconds_of([&] {
        table.add(kLast, *routing::read_pattern(routing::PatternKind::glob, "the-newest/*"), 0);
        build_one(*table.next_build(0));
    });
    table.remove(kLast);
    return compiled;
}

class Bench {
  public:
    explicit Bench(const PatternBenchOptions& options) : options_(options) {
        report_.heading = "All patterns that match a name";
        report_.unit = "name";
        report_.options = {{"seconds", options.seconds}, {"repeat", options.repeat}};
        report_.more["compiled"] = nlohmann::ordered_json::array();
    }

    tl::expected<void, std::string> run(unsigned patterns) {
        const PatternSample sample = pattern_sample(patterns);
        std::vector<std::string> expressions;
        for (const std::string& glob : sample.globs) {
            expressions.push_back(routing::anchored(
                routing::read_pattern(routing::PatternKind::glob, glob)->expression));
        }
        PatternTable table(kNoLimit);
        const Compiled ours = compile(sample, table);
        std::unique_ptr<const Pcre2Patterns> pcre2;
        const double pcre2_seconds =
            seconds_of([&] { pcre2 = std::make_unique<Pcre2Patterns>(expressions); });
        if (!pcre2->sound()) {
            return tl::unexpected(std::string("PCRE2 cannot compile the patterns here"));
        }
        std::unique_ptr<const StdPatterns> standard;
        const double standard_seconds =
            seconds_of([&] { standard = std::make_unique<StdPatterns>(expressions); });
        for (const std::string& name : sample.names) {
            if (std::array<std::uint32_t, routing::kPatternMatchesMax> numbers{};
                table.match(name, numbers).count != pcre2->match(name)) {
                return tl::unexpected("the two do not agree on " + name);
            }
        }
        report_.more["compiled"].push_back({{"patterns", patterns},
                                            {"seconds", ours.seconds},
                                            {"databases", table.databases()},
                                            {"bytes", table.bytes()},
                                            {"longest_build_s", ours.longest_build},
                                            {"one_more_s", ours.one_more},
                                            {"pcre2_seconds", pcre2_seconds},
                                            {"pcre2_bytes", pcre2->bytes()},
                                            {"std_regex_seconds", standard_seconds}});
        note(patterns, ours, table, pcre2_seconds, *pcre2, standard_seconds);
        measure(patterns, sample, table, *pcre2, *standard);
        return options_.whole ? whole(patterns, sample) : tl::expected<void, std::string>();
    }

    [[nodiscard]] std::string text() const {
        return options_.json ? json_of(report_) : table_of(report_);
    }

  private:
    void measure(unsigned patterns,
                 const PatternSample& sample,
                 PatternTable& table,
                 const Pcre2Patterns& pcre2,
                 const StdPatterns& standard) {
        const std::string count = std::to_string(patterns);
        std::array<Row, 3> rows = {Row{"ours_" + count, count + " patterns, ours", {}},
                                   Row{"pcre2_" + count, count + " patterns, PCRE2-JIT each", {}},
                                   Row{"std_" + count, count + " patterns, std::regex each", {}}};
        std::array<std::uint32_t, routing::kPatternMatchesMax> numbers{};
        for (unsigned i = 0; i < options_.repeat; ++i) {
            rows[0].ns.push_back(turns(
                sample, [&](const std::string& name) { return table.match(name, numbers).count; }));
            rows[1].ns.push_back(
                turns(sample, [&](const std::string& name) { return pcre2.match(name); }));
            rows[2].ns.push_back(
                turns(sample, [&](const std::string& name) { return standard.match(name); }));
        }
        for (const std::size_t rival : {1U, 2U}) {
            std::array<char, 128> text;
            std::snprintf(text.data(),
                          text.size(),
                          "%s takes %.0f times as long as ours",
                          rows[rival].title.c_str(),
                          median_ratio(rows[rival], rows[0]));
            report_.notes.emplace_back(text.data());
        }
        report_.rows.insert(report_.rows.end(), rows.begin(), rows.end());
    }

    template <class Match>
    double turns(const PatternSample& sample, const Match& match) {
        return time_turns(options_.seconds, [&] {
            matched_ += match(sample.names[next_++ % sample.names.size()]);
            return std::size_t{1};
        });
    }

    void note(unsigned patterns,
              const Compiled& ours,
              const PatternTable& table,
              double pcre2_seconds,
              const Pcre2Patterns& pcre2,
              double standard_seconds) {
        std::array<char, 320> text;
        std::snprintf(
            text.data(),
            text.size(),
            "%u patterns: compiled in %.3f s into %zu databases of %.0f KiB, the longest build "
            "%.3f s; one more can be seen after %.1f ms; PCRE2 %.3f s, %.0f KiB; std::regex %.3f s",
            patterns,
            ours.seconds,
            table.databases(),
            static_cast<double>(table.bytes()) / 1024,
            ours.longest_build,
            ours.one_more * 1e3,
            pcre2_seconds,
            static_cast<double>(pcre2.bytes()) / 1024,
            standard_seconds);
        report_.notes.emplace_back(text.data());
    }

    tl::expected<void, std::string> whole(unsigned patterns, const PatternSample& sample) {
        std::vector<std::string> expressions;
        std::vector<routing::NumberedExpression> numbered;
        for (const std::string& glob : sample.globs) {
            expressions.push_back(
                routing::read_pattern(routing::PatternKind::glob, glob)->expression);
        }
        for (std::uint32_t i = 0; i < expressions.size(); ++i) {
            numbered.push_back({i, expressions[i]});
        }
        std::unique_ptr<const routing::PatternDatabase> database;
        std::string failure;
        const double seconds = seconds_of([&] {
            auto made = routing::PatternDatabase::compile(numbered, ~std::size_t{0});
            made ? void(database = std::move(*made)) : void(failure = made.error().reason);
        });
        routing::PatternScratch scratch;
        if (database == nullptr || !scratch.fit(*database)) {
            return tl::unexpected("in one database: " + failure);
        }
        const std::string count = std::to_string(patterns);
        Row row{"whole_" + count, count + " patterns, one database", {}};
        std::array<std::uint32_t, routing::kPatternMatchesMax> numbers{};
        for (unsigned i = 0; i < options_.repeat; ++i) {
            row.ns.push_back(turns(sample, [&](const std::string& name) {
                return database->match(name, scratch, numbers).count;
            }));
        }
        report_.rows.push_back(std::move(row));
        report_.more["compiled"].back()["whole_seconds"] = seconds;
        report_.more["compiled"].back()["whole_bytes"] = database->bytes();
        std::array<char, 128> text;
        std::snprintf(text.data(),
                      text.size(),
                      "%u patterns in one database: compiled in %.3f s, %.0f KiB",
                      patterns,
                      seconds,
                      static_cast<double>(database->bytes()) / 1024);
        report_.notes.emplace_back(text.data());
        return {};
    }

    const PatternBenchOptions& options_;
    Report report_;
    std::size_t next_ = 0;
    std::size_t matched_ = 0;
};

}  // namespace

PatternSample pattern_sample(unsigned patterns) {
    static constexpr std::array kWords = {"vision", "speech", "text", "plan", "search", "tool"};
    std::mt19937 random(patterns);
    const auto word = [&] {
        return std::string(kWords[random() % kWords.size()]) + std::to_string(random() % 100);
    };
    PatternSample sample;
    std::vector<std::string> matching;
    for (unsigned i = 0; i < patterns; ++i) {
        const std::string own = "w" + std::to_string(i);
        const std::string first = word();
        const std::string last = word();
        switch (random() % 4) {
            case 0:
                sample.globs.push_back(own + "/*");
                matching.push_back(own + "/" + last);
                break;
            case 1:
                sample.globs.push_back(first + "/" + own + "/**");
                matching.push_back(first + "/" + own + "/" + last + "/x");
                break;
            case 2:
                sample.globs.push_back("*/" + own);
                matching.push_back(first + "/" + own);
                break;
            default:
                sample.globs.push_back(first + "/*/" + own + ".v[0-9]*");
                matching.push_back(first + "/" + last + "/" + own + ".v7");
        }
    }
    for (std::size_t i = 0; i < kNames; ++i) {
        sample.names.push_back(i % 2 == 0 ? matching[random() % matching.size()]
                                          : word() + "/" + word() + "/" + word());
    }
    return sample;
}

tl::expected<std::string, std::string> run_patterns(const PatternBenchOptions& options) {
    pin_to(options.core);
    Bench bench(options);
    for (const unsigned patterns : options.patterns) {
        if (auto ran = bench.run(patterns); !ran.has_value()) {
            return tl::unexpected(ran.error());
        }
    }
    return bench.text();
}

}  // namespace posthaste::tools
