// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a message of Serf, and as tags. Holds: what was read is written and read again as
// the same, and tags that fit come back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gossip/membership/serf_codec.h"
#include "routing/check.h"

namespace {

using namespace posthaste::gossip::membership;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto message = decode_serf(bytes)) {
        const std::string once = encode_serf(*message);
        const auto again = decode_serf(once);
        CHECK(again.has_value() && encode_serf(*again) == once);
        CHECK(again->index() == message->index());
    }
    if (const auto tags = tags_of_meta(bytes)) {
        if (const auto meta = meta_of_tags(*tags)) {
            CHECK(meta->size() <= kMetaBytesMax && tags_of_meta(*meta) == *tags);
        }
    }
    return 0;
}
