// Batching and outages change lateness, not outcomes: random events that a partition sees one by
// one as they happen, or all at once behind an outage, in records of any size, lead to the same
// effects and leave the same enrolments.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "engine/ports/fake/fake_log.h"
#include "engine/ports/fake/fake_store.h"
#include "engine/runtime/partition.h"
#include "rules/decide/factory.h"

namespace dealwright::rules {
namespace {

constexpr const char* kRules[] = {
    R"(rule: a-chase
name: A
owner: o
trigger: offer.sent
entry: { cooldown: 6h }
misfire: { messages: 700d }
exit: { event: [offer.accepted, offer.declined], reason: over }
steps:
  - wait: 4h
  - notify: { to: user("u1"), text: first }
  - wait_for: offer.viewed
    within: 5h
    then: [{ send_webhook: { endpoint: seen } }]
    else: [{ notify: { to: user("u2"), text: unseen } }]
  - wait: 3h
  - notify: { to: user("u3"), text: last }
)",
    R"(rule: b-viewed
name: B
owner: o
trigger: offer.viewed
entry: each_time
misfire: { messages: 700d }
exit: { event: offer.sent }
steps:
  - wait: 2h
  - send_webhook: { endpoint: e }
  - wait: 20h
  - notify: { to: user("u1"), text: x }
)",
    R"(rule: c-first
name: C
owner: o
trigger: [offer.sent, offer.viewed]
entry: { once_per: event.type }
misfire: { messages: 700d }
exit: { when: offer.state == "declined" }
steps:
  - wait: 6h
  - notify: { to: user("u1"), text: x }
)",
    R"(rule: d-idle
name: D
owner: o
trigger: offer.sent
entry: while_not_active
misfire: { messages: 700d }
steps:
  - wait: 5h
  - notify: { to: user("u1"), text: x }
)"};

// Those rules, whatever is published.
class FixedRules : public DeciderFactory {
 public:
  FixedRules() {
    for (const std::string text : kRules) {
      const auto id = text.substr(6, text.find('\n') - 6);
      rules_.push_back({id, 1, text, "live"});
    }
  }
  Result<std::shared_ptr<Decider>> make(std::span<const PublishedRule>) override {
    return inner_->make(rules_);
  }

 private:
  std::vector<PublishedRule> rules_;
  std::unique_ptr<DeciderFactory> inner_ = make_decider_factory();
};

constexpr Instant kStart{1'772'442'000'000};
constexpr Instant kEnd = kStart + hours(70);  // older triggers would be stale

std::vector<Event> random_events(std::uint64_t seed) {
  FakeRandom random{seed};
  static constexpr TypeId kTypes[] = {TypeId::kOfferSent,     TypeId::kOfferSent,
                                      TypeId::kOfferViewed,   TypeId::kOfferViewed,
                                      TypeId::kOfferAccepted, TypeId::kOfferDeclined};
  std::vector<Event> out;
  Instant at = kStart;
  while (at < kStart + hours(60)) {
    Event event;
    event.source = "crm";
    event.id = fmt::format("e{}", out.size());
    event.type = kTypes[random.below(std::size(kTypes))];
    event.subject = {Kind::kOffer, fmt::format("o{}", random.below(4))};
    event.time = at;
    out.push_back(std::move(event));
    // Whole hours, so that events and timers meet at one instant; often none goes by.
    at = at + hours(static_cast<std::int64_t>(random.below(3)));
  }
  return out;
}

class Bed {
 public:
  explicit Bed(std::uint32_t events_per_record) {
    runtime::PartitionParts parts{log_, store_, files_, clock_, random_, worker_, rules_, key_, {}};
    runtime::PartitionOptions options;
    options.dedup_directory = "/ids";
    options.events_per_record = events_per_record;
    auto opened = runtime::Partition::open(parts, options, [] {});
    EXPECT_TRUE(opened.has_value());
    partition_ = std::move(opened.value());
    run();
  }
  void go_to(Instant at) {
    clock_.advance(at - clock_.wall());
    run();
  }
  void add(const Event& event) {
    std::string bytes;
    codec::encode(event, bytes);
    log_.put(Topic::kEvents, 0, bytes);
  }
  void run() {
    for (bool moved = true; moved;) {
      auto stepped = partition_->step();
      ASSERT_TRUE(stepped.has_value()) << stepped.error().detail;
      moved = stepped.value();
      moved = log_.run_one(0) || moved;
    }
  }

  // A line per effect and per living enrolment, in an order that no record decides.
  std::string outcome() {
    std::map<std::string, std::string> lines;
    for (const auto& record : log_.records(Topic::kDecisions, 0)) {
      DecisionRecord decoded;
      EXPECT_TRUE(codec::decode(record.bytes, decoded).has_value());
      const auto* batch = std::get_if<Batch>(&decoded.body);
      if (batch == nullptr) continue;
      for (const auto& turn : batch->turns) {
        for (const auto& change : turn.changes) note(change, lines);
      }
    }
    std::string out;
    for (const auto& [key, line] : lines) out += line + "\n";
    return out;
  }

 private:
  void note(const Change& change, std::map<std::string, std::string>& lines) {
    if (const auto* c = std::get_if<EffectRequested>(&change)) {
      const auto& e = c->effect;
      by_[e.id] = e.enrolment;
      lines["effect " + hex(e.id)] = fmt::format("{} {} {} {}", e.rule, to_text(e.subject), e.step,
                                                 effect_state_name(e.state));
    } else if (const auto* m = std::get_if<EffectMoved>(&change)) {
      auto& line = lines["effect " + hex(m->id)];
      line = fmt::format("{} {}", line.substr(0, line.rfind(' ')), effect_state_name(m->state));
    } else if (const auto* s = std::get_if<EnrolmentStarted>(&change)) {
      const auto& e = s->enrolment;
      who_[e.id] = fmt::format("{} {}", e.rule, to_text(e.subject));
      stand(e.id, e.step, e.due, lines);
    } else if (const auto* moved = std::get_if<EnrolmentMoved>(&change)) {
      stand(moved->id, moved->step, moved->due, lines);
    } else if (const auto* ended = std::get_if<EnrolmentEnded>(&change)) {
      lines["enrolment " + who_[ended->id] + std::to_string(ended->id.low)] =
          who_[ended->id] + " ended " + ended->reason;
      if (!ended->cancel_effects) return;
      for (const auto& [id, owner] : by_) {
        auto& line = lines["effect " + hex(id)];
        const bool waits = owner == ended->id && line.ends_with(" requested");
        if (waits) line = line.substr(0, line.rfind(' ')) + " cancelled";
      }
    }
  }
  void stand(const EnrolmentId& id, std::uint32_t step, const std::optional<Instant>& due,
             std::map<std::string, std::string>& lines) {
    lines["enrolment " + who_[id] + std::to_string(id.low)] =
        fmt::format("{} at {} until {}", who_[id], step, due ? to_short_text(*due) : "-");
  }

  FakeClock clock_{kStart};
  FakeRandom random_{1};
  FakeLog log_{1, 1};
  FakeStore store_;
  FakeFileSystem files_;
  InlineWorker worker_;
  FixedRules rules_;
  runtime::ClusterKey key_{"a key for tests"};
  std::unique_ptr<runtime::Partition> partition_;
  std::map<EnrolmentId, std::string> who_;
  std::map<EffectId, EnrolmentId> by_;
};

TEST(OutageTest, ChangesLatenessNotOutcomes) {
  std::size_t effects = 0;
  std::size_t cancelled = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto events = random_events(seed);
    Bed timely{100};
    for (std::size_t i = 0; i < events.size(); ++i) {
      timely.add(events[i]);
      // What happens at one instant arrives at once; time goes on behind it.
      if (i + 1 < events.size() && events[i + 1].time == events[i].time) continue;
      timely.go_to(*events[i].time);
    }
    timely.go_to(kEnd);
    const auto expected = timely.outcome();
    for (const std::uint32_t size : {1U, 3U, 1000U}) {
      Bed late{size};
      FakeRandom random{seed};
      for (std::size_t i = 0; i < events.size(); ++i) {
        late.add(events[i]);
        const bool instant_ends = i + 1 == events.size() || events[i + 1].time != events[i].time;
        // It comes back for a moment.
        if (instant_ends && random.chance(15)) late.go_to(*events[i].time);
      }
      late.go_to(kEnd);
      ASSERT_EQ(late.outcome(), expected) << "seed " << seed << ", records of " << size;
    }
    for (auto at = expected.find("requested"); at != std::string::npos;
         at = expected.find("requested", at + 1))
      ++effects;
    for (auto at = expected.find("cancelled"); at != std::string::npos;
         at = expected.find("cancelled", at + 1))
      ++cancelled;
  }
  EXPECT_GT(effects, 500U);  // else the test shows little
  EXPECT_GT(cancelled, 50U);
}

}  // namespace
}  // namespace dealwright::rules
