// A channel to a receiver that keeps a book: what it took, how often. Whoever drives it says what
// happens to each attempt, and when.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/ports/channel.h"

namespace dealwright {

// One thread. Nothing happens before go_on().
class FakeChannel final : public Channel {
 public:
  FakeChannel(std::string name, bool waits_at_gate)
      : name_{std::move(name)}, waits_{waits_at_gate} {}

  std::string_view name() const override { return name_; }
  bool waits_at_gate() const override { return waits_; }
  std::string destination(const Effect& effect) const override {
    return host_of ? host_of(effect) : std::string{};
  }
  void send(Attempt attempt, std::function<void(Gate)> ready,
            std::function<void(AttemptResult)> done) override {
    ++sent;
    contents[attempt.effect.id] = attempt.content;
    lines_.push_back({std::move(attempt), std::move(ready), std::move(done), {}, false});
  }

  enum class Fate {
    kTaken,       // and said so
    kRefused,     // for good
    kNotNow,      // come again
    kNoLine,      // it never came to its point of no return
    kAnswerLost,  // taken, and nobody heard
    kLostBefore,  // not taken, and nobody heard: it passed the point of no return all the same
  };
  // The oldest attempt goes one step further: to its gate, or from there to its end. False: there
  // is none, or it waits for its gate's word.
  bool go_on(Fate fate) {
    if (lines_.empty()) return false;
    auto& line = lines_.front();
    if (waits_ && fate != Fate::kNoLine && !line.at_gate) {
      line.at_gate = true;
      line.word = std::make_shared<std::optional<bool>>();
      line.ready([word = line.word](bool go) { *word = go; });
      return true;
    }
    if (line.at_gate && !line.word->has_value()) {  // others come first
      lines_.push_back(std::move(lines_.front()));
      lines_.pop_front();
      return false;
    }
    const bool stopped = line.at_gate && !**line.word;
    auto attempt = std::move(line.attempt);
    auto done = std::move(line.done);
    lines_.pop_front();
    done(stopped ? AttemptResult{AttemptResult::What::kAborted, "stopped", {}}
                 : end_of(attempt.effect.id, fate));
    return true;
  }
  std::size_t waiting() const { return lines_.size(); }
  // The process dies: what may be out goes on by itself.
  void crash(bool taken) {
    for (auto& line : lines_) {
      const bool passed = !waits_ || (line.at_gate && line.word->has_value() && **line.word);
      if (passed && taken) ++book[line.attempt.effect.id];
    }
    lines_.clear();
  }

  std::map<EffectId, int> book;      // taken by the receiver
  std::map<EffectId, Map> contents;  // of the newest attempt
  std::size_t sent = 0;
  std::function<std::string(const Effect&)> host_of;

 private:
  struct Line {
    Attempt attempt;
    std::function<void(Gate)> ready;
    std::function<void(AttemptResult)> done;
    std::shared_ptr<std::optional<bool>> word;
    bool at_gate = false;
  };
  AttemptResult end_of(const EffectId& id, Fate fate) {
    using What = AttemptResult::What;
    switch (fate) {
      case Fate::kTaken:
        ++book[id];
        return {What::kDelivered, "250 ok", {}};
      case Fate::kRefused:
        return {What::kRejected, "550 no", {}};
      case Fate::kNotNow:
        return {What::kRetry, "450 later", seconds(30)};
      case Fate::kNoLine:
        return {What::kRetry, "no line", {}};
      case Fate::kAnswerLost:
        ++book[id];
        return {What::kUnknown, "cut", {}};
      case Fate::kLostBefore:
        return {What::kUnknown, "cut", {}};
    }
    return {};
  }

  const std::string name_;
  const bool waits_;
  std::deque<Line> lines_;
};

}  // namespace dealwright
