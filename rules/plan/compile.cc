#include "rules/compile.h"

#include <fmt/core.h>

#include <algorithm>

#include "rules/check/advice.h"
#include "rules/file/test_file.h"
#include "rules/steps/compiler.h"

namespace dealwright::rules {
namespace {

constexpr std::uint32_t bit(Kind kind) { return std::uint32_t{1} << static_cast<unsigned>(kind); }

// Every type whose events may change a field of that kind.
EventSet types_about(Kind kind) {
  EventSet out;
  for (const auto& spec : all_event_specs()) {
    if (spec.allows(kind)) out.add(spec.type);
  }
  return out;
}

class RuleCompiler {
 public:
  RuleCompiler(std::string_view source, const CompileOptions& options, Diagnostics& out)
      : source_{source}, options_{options}, out_{out}, plan_{std::make_shared<RulePlan>()} {}

  std::shared_ptr<RulePlan> run(const RuleFile& file) {
    plan_->schema = options_.schema;
    head(file);
    triggers(file);
    // Behind a trigger that cannot be read any record may be at hand: that is one error, not many.
    if (subjects_ == 0 && out_.has_errors()) subjects_ = (std::uint32_t{1} << kKinds) - 2;
    event_subjects_ = subjects_;
    const ScopeSpec at_event = event_scope();
    if (file.subject != nullptr) subject(file, at_event);
    ScopeSpec scope = event_scope();
    scope.subjects = subjects_;
    scope.before = file.subject == nullptr;
    if (file.when != nullptr) {
      plan_->when = Expression::compile(*file.when, source_, scope, Expression::Want::kBool,
                                        Expression::Absent::kNote, out_);
    }
    scope.before = false;
    entry(file, scope);
    scope.start_events = &events_;
    limits(file.limits, file.misfire);
    exits_and_steps(file, scope);
    plan_->tests = read_tests(file, zone_of(file), options_.schema.get(), out_);
    advise(file, *plan_, subjects_, out_);
    gather_reads();
    return out_.has_errors() ? nullptr : plan_;
  }

 private:
  ScopeSpec event_scope() const {
    ScopeSpec scope;
    scope.subjects = subjects_;
    scope.events = &events_;
    scope.event_record = true;
    scope.schema = options_.schema.get();
    scope.event_subjects = event_subjects_;
    return scope;
  }

  void head(const RuleFile& file) {
    plan_->id = file.rule;
    plan_->name = file.name;
    plan_->owner = file.owner;
    plan_->status = file.status;
    plan_->control_bp = file.control_bp;
    plan_->import = file.import;
    plan_->loops = file.loops;
    plan_->calendar = file.calendar;
    plan_->zone = file.zone;
    if (!file.zone.empty() && options_.zones && find_zone(file.zone, options_.zones) == nullptr) {
      out_.error(2002, file.root->find("zone")->at, fmt::format("unknown zone '{}'", file.zone),
                 "Write a name of the tz database, such as Europe/Paris");
    }
  }

  std::shared_ptr<const Zone> zone_of(const RuleFile& file) const {
    auto zone = file.zone.empty() ? nullptr : find_zone(file.zone, options_.zones);
    return zone == nullptr ? fixed_zone("UTC") : zone;
  }

  // ---- triggers

  void triggers(const RuleFile& file) {
    for (const auto& trigger : file.triggers) {
      if (trigger.events) {
        for (const auto type : trigger.events->events.types()) events_.add(type);
        for (const auto& name : trigger.events->events.foreign()) events_.add_foreign(name);
        TriggerPlan plan;
        plan.events = trigger.events->events;
        subjects_ |= plan.events->subjects();
        plan_->triggers.push_back(std::move(plan));
      } else if (trigger.changed) {
        changed(*trigger.changed);
      }
    }
  }

  void changed(const ChangedTrigger& trigger) {
    if (trigger.path == nullptr || !trigger.path->is_scalar()) return;
    const auto words = split_path(trigger.path->text);
    const auto kind = root_kind(words[0]);
    PathSpec path;
    ScopeSpec scope;
    scope.subjects = kind ? bit(*kind) : 0;
    scope.schema = options_.schema.get();
    if (!kind || words.size() < 2) {
      out_.error(2001, trigger.path->at,
                 fmt::format("'{}' is no field of a record", trigger.path->text),
                 "Write such as deal.stage");
      return;
    }
    if (auto problem = resolve(words, scope, path)) {
      out_.error(problem->code, trigger.path->at, problem->message, problem->hint);
      return;
    }
    if (path.leaf != Leaf::kField || !path.hops.empty() || !path.names.empty() ||
        words[0] == "owner") {
      refuse_later(trigger.path->at, "changed: " + trigger.path->text, out_);
      return;
    }
    TriggerPlan plan;
    plan.kind = *kind;
    plan.field = path.field;
    plan.moved = trigger.moved;
    const auto read = [&](const std::vector<const yaml::Node*>& nodes, std::vector<Value>& into) {
      for (const auto* node : nodes) {
        if (auto value = read_typed(*node, *path.spec, out_)) into.push_back(std::move(*value));
      }
    };
    read(trigger.from, plan.from);
    read(trigger.to, plan.to);
    if (plan.moved != Moved::kAny && (plan.kind != Kind::kDeal || plan.field != Field::kStage)) {
      out_.error(2003, trigger.path->at, "'moved' is about deal.stage only");
    }
    const auto types = types_about(*kind);
    for (const auto type : types.types()) events_.add(type);
    subjects_ |= bit(*kind);
    plan_->triggers.push_back(std::move(plan));
  }

  // ---- subject, entry

  void subject(const RuleFile& file, const ScopeSpec& scope) {
    auto found = Expression::compile(*file.subject, source_, scope, Expression::Want::kRecord,
                                     Expression::Absent::kFine, out_);
    if (!found) return;
    const auto* path = found->as_path();
    const bool is_record =
        path != nullptr && (path->leaf == Leaf::kRecord ||
                            (path->leaf == Leaf::kField && path->type == FieldType::kRef));
    if (!is_record) {
      out_.error(2003, file.subject->at, "'subject' is a record at hand",
                 "Write such as deal, or event.lead");
      return;
    }
    subjects_ = bit(path->record);
    plan_->subject = std::move(found);
  }

  void entry(const RuleFile& file, const ScopeSpec& scope) {
    plan_->entry = file.entry.policy;
    plan_->cooldown = file.entry.cooldown;
    for (const auto* key : file.entry.keys) {
      auto found = Expression::compile(*key, source_, scope, Expression::Want::kAny,
                                       Expression::Absent::kNote, out_);
      if (found) plan_->entry_keys.push_back(std::move(*found));
    }
  }

  // ---- exits, steps

  void exits_and_steps(const RuleFile& file, const ScopeSpec& scope) {
    StepCompiler steps{source_, *plan_, scope, out_};
    if (file.steps != nullptr) plan_->first = steps.compile(*file.steps, true);
    for (const auto& exit : file.exits) {
      ScopeSpec here = scope;
      here.events = nullptr;
      auto match = compile_match(exit.match, source_, here, out_);
      ExitPlan plan;
      plan.reason = exit.reason;
      if (exit.steps != nullptr) {
        here.events = exit.match.events ? &*exit.match.events : nullptr;
        StepCompiler compiler{source_, *plan_, here, out_};
        plan.steps = compiler.compile(*exit.steps, false);
      }
      if (!match) continue;
      plan.match = std::move(*match);
      plan_->state_exits = plan_->state_exits || !plan.match.events;
      plan_->exits.push_back(std::move(plan));
    }
    if (plan_->steps.size() > kStepsMax) {
      out_.error(1009, file.steps->at, fmt::format("more than {} steps", kStepsMax));
    }
    kept(file, scope);
  }

  // start.* paths of the rule, wherever they stand: found by trying every word that begins so.
  void kept(const RuleFile& file, const ScopeSpec& scope) {
    if (file.root != nullptr) gather_kept(*file.root, scope);
    for (const auto& exit : plan_->exits) {
      if (exit.match.same_start) add_kept(*exit.match.same_start);
    }
    for (const auto& step : plan_->steps) {
      plan_->waits = plan_->waits || (step.step != nullptr && step.step->waits());
      const auto* match = step.step == nullptr ? nullptr : step.step->waits_for();
      if (match != nullptr && match->same_start) add_kept(*match->same_start);
    }
  }
  void gather_kept(const yaml::Node& node, const ScopeSpec& scope) {
    for (const auto& item : node.items) gather_kept(item, scope);
    for (const auto& entry : node.entries) {
      if (entry.key != "tests") gather_kept(entry.value, scope);
    }
    const std::string_view text = node.text;
    for (auto at = text.find("start."); at != std::string_view::npos;
         at = text.find("start.", at + 1)) {
      auto end = at;
      const auto word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.';
      };
      std::string path;
      for (; end < text.size() && (word(text[end]) || text[end] == '?'); ++end) {
        if (text[end] != '?') path += text[end];
      }
      // Longest first: `start.event.x.orValue(` names x, then a function.
      auto words = split_path(path);
      for (; words.size() > 1; words.pop_back()) {
        PathSpec found;
        if (resolve(words, scope, found)) continue;
        add_kept(found);
        break;
      }
    }
  }
  void add_kept(const PathSpec& path) {
    auto& all = plan_->kept;
    const bool there =
        std::any_of(all.begin(), all.end(), [&](const PathSpec& p) { return p.text == path.text; });
    if (!there) all.push_back(path);
  }

  // ---- limits

  void limits(const LimitsFile& file, const MisfireFile& misfire) {
    auto& limits = plan_->limits;
    Map payload;
    static constexpr std::string_view kQuiet[] = {"default", "none", "own"};
    payload.emplace_back("quiet_hours", Value{kQuiet[static_cast<std::size_t>(file.quiet)]});
    if (file.send) {
      payload.emplace_back("send", Value{Map{{"first_day", Value{file.send->first_day}},
                                             {"last_day", Value{file.send->last_day}},
                                             {"from", Value{file.send->from}},
                                             {"to", Value{file.send->to}}}});
      payload.emplace_back("send_else", Value{file.quiet_drops ? "drop" : "wait"});
    }
    if (file.cap) {
      payload.emplace_back("cap_max", Value{*file.cap});
      payload.emplace_back("cap_per_ms", Value{file.cap_per.ms});
      payload.emplace_back("cap_over", Value{file.cap_drops ? "drop" : "wait"});
    }
    limits.payload = *Value{std::move(payload)}.as_map();
    const auto exact = [&](const std::optional<Length>& length, Duration& into) {
      if (!length) return;
      into = length->unit == Length::Unit::kExact ? milliseconds(length->n)
                                                  : days(std::max<std::int64_t>(1, length->n));
    };
    exact(file.expire, limits.expire);
    exact(misfire.messages, limits.misfire);
  }

  // ---- what it reads

  void gather_reads() {
    auto& reads = plan_->reads;
    const auto add = [&](const std::optional<Expression>& e) {
      if (!e) return;
      for (const auto& path : e->paths()) reads.push_back(path.text);
    };
    add(plan_->when);
    for (const auto& exit : plan_->exits) add(exit.match.when);
    for (const auto& key : plan_->entry_keys) add(key);
    std::sort(reads.begin(), reads.end());
    reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
  }

  std::string_view source_;
  const CompileOptions& options_;
  Diagnostics& out_;
  std::shared_ptr<RulePlan> plan_;
  EventSet events_;                   // of all triggers
  std::uint32_t subjects_ = 0;        // who may be enrolled
  std::uint32_t event_subjects_ = 0;  // what the triggers' events are about
};

}  // namespace

CompiledRule compile(std::string_view source, const CompileOptions& options) {
  Diagnostics out;
  CompiledRule result;
  RuleFile file;
  if (read_rule_file(source, file, out)) {
    result.rule = file.rule;
    RuleCompiler compiler{source, options, out};
    result.plan = compiler.run(file);
  }
  result.diagnostics = out.take();
  return result;
}

}  // namespace dealwright::rules
