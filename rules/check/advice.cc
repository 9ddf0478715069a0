#include "rules/check/advice.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace dealwright::rules {
namespace {

bool has_step(const yaml::Node& list, std::string_view key) {
  for (const auto& step : list.items) {
    if (step.find(key) != nullptr) return true;
    for (const auto nested : {"then", "else"}) {
      const auto* steps = step.find(nested);
      if (steps != nullptr && has_step(*steps, key)) return true;
    }
  }
  return false;
}

void advise_messages(const RuleFile& file, Diagnostics& out) {
  if (file.steps == nullptr || !has_step(*file.steps, "send_email")) return;
  const bool waits = has_step(*file.steps, "wait") || has_step(*file.steps, "wait_for") ||
                     has_step(*file.steps, "wait_until");
  const bool on_reply = std::any_of(file.exits.begin(), file.exits.end(), [](const ExitFile& e) {
    return e.match.events && e.match.events->contains(TypeId::kEmailReplied);
  });
  if (!waits || on_reply) return;
  out.warning(3005, file.steps->at,
              file.exits.empty() ? "mails over some time, and nothing ends them"
                                 : "mails over some time, and a reply does not end them",
              "Add an exit on email.replied");
}

// Kinds whose events may concern a subject: those it reaches, and those that reach it.
std::uint32_t concerned(std::uint32_t subjects) {
  std::uint32_t out = 0;
  for (std::size_t s = 1; s < kKinds; ++s) {
    if (((subjects >> s) & 1U) == 0) continue;
    for (std::size_t k = 1; k < kKinds; ++k) {
      const bool near = !routes(static_cast<Kind>(s), static_cast<Kind>(k)).empty() ||
                        !routes(static_cast<Kind>(k), static_cast<Kind>(s)).empty();
      if (near) out |= std::uint32_t{1} << k;
    }
  }
  return out;
}

void advise_exits(const RuleFile& file, std::uint32_t subjects, Diagnostics& out) {
  const auto kinds = concerned(subjects);
  for (const auto& exit : file.exits) {
    if (!exit.match.events || exit.match.events->empty()) continue;
    if ((exit.match.events->subjects() & kinds) == 0) {
      out.warning(3006, exit.match.at, "this exit never concerns the subject",
                  "Its events are about records that no path leads to");
    }
  }
}

// The numbers that comparisons leave of one path.
struct Interval {
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  std::size_t last = 0;  // the atom that narrowed it last
};

std::optional<std::int64_t> number_of(const Value& v) {
  if (const auto* n = v.as_int()) return *n;
  if (const auto* d = v.as_date()) return d->days;
  if (const auto* m = v.as_money()) return m->minor;
  return std::nullopt;
}

void narrow(Interval& i, const Atom& atom, std::int64_t n) {
  switch (atom.compare) {
    case Compare::kLess:
      i.high = std::min(i.high, n - 1);
      break;
    case Compare::kLessEqual:
      i.high = std::min(i.high, n);
      break;
    case Compare::kGreater:
      i.low = std::max(i.low, n + 1);
      break;
    case Compare::kGreaterEqual:
      i.low = std::max(i.low, n);
      break;
    default:
      break;
  }
}

bool exclude(const Atom& a, const Atom& b) {
  if (a.path != b.path) return false;
  if (a.compare == Compare::kEqual) return decide(b, &a.values[0]) == Truth::kFalse;
  if (b.compare == Compare::kEqual) return decide(a, &b.values[0]) == Truth::kFalse;
  if (a.compare == Compare::kIn) {
    return std::all_of(a.values.begin(), a.values.end(),
                       [&](const Value& v) { return decide(b, &v) == Truth::kFalse; });
  }
  Interval interval;
  for (const auto* atom : {&a, &b}) {
    const auto n = number_of(atom->values[0]);
    if (!n || *n == std::numeric_limits<std::int64_t>::min() ||
        *n == std::numeric_limits<std::int64_t>::max())
      return false;
    narrow(interval, *atom, *n);
  }
  const auto* x = a.values[0].as_money();
  const auto* y = b.values[0].as_money();
  if (x != nullptr && y != nullptr && x->currency != y->currency) return false;
  return interval.low > interval.high;
}

std::string shown(const Expression& when, const Atom& atom) {
  static constexpr std::string_view kNames[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
  return fmt::format("{} {} {}", when.paths()[atom.path].text,
                     kNames[static_cast<std::size_t>(atom.compare)], to_json(atom.values[0]));
}

void advise_condition(const RuleFile& file, const RulePlan& plan, Diagnostics& out) {
  if (!plan.when) return;
  const auto& atoms = plan.when->atoms();
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    for (std::size_t j = i + 1; j < atoms.size(); ++j) {
      if (!exclude(atoms[i], atoms[j])) continue;
      out.warning(7002, file.when->at, "this condition is never true",
                  fmt::format("{} and {} exclude each other", shown(*plan.when, atoms[i]),
                              shown(*plan.when, atoms[j])));
      return;
    }
  }
  if (plan.when->text() == "true") {
    out.warning(7001, file.when->at, "this condition is always true", "Leave 'when' out");
  } else if (plan.when->text() == "false") {
    out.warning(7002, file.when->at, "this condition is never true",
                "Set status: paused to stop a rule");
  }
}

}  // namespace

void advise(const RuleFile& file, const RulePlan& plan, std::uint32_t subjects, Diagnostics& out) {
  advise_messages(file, out);
  advise_exits(file, subjects, out);
  advise_condition(file, plan, out);
  if (file.tests == nullptr) {
    out.warning(8001, file.root->at, "this rule has no tests",
                "Add 'tests' with events and what they lead to");
  }
}

}  // namespace dealwright::rules
