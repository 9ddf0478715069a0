// Automation health by rule: matched = started + refused; requested = the ledger's states together.
#include <map>

#include "engine/base/bytes.h"
#include "engine/base/overloaded.h"
#include "projections/rows.h"
#include "projections/views.h"

namespace dealwright::projections {
namespace {

const std::vector<std::string_view> kDimensions = {"rule", "counter"};

// Lateness of timers, upper bounds in ms; the last is open.
constexpr std::pair<const char*, std::int64_t> kLateness[] = {{"late_10ms", 10},
                                                              {"late_100ms", 100},
                                                              {"late_1s", 1000},
                                                              {"late_10s", 10'000},
                                                              {"late_1min", 60'000}};

class AutomationFold : public ViewFold {
 public:
  static Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) {
    auto out = std::make_unique<AutomationFold>();
    DW_TRY(reader.scan("", "", [&](std::string_view key, std::string_view value) {
      ByteReader in{value};
      out->counters_[std::string{key}] = {in.signed_varint(), false};
      return true;
    }));
    return std::unique_ptr<ViewFold>{std::move(out)};
  }

  void on_fact(const ViewFact&) override {}

  void on_timer(const TimerKey& timer, Instant now) override {
    add(timer.rule, "timers_fired", 1);
    const auto late = (now - timer.due).ms;
    const char* bucket = "late_more";
    for (const auto& [name, bound] : kLateness) {
      if (late <= bound) {
        bucket = name;
        break;
      }
    }
    add(timer.rule, bucket, 1);
  }

  void on_change(const Change& change, const ChangeContext& context) override {
    const auto rule = context.rule;
    std::visit(overloaded{
                   [&](const EnrolmentStarted&) {
                     add(rule, "started", 1);
                     set(rule, "last_fire_ms", context.now.ms);
                   },
                   [&](const EnrolmentMoved&) {},
                   [&](const EnrolmentEnded& c) { add(rule, "ended_" + c.reason, 1); },
                   [&](const EntryRefused& c) { add(rule, "refused_" + c.reason, 1); },
                   [&](const EffectRequested& c) {
                     add(rule, "requested", 1);
                     add(rule, state_counter(c.effect.state), 1);
                   },
                   [&](const EffectMoved& c) {
                     if (context.effect_before)
                       add(rule, state_counter(*context.effect_before), -1);
                     add(rule, state_counter(c.state), 1);
                   },
                   [&](const FactDecided&) {},
                   [&](const RuleFailed& c) { add(rule, "errors_" + c.code, 1); },
                   [&](const EventRedriven&) {},
               },
               change);
  }

  void take_dirty(std::vector<StoreWrite>& out) override {
    for (auto& [key, counter] : counters_) {
      if (!counter.dirty) continue;
      counter.dirty = false;
      std::string value;
      put_signed(value, counter.value);
      out.push_back({key, std::move(value)});
    }
  }
  Result<std::string> query(const ViewQuery&) const override {
    std::string out;
    for (const auto& [key, counter] : counters_) {
      put_text(out, key);
      put_signed(out, counter.value);
    }
    return out;
  }
  std::size_t memory_bytes() const override { return counters_.size() * 128; }

 private:
  struct Counter {
    std::int64_t value = 0;
    bool dirty = false;
  };
  static std::string state_counter(EffectState state) {
    return "effects_" + std::string{effect_state_name(state)};
  }
  Counter& at(std::string_view rule, std::string_view name) {
    key_.assign(rule);
    key_ += '\0';
    key_ += name;
    const auto it = counters_.find(key_);
    return it != counters_.end() ? it->second : counters_[key_];
  }
  void add(std::string_view rule, std::string_view name, std::int64_t n) {
    auto& counter = at(rule, name);
    counter.value += n;
    counter.dirty = true;
  }
  void set(std::string_view rule, std::string_view name, std::int64_t value) {
    auto& counter = at(rule, name);
    counter.value = value;
    counter.dirty = true;
  }

  std::map<std::string, Counter, std::less<>> counters_;  // rules x counters: small
  std::string key_;
};

class AutomationView : public View {
 public:
  std::string_view name() const override { return "automation"; }
  std::uint32_t version() const override { return 1; }
  std::string_view description() const override {
    return "what each rule did: started, refused, ended, effects by state, timers and their "
           "lateness";
  }
  ViewAsks asks() const override { return {kDimensions, "", false, false, false}; }
  Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) const override {
    return AutomationFold::open(reader);
  }

  Result<ViewRows> merge(const ViewQuery& query,
                         std::span<const std::string> parts) const override {
    DW_TRY(check_columns(query, kDimensions));
    DW_TRY(check_present(query, "automation"));
    std::map<std::pair<std::string, std::string>, std::int64_t> counters;
    for (const auto& part : parts) {
      ByteReader in{part};
      while (!in.at_end()) {
        const auto key = in.text();
        const auto value = in.signed_varint();
        const auto cut = key.find('\0');
        const auto rule = key.substr(0, cut);
        const auto name = key.substr(cut + 1);
        auto& sum = counters[{std::string{rule}, std::string{name}}];
        if (name == "last_fire_ms") {
          sum = std::max(sum, value);
        } else {
          sum += value;
        }
        const bool matched = name == "started" || name.starts_with("refused_");
        if (matched) counters[{std::string{rule}, "matched"}] += value;
      }
    }
    ViewRows out;
    out.columns = {{"rule", "text"}, {"counter", "text"}, {"value", "int"}};
    for (const auto& [key, value] : counters) {
      const bool instant = key.second == "last_fire_ms";
      const std::string_view name = instant ? std::string_view{"last_fire"} : key.second;
      if (!passes(query, {{"rule", key.first}, {"counter", name}})) continue;
      out.rows.push_back(
          {Value{key.first}, Value{name}, instant ? Value{Instant{value}} : Value{value}});
    }
    return out;
  }
};

}  // namespace

const View& automation_view() {
  static const AutomationView kView;
  return kView;
}

}  // namespace dealwright::projections
