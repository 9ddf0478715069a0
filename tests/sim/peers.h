// A mail server and a receiver of webhooks, behind the Channel port, with books of their own: what
// they took, from which attempt, when. They fail at each verb and lose the line between them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/ports/channel.h"
#include "tests/sim/plan.h"
#include "tests/sim/story.h"

namespace dealwright::sim {

// What the two peers know.
struct Books {
  struct Entry {
    std::uint32_t taken = 0;      // times that it was taken
    std::set<std::uint32_t> off;  // attempts behind which the line was lost: nobody may know
    bool refused = false;         // for good
    std::uint32_t answered = 0;   // times that it was taken and the answer arrived
  };
  std::map<EffectId, Entry> mails, hooks;
  std::map<std::string, std::set<EffectId>> mails_about;  // taken, by what they are about
  std::uint64_t attempts = 0, passed = 0;
};

// What one node sends mails or calls through. One thread; it moves when told to.
class SimChannel final : public Channel {
 public:
  // `passes`: called at an attempt's point of no return. `dead`: the node died.
  using Passes = std::function<void(const Attempt&)>;
  // Whether the log holds what that attempt came to.
  using Known = std::function<bool(const EffectId&, std::uint32_t attempt)>;
  SimChannel(bool mail, Books& books, Dice& dice, Story& story, const FakeClock& clock,
             const bool& dead, Passes passes, Known known)
      : mail_{mail},
        books_{books},
        dice_{dice},
        story_{story},
        clock_{clock},
        dead_{dead},
        passes_{std::move(passes)},
        known_{std::move(known)} {}

  std::string_view name() const override { return mail_ ? "email" : "webhook"; }
  bool waits_at_gate() const override { return mail_; }
  std::string destination(const Effect& effect) const override;
  void send(Attempt attempt, std::function<void(Gate)> ready,
            std::function<void(AttemptResult)> done) override;

  std::size_t lines() const { return lines_.size(); }
  // One of the lines, `which` modulo their number, goes one verb further. False: there is none, or
  // it waits.
  bool go_on(std::uint64_t which);
  // The node dies: what passed its point of no return goes on by itself; nobody hears of it.
  void crash(FakeRandom& random);

 private:
  enum class Verb : std::uint8_t { kDns, kConnect, kHello, kFrom, kTo, kData, kGate, kDot, kReply };
  struct Line {
    Attempt attempt;
    std::function<void(Gate)> ready;
    std::function<void(AttemptResult)> done;
    std::shared_ptr<std::optional<bool>> word = std::make_shared<std::optional<bool>>();
    Verb verb = Verb::kDns;
    std::int64_t ready_us = 0;
    std::int64_t hangs_until_us = 0;
    bool passed = false;
    bool taken = false;
    bool unanswered = false;  // its gate, within its span
  };
  bool at_gate(Line& line);
  std::optional<AttemptResult> verb(Line& line);
  AttemptResult cut(Line& line, const char* where);
  void take(Line& line);
  void end(std::size_t at, AttemptResult result);
  Books::Entry& entry(const Line& line);

  const bool mail_;
  Books& books_;
  Dice& dice_;
  Story& story_;
  const FakeClock& clock_;
  const bool& dead_;
  Passes passes_;
  Known known_;
  std::vector<std::pair<EffectId, std::uint32_t>> said_;  // what attempts came to, told the node
  std::deque<Line> lines_;
};

}  // namespace dealwright::sim
