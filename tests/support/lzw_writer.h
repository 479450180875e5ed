// SPDX-License-Identifier: BSD-3-Clause
// Compresses as peers do, written for clarity alone: 9 to 12 bits a code, the lowest first, and a
// new beginning when the codes are used up, at once or never.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace posthaste::support {

class LzwWriter {
  public:
    static std::vector<std::uint8_t> compress(std::span<const std::uint8_t> plain,
                                              bool begins_anew = true) {
        LzwWriter writer;
        writer.code(kBegin);
        std::string current;
        for (const std::uint8_t octet : plain) {
            const std::string longer = current + static_cast<char>(octet);
            if (current.empty() || writer.codes_.contains(longer)) {
                current = longer;
                continue;
            }
            writer.code(writer.code_of(current));
            writer.define(longer, begins_anew);
            current.assign(1, static_cast<char>(octet));
        }
        if (!current.empty()) {
            writer.code(writer.code_of(current));
            writer.define({}, begins_anew);
        }
        writer.code(kEnd);
        writer.flush();
        return writer.bytes_;
    }

  private:
    static constexpr unsigned kBegin = 256;
    static constexpr unsigned kEnd = 257;
    static constexpr unsigned kLast = 4'095;

    [[nodiscard]] unsigned code_of(const std::string& text) const {
        return text.size() == 1 ? static_cast<std::uint8_t>(text[0]) : codes_.at(text);
    }

    void define(const std::string& text, bool begins_anew) {
        if (next_ > kLast) {
            return;
        }
        if (next_ == kLast && begins_anew) {
            code(kBegin);
            codes_.clear();
            next_ = kEnd + 1;
            width_ = 9;
            return;
        }
        if (!text.empty()) {
            codes_[text] = next_;
        }
        // The reader defines one code later: it is one behind.
        if (next_ == 1U << width_ && width_ < 12) {
            ++width_;
        }
        ++next_;
    }

    void code(unsigned code) {
        bits_ |= static_cast<std::uint64_t>(code) << held_;
        held_ += width_;
        while (held_ >= 8) {
            bytes_.push_back(static_cast<std::uint8_t>(bits_));
            bits_ >>= 8;
            held_ -= 8;
        }
    }

    void flush() {
        if (held_ > 0) {
            bytes_.push_back(static_cast<std::uint8_t>(bits_));
        }
    }

    std::map<std::string, unsigned> codes_;
    unsigned next_ = kEnd + 1;
    unsigned width_ = 9;
    std::uint64_t bits_ = 0;
    unsigned held_ = 0;
    std::vector<std::uint8_t> bytes_;
};

}  // namespace posthaste::support
