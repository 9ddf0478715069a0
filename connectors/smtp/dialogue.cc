#include "connectors/smtp/dialogue.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/assert.h"

namespace dealwright::smtp {
namespace {

// RFC 5321 says 512 and 1,000; some servers say more.
constexpr std::size_t kReplyLineBytesMax = 4096;
constexpr std::size_t kReplyBytesMax = 16384;

// A line that begins with a dot gets one more (RFC 5321 4.5.2).
std::string with_dots(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 64);
  bool line_begins = true;
  for (const char c : bytes) {
    if (line_begins && c == '.') out.push_back('.');
    out.push_back(c);
    line_begins = c == '\n';
  }
  return out;
}

std::string_view verb(Dialogue::Step step) {
  switch (step) {
    case Dialogue::Step::kMail:
      return "MAIL FROM";
    case Dialogue::Step::kRcpt:
      return "RCPT TO";
    case Dialogue::Step::kData:
      return "DATA";
    case Dialogue::Step::kBody:
      return "the body";
    case Dialogue::Step::kHeld:
      return "the body, the dot held back";
    case Dialogue::Step::kDot:
      return "the dot";
    case Dialogue::Step::kEnded:
      break;
  }
  return "the end";
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out{text.substr(0, 512)};
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = ' ';
  }
  return out;
}

Dialogue::Dialogue(Transaction transaction) : transaction_{std::move(transaction)} {
  DW_ASSERT(transaction_.bytes.ends_with("\r\n"));
  say(Step::kMail, fmt::format("MAIL FROM:<{}>\r\n", transaction_.from));
}

void Dialogue::say(Step step, std::string output) {
  step_ = step;
  output_ = std::move(output);
  written_ = 0;
}

void Dialogue::end(AttemptResult::What what, std::string detail) {
  say(Step::kEnded, "");
  result_ = AttemptResult{what, printable(detail), {}};
}

void Dialogue::wrote(std::size_t bytes) {
  DW_ASSERT(bytes <= output().size());
  written_ += bytes;
  if (step_ == Step::kBody && output().empty()) say(Step::kHeld, "");
}

void Dialogue::go() {
  DW_ASSERT(step_ == Step::kHeld);
  say(Step::kDot, ".\r\n");
}

void Dialogue::stop(std::string reason) {
  if (step_ == Step::kEnded) return;
  const bool passed = past_the_dot();
  end(passed ? AttemptResult::What::kUnknown : AttemptResult::What::kAborted, std::move(reason));
}

void Dialogue::no_session(std::string_view why) {
  if (step_ != Step::kEnded) end(AttemptResult::What::kRetry, fmt::format("no session: {}", why));
}

void Dialogue::cut(std::string_view why) {
  if (step_ == Step::kEnded) return;
  const bool passed = past_the_dot();
  const auto at = verb(step_);
  end(passed ? AttemptResult::What::kUnknown : AttemptResult::What::kRetry,
      fmt::format("{} at {}", why, at));
}

std::string Dialogue::words() const {
  return fmt::format("{}{}{}", reply_code_, reply_.empty() ? "" : " ", reply_);
}

void Dialogue::received(std::string_view bytes) {
  for (const char c : bytes) {
    if (step_ == Step::kEnded) return;
    if (c != '\n') {
      line_.push_back(c);
      if (line_.size() > kReplyLineBytesMax) cut("a reply without end");
      continue;
    }
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    const auto line = std::exchange(line_, {});
    const bool digits = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' &&
                        line[1] <= '9' && line[2] >= '0' && line[2] <= '9';
    const bool goes_on = line.size() > 3 && line[3] == '-';
    if (!digits || (line.size() > 3 && !goes_on && line[3] != ' ') ||
        reply_.size() > kReplyBytesMax)
      return cut("a reply that is none");
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (reply_code_ != 0 && code != reply_code_) return cut("a reply that is none");
    reply_code_ = code;
    if (line.size() > 4) reply_.append(reply_.empty() ? "" : " ").append(line, 4);
    if (goes_on) continue;
    hear(code);
    reply_code_ = 0;
    reply_.clear();
  }
}

// A whole reply. Behind the point of no return only 2xx, 4xx and 5xx say what became of the mail.
void Dialogue::hear(int code) {
  using What = AttemptResult::What;
  if (!output().empty() && step_ != Step::kBody && !past_the_dot())
    return cut("a reply before the question");
  // 530 to 538 ask for a login or TLS first: a fault of the settings, not of the mail.
  if (code >= 530 && code <= 538) return end(What::kRetry, words());
  if (code >= 500) return end(What::kRejected, words());
  if (code >= 400) {
    end(What::kRetry, words());
    result_.host_up = code != 421;  // of this mail it takes none now; 421: of none at all
    return;
  }
  switch (step_) {
    case Step::kMail:
      if (code != 250) break;
      return say(Step::kRcpt, fmt::format("RCPT TO:<{}>\r\n", transaction_.to));
    case Step::kRcpt:
      if (code != 250 && code != 251) break;
      return say(Step::kData, "DATA\r\n");
    case Step::kData:
      if (code != 354) break;
      return say(Step::kBody, with_dots(std::exchange(transaction_.bytes, {})));
    case Step::kDot:
      // Part of the dot unsent: it cannot be the answer to it.
      if (code != 250 || !output().empty()) break;
      return end(What::kDelivered, words());
    case Step::kBody:
    case Step::kHeld:
    case Step::kEnded:
      break;
  }
  cut(fmt::format("an unexpected {}", words()));
}

}  // namespace dealwright::smtp
