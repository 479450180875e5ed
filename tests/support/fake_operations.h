// SPDX-License-Identifier: BSD-3-Clause
// FakeOperations: a small box for tests of the admin socket, its commands and its client.
//
// Two edge ports and a fabric port, two routers, agents in a map. What is added or removed is
// there or gone afterwards; counters stand still, but every second time nothing was looked up.
// Every key of controlplane/operations.h is there, and every value that may be null is null
// somewhere.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/operations.h"

namespace posthaste::test {

// 00000000-0000-4000-8000-000000000001, ...
[[nodiscard]] routing::AgentId numbered_agent(std::uint64_t number);

class FakeOperations : public controlplane::Operations {
  public:
    using Outcome = controlplane::Outcome;
    using Json = controlplane::Json;
    using Page = controlplane::Page;

    // With so many agents, numbered from 1.
    explicit FakeOperations(std::uint64_t agents = 3);
    ~FakeOperations() override;

    [[nodiscard]] std::vector<std::string> port_names() const override;
    [[nodiscard]] std::vector<std::string> router_names() const override;
    [[nodiscard]] std::vector<std::string> policy_names() const override;
    [[nodiscard]] Outcome show_ports() override;
    [[nodiscard]] Outcome show_lcores() override;
    [[nodiscard]] Outcome show_stages() override;
    [[nodiscard]] Outcome show_drops(bool all) override;
    [[nodiscard]] Outcome show_agents(const Page& page) override;
    [[nodiscard]] Outcome show_agent(const routing::AgentId& agent) override;
    [[nodiscard]] Outcome show_capabilities(const Page& page) override;
    [[nodiscard]] Outcome show_capability(const std::string& name,
                                          const Page& page,
                                          bool all) override;
    [[nodiscard]] Outcome show_routes(const Page& page) override;
    [[nodiscard]] Outcome show_routers() override;
    [[nodiscard]] Outcome show_neighbours(const Page& page) override;
    [[nodiscard]] Outcome show_policies() override;
    [[nodiscard]] Outcome show_policy(const std::string& name, const Page& page) override;
    [[nodiscard]] Outcome test_policies(const controlplane::PolicyTrial& trial) override;
    [[nodiscard]] Outcome show_memory() override;
    [[nodiscard]] Outcome show_lookup() override;
    [[nodiscard]] Outcome show_discovery() override;
    [[nodiscard]] Outcome show_top(unsigned count) override;
    [[nodiscard]] Outcome show_rekey() override;
    [[nodiscard]] Outcome rekey() override;
    [[nodiscard]] Outcome withdraw_router(const std::string& router, bool withdrawn) override;
    [[nodiscard]] Outcome show_config() override;
    [[nodiscard]] Outcome show_version() override;
    [[nodiscard]] Outcome lookup(const routing::AgentId& agent) override;
    [[nodiscard]] controlplane::Reply add_agent(
        const controlplane::AgentAddition& addition) override;
    [[nodiscard]] controlplane::Reply remove_agent(const routing::AgentId& agent) override;
    [[nodiscard]] controlplane::Reply drain_agent(const routing::AgentId& agent) override;
    [[nodiscard]] Outcome add_route(const routing::AgentId& agent,
                                    const std::string& router,
                                    unsigned seconds) override;
    [[nodiscard]] Outcome remove_route(const routing::AgentId& agent) override;
    [[nodiscard]] Outcome reload() override;
    [[nodiscard]] Outcome show_store() override;
    [[nodiscard]] controlplane::ClusterCommands* cluster() override;
    [[nodiscard]] controlplane::EventLog& events() override;

    // Something that watchers see: now with all keys, now with none that may be null.
    void make_event();

    // The last addition as it came.
    controlplane::AgentAddition last_addition;
    // In no cluster.
    bool alone = false;
    // How often anything was asked or done.
    unsigned calls = 0;

  private:
    struct Agent {
        std::string name;
        std::string state = "running";
        std::string origin = "registered";
        std::string port = "edge0";
        std::string address = "10.0.0.10";
        std::uint16_t udp_port = 4747;
        std::string mac = "02:00:00:00:0a:01";  // empty: not resolved
        std::vector<std::string> capabilities;
    };

    struct Cluster;

    [[nodiscard]] Json describe(const routing::AgentId& id, const Agent& agent) const;

    std::map<routing::AgentId, Agent> agents_;
    unsigned lookups_asked_ = 0;
    unsigned policies_asked_ = 0;
    bool rekey_asked_ = false;
    std::map<routing::AgentId, std::string> routes_;
    controlplane::EventLog log_;
    std::shared_ptr<Cluster> cluster_;  // made when first asked for
    unsigned events_made_ = 0;
};

}  // namespace posthaste::test
