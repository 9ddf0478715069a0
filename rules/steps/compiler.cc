#include "rules/steps/compiler.h"

#include <fmt/core.h>

#include <algorithm>

namespace dealwright::rules {
namespace {

using yaml::Node;

const StepKind* kind_of_step(const Node& node) {
  for (const auto& entry : node.entries) {
    for (const auto& kind : step_kinds()) {
      if (kind.key == entry.key) return &kind;
    }
  }
  return nullptr;
}

}  // namespace

std::optional<MatchPlan> compile_match(const MatchFile& file, std::string_view source,
                                       const ScopeSpec& scope, Diagnostics& out) {
  MatchPlan plan;
  ScopeSpec here = scope;
  here.before = false;
  here.events = file.events ? &*file.events : nullptr;
  here.event_record = file.events.has_value();
  here.event_subjects = file.events ? file.events->subjects() : 0;
  bool sound = true;
  if (file.when != nullptr) {
    plan.when = Expression::compile(*file.when, source, here, Expression::Want::kBool,
                                    Expression::Absent::kError, out);
    sound = plan.when.has_value();
  }
  if (file.same != nullptr && file.same->is_scalar() && file.events) {
    const auto both = [&](const char* prefix, const ScopeSpec& where) -> std::optional<PathSpec> {
      PathSpec found;
      const auto words = split_path(prefix + file.same->text);
      if (!resolve(words, where, found)) return found;
      auto free = words;  // undeclared: event.data.x
      free.insert(free.end() - 1, "data");
      if (!resolve(free, where, found)) return found;
      return std::nullopt;
    };
    plan.same_event = both("event.", here);
    plan.same_start = both("start.event.", scope);
    if (!plan.same_event || !plan.same_start) {
      out.error(2001, file.same->at, fmt::format("unknown field 'event.{}'", file.same->text));
      sound = false;
    }
  }
  plan.events = file.events;
  return sound ? std::optional{std::move(plan)} : std::nullopt;
}

std::optional<Expression> StepCompiler::expression(const Node& node, Expression::Want want) {
  return Expression::compile(node, source_, scope_, want, Expression::Absent::kError, out_);
}
std::optional<Expression> StepCompiler::who(const Node& node) {
  for (const std::string_view later : {"round_robin", "least_loaded"}) {
    if (node.is_scalar() && node.text == later) {
      refuse_later(node.at, later, out_);
      return std::nullopt;
    }
  }
  return Expression::compile(node, source_, scope_, Expression::Want::kRecord,
                             Expression::Absent::kFine, out_);  // nobody: the fallback queue
}

std::optional<TextPlan> StepCompiler::text(const Node& node) {
  if (!node.is_scalar()) {
    out_.error(1005, node.at, "this is a text");
    return std::nullopt;
  }
  TextPlan plan;
  if (const auto error = liquid::parse(node.text, plan.text)) {
    out_.error(5003, yaml::place_in(source_, node, error->offset), error->message, error->hint);
    return std::nullopt;
  }
  bool sound = true;
  for (const auto& path : plan.text.paths) {
    auto expression =
        Expression::compile_part(node, path.text, path.offset, source_, scope_,
                                 Expression::Want::kAny, Expression::Absent::kFine, out_);
    sound = sound && expression.has_value();
    if (!expression) continue;
    plan.paths.push_back(std::move(*expression));
  }
  return sound ? std::optional{std::move(plan)} : std::nullopt;
}

std::optional<ValuePlan> StepCompiler::value(const Node& node, const FieldSpec* spec) {
  if (node.is_scalar() && node.text.starts_with("=")) {
    const auto from = std::min(node.text.find_first_not_of("= \t"), node.text.size());
    auto found = Expression::compile_part(
        node, std::string_view{node.text}.substr(from), from, source_, scope_,
        Expression::Want::kAny,
        spec == nullptr ? Expression::Absent::kFine : Expression::Absent::kError, out_);
    return found ? std::optional<ValuePlan>{std::move(*found)} : std::nullopt;
  }
  if (node.is_scalar() && node.text.find("{{") != std::string::npos) {
    auto found = text(node);
    return found ? std::optional<ValuePlan>{std::move(*found)} : std::nullopt;
  }
  auto found = spec == nullptr ? read_free(node, out_) : read_typed(node, *spec, out_);
  return found ? std::optional<ValuePlan>{std::move(*found)} : std::nullopt;
}

std::optional<MatchPlan> StepCompiler::match(const MatchFile& file) {
  return compile_match(file, source_, scope_, out_);
}

const EventSet* StepCompiler::keep(EventSet events) {
  return &sets_.emplace_back(std::move(events));
}

Branch StepCompiler::branch(const Node& node, const EventSet* events, bool inherit) {
  const auto* before = scope_.events;
  if (!inherit) scope_.events = events;
  auto out = list(node);
  out.events_after = scope_.events;
  scope_.events = before;
  return out;
}

std::string StepCompiler::unique_id(const Node& node, std::string_view kind,
                                    std::string_view main) {
  const auto find = [&](const std::string& id) {
    return std::find_if(plan_.steps.begin(), plan_.steps.end(),
                        [&](const PlanStep& s) { return s.id == id; });
  };
  const auto taken = [&](const std::string& id) { return find(id) != plan_.steps.end(); };
  if (const auto* own = node.find("id")) {
    if (!own->is_scalar() || own->text.size() > 120) {
      out_.error(2004, own->at, "an id is a text of up to 120 bytes");
    } else if (taken(own->text)) {
      out_.error(1003, own->at, fmt::format("the step id '{}' stands twice", own->text),
                 fmt::format("The first one is in line {}", find(own->text)->at.line));
    }
    return own->text;
  }
  std::string base{kind};
  if (!main.empty()) base += fmt::format(":{}", main.substr(0, 80));
  auto id = base;
  for (int n = 2; taken(id); ++n) id = fmt::format("{}#{}", base, n);
  return id;
}

void StepCompiler::one(const Node& node, Branch& so_far) {
  if (!node.is_map()) {
    out_.error(1004, node.at, "a step is a map such as 'wait: 3d'");
    return;
  }
  const auto* kind = kind_of_step(node);
  if (kind == nullptr) {
    for (const auto later : later_steps()) {
      if (const auto* entry = node.entry(later)) return refuse_later(entry->at, later, out_);
    }
    std::vector<std::string_view> known;
    for (const auto& k : step_kinds()) known.push_back(k.key);
    const auto& first = node.entries.front();
    out_.error(1004, first.at, fmt::format("unknown step '{}'", first.key),
               did_you_mean(first.key, known));
    return;
  }
  std::vector<KeySpec> keys{{kind->key, KeySpec::Need::kNeeded}, {"id"}, {"if_error"}};
  keys.insert(keys.end(), kind->beside.begin(), kind->beside.end());
  check_keys(node, keys, fmt::format("the step '{}'", kind->key), out_);
  if (kind->waits && !waits_allowed_) {
    out_.error(3004, node.at, fmt::format("'{}' waits, and 'do' may not", kind->key),
               "Start another rule by what 'do' changes");
  }
  if (plan_.steps.size() >= kStepsMax) {
    if (!too_many_) out_.error(1009, node.at, fmt::format("more than {} steps", kStepsMax));
    too_many_ = true;
    return;
  }
  const auto index = static_cast<std::uint32_t>(plan_.steps.size());
  plan_.steps.emplace_back();
  plan_.steps[index].at = node.at;
  auto built = kind->compile(*this, node, *node.find(kind->key));
  auto& step = plan_.steps[index];
  if (const auto* error = node.find("if_error")) {
    static constexpr std::string_view kWords[] = {"stop", "continue"};
    step.go_on = read_word(*error, "if_error", kWords, out_) == std::size_t{1};
  }
  step.id = unique_id(node, kind->key, built ? built->main : "");
  for (const auto open : so_far.open) plan_.steps[open].next = index;
  if (so_far.first == kNoStep) so_far.first = index;
  so_far.open.clear();
  if (!built) {
    so_far.open.push_back(index);
    return;
  }
  step.step = std::move(built->step);
  if (built->falls) so_far.open.push_back(index);
  so_far.open.insert(so_far.open.end(), built->open.begin(), built->open.end());
}

Branch StepCompiler::list(const Node& node) {
  Branch out;
  if (depth_ >= kStepDepthMax) {
    out_.error(1009, node.at, fmt::format("steps nest deeper than {}", kStepDepthMax));
    return out;
  }
  if (!node.is_list() || node.items.empty()) {
    out_.error(1005, node.at, "steps are a list", "Write '- wait: 3d' and so on");
    return out;
  }
  ++depth_;
  bool told = false;
  for (const auto& item : node.items) {
    if (out.first != kNoStep && out.open.empty() && !told) {
      out_.error(3001, item.at, "this step is never reached");
      told = true;
    }
    one(item, out);
  }
  --depth_;
  return out;
}

std::uint32_t StepCompiler::compile(const Node& node, bool waits_allowed) {
  waits_allowed_ = waits_allowed;
  return list(node).first;
}

}  // namespace dealwright::rules
