// SPDX-License-Identifier: BSD-3-Clause
// A structure as a msgpack map by field names: one function `fields(visit, value)` per structure
// names its fields and their bounds, for reading and for writing. Unknown keys are passed over,
// missing ones leave their field as it was. Write the fields in the order of their names: peers do.
#pragma once

#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "gossip/membership/msgpack.h"

namespace posthaste::gossip::membership {

template <typename T, typename Structure>
concept Like = std::same_as<std::remove_const_t<T>, Structure>;

inline constexpr std::size_t kAddressBytesMax = 16;

// Takes the value of one key.
class FieldReader {
  public:
    FieldReader(PackReader& in, std::string_view key) : in_(in), key_(key) {}

    void text(std::string_view name, std::string& value, std::size_t max) {
        if (is(name)) {
            const std::string_view text = in_.text();
            if (text.size() > max) {
                in_.fail(Refusal::oversize);
            } else {
                value = text;
            }
        }
    }

    void text_or_nil(std::string_view name, std::string& value, std::size_t max) {
        text(name, value, max);
    }

    void text_if_any(std::string_view name, std::string& value, std::size_t max) {
        text(name, value, max);
    }

    template <std::unsigned_integral Number>
    void number(std::string_view name, Number& value) {
        if (is(name)) {
            const std::uint64_t number = in_.number();
            if (number > std::numeric_limits<Number>::max()) {
                in_.fail(Refusal::malformed);
            } else {
                value = static_cast<Number>(number);
            }
        }
    }

    template <std::unsigned_integral Number>
    void number_if_any(std::string_view name, Number& value) {
        number(name, value);
    }

    void flag(std::string_view name, bool& value) {
        if (is(name)) {
            value = in_.flag();
        }
    }

    // What no other function is for: `read(in, value)`, `write(out, value)`.
    template <typename Value, typename Read, typename Write>
    void other(std::string_view name, Value& value, Read read, Write /*write*/) {
        if (is(name)) {
            read(in_, value);
        }
    }

    [[nodiscard]] bool matched() const noexcept { return matched_; }

  private:
    [[nodiscard]] bool is(std::string_view name) noexcept {
        const bool same = key_ == name;
        matched_ = matched_ || same;
        return same;
    }

    PackReader& in_;
    std::string_view key_;
    bool matched_ = false;
};

class FieldCounter {
  public:
    void text(std::string_view, std::string_view, std::size_t) { ++count_; }

    void text_or_nil(std::string_view, std::string_view, std::size_t) { ++count_; }

    void text_if_any(std::string_view, std::string_view value, std::size_t) {
        count_ += value.empty() ? 0 : 1;
    }

    void number(std::string_view, std::uint64_t) { ++count_; }

    void number_if_any(std::string_view, std::uint64_t value) { count_ += value == 0 ? 0 : 1; }

    void flag(std::string_view, bool) { ++count_; }

    template <typename Value, typename Read, typename Write>
    void other(std::string_view, const Value&, Read, Write) {
        ++count_;
    }

    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

  private:
    std::uint32_t count_ = 0;
};

class FieldWriter {
  public:
    explicit FieldWriter(PackWriter& out) : out_(out) {}

    void text(std::string_view name, std::string_view value, std::size_t /*max*/) {
        out_.text(name);
        out_.text(value);
    }

    void text_or_nil(std::string_view name, std::string_view value, std::size_t max) {
        if (value.empty()) {
            out_.text(name);
            out_.nil();
        } else {
            text(name, value, max);
        }
    }

    void text_if_any(std::string_view name, std::string_view value, std::size_t max) {
        if (!value.empty()) {
            text(name, value, max);
        }
    }

    void number(std::string_view name, std::uint64_t value) {
        out_.text(name);
        out_.number(value);
    }

    void number_if_any(std::string_view name, std::uint64_t value) {
        if (value != 0) {
            number(name, value);
        }
    }

    void flag(std::string_view name, bool value) {
        out_.text(name);
        out_.flag(value);
    }

    template <typename Value, typename Read, typename Write>
    void other(std::string_view name, const Value& value, Read /*read*/, Write write) {
        out_.text(name);
        write(out_, value);
    }

  private:
    PackWriter& out_;
};

template <typename Structure>
void read_fields(PackReader& in, Structure& value) {
    const std::uint32_t count = in.map();
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        FieldReader reader(in, in.text());
        fields(reader, value);
        if (!reader.matched()) {
            in.skip();
        }
    }
}

template <typename Structure>
void write_fields(PackWriter& out, const Structure& value) {
    FieldCounter counter;
    fields(counter, value);
    out.map(counter.count());
    FieldWriter writer(out);
    fields(writer, value);
}

}  // namespace posthaste::gossip::membership
