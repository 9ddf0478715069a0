#include "rules/match/index.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace dealwright::rules {
namespace {

constexpr std::uint64_t kAny = 0x9e3779b97f4a7c15U;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  auto h = a * 0xff51afd7ed558ccdU ^ (b + 0x9e3779b97f4a7c15U + (a << 6) + (a >> 2));
  h ^= h >> 29;
  h *= 0xc4ceb9fe1a85ec53U;
  return h ^ (h >> 32);
}

// Values that an equality compares; others have no list.
std::optional<std::uint64_t> hash_of(const Value& value) {
  if (const auto* text = value.as_text()) return hash64(*text);
  if (const auto* number = value.as_int()) return mix(1, static_cast<std::uint64_t>(*number));
  if (const auto* flag = value.as_bool()) return mix(2, *flag ? 1 : 0);
  if (const auto* money = value.as_money()) {
    return mix(mix(3, static_cast<std::uint64_t>(money->minor)), hash64(money->currency.text()));
  }
  if (const auto* date = value.as_date()) return mix(4, static_cast<std::uint64_t>(date->days));
  return std::nullopt;
}

std::uint64_t change_key(Kind kind, Field field, std::uint64_t value) {
  return mix(static_cast<std::uint64_t>(kind) << 32 | static_cast<std::uint64_t>(field), value);
}

// A slot reads the same for every rule only if it hangs on the event and its own subject.
bool shared(const RulePlan& rule, const PathSpec& path) {
  return path.root == Root::kEvent || (path.root == Root::kRecord && !rule.subject);
}

// Atoms that lead to a list, best first: fields of the event are at hand, records are near.
const Atom* access(const RulePlan& rule) {
  if (!rule.when) return nullptr;
  const Atom* best = nullptr;
  int best_cost = 0;
  for (const auto& atom : rule.when->atoms()) {
    const auto& path = rule.when->paths()[atom.path];
    if (atom.compare != Compare::kEqual && atom.compare != Compare::kIn) continue;
    if (!shared(rule, path) || (path.root == Root::kRecord && path.optional && !path.hops.empty()))
      continue;
    const bool indexable = std::all_of(atom.values.begin(), atom.values.end(),
                                       [](const Value& v) { return hash_of(v).has_value(); });
    if (!indexable) continue;
    // Free data may hold 1 and 1.0, which are equal there and hash apart.
    if (path.type == FieldType::kJson) continue;
    int cost = path.root == Root::kEvent ? 0 : 1 + static_cast<int>(path.hops.size());
    if (path.type == FieldType::kBool) cost += 4;  // halves at best
    if (best == nullptr || cost < best_cost) {
      best = &atom;
      best_cost = cost;
    }
  }
  return best;
}

bool stage_moved(const Record& deal, const Value& before, Moved moved) {
  // What the stage before meant: as the newest fact that entered it knew.
  std::optional<StageMeaning> was;
  const auto facts = deal.facts.entries();
  for (auto fact = facts.rbegin(); fact != facts.rend() && !was; ++fact) {
    if (fact->args.text(Field::kStage) == before.text_or_empty()) was = fact->stage;
  }
  const auto& base = deal.base.get();
  if (!was && base.stage == before.text_or_empty()) was = base.meaning;
  const auto& now = deal.life.meaning;
  if (!was || was->category != DealStatus::kOpen || now.category != DealStatus::kOpen) return false;
  switch (moved) {
    case Moved::kAny:
      return true;
    case Moved::kForward:
      return now.order > was->order;
    case Moved::kBackward:
      return now.order < was->order;
    case Moved::kSkipped:
      return now.order > was->order + 1;
  }
  return false;
}

bool one_of(const std::vector<Value>& values, const Value* value) {
  if (values.empty()) return true;
  return value != nullptr && std::find(values.begin(), values.end(), *value) != values.end();
}

// Whether the fact changed the field as the trigger asks.
bool changed(const TriggerPlan& trigger, const FoldedFact& fact) {
  if (fact.subject == nullptr || fact.subject->key.kind != trigger.kind) return false;
  for (const auto& change : fact.changes) {
    if (change.field != trigger.field) continue;
    Value scratch;
    const auto* now = fact.subject->value(trigger.field, scratch);
    if (!one_of(trigger.to, now)) return false;
    if (!one_of(trigger.from, change.before.absent() ? nullptr : &change.before)) return false;
    return trigger.moved == Moved::kAny || stage_moved(*fact.subject, change.before, trigger.moved);
  }
  return false;
}

}  // namespace

// What one event has been asked already.
struct Index::Scratch {
  Reader& reader;
  CalendarSource& calendars;
  std::vector<std::uint32_t>& fired;
  std::vector<std::pair<std::uint32_t, Outcome>>& failed;
};

Index::Index(std::span<const RulePlan* const> rules)
    : rules_{rules}, types_(all_event_specs().size() + 1) {
  for (std::uint32_t r = 0; r < rules_.size(); ++r) {
    const auto& rule = *rules_[r];
    for (std::uint32_t t = 0; t < rule.triggers.size(); ++t) {
      const auto& trigger = rule.triggers[t];
      const auto candidate = static_cast<std::uint32_t>(candidates_.size());
      candidates_.push_back({r, t});
      if (!trigger.events) {
        post_change(candidate, trigger);
        continue;
      }
      for (const auto type : trigger.events->types())
        post(types_[static_cast<std::size_t>(type)], candidate, rule);
      for (const auto& name : trigger.events->foreign()) foreign_.emplace_back(name, candidate);
    }
  }
  std::sort(foreign_.begin(), foreign_.end());
  lists_.seal();
  changes_.seal();
}

std::uint32_t Index::slot_of(const PathSpec& path) {
  const auto it = std::find_if(slots_.begin(), slots_.end(),
                               [&](const PathSpec& p) { return p.text == path.text; });
  if (it != slots_.end()) return static_cast<std::uint32_t>(it - slots_.begin());
  slots_.push_back(path);
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void Index::post(TypeIndex& type, std::uint32_t candidate, const RulePlan& rule) {
  const auto* atom = access(rule);
  if (atom == nullptr) {
    type.unindexed.push_back(candidate);
    return;
  }
  const auto slot = slot_of(rule.when->paths()[atom->path]);
  if (std::find(type.probes.begin(), type.probes.end(), slot) == type.probes.end())
    type.probes.push_back(slot);
  // The type is part of the key: the same field leads elsewhere for another type.
  const auto place = static_cast<std::uint64_t>(&type - types_.data()) << 32 | slot;
  for (const auto& value : atom->values) lists_.add(mix(place, *hash_of(value)), candidate);
}

void Index::post_change(std::uint32_t candidate, const TriggerPlan& trigger) {
  if (trigger.to.empty()) {
    changes_.add(change_key(trigger.kind, trigger.field, kAny), candidate);
    return;
  }
  for (const auto& value : trigger.to) {
    const auto hash = hash_of(value);
    changes_.add(change_key(trigger.kind, trigger.field, hash.value_or(kAny)), candidate);
  }
}

void Index::ask(std::uint32_t candidate, Scratch& scratch) const {
  const auto& found = candidates_[candidate];
  const auto& rule = *rules_[found.rule];
  const auto& trigger = rule.triggers[found.trigger];
  const auto& fact = *scratch.reader.fact;
  if (!trigger.events && !changed(trigger, fact)) return;
  if (!rule.when) {
    scratch.fired.push_back(found.rule);
    return;
  }
  std::optional<RecordKey> own_subject;
  const Record* pinned = nullptr;
  if (rule.subject) {
    own_subject = scratch.reader.subject;
    pinned = std::exchange(scratch.reader.pinned, nullptr);
    const auto* path = rule.subject->as_path();
    auto subject = path == nullptr ? std::nullopt : scratch.reader.record_of(*path);
    if (!subject) {
      scratch.reader.pinned = pinned;
      return;
    }
    scratch.reader.subject = std::move(*subject);
  }
  bool holds = true;
  bool unknown = !rule.when->only_atoms();
  for (const auto& atom : rule.when->atoms()) {
    Value kept;
    const auto truth = decide(atom, scratch.reader.find(rule.when->paths()[atom.path], kept));
    if (truth == Truth::kFalse ||
        truth == Truth::kAbsent) {  // false wins, an absent value never matches
      holds = false;
      break;
    }
    unknown = unknown || truth == Truth::kUnknown;
  }
  if (holds && unknown) {
    auto outcome = rule.when->test(scratch.reader, scratch.calendars);
    holds = outcome.is_true();
    if (outcome.failed && !outcome.absent)
      scratch.failed.emplace_back(found.rule, std::move(outcome));
  }
  if (own_subject) {
    scratch.reader.subject = std::move(*own_subject);
    scratch.reader.pinned = pinned;
  }
  if (holds) scratch.fired.push_back(found.rule);
}

void Index::match(Reader& reader, CalendarSource& calendars, std::vector<std::uint32_t>& fired,
                  std::vector<std::pair<std::uint32_t, Outcome>>& failed) const {
  fired.clear();
  failed.clear();
  DW_ASSERT(reader.fact != nullptr);
  const auto& fact = *reader.fact;
  const auto& event = *fact.event;
  Scratch scratch{reader, calendars, fired, failed};
  const bool own = fact.subject != nullptr && fact.subject->key == reader.subject;
  reader.pinned = own ? fact.subject : nullptr;
  const auto& type = types_[static_cast<std::size_t>(event.type)];
  for (const auto candidate : type.unindexed) ask(candidate, scratch);
  for (const auto slot : type.probes) {
    Value kept;
    const auto* value = reader.find(slots_[slot], kept);
    const auto hash = value == nullptr ? std::nullopt : hash_of(*value);
    if (!hash) continue;
    const auto place = static_cast<std::uint64_t>(event.type) << 32 | slot;
    for (const auto candidate : lists_.find(mix(place, *hash))) ask(candidate, scratch);
  }
  if (fact.subject != nullptr) {
    const auto kind = fact.subject->key.kind;
    for (const auto& change : fact.changes) {
      for (const auto candidate : changes_.find(change_key(kind, change.field, kAny)))
        ask(candidate, scratch);
      Value kept;
      const auto* now = fact.subject->value(change.field, kept);
      const auto hash = now == nullptr ? std::nullopt : hash_of(*now);
      if (!hash) continue;
      for (const auto candidate : changes_.find(change_key(kind, change.field, *hash)))
        ask(candidate, scratch);
    }
  }
  if (event.type == TypeId::kForeignType) {
    for (const auto& [pattern, candidate] : foreign_) {
      if (rules_[candidates_[candidate].rule]
              ->triggers[candidates_[candidate].trigger]
              .events->contains(event)) {
        ask(candidate, scratch);
      }
    }
  }
  reader.pinned = nullptr;
  if (fired.size() > 1) {
    std::sort(fired.begin(), fired.end());
    fired.erase(std::unique(fired.begin(), fired.end()), fired.end());
  }
  if (failed.size() > 1) {
    std::stable_sort(failed.begin(), failed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    failed.erase(std::unique(failed.begin(), failed.end(),
                             [](const auto& a, const auto& b) { return a.first == b.first; }),
                 failed.end());
  }
}

std::size_t Index::unindexed(TypeId type) const {
  return types_[static_cast<std::size_t>(type)].unindexed.size();
}

}  // namespace dealwright::rules
