// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/event_loop.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "controlplane/conservation.h"
#include "controlplane/log.h"

namespace posthaste::controlplane {

namespace {

constexpr int kTickMs = 1;  // punt rings are polled: an lcore makes no system call to wake us
constexpr std::uint64_t kQuietMs = 100;  // draining: no frame for so long is the end
constexpr std::uint64_t kLogFlushMs = 1'000;

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

bool watch(int epoll_fd, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

// Nobody reads the store's event: each new one wakes us once.
bool watch_store_of(const Box& box, int epoll_fd) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    return box.store == nullptr ||
           epoll_ctl(epoll_fd, EPOLL_CTL_ADD, box.store->event_fd(), &event) == 0;
}

}  // namespace

SignalSource::SignalSource() {
    const sigset_t set = handled_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

SignalSource::~SignalSource() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

std::optional<int> SignalSource::next() const noexcept {
    signalfd_siginfo got{};
    if (read(fd_, &got, sizeof got) != static_cast<ssize_t>(sizeof got)) {
        return std::nullopt;
    }
    return static_cast<int>(got.ssi_signo);
}

EventLoop::EventLoop(Box& box, const SignalSource& signals, const Options& options)
    : box_(box),
      signals_(signals),
      conductor_(box),
      operations_(box, conductor_, options.log_level),
      exit_when_idle_ms_(options.exit_when_idle_ms) {}

EventLoop::~EventLoop() {
    if (epoll_fd_ >= 0) {
        ::close(epoll_fd_);
    }
}

tl::expected<std::unique_ptr<EventLoop>, std::string> EventLoop::open(Box& box,
                                                                      const SignalSource& signals,
                                                                      const Options& options,
                                                                      const std::string& socket) {
    std::unique_ptr<EventLoop> loop(new EventLoop(box, signals, options));
    AdminSocketOptions admin;
    admin.path = socket;
    admin.connections_max = box.config.admin.connections_max;
    auto opened = AdminSocket::open(admin, loop->operations_);
    if (!opened.has_value()) {
        return tl::unexpected(opened.error());
    }
    loop->admin_ = std::move(*opened);
    loop->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd_ < 0 || !watch(loop->epoll_fd_, signals.fd()) ||
        !watch(loop->epoll_fd_, loop->admin_->epoll_fd()) ||
        !watch_store_of(box, loop->epoll_fd_) ||
        (box.cluster != nullptr && !watch(loop->epoll_fd_, box.cluster->epoll_fd()))) {
        return tl::unexpected(std::string("event loop: ") + std::strerror(errno));
    }
    return loop;
}

int EventLoop::run() {
    // What the configuration names is in the tables before the first frame is received: a capture
    // is over before a cycle is. Two cycles, since next hops go before their routes.
    // No lease ends meanwhile: nobody could renew it.
    const std::uint64_t started_at_ms = box_.now_ms();
    if (const auto loaded = conductor_.load_agents(started_at_ms); !loaded.has_value()) {
        log_error(loaded.error());
        return 1;
    }
    static_cast<void>(conductor_.do_work(started_at_ms));
    static_cast<void>(conductor_.do_work(started_at_ms));
    box_.rib.restart_leases(box_.now_ms());
    box_.start_workers();
    log_notice("ready: " + std::to_string(box_.ports.size()) + " ports, " +
               std::to_string(box_.workers.size()) + " workers, " +
               std::to_string(box_.rib.agents().size()) + " agents, " +
               std::to_string(box_.rib.routes().size()) + " routes");
    received_at_ms_ = box_.now_ms();
    std::uint64_t flushed_at_ms = received_at_ms_;
    bool busy = false;
    for (;;) {
        wait(busy);
        serve_signals();
        const std::uint64_t now_ms = box_.now_ms();
        busy = conductor_.do_work(now_ms);
        busy = (box_.cluster != nullptr && box_.cluster->turn(now_ms)) || busy;
        operations_.follow_cluster();
        watch_table();
        watch_store();
        admin_->poll(now_ms);
        if (now_ms - flushed_at_ms >= kLogFlushMs) {
            log_flush();
            flushed_at_ms = now_ms;
        }
        if (finished(now_ms)) {
            return close();
        }
    }
}

void EventLoop::watch_table() {
    const std::size_t used = box_.rib.places();
    const std::size_t capacity = box_.config.agents.agents_max;
    const auto change = box_.table_alarm.observe(used, capacity);
    if (!change.has_value()) {
        return;
    }
    const std::string figures =
        std::to_string(used) + " of " + std::to_string(capacity) + " ([agents] agents_max)";
    if (*change == TableAlarm::Change::full) {
        log_warning(
            "the table of agents and routes is full: " + figures +
            "; claims of other routers wait, or make room for agents here, which are refused "
            "once no claim is left");
    } else {
        log_notice("the table of agents and routes has room again: " + figures);
    }
}

void EventLoop::watch_store() {
    if (box_.store == nullptr || box_.store->failing() == box_.store_alarm) {
        return;
    }
    box_.store_alarm = !box_.store_alarm;
    if (box_.store_alarm) {
        log_error(box_.store->failure() +
                  "; registrations are refused until it can, forwarding goes on");
    } else {
        log_notice("store " + box_.config.store.path + ": is written again");
    }
}

void EventLoop::wait(bool busy) {
    std::array<epoll_event, 4> events;
    // What is ready is found by asking: signals and operators are both cheap to ask.
    static_cast<void>(
        epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), busy ? 0 : kTickMs));
}

void EventLoop::serve_signals() {
    while (const auto signal = signals_.next()) {
        if (*signal == SIGHUP) {
            // What is wrong was logged line by line; the running configuration stays.
            static_cast<void>(operations_.reload());
        } else if (drain_until_ms_.has_value()) {
            log_notice("second signal: stopping at once");
            stop_now_ = true;
        } else {
            begin_drain(*signal == SIGTERM ? "SIGTERM" : "SIGINT");
        }
    }
}

void EventLoop::begin_drain(const std::string& why) {
    log_notice(why + ": draining for at most " + std::to_string(box_.config.system.drain_ms) +
               " ms");
    box_.draining = true;
    box_.world_stale = true;
    box_.registrar->set_draining(true);
    const std::uint64_t now_ms = box_.now_ms();
    received_ = box_.received();
    received_at_ms_ = now_ms;
    drain_until_ms_ = now_ms + box_.config.system.drain_ms;
    if (box_.cluster != nullptr) {
        box_.cluster->membership().leave(now_ms);
    }
}

bool EventLoop::has_left() const {
    return box_.cluster == nullptr || box_.cluster->membership().left();
}

bool EventLoop::idle_for(std::uint64_t idle_ms, std::uint64_t now_ms) {
    const std::uint64_t received = box_.received();
    if (received != received_ || box_.in_flight() > 0) {
        received_ = received;
        received_at_ms_ = now_ms;
        return false;
    }
    return now_ms - received_at_ms_ >= idle_ms;
}

bool EventLoop::finished(std::uint64_t now_ms) {
    if (stop_now_) {
        return true;
    }
    if (drain_until_ms_.has_value()) {
        const std::uint64_t quiet_ms =
            std::min<std::uint64_t>(kQuietMs, box_.config.system.drain_ms);
        return (idle_for(quiet_ms, now_ms) && has_left()) || now_ms >= *drain_until_ms_;
    }
    if (exit_when_idle_ms_.has_value() && idle_for(*exit_when_idle_ms_, now_ms)) {
        log_notice("idle for " + std::to_string(*exit_when_idle_ms_) + " ms: leaving");
        return true;
    }
    return false;
}

int EventLoop::close() {
    admin_.reset();
    box_.stop_workers();
    box_.keep_warm_list();
    conductor_.drop_everything();
    box_.close_ports();  // they hold mbufs in their rings
    const Conservation law = check_conservation(box_);
    log_notice(law.to_text());
    if (!law.holds()) {
        log_error("frames are unaccounted for: this is a defect of the router");
        return 1;
    }
    return 0;
}

}  // namespace posthaste::controlplane
