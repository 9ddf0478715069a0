#include "tests/sim/peers.h"

namespace dealwright::sim {
namespace {

using What = AttemptResult::What;

constexpr const char* kVerbs[] = {"DNS",  "connect", "HELO",    "MAIL", "RCPT",
                                  "DATA", "gate",    "the dot", "reply"};

std::string about(const Effect& effect) {
  return effect.rule + " " +
         hex({reinterpret_cast<const std::uint8_t*>(&effect.enrolment), sizeof effect.enrolment}) +
         " " + effect.step;
}

}  // namespace

std::string SimChannel::destination(const Effect& effect) const {
  return (mail_ ? "mx" : "hook") + std::to_string(effect.id[0] % 2) + ".example.org";
}

void SimChannel::send(Attempt attempt, std::function<void(Gate)> ready,
                      std::function<void(AttemptResult)> done) {
  if (dead_) return;
  ++books_.attempts;
  story_.say("{} {} of {} begins, attempt {}", name(), hex(attempt.effect.id).substr(0, 8),
             attempt.effect.rule, attempt.number);
  if (!mail_) passes_(attempt);  // it may pass at once
  Line line;
  line.attempt = std::move(attempt);
  line.ready = std::move(ready);
  line.done = std::move(done);
  lines_.push_back(std::move(line));
}

Books::Entry& SimChannel::entry(const Line& line) {
  return (mail_ ? books_.mails : books_.hooks)[line.attempt.effect.id];
}

bool SimChannel::go_on(std::uint64_t which) {
  if (lines_.empty()) return false;
  const auto at = static_cast<std::size_t>(which % lines_.size());
  auto& line = lines_[at];
  if (clock_.steady_us() < line.hangs_until_us) return false;
  if (line.verb == Verb::kGate && !at_gate(line)) {
    if (!line.word->has_value()) return false;
    const bool stopped = !**line.word;
    // Whoever was to answer stopped, and may have written down that it starts.
    if (line.unanswered) entry(line).off.insert(line.attempt.number);
    end(at, {What::kAborted, stopped ? "stopped" : "10 s have gone by", {}});
    return true;
  }
  if (auto result = verb(line)) {
    end(at, std::move(*result));
  } else if (line.verb != Verb::kReply) {
    line.verb = static_cast<Verb>(static_cast<int>(line.verb) + 1);
  }
  return true;
}

// True: it goes on to the dot.
bool SimChannel::at_gate(Line& line) {
  const bool first = line.ready_us == 0;
  if (first) {
    line.ready_us = clock_.steady_us() + 1;
    line.ready([word = line.word](bool go) { *word = go; });
  }
  const bool over = clock_.steady_us() - line.ready_us >= kAttemptSpan.ms * 1000;
  if (over && !line.word->has_value()) {  // it hangs up by itself
    *line.word = false;
    line.unanswered = true;
    story_.met("a gate that nobody answered");
  }
  if (!line.word->has_value() || !**line.word || over) return false;
  passes_(line.attempt);
  return true;
}

AttemptResult SimChannel::cut(Line& line, const char* where) {
  story_.met(std::string{name()} + " cut at " + where);
  if (!line.passed) return {What::kRetry, std::string{"the line was cut at "} + where, {}};
  entry(line).off.insert(line.attempt.number);
  return {What::kUnknown, std::string{"the line was cut at "} + where, {}};
}

void SimChannel::take(Line& line) {
  line.taken = true;
  ++entry(line).taken;
  if (mail_) books_.mails_about[about(line.attempt.effect)].insert(line.attempt.effect.id);
}

// What one verb comes to; none: the next follows.
std::optional<AttemptResult> SimChannel::verb(Line& line) {
  const auto* where = kVerbs[static_cast<std::size_t>(line.verb)];
  if (!mail_ && line.verb == Verb::kHello) line.verb = Verb::kGate;  // HTTP has no such verbs
  if (line.verb == Verb::kGate) {
    line.passed = true;
    ++books_.passed;
    return std::nullopt;
  }
  if (dice_.hit(mail_ ? Fault::kMailHangs : Fault::kHookHangs)) {
    story_.met(std::string{name()} + " hangs");
    line.hangs_until_us = clock_.steady_us() + 30'000'000;
  }
  // Once it stands there in front of the dot or the reply, a cut may come before or behind it.
  const bool cuts = dice_.hit(mail_ ? Fault::kMailCut : Fault::kHookCut);
  const bool before = dice_.of(Fault::kMailCut).chance(50);
  if (line.verb == Verb::kReply) {
    if (cuts) return cut(line, where);
    ++entry(line).answered;
    return AttemptResult{What::kDelivered, mail_ ? "250 ok" : "200", {}, true};
  }
  if (cuts && (before || line.verb != Verb::kDot)) return cut(line, where);
  if (dice_.hit(mail_ ? Fault::kMailLater : Fault::kHookLater)) {
    story_.met(std::string{name()} + " told to come later at " + where);
    return AttemptResult{What::kRetry, "450 later", seconds(30), true};
  }
  const bool answers = mail_ ? line.verb >= Verb::kFrom : line.verb == Verb::kDot;
  if (answers && dice_.hit(mail_ ? Fault::kMailRefused : Fault::kHookRefused)) {
    story_.met(std::string{name()} + " refused at " + where);
    entry(line).refused = true;
    return AttemptResult{What::kRejected, "550 no", {}, true};
  }
  if (line.verb == Verb::kDot) {
    take(line);
    if (cuts) return cut(line, "the answer");
  }
  return std::nullopt;
}

void SimChannel::end(std::size_t at, AttemptResult result) {
  auto line = std::move(lines_[at]);
  lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(at));
  story_.say("{} {}, attempt {}: {}{}", name(), hex(line.attempt.effect.id).substr(0, 8),
             line.attempt.number, result.detail, line.taken ? " (it was taken)" : "");
  if (line.passed || line.ready_us > 0)
    said_.emplace_back(line.attempt.effect.id, line.attempt.number);
  line.done(std::move(result));
}

void SimChannel::crash(FakeRandom& random) {
  for (auto& line : lines_) {
    const bool word = mail_ && line.word->has_value() && **line.word;
    const bool may_be_out = line.passed || word || !mail_;
    const bool out = may_be_out && !line.taken && random.chance(50);
    if (out) take(line);
    if (may_be_out || line.ready_us > 0) {  // that it starts may be written down by now
      entry(line).off.insert(line.attempt.number);
      story_.met(std::string{name()} + " in flight at a crash");
    }
  }
  lines_.clear();
  // What the node had heard and not put into the log nobody knows either.
  for (const auto& [id, attempt] : said_) {
    if (known_(id, attempt)) continue;
    (mail_ ? books_.mails : books_.hooks)[id].off.insert(attempt);
    story_.met(std::string{name()} + " known to a node that died");
  }
  said_.clear();
}

}  // namespace dealwright::sim
