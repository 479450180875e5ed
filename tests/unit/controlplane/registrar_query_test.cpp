// SPDX-License-Identifier: BSD-3-Clause
// What agents offer, and what they are told of who offers it.
#include "controlplane/query.h"

#include <functional>
#include <memory>
#include <vector>

#include "tests/unit/controlplane/registrar_fixture.h"

namespace posthaste::controlplane {

using namespace routing;

namespace {

// Agents 1 to `count`, their cells numbered alike, each as `adjust` leaves it.
std::unique_ptr<const ProviderSet> set_of(std::uint8_t count,
                                          const std::function<void(Provider&)>& adjust) {
    std::vector<ProviderChange> changes;
    for (std::uint8_t number = 1; number <= count; ++number) {
        Provider provider{.agent = test::agent(number), .cell = number};
        adjust(provider);
        changes.push_back({.remove = false, .provider = provider});
    }
    return ProviderSet::make(nullptr, changes);
}

TEST_F(registrar, takes_priorities_weights_and_a_load) {
    const Bytes payload = tlv(36, {"\x03\x20\x00\x14vision/ocr", 14}) + tlv(1, "math") +
                          tlv(35, {"\x01\xf4\x00\x01\x00\x00", 6}) + kPadding;
    const auto outcome = enrol(payload);
    ASSERT_EQ(outcome.drop, Drop::none);
    const AgentRecord* const record = rib_.find_agent(test::agent(1));
    const std::vector<routing::Offer> offers = rib_.offers_of(record->offers);
    ASSERT_EQ(offers.size(), 2U);
    EXPECT_EQ(routing::to_text(offers[0]), "math");
    EXPECT_EQ(routing::to_text(offers[1]), "vision/ocr@800*20");
    EXPECT_EQ(outcome.agent, test::agent(1));
    ASSERT_TRUE(outcome.load.has_value());
    EXPECT_EQ(outcome.load->per_mille, 500);
    EXPECT_EQ(outcome.load->queue_depth, 0xffff);
}

TEST_F(registrar, answers_a_query_page_by_page) {
    directory_.sets["math"] = set_of(5, [](routing::Provider& provider) {
        provider.priority = static_cast<std::uint16_t>(100 - provider.cell);
        provider.router = provider.cell == 5 ? std::uint16_t{3} : routing::kNoRouter;
        provider.state = provider.cell == 4 ? AgentState::draining : AgentState::running;
    });
    directory_.loads[2] = {.per_mille = 700, .queue_depth = 0};
    ASSERT_EQ(enrol(kPadding).drop, Drop::none);

    // Room for three: two, and where to go on.
    auto ask = test::control_spec(Type::query, tlv(1, "math") + Bytes(58, '\0'));
    ASSERT_EQ(receive(ask).drop, Drop::none);
    Answer page = answer();
    EXPECT_EQ(page.type, Type::query_reply);
    ASSERT_EQ(page.payload.size(), 2 * 26U + 6);
    EXPECT_EQ(page.payload[0], 38);
    EXPECT_TRUE(std::equal(
        page.payload.begin() + 2, page.payload.begin() + 18, test::agent(1).bytes.begin()));
    EXPECT_EQ(page.payload[19], 99);                                     // priority
    EXPECT_EQ(page.payload[26 + 22] << 8 | page.payload[26 + 23], 700);  // load of the second
    EXPECT_EQ(page.payload[52], 39);
    EXPECT_EQ(page.payload[57], 2);

    ask = test::control_spec(Type::query,
                             tlv(1, "math") + tlv(39, {"\0\0\0\2", 4}) + Bytes(100, '\0'));
    ASSERT_EQ(receive(ask).drop, Drop::none);
    page = answer();
    ASSERT_EQ(page.payload.size(), 26U + 30);  // the third, and the one at another router
    EXPECT_EQ(page.payload[26 + 25], 1);
    EXPECT_EQ(std::string(page.payload.begin() + 52, page.payload.end()), "west");

    ask = test::control_spec(Type::query, tlv(1, "math") + tlv(40, "\x03") + Bytes(140, '\0'));
    ASSERT_EQ(receive(ask).drop, Drop::none);
    EXPECT_EQ(answer().payload.size(), 4 * 26U);  // the draining one, too, but only here
}

TEST_F(registrar, tells_a_query_of_nobody_at_a_router_that_is_out) {
    directory_.sets["math"] = set_of(3, [](routing::Provider& provider) {
        provider.router =
            provider.cell == 1 ? routing::kNoRouter : static_cast<std::uint16_t>(provider.cell);
    });
    ASSERT_EQ(enrol(kPadding).drop, Drop::none);
    const auto told = [this](std::string_view flags) {
        const auto ask =
            test::control_spec(Type::query, tlv(1, "math") + tlv(40, flags) + Bytes(140, '\0'));
        EXPECT_EQ(receive(ask).drop, Drop::none);
        return answer().payload.size();
    };
    const std::string_view available{"\0", 1};
    EXPECT_EQ(told(available), 26U + 2 * 30);
    directory_.mask.set_out(2, true);
    EXPECT_EQ(told(available), 26U + 30);
    directory_.mask.set_out(3, true);
    EXPECT_EQ(told(available), 26U);
    EXPECT_EQ(told("\x01"), 26U + 2 * 30) << "in all states";
    directory_.mask.set_out(3, false);
    EXPECT_EQ(told(available), 26U + 30);
}

// An empty reply says that this was all of them, and nothing else does.
TEST_F(registrar, refuses_a_query_without_room_for_what_it_asks) {
    directory_.sets["ab"] = set_of(2, [](routing::Provider& provider) { provider.router = 2; });
    directory_.sets["none"] = routing::ProviderSet::make(nullptr, {});
    ASSERT_EQ(enrol(kPadding).drop, Drop::none);
    // Room for nothing, for no more than a cursor, and for all but one byte of the first provider
    // (30) with a cursor (6).
    for (const std::size_t bytes : {4U, 10U, 35U}) {
        const Bytes asked = tlv(1, "ab");
        const auto refused =
            receive(test::control_spec(Type::query, asked + Bytes(bytes - asked.size())));
        EXPECT_EQ(refused.drop, Drop::control_refused) << bytes;
        EXPECT_EQ(answer().type, Type::error);
        EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::too_large));
    }
    ASSERT_EQ(receive(test::control_spec(Type::query, tlv(1, "ab") + Bytes(32))).drop, Drop::none);
    EXPECT_EQ(answer().payload.size(), 36U);
    const Bytes last = tlv(1, "ab") + tlv(39, {"\0\0\0\2", 4});
    ASSERT_EQ(receive(test::control_spec(Type::query, last)).drop, Drop::none);
    EXPECT_EQ(answer().payload.size(), 0U);
    ASSERT_EQ(receive(test::control_spec(Type::query, tlv(1, "none"))).drop, Drop::none);
    EXPECT_EQ(answer().payload.size(), 0U);
    directory_.mask.set_out(2, true);
    ASSERT_EQ(receive(test::control_spec(Type::query, tlv(1, "ab"))).drop, Drop::none);
    EXPECT_EQ(answer().type, Type::query_reply);
    EXPECT_EQ(answer().payload.size(), 0U);
}

TEST_F(registrar, answers_queries_of_its_agents_alone) {
    directory_.sets["math"] = routing::ProviderSet::make(nullptr, {});
    auto ask = test::control_spec(Type::query, tlv(1, "math") + kPadding);
    static_cast<void>(receive(ask));
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::unauthorised));
    ASSERT_EQ(enrol(kPadding).drop, Drop::none);
    const std::uint64_t version = rib_.version();
    ask = test::control_spec(Type::query, tlv(1, "nobody/has") + kPadding);
    static_cast<void>(receive(ask));
    EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::unknown_capability));
    EXPECT_EQ(directory_.discovered, std::vector<std::string>{"nobody/has"});
    for (const Bytes& payload : {Bytes(),
                                 tlv(1, "No"),
                                 tlv(1, "a") + tlv(1, "b"),
                                 tlv(1, "a") + tlv(39, "x"),
                                 tlv(1, "a") + tlv(40, "xx")}) {
        static_cast<void>(receive(test::control_spec(Type::query, payload + kPadding + kPadding)));
        EXPECT_EQ(answer().performative, static_cast<unsigned>(ErrorCode::malformed));
    }
    EXPECT_EQ(rib_.version(), version);
}

}  // namespace
}  // namespace posthaste::controlplane
