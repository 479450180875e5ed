// SPDX-License-Identifier: BSD-3-Clause
// FakeDirectory: what queries are answered from, as a test says.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/query.h"
#include "routing/provider_set.h"

namespace posthaste::support {

class FakeDirectory final : public controlplane::Directory {
  public:
    std::map<std::string, std::unique_ptr<const routing::ProviderSet>, std::less<>> sets;
    std::map<std::uint32_t, routing::Load> loads;  // by cell
    routing::RouterMask mask;
    std::vector<std::string> discovered;

    [[nodiscard]] const routing::ProviderSet* providers(std::string_view name,
                                                        std::uint64_t /*now_ms*/) override {
        const auto held = sets.find(name);
        return held == sets.end() ? nullptr : held->second.get();
    }

    void discover(std::string_view name, std::uint64_t /*now_ms*/) override {
        discovered.emplace_back(name);
    }

    [[nodiscard]] routing::Load load(const routing::Provider& provider) const override {
        const auto held = loads.find(provider.cell);
        return held == loads.end() ? routing::Load{} : held->second;
    }

    [[nodiscard]] const routing::RouterMask& routers() const override { return mask; }

    [[nodiscard]] std::string_view router_name(std::uint16_t /*router*/) const override {
        return "west";
    }
};

}  // namespace posthaste::support
