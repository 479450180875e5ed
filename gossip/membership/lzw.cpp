// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/lzw.h"

#include <algorithm>
#include <array>
#include <optional>

namespace posthaste::gossip::membership {

namespace {

constexpr unsigned kBegin = 256;
constexpr unsigned kEnd = 257;
constexpr unsigned kWidthMin = 9;
constexpr unsigned kWidthMax = 12;
constexpr unsigned kCodes = 1U << kWidthMax;

class BitReader {
  public:
    explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    // Nothing where the input has ended.
    std::optional<unsigned> take(unsigned width) {
        while (held_ < width) {
            if (bytes_.empty()) {
                return std::nullopt;
            }
            bits_ |= static_cast<unsigned>(bytes_[0]) << held_;
            held_ += 8;
            bytes_ = bytes_.subspan(1);
        }
        const unsigned code = bits_ & ((1U << width) - 1);
        bits_ >>= width;
        held_ -= width;
        return code;
    }

  private:
    std::span<const std::uint8_t> bytes_;
    unsigned bits_ = 0;
    unsigned held_ = 0;
};

// The strings codes stand for: that of another code, and one octet more.
class Dictionary {
  public:
    Dictionary() {
        for (unsigned literal = 0; literal < kBegin; ++literal) {
            entries_[literal] = {.length = 1, .last = static_cast<std::uint8_t>(literal)};
        }
    }

    void begin() {
        next_ = kEnd + 1;
        width_ = kWidthMin;
        before_.reset();
    }

    [[nodiscard]] unsigned width() const { return width_; }

    // Appends what `code` stands for; false if it stands for nothing.
    bool append(unsigned code, std::size_t plain_max, std::vector<std::uint8_t>& plain) {
        const bool open = before_.has_value() && next_ < kCodes;
        // The code that is defined by itself: the string before, and its first octet again.
        const bool itself = open && code == next_;
        if (code == kBegin || code == kEnd || (code >= next_ && !itself)) {
            return false;
        }
        const std::size_t length = itself ? entries_[*before_].length + 1U : entries_[code].length;
        if (length > plain_max - plain.size()) {
            bomb_ = true;
            return false;
        }
        const std::size_t start = plain.size();
        plain.resize(start + length);
        std::size_t at = plain.size();
        if (itself) {
            --at;
        }
        for (unsigned from = itself ? *before_ : code; at > start; from = entries_[from].before) {
            plain[--at] = entries_[from].last;
        }
        if (itself) {
            plain.back() = plain[start];
        }
        if (open) {
            define(plain[start]);
        }
        before_ = code;
        return true;
    }

    [[nodiscard]] bool bomb() const { return bomb_; }

  private:
    struct Entry {
        std::uint16_t before = 0;
        std::uint16_t length = 0;
        std::uint8_t last = 0;
    };

    void define(std::uint8_t first) {
        entries_[next_] = {.before = static_cast<std::uint16_t>(*before_),
                           .length = static_cast<std::uint16_t>(entries_[*before_].length + 1),
                           .last = first};
        ++next_;
        if (next_ == 1U << width_ && width_ < kWidthMax) {
            ++width_;
        }
    }

    std::array<Entry, kCodes> entries_{};
    unsigned next_ = kEnd + 1;
    unsigned width_ = kWidthMin;
    std::optional<unsigned> before_;
    bool bomb_ = false;
};

}  // namespace

tl::expected<std::vector<std::uint8_t>, Refusal> decompress(std::span<const std::uint8_t> packed,
                                                            std::size_t plain_max) {
    BitReader in(packed);
    Dictionary dictionary;
    std::vector<std::uint8_t> plain;
    plain.reserve(std::min(plain_max, 4 * packed.size()));
    while (const auto code = in.take(dictionary.width())) {
        if (*code == kEnd) {
            return plain;
        }
        if (*code == kBegin) {
            dictionary.begin();
        } else if (!dictionary.append(*code, plain_max, plain)) {
            return tl::unexpected(dictionary.bomb() ? Refusal::decompression_bomb
                                                    : Refusal::bad_compression);
        }
    }
    return tl::unexpected(Refusal::bad_compression);
}

}  // namespace posthaste::gossip::membership
