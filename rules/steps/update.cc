#include "rules/steps/update.h"

#include <fmt/core.h>

#include <algorithm>

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

// A field with its own event changes by it, the rest by `<kind>.updated`.
struct OwnEvent {
  Kind kind;
  Field field;
  TypeId type;
  Field data;
};
constexpr OwnEvent kOwnEvents[] = {
    {Kind::kDeal, Field::kAmount, TypeId::kDealAmountChanged, Field::kAmount},
    {Kind::kDeal, Field::kStage, TypeId::kDealStageChanged, Field::kTo},
    {Kind::kDeal, Field::kCloseDate, TypeId::kDealCloseDateMoved, Field::kTo},
    {Kind::kLead, Field::kScore, TypeId::kLeadScored, Field::kScore},
    {Kind::kTask, Field::kDue, TypeId::kTaskRescheduled, Field::kDue},
    {Kind::kContract, Field::kMrr, TypeId::kContractChanged, Field::kMrr},
};
constexpr std::string_view kNotSettable[] = {"pipeline",    "status",      "state",
                                             "lost_reason", "no_decision", "next_step",
                                             "merged_into", "deleted",     "first_due"};

struct Change {
  Kind kind = Kind::kForeign;
  std::string name;  // of the field, or of the custom field
  bool custom = false;
  TypeId type = TypeId::kForeignType;
  Field data = Field::kNone;  // none: below `set`
  ValuePlan value;
};

class Update : public Step {
 public:
  explicit Update(std::vector<Change> changes) : changes_{std::move(changes)} {}

  StepResult run(StepRun& run) const override {
    struct Fact {
      TypeId type;
      RecordKey subject;
      Fields data;
      Map set;
      Map custom;
    };
    std::vector<Fact> facts;  // in the order of their first field
    for (const auto& change : changes_) {
      auto value = evaluate(change.value, run);
      if (value.failed) return StepResult::failed(value.code, value.detail);
      auto subject = run.reader.nearest(change.kind);
      if (!subject) {
        return StepResult::failed("absent", fmt::format("there is no {}", kind_name(change.kind)));
      }
      const bool joins = change.data == Field::kNone || change.type == TypeId{};
      auto fact = std::find_if(facts.begin(), facts.end(), [&](const Fact& f) {
        return joins && f.type == change.type && f.subject == *subject;
      });
      if (fact == facts.end()) {
        facts.push_back({change.type, std::move(*subject), {}, {}, {}});
        fact = std::prev(facts.end());
      }
      if (change.data != Field::kNone) {
        fact->data.set(change.data, std::move(value.value));
      } else {
        (change.custom ? fact->custom : fact->set)
            .emplace_back(change.name, std::move(value.value));
      }
    }
    for (auto& fact : facts) {
      if (!fact.custom.empty()) fact.set.emplace_back("custom", Value{std::move(fact.custom)});
      if (!fact.set.empty()) fact.data.set(Field::kSet, Value{std::move(fact.set)});
      const auto serial = fmt::format("{} {}", to_text(fact.subject), spec_of(fact.type).name);
      if (!run.decide(run.effect_id("update", serial), fact.type, fact.subject,
                      std::move(fact.data))) {
        return StepResult::failed("refused",
                                  fmt::format("{} was refused", spec_of(fact.type).name));
      }
    }
    return StepResult::go();
  }

 private:
  std::vector<Change> changes_;
};

// What `deal.amount` or `deal.custom.x` means as a target; none: reported.
std::optional<Change> target(StepCompiler& c, const yaml::Entry& entry, const FieldSpec*& spec) {
  const auto words = split_path(entry.key);
  PathSpec path;
  if (auto problem = resolve(words, c.scope(), path)) {
    c.out().error(problem->code, entry.at, problem->message, problem->hint);
    return std::nullopt;
  }
  Change change;
  change.kind = path.kind;
  const auto updated = [&] { return event_spec(fmt::format("{}.updated", kind_name(path.kind))); };
  if (path.root != Root::kRecord || !path.hops.empty() || updated() == nullptr) {
    c.out().error(2001, entry.at, fmt::format("'{}' is nothing that a rule may set", entry.key),
                  "Write a field of a record at hand, such as deal.amount");
    return std::nullopt;
  }
  change.type = updated()->type;
  change.name = words.back();
  if (path.leaf == Leaf::kCustom && path.names.size() == 1) {
    change.custom = true;
    spec = path.spec;  // none: not declared, any value will do
    return change;
  }
  const bool fixed = std::find(std::begin(kNotSettable), std::end(kNotSettable), change.name) !=
                         std::end(kNotSettable) &&
                     (path.kind == Kind::kDeal || change.name == "state" ||
                      change.name == "deleted" || change.name == "merged_into");
  if (path.leaf != Leaf::kField || !path.names.empty() || fixed) {
    c.out().error(2001, entry.at, fmt::format("'{}' is nothing that a rule may set", entry.key));
    return std::nullopt;
  }
  spec = path.spec;
  for (const auto& own : kOwnEvents) {
    if (own.kind != path.kind || own.field != path.field) continue;
    change.type = own.type;
    change.data = own.data;
  }
  if (path.field == Field::kOwner || path.field == Field::kTeam) {
    const auto* assigned = event_spec(fmt::format("{}.assigned", kind_name(path.kind)));
    if (assigned != nullptr) {
      change.type = assigned->type;
      change.data = path.field;
    }
  }
  return change;
}

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  if (!value.is_map() || value.entries.empty()) {
    c.out().error(1005, value.at, "'update' is a map of fields and values");
    return std::nullopt;
  }
  std::vector<Change> changes;
  std::string main;
  bool sound = true;
  for (const auto& entry : value.entries) {
    const FieldSpec* spec = nullptr;
    auto change = target(c, entry, spec);
    auto plan = c.value(entry.value, spec);
    main += (main.empty() ? "" : ",") + entry.key;
    if (!change || !plan) {
      sound = false;
      continue;
    }
    change->value = std::move(*plan);
    changes.push_back(std::move(*change));
  }
  if (!sound) return std::nullopt;
  return Built{std::make_unique<Update>(std::move(changes)), main, true, {}};
}

}  // namespace

StepKind update_step() { return {"update", {}, false, compile}; }

}  // namespace dealwright::rules
