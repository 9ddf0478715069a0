// The deals workload as events of ours.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "engine/domain/event.h"
#include "tests/bench/bench_rules.h"

namespace dealwright::bench {

inline constexpr std::int64_t kFirstMs = 1'767'225'600'000;  // when it begins
inline constexpr Currency kEur = Currency::unchecked('E', 'U', 'R');

inline Event pipeline(Instant at) {
  Event event;
  event.source = "ops";
  event.id = "pipeline-deals";
  event.type = TypeId::kPipelineUpdated;
  event.subject = {Kind::kPipeline, "deals"};
  event.time = at;
  List stages;
  for (const std::string_view name :
       {"lead", "qualified", "demo", "offer", "contract", "won", "lost"}) {
    const auto* category = name == "won" ? "won" : name == "lost" ? "lost" : "open";
    stages.emplace_back(
        Map{{"id", Value{name}}, {"category", Value{category}}, {"probability", Value{1000}}});
  }
  event.data.set(Field::kStages, Value{std::move(stages)});
  return event;
}
inline Event published(std::size_t number, const std::string& text, Instant at) {
  Event event;
  event.source = "ops";
  event.id = "rule-" + std::to_string(number);
  event.type = TypeId::kRulePublished;
  event.subject = {Kind::kRule, rule_id(number)};
  event.time = at;
  event.data.set(Field::kText, Value{text});
  event.data.set(Field::kVersion, Value{1});
  return event;
}

// events.jsonl of the deals workload, line by line, as real CloudEvents of our types.
class Feed {
 public:
  explicit Feed(const std::string& path) : in_{path} {}
  // `comment`: an attribute that fills the event up, none if empty. False: the end.
  bool next(Event& out, const std::string& comment = {}) {
    if (!std::getline(in_, line_)) return false;
    const auto type = text("\"type\":\"");
    const Money amount{number("\"amount\":"), kEur};
    out = Event{};
    out.source = "gen";
    out.id = text("\"id\":\"");
    out.subject = {Kind::kDeal, std::string{text("\"deal\":\"")}};
    out.time = Instant{number("\"ts\":")};
    if (!comment.empty()) out.extensions = {{"comment", Value{comment}}};
    if (type == "created") {
      out.type = TypeId::kDealOpened;
      out.data.set(Field::kPipeline, Value{"deals"});
      out.data.set(Field::kStage, Value{text("\"stage\":\"")});
      out.data.set(Field::kAmount, Value{amount});
      out.data.set(Field::kOwner, Value{text("\"owner\":\"")});
    } else if (type == "moved") {
      out.type = TypeId::kDealStageChanged;
      out.data.set(Field::kTo, Value{text("\"stage\":\"")});
    } else if (type == "updated") {
      out.type = TypeId::kDealAmountChanged;
      out.data.set(Field::kAmount, Value{amount});
    } else if (type == "note") {
      out.type = TypeId::kNoteAdded;
      out.data.set(Field::kText, Value{"note"});
    } else {
      out.type = text("\"stage\":\"") == "won" ? TypeId::kDealWon : TypeId::kDealLost;
    }
    return true;
  }

 private:
  std::string_view text(std::string_view mark) const {
    const auto at = line_.find(mark) + mark.size();
    return std::string_view{line_}.substr(at, line_.find('"', at) - at);
  }
  std::int64_t number(std::string_view mark) const {
    return std::strtoll(line_.c_str() + line_.find(mark) + mark.size(), nullptr, 10);
  }
  std::ifstream in_;
  std::string line_;
};

}  // namespace dealwright::bench
