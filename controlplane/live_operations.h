// SPDX-License-Identifier: BSD-3-Clause
// LiveOperations: Operations over the running Box. Control thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/box.h"
#include "controlplane/conductor.h"
#include "controlplane/config.h"
#include "controlplane/live_cluster.h"
#include "controlplane/operations.h"

namespace posthaste::controlplane {

class LiveOperations final : public Operations {
  public:
    // `log_level`: given on the command line, goes before the file's, also after a reload.
    LiveOperations(Box& box, Conductor& conductor, std::optional<LogLevel> log_level);

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
    [[nodiscard]] Outcome test_policies(const PolicyTrial& trial) override;
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
    [[nodiscard]] Reply add_agent(const AgentAddition& addition) override;
    [[nodiscard]] Reply remove_agent(const routing::AgentId& agent) override;
    [[nodiscard]] Reply drain_agent(const routing::AgentId& agent) override;
    [[nodiscard]] Outcome add_route(const routing::AgentId& agent,
                                    const std::string& router,
                                    unsigned seconds) override;
    [[nodiscard]] Outcome remove_route(const routing::AgentId& agent) override;
    [[nodiscard]] Outcome reload() override;

    [[nodiscard]] Outcome show_store() override;
    [[nodiscard]] ClusterCommands* cluster() override;

    [[nodiscard]] EventLog& events() override { return box_.events; }

    // What happened in the cluster goes into the log of events; every turn.
    void follow_cluster();

  private:
    struct BusySample {
        std::uint64_t busy = 0;
        std::uint64_t total = 0;
    };

    [[nodiscard]] Json port_row(std::size_t index) const;
    [[nodiscard]] Json worker_row(std::size_t index);
    [[nodiscard]] Json control_row() const;
    [[nodiscard]] Json agent_row(const routing::AgentRecord& record) const;
    [[nodiscard]] std::string mac_of(const routing::Endpoint& endpoint) const;
    // Why what the store keeps of the agent may not change now; nullopt: it may.
    [[nodiscard]] std::optional<OperationError> not_storable(const routing::AgentId& agent) const;
    // The answer, once what the store keeps of the agent is as it is here.
    [[nodiscard]] Reply answer_when_stored(const routing::AgentId& agent, Json answer);
    void apply(const Config& next);

    // Before the operator is told: whoever acts on the answer finds the lcores doing it.
    void publish() { conductor_.publish(box_.now_ms()); }

    // The same of an agent that came, changed or left.
    void publish(const routing::AgentId& agent) {
        if (box_.cluster_routes != nullptr) {
            box_.cluster_routes->settle_agent(agent);
        }
        publish();
    }

    Box& box_;
    Conductor& conductor_;
    std::optional<LogLevel> log_level_;
    std::optional<LiveCluster> cluster_;
    std::vector<BusySample> last_busy_;  // by worker
};

}  // namespace posthaste::controlplane
