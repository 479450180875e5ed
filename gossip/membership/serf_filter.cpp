// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/serf_filter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>

#include "gossip/membership/fields.h"
#include "gossip/membership/sealing.h"

namespace posthaste::gossip::membership {

namespace {

constexpr std::uint8_t kNames = 0;
constexpr std::uint8_t kTag = 1;
// Of the matcher's own kind; a tag has 512 bytes, and an honest expression needs few of them each.
constexpr std::uint32_t kStepsMax = 20'000;
constexpr std::uint32_t kHeapKibibytesMax = 1'024;

struct TagFilter {
    std::string expression;
    std::string tag;
};

template <typename Visit>
void fields(Visit& visit, Like<TagFilter> auto& filter) {
    visit.text("Expr", filter.expression, kExpressionBytesMax);
    visit.text("Tag", filter.tag, kMetaBytesMax);
}

FilterVerdict verdict_of(bool meant) {
    return meant ? FilterVerdict::meant : FilterVerdict::not_meant;
}

FilterVerdict judge_names(PackReader& in, std::string_view name) {
    const std::uint32_t count = in.array();
    bool meant = false;
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        const bool here = in.text() == name;
        meant = meant || here;
    }
    if (!in.good() || count > kFilterNamesMax) {
        return FilterVerdict::malformed;
    }
    return verdict_of(meant);
}

struct FreePattern {
    void operator()(pcre2_code* code) const noexcept { pcre2_code_free(code); }

    void operator()(pcre2_match_data* data) const noexcept { pcre2_match_data_free(data); }

    void operator()(pcre2_match_context* context) const noexcept {
        pcre2_match_context_free(context);
    }
};

FilterVerdict search(std::string_view expression, std::string_view value) {
    int error = 0;
    PCRE2_SIZE at = 0;
    const std::unique_ptr<pcre2_code, FreePattern> code(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()),
                      expression.size(),
                      PCRE2_NEVER_BACKSLASH_C,
                      &error,
                      &at,
                      nullptr));
    if (code == nullptr) {
        return FilterVerdict::malformed;
    }
    const std::unique_ptr<pcre2_match_data, FreePattern> data(
        pcre2_match_data_create_from_pattern(code.get(), nullptr));
    const std::unique_ptr<pcre2_match_context, FreePattern> context(
        pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), kStepsMax);
    pcre2_set_heap_limit(context.get(), kHeapKibibytesMax);
    const int found = pcre2_match(code.get(),
                                  reinterpret_cast<PCRE2_SPTR>(value.data()),
                                  value.size(),
                                  0,
                                  0,
                                  data.get(),
                                  context.get());
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
        return FilterVerdict::malformed;
    }
    return verdict_of(found >= 0);
}

FilterVerdict judge_tag(PackReader& in, const Tags& tags) {
    TagFilter filter;
    read_fields(in, filter);
    if (!in.good()) {
        return FilterVerdict::malformed;
    }
    // A tag that is not there is empty, and an expression may be found in that.
    const auto found = tags.find(filter.tag);
    return search(filter.expression, found == tags.end() ? std::string_view() : found->second);
}

}  // namespace

FilterVerdict judge_filters(const std::vector<std::string>& filters,
                            std::string_view name,
                            const Tags& tags) {
    for (const std::string& filter : filters) {
        FilterVerdict verdict = FilterVerdict::malformed;
        if (!filter.empty()) {
            PackReader in(octets_of(filter).subspan(1));
            const auto type = static_cast<std::uint8_t>(filter[0]);
            if (type == kNames) {
                verdict = judge_names(in, name);
            } else if (type == kTag) {
                verdict = judge_tag(in, tags);
            }
        }
        if (verdict != FilterVerdict::meant) {
            return verdict;
        }
    }
    return FilterVerdict::meant;
}

std::string filter_of_names(const std::vector<std::string>& names) {
    PackWriter out;
    out.octet(kNames);
    out.array(static_cast<std::uint32_t>(names.size()));
    for (const std::string& name : names) {
        out.text(name);
    }
    return out.take_text();
}

std::string filter_of_tag(std::string_view tag, std::string_view expression) {
    PackWriter out;
    out.octet(kTag);
    write_fields(out, TagFilter{.expression = std::string(expression), .tag = std::string(tag)});
    return out.take_text();
}

}  // namespace posthaste::gossip::membership
