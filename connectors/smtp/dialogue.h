// One mail transaction as a pure state machine: what to write, given what the server said. It knows
// no socket and no clock; the sender drives it, the fuzzer feeds it any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/ports/channel.h"

namespace dealwright::smtp {

// One recipient, so that one outcome says it all.
struct Transaction {
  std::string from;  // the return path
  std::string to;
  std::string bytes;  // a whole mail: lines end with CRLF, 7-bit
};

// From MAIL FROM on, in a session that is greeted (EHLO, STARTTLS, AUTH are behind it):
//
//   MAIL -> RCPT -> DATA -> body -> (held: all is there but the final dot) -> dot -> outcome
//
// One thread.
class Dialogue {
 public:
  enum class Step : std::uint8_t { kMail, kRcpt, kData, kBody, kHeld, kDot, kEnded };

  // REQUIRES: addresses that check_address() lets pass; bytes that build() made
  explicit Dialogue(Transaction transaction);

  Step step() const { return step_; }
  // What is to be written next; empty where the server has to speak, or we were not let go.
  std::string_view output() const { return std::string_view{output_}.substr(written_); }
  // So much of output() went out. Of the dot, one byte is the point of no return.
  void wrote(std::size_t bytes);
  void received(std::string_view bytes);
  // The dot may go. REQUIRES: kHeld
  void go();
  // Ends it for a reason of ours, while the dot is held or before. Behind that: the outcome is
  // unknown.
  void stop(std::string reason);
  // It never came to a session to talk in.
  void no_session(std::string_view why);
  // The connection is gone, or nothing came for too long.
  void cut(std::string_view why);

  bool past_the_dot() const { return step_ == Step::kDot && written_ > 0; }
  // REQUIRES: kEnded
  const AttemptResult& result() const { return result_; }

 private:
  void say(Step step, std::string output);
  void hear(int code);
  void end(AttemptResult::What what, std::string detail);
  std::string words() const;

  Transaction transaction_;
  Step step_ = Step::kMail;
  std::string output_;
  std::size_t written_ = 0;
  std::string line_;   // what was received and has no end yet
  std::string reply_;  // the text of the reply's lines so far
  int reply_code_ = 0;
  AttemptResult result_;
};

// At most 512 bytes of printable ASCII; what is none becomes a blank.
std::string printable(std::string_view text);

}  // namespace dealwright::smtp
