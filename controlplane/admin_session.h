// SPDX-License-Identifier: BSD-3-Clause
// AdminSession: one connection of the admin socket without its file descriptor.
//
// Bytes in, answers out (controlplane/protocol.h). Bounded in both directions: an input line up to
// kRequestBytesMax, and no request is taken up while kOutputHighBytes of answers wait, so at most
// one answer of kAnswerBytesMax stands above that mark. Control thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/ongoing.h"
#include "controlplane/operations.h"

namespace posthaste::controlplane {

inline constexpr std::size_t kOutputHighBytes = 64 * 1024;

class AdminSession {
  public:
    explicit AdminSession(Operations& operations) : operations_(operations) {}

    // How many bytes receive() would take now; 0 after the end.
    [[nodiscard]] std::size_t room() const noexcept;
    // Keeps them; at most room() bytes.
    void receive(std::string_view bytes);

    // The peer sends no more: what it sent is still answered, a last line without newline too.
    void end_of_input();

    // Answers at most `budget` requests.
    void work(unsigned budget);
    // work() would find something to do.
    [[nodiscard]] bool has_work() const noexcept;

    // A command goes on: work() is to be called every turn.
    [[nodiscard]] bool is_waiting() const noexcept { return ongoing_ != nullptr; }

    [[nodiscard]] std::string_view output() const noexcept {
        return std::string_view(output_).substr(output_start_);
    }

    // The first `bytes` of output() have gone out.
    void sent(std::size_t bytes);
    // Everything is answered and gone out, and nothing more can come.
    [[nodiscard]] bool finished() const noexcept;

  private:
    [[nodiscard]] bool has_line() const noexcept { return line_end_ != std::string::npos; }

    [[nodiscard]] std::size_t pending() const noexcept { return input_.size() - input_start_; }

    void find_line() noexcept;
    void answer(std::string_view line);
    void go_on(unsigned budget);
    void put(const Json& id, Outcome outcome, bool more);
    void refuse_input();

    Operations& operations_;
    std::string input_;
    std::size_t input_start_ = 0;               // of the line not yet answered
    std::size_t scanned_ = 0;                   // no newline from input_start_ to here
    std::size_t line_end_ = std::string::npos;  // the newline of the first complete line
    std::string output_;
    std::size_t output_start_ = 0;
    bool input_ended_ = false;
    std::unique_ptr<Ongoing> ongoing_;  // and no request is taken up meanwhile
    Json ongoing_id_;
};

}  // namespace posthaste::controlplane
