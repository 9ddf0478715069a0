// Rules published into a small engine in memory; what they decide comes out as lines of text.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "rules/decide/factory.h"
#include "rules/testing/test_world.h"

namespace dealwright::rules {

class RuleBed {
 public:
  // Behind "rule: <id>, name, owner" comes `body`.
  void publish(const std::string& id, const std::string& body, const std::string& status = "live");
  // The newest version gets that status; takes effect at once.
  void set_status(const std::string& id, const std::string& status);
  // Made by the first use; publish() keeps its state. Custom fields of deals: a, w text, x y z int.
  TestWorld& world();
  Decider& decider() { return *decider_.to; }  // in force

  // `2026-03-02 09:00`; UTC.
  static Instant at(std::string_view text) { return parse_instant_lenient(text).value(); }
  Event event(std::string_view type, std::string_view subject, std::string_view time,
              Map data = {});
  void happen(const Event& event) { happen(event, *event.time); }
  void happen(const Event& event, Instant now) { EXPECT_EQ(world().deliver(event, now), ""); }

  // What was decided since the last call, a line each, without the instants:
  //   started r deal/d1 -> wait:3d
  //   effect email suppressed(shadow)
  //   ended done
  std::string decided();
  const std::vector<Change>& changes() const { return all_; }

 private:
  class Switch : public Decider {  // to the decider in force
   public:
    std::shared_ptr<Decider> to;
    std::string_view rule_set_id() const override { return to->rule_set_id(); }
    void on_fact(const FoldedFact& fact, Turn& turn) override { to->on_fact(fact, turn); }
    void on_timer(const TimerKey& timer, Turn& turn) override { to->on_timer(timer, turn); }
  };
  void make();
  std::string line(const Change& change) const;

  std::vector<PublishedRule> published_;
  Switch decider_;
  std::unique_ptr<TestWorld> world_;
  std::vector<Change> all_;
  std::size_t shown_ = 0;
  std::size_t next_id_ = 0;
};

}  // namespace dealwright::rules
