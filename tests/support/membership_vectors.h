// SPDX-License-Identifier: BSD-3-Clause
// What Debian's serf 0.9.4 sent on the loopback: datagrams, and answers on streams.
#pragma once

#include <string_view>

namespace posthaste::support {

// Node "amr-1", number 10, from serf-a at 127.0.0.1:17946.
inline constexpr std::string_view kSerfPing =
    "0085a44e6f6465a5616d722d31a55365714e6f0aaa536f7572636541646472a47f000001"
    "aa536f757263654e6f6465a6736572662d61aa536f75726365506f7274cd461a";
// With a CRC: gv-x, incarnation 2, tags role=web and k=v, port 16001.
inline constexpr std::string_view kSerfAlive =
    "0cd0c3513b0486a441646472a47f000001ab496e6361726e6174696f6e02a44d657461afff82"
    "a4726f6c65a3776562a16ba176a44e6f6465a467762d78a4506f7274cd3e81a356736ea6010502020505";
// With a CRC: gv-x says of itself that it left.
inline constexpr std::string_view kSerfDead =
    "0cad40b2fb0583a446726f6da467762d78ab496e6361726e6174696f6e02a44e6f6465a467762d78";
// With a CRC: user event "e1" with payload "pay".
inline constexpr std::string_view kSerfEvent =
    "0c23b0cd4c080384a24343c2a54c54696d6501a44e616d65a26531a75061796c6f6164a3706179";
// A ping, and gv-x's intent to leave.
inline constexpr std::string_view kSerfCompound =
    "07020042001b0085a44e6f6465a5616d722d31a55365714e6f03aa536f7572636541646472a47f000001"
    "aa536f757263654e6f6465a467762d78aa536f75726365506f7274cd3e81"
    "080083a54c54696d6501a44e6f6465a467762d78a55072756e65c2";
// Compressed: the ack of ping 7 on a stream.
inline constexpr std::string_view kSerfStreamAck =
    "0982a4416c676f00a3427566b70005083a05254c1e366fc29001566a4a99384ede1c0808";
// Compressed: a push/pull, the answer to a join. serf-a alone, 127.0.0.1:27946, tag role=test,
// and three events, deploy0 to deploy2 with payloads payload-0 to payload-2, among 512 places.
inline constexpr std::string_view kSerfPushPull =
    "0982a4416c676f00a3427566da0136000d0c22a5e44d1a37c34a397943a6cc9c00acaacc2923670a"
    "9d3074ca3029e3a699806d8748052143460ea93f0000045895c4cd983072dc604cf3c64d00524dca"
    "5c64f52f1029396fd8942195710e1d524ec2b429636aa21c332dc29082f2460e9d666d5494b288b1"
    "0c805156e6b83115a080000105cc1a5255c40e473a4ca8a4594ac054dbb773b80900004c905db76e"
    "e8cc892408a9d232a71ac261f3260f8c5350c2e4611c864c2a389229936901a354dcb96502f8bd1b"
    "7870e1a44b139759dc3806e4cc6f2a5f865db9450ccf72970a180d583061c3a91533ce23e3f5e4d8"
    "96311faf2d0337e801c0a24b9f4ebdbaf5ebd8b36bdfcebdbbf7efe0c38b1f4fbebcf9f3e8d3ab5f"
    "cfbebdfbedce97aedc68864ece366228ce81a42a4a1d8a797c261f2b5cd151c71c023a1448531441"
    "1506000101";

}  // namespace posthaste::support
