// SPDX-License-Identifier: BSD-3-Clause
#include "routing/message.h"

#include <algorithm>

namespace posthaste::routing {

namespace {
constexpr std::size_t kTlvHeaderBytes = 2;  // type, length
}  // namespace

bool TlvReader::next() noexcept {
    if (rest_.empty() || rest_[0] == static_cast<std::uint8_t>(Tlv::pad)) {
        return false;
    }
    if (rest_.size() < kTlvHeaderBytes || rest_.size() < kTlvHeaderBytes + rest_[1]) {
        ok_ = false;
        return false;
    }
    type_ = rest_[0];
    value_ = rest_.subspan(kTlvHeaderBytes, rest_[1]);
    rest_ = rest_.subspan(kTlvHeaderBytes + rest_[1]);
    return true;
}

void TlvWriter::put(Tlv type, std::span<const std::uint8_t> value) noexcept {
    if (value.size() > 255 || buffer_.size() - used_ < kTlvHeaderBytes + value.size()) {
        ok_ = false;
        return;
    }
    buffer_[used_] = static_cast<std::uint8_t>(type);
    buffer_[used_ + 1] = static_cast<std::uint8_t>(value.size());
    std::ranges::copy(value,
                      buffer_.begin() + static_cast<std::ptrdiff_t>(used_ + kTlvHeaderBytes));
    used_ += kTlvHeaderBytes + value.size();
}

void TlvWriter::put(Tlv type, std::string_view value) noexcept {
    put(type, std::span(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
}

void TlvWriter::put_u8(Tlv type, std::uint8_t value) noexcept {
    put(type, std::span<const std::uint8_t>(&value, 1));
}

void TlvWriter::put_u32(Tlv type, std::uint32_t value) noexcept {
    const Be32 wire(value);
    put(type, std::span<const std::uint8_t>(wire.bytes));
}

}  // namespace posthaste::routing
