// SPDX-License-Identifier: BSD-3-Clause
// What peers may do with a message, and we never do: compress it. And a keyring with one key.
#pragma once

#include <string>
#include <vector>

#include "gossip/membership/message_fields.h"
#include "gossip/seal/keyring.h"
#include "routing/check.h"
#include "tests/support/lzw_writer.h"

namespace posthaste::support {

inline std::vector<std::uint8_t> compressed(const std::vector<std::uint8_t>& plain) {
    namespace wire = gossip::membership;
    const std::vector<std::uint8_t> packed = LzwWriter::compress(plain);
    wire::PackWriter out;
    out.octet(static_cast<std::uint8_t>(wire::MessageType::compress));
    wire::write_fields(
        out,
        wire::Compressed{.algorithm = 0,
                         .packed = {reinterpret_cast<const char*>(packed.data()), packed.size()}});
    return out.take();
}

inline gossip::seal::Keyring one_key() {
    gossip::seal::Keyring keyring;
    CHECK(keyring.install(std::string(16, 'k')).has_value());
    return keyring;
}

}  // namespace posthaste::support
