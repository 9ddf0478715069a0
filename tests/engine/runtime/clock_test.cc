// The clock jumps, stands or is set while a timer waits: it never fires early, not while the clock
// is doubted, once, and how late it was is counted.
#include <functional>
#include <map>
#include <sstream>

#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

// A partition with one timer, due in a day.
class ClockTest : public testing::Test {
 protected:
  ClockTest() : world_{11} {
    world_.start();
    world_.add(world_.pipeline());
    Event event;
    event.source = "crm";
    event.id = "opened";
    event.type = TypeId::kDealOpened;
    event.subject = {Kind::kDeal, "d1"};
    event.time = world_.clock.wall();
    event.data.set(Field::kPipeline, Value{"p"});
    event.data.set(Field::kStage, Value{"offer"});
    world_.add(event);
    world_.run();
    due_ = *event.time + days(1);
  }

  // One word of a script; ends with what is to be seen: "fired", "held", "waits".
  void act(const std::string& word) {
    static const std::map<std::string, std::function<void(World&)>> kActs{
        {"+10y", [](World& w) { w.clock.jump_wall(days(3653)); }},
        {"-10y", [](World& w) { w.clock.jump_wall(days(-3653)); }},
        {"+1h", [](World& w) { w.clock.jump_wall(hours(1)); }},
        {"-1h", [](World& w) { w.clock.jump_wall(hours(-1)); }},
        {"23h", [](World& w) { w.clock.advance(hours(23)); }},
        {"30min", [](World& w) { w.clock.advance(minutes(30)); }},
        {"1h", [](World& w) { w.clock.advance(hours(1)); }},
        {"2h", [](World& w) { w.clock.advance(hours(2)); }},
        {"1d", [](World& w) { w.clock.advance(days(1)); }},
        {"20s", [](World& w) { w.clock.advance(seconds(20)); }},
        {"step", [](World&) {}},
        {"restart",
         [](World& w) {
           w.crash();
           w.start();
         }},
        {"witness",
         [](World& w) {
           w.clock_witness = true;
           w.crash();
           w.start();
         }},
    };
    kActs.at(word)(world_);
  }

  std::string see() {
    world_.run();
    const auto& meta = world_.partition->state().meta;
    const auto status = world_.partition->status();
    // Whoever sleeps until next_due() must not sleep for ever on a doubted clock.
    EXPECT_EQ(world_.partition->next_due().has_value(),
              meta.timers_fired == 0 || status.clock_held);
    std::string out = meta.timers_fired == 0 ? "waits" : "fired";
    if (meta.timers_fired > 1) out += " " + std::to_string(meta.timers_fired) + " times";
    for (std::size_t i = 0; i < meta.lateness.size(); ++i) {
      if (meta.lateness[i] > 0) out += " " + std::string{kLatenessBuckets[i].name};
    }
    return out + (status.clock_held ? " held" : "");
  }

  std::string play(const std::string& script) {
    std::istringstream words{script};
    for (std::string word; words >> word;) {
      act(word);
      world_.run();
    }
    return see();
  }

  World world_;
  Instant due_;
};

struct Row {
  const char* script;
  const char* seen;
};

class ClockTable : public ClockTest, public testing::WithParamInterface<Row> {};

TEST_P(ClockTable, NeverEarlyNeverTwiceAndCounted) {
  EXPECT_EQ(play(GetParam().script), GetParam().seen) << GetParam().script;
  EXPECT_TRUE(same_dump(world_.dump(), world_.dump_of_replay()));
}

INSTANTIATE_TEST_SUITE_P(
    Scripts, ClockTable,
    testing::Values(
        Row{"23h", "waits"}, Row{"23h 1h", "fired 10ms"}, Row{"23h 1h 1d", "fired 10ms"},
        // Nobody ran for a while, both clocks went on.
        Row{"23h 1h 1h", "fired 10ms"}, Row{"1d 1d", "fired 10ms"},
        Row{"23h 30min 20s 30min", "fired 1min"}, Row{"23h 2h", "fired 1h"},
        // The wall clock alone jumps: held until it is back, however long that takes.
        Row{"23h 30min +1h", "waits held"}, Row{"23h 30min +1h 2h", "waits held"},
        Row{"23h 30min +1h -1h", "waits"}, Row{"23h 30min +1h -1h 30min", "fired 10ms"},
        Row{"23h 30min +1h 1h -1h", "fired 1h"}, Row{"+10y", "waits held"},
        Row{"+10y 1d 1d", "waits held"}, Row{"+10y -10y 23h", "waits"},
        Row{"+10y -10y 23h 1h", "fired 10ms"},
        // A new process believes its clock, unless it is more than a week ahead of the log.
        Row{"23h 30min +1h restart", "fired 1h"}, Row{"+10y restart", "waits held"},
        Row{"+10y restart restart 2h", "waits held"}, Row{"+10y witness", "fired more"},
        // Set back: now stands until the wall has caught up, and is never early.
        Row{"23h -1h 1h", "waits"}, Row{"23h -1h 1h 1h", "fired 10ms"},
        Row{"23h -1h restart 1h", "waits"}, Row{"23h -1h restart 2h", "fired 10ms"},
        Row{"-10y 1d", "waits"}, Row{"-10y 1d +10y", "waits held"},
        Row{"-10y 1d +10y restart", "fired 10ms"}));

TEST(LatenessTest, CountsUpToEachBound) {
  Lateness counts{};
  for (const auto ms : {0, 10, 11, 100, 1000, 10'000, 60'000, 600'000, 3'600'000, 3'600'001}) {
    count_late(counts, milliseconds(ms));
  }
  EXPECT_EQ(counts, (Lateness{2, 2, 1, 1, 1, 1, 1, 1}));
}

}  // namespace
}  // namespace dealwright::runtime
