#include "engine/domain/life.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "engine/domain/form.h"
#include "engine/domain/states.h"

namespace dealwright {
namespace {

// ---- deals

struct When {
  Instant from;      // when the fact came into force
  Instant happened;  // kBeforeAll: nothing tells
};

void enter_stage(Life& life, const LifeFact& fact, Instant occurred) {
  const auto to = fact.args.text(Field::kStage);
  const auto pipeline = fact.args.text(Field::kPipeline);
  const bool same_place = life.stage == to && (pipeline.empty() || pipeline == life.pipeline);
  if (!pipeline.empty()) life.pipeline = pipeline;
  const auto before = life.meaning.category;
  if (!same_place || life.entered_at == kBeforeAll) life.entered_at = occurred;
  life.stage = to;
  life.meaning = fact.stage;
  const auto now = life.meaning.category;
  if (now != DealStatus::kOpen && now == before) return;  // from one won stage to another
  const bool dated = now != DealStatus::kOpen && !fact.undated;
  life.closed_at = dated ? occurred : kBeforeAll;
  life.no_decision = false;
  life.lost_reason.clear();
}

void set_common(Life& life, const LifeFact& fact) {
  if (const auto amount = fact.args.money(Field::kAmount)) life.amount = amount;
  if (const auto bp = fact.args.integer(Field::kProbability)) {
    life.probability_bp = static_cast<std::int32_t>(std::clamp<std::int64_t>(*bp, 0, 10'000));
  } else if (fact.args.find(Field::kProbability) != nullptr) {
    life.probability_bp.reset();  // unset
  }
  if (const auto* owner = fact.args.find(Field::kOwner)) life.owner = owner->text_or_empty();
}

void open_deal(Life& life, const LifeFact& fact, const When& when) {
  set_common(life, fact);
  if (life.opened) return;  // again: sets fields
  life.opened = true;
  life.undated = fact.undated;
  life.opened_at = when.happened;
  const bool stage_named = fact.args.flag(Field::kResult);
  if (stage_named || life.entered_at == kBeforeAll) {  // else it stays where facts before put it
    enter_stage(life, fact, when.from);
  }
}

void advance_deal(Life& life, const LifeFact& fact, const When& when) {
  const auto occurred = when.from;
  switch (fact.type) {
    case TypeId::kDealOpened:
      open_deal(life, fact, when);
      return;
    case TypeId::kDealStageChanged:
      enter_stage(life, fact, occurred);
      return;
    case TypeId::kDealReopened:
      if (life.status() != DealStatus::kOpen) enter_stage(life, fact, occurred);
      return;
    case TypeId::kDealWon:
      if (life.status() != DealStatus::kWon) enter_stage(life, fact, occurred);
      set_common(life, fact);
      return;
    case TypeId::kDealLost:
      if (life.status() == DealStatus::kLost) return;
      enter_stage(life, fact, occurred);
      set_common(life, fact);
      life.no_decision = fact.args.flag(Field::kNoDecision);
      life.lost_reason = fact.args.text(Field::kReason);
      return;
    default:
      set_common(life, fact);
  }
}

void advance_task(Life& life, const LifeFact& fact) {
  if (fact.type == TypeId::kTaskCreated && !life.opened) {
    life.due = fact.args.instant(Field::kDue);
    life.first_due = life.due;
  } else if (fact.type == TypeId::kTaskRescheduled) {
    life.due = fact.args.instant(Field::kDue);
    if (fact.args.flag(Field::kByCustomer)) life.first_due = life.due;
  }
  if (const auto* owner = fact.args.find(Field::kOwner)) life.owner = owner->text_or_empty();
}

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

// One step: the life after `fact`.
void advance(Kind kind, Life& life, const LifeFact& fact, const When& when) {
  if (within(fact.type, TypeId::kAccountDeleted, TypeId::kSurveyDeleted)) {
    life.deleted = true;
  } else if (within(fact.type, TypeId::kAccountRestored, TypeId::kSurveyRestored)) {
    life.deleted = false;
  } else if (within(fact.type, TypeId::kAccountMerged, TypeId::kSurveyMerged)) {
    life.merged = true;
  } else if (within(fact.type, TypeId::kAccountUnmerged, TypeId::kSurveyUnmerged)) {
    life.merged = false;
  } else if (kind == Kind::kDeal) {
    advance_deal(life, fact, when);
  } else {
    if (kind == Kind::kTask) advance_task(life, fact);
    if (fact.type == TypeId::kOfferRevised && fact.args.flag(Field::kSupersedes)) {
      if (!offer_is_final(life.state)) life.state = "superseded";
      return;
    }
    life.state = next_state(kind, life.state, fact.type);
    if (opens(kind, fact.type) && !life.opened) {
      life.opened = true;
      life.undated = fact.undated;
      life.opened_at = when.happened;
      if (const auto* owner = fact.args.find(Field::kOwner)) life.owner = owner->text_or_empty();
    }
  }
}

// An undated fact is in force once ingested, or with the first dated fact behind it if that is
// earlier, but not before what stood in front of it when it came in (its own stamp); what it opened
// was opened with that dated fact.
When when_last(const LifeFact& fact) {  // nothing stands behind it
  const auto stands = fact.stamp.occurred;
  if (!fact.undated) return {stands, stands};
  return {std::max(stands, fact.ingested), kBeforeAll};
}
When when_of(const std::vector<LifeFact>& facts, std::size_t index) {
  const auto& fact = facts[index];
  for (auto i = index + 1; fact.undated && i < facts.size(); ++i) {
    if (facts[i].undated) continue;
    const auto next = facts[i].stamp.occurred;
    return {std::max(fact.stamp.occurred, std::min(fact.ingested, next)), next};
  }
  return when_last(fact);
}

// The stage that a fact enters, read in the pipeline that the deal is in there: as in force when it
// happened, of what was known when it came in.
void read_stage(LifeFact& fact, std::string_view pipeline_id, const Pipelines& pipelines) {
  std::optional<DealStatus> first;
  if (fact.type == TypeId::kDealWon) first = DealStatus::kWon;
  if (fact.type == TypeId::kDealLost) first = DealStatus::kLost;
  if (fact.type == TypeId::kDealOpened && !fact.args.flag(Field::kResult)) {
    first = DealStatus::kOpen;
  }
  if (!first && fact.args.find(Field::kStage) == nullptr) return;
  const auto at = fact.undated ? fact.ingested : fact.stamp.occurred;
  const auto* pipeline = pipelines.find(pipeline_id, at, fact.stamp.order);
  const Stage* found = nullptr;
  if (pipeline != nullptr) {
    found = first ? pipeline->first(*first) : pipeline->find(fact.args.text(Field::kStage));
  }
  if (first) fact.args.set(Field::kStage, found == nullptr ? Value{} : Value{found->id});
  fact.stage =
      found != nullptr ? found->meaning : StageMeaning{first.value_or(DealStatus::kOpen), 0, 0};
}

// A stub's facts are read in the pipeline that the first fact to name one names.
std::string_view first_pipeline(const std::vector<LifeFact>& facts) {
  for (const auto& fact : facts) {
    if (const auto named = fact.args.text(Field::kPipeline); !named.empty()) return named;
  }
  return {};
}

struct Alive {
  Instant from;  // when it came into force
  Life life;
  friend bool operator==(const Alive&, const Alive&) = default;
};

// Every life along the facts. Reads their stages anew if `pipelines` is given, else takes them as
// they were read.
std::vector<Alive> run(const Record& record, std::vector<LifeFact>& facts,
                       const Pipelines* pipelines) {
  std::vector<Alive> out;
  out.reserve(facts.size());
  Life life = record.base.get();
  const bool deal = record.key.kind == Kind::kDeal;
  if (deal && life.pipeline.empty()) life.pipeline = first_pipeline(facts);
  for (std::size_t i = 0; i < facts.size(); ++i) {
    auto& fact = facts[i];
    if (deal && pipelines != nullptr) {
      const auto named = fact.args.text(Field::kPipeline);
      read_stage(fact, named.empty() ? std::string_view{life.pipeline} : named, *pipelines);
    }
    const auto when = when_of(facts, i);
    advance(record.key.kind, life, fact, when);
    out.push_back({when.from, life});
  }
  return out;
}

void append_steps(const Life& base, const std::vector<Alive>& lives, std::size_t from, int sign,
                  std::vector<LifeStep>& out) {
  for (auto i = from; i < lives.size(); ++i) {
    const Life& before = i == 0 ? base : lives[i - 1].life;
    if (before == lives[i].life) continue;
    out.push_back({lives[i].from, -sign, before});
    out.push_back({lives[i].from, sign, lives[i].life});
  }
}

// The difference between two histories: the old one is taken back from where they part, the new
// one is put in its place.
void replace_history(const Record& record, const std::vector<Alive>& before,
                     const std::vector<Alive>& after, Folded& out) {
  std::size_t same = 0;
  while (same < before.size() && same < after.size() && before[same] == after[same]) ++same;
  append_steps(record.base.get(), before, same, -1, out.steps);
  append_steps(record.base.get(), after, same, +1, out.steps);
}

bool find_shaping(Kind kind, TypeId type) {
  switch (type) {
    case TypeId::kDealStageChanged:
    case TypeId::kDealWon:
    case TypeId::kDealLost:
    case TypeId::kDealReopened:
    case TypeId::kDealAmountChanged:
    case TypeId::kDealCurrencyChanged:
    case TypeId::kDealUpdated:
    case TypeId::kDealAssigned:
    case TypeId::kTaskAssigned:
    case TypeId::kTaskRescheduled:
      return true;
    default:
      break;
  }
  if (within(type, TypeId::kAccountMerged, TypeId::kSurveyRestored)) return true;
  static constexpr const char* kStates[] = {"", "new", "disqualified", "done"};
  return opens(kind, type) || std::any_of(std::begin(kStates), std::end(kStates), [&](auto* state) {
           return next_state(kind, state, type) != state;
         });
}

// A life, and whether there was one: a stub that nothing shaped has no status.
struct Seen {
  const Life& life;
  bool some = false;
};

void append_changes(Kind kind, const Seen& before, const Seen& after,
                    std::vector<FieldChange>& out) {
  const auto& a = before.life;
  const auto& b = after.life;
  const auto text = [&](Field field, const std::string& was, const std::string& is) {
    if (was != is) out.push_back({field, was.empty() ? Value{} : Value{was}});
  };
  const auto optional = [&](Field field, const auto& was, const auto& is) {
    if (was != is) out.push_back({field, was ? Value{*was} : Value{}});
  };
  if (a.deleted != b.deleted) {
    out.push_back({Field::kDeleted, a.deleted ? Value{true} : Value{}});
  }
  if (kind != Kind::kDeal) {
    text(Field::kState, a.state, b.state);
    if (kind != Kind::kTask) return;
    optional(Field::kDue, a.due, b.due);
    optional(Field::kFirstDue, a.first_due, b.first_due);
    text(Field::kOwner, a.owner, b.owner);
    return;
  }
  const auto decided = [](const Life& life) {
    return life.status() == DealStatus::kLost ? std::optional{life.no_decision} : std::nullopt;
  };
  text(Field::kPipeline, a.pipeline, b.pipeline);
  text(Field::kStage, a.stage, b.stage);
  if (before.some != after.some || a.status() != b.status()) {
    out.push_back({Field::kStatus, before.some ? Value{status_name(a.status())} : Value{}});
  }
  optional(Field::kAmount, a.amount, b.amount);
  optional(Field::kProbability, a.probability_bp, b.probability_bp);
  text(Field::kOwner, a.owner, b.owner);
  text(Field::kLostReason, a.lost_reason, b.lost_reason);
  optional(Field::kNoDecision, decided(a), decided(b));
}

void melt_oldest(Record& record) {
  const auto oldest = record.facts.pop_front();
  // An undated one counts from what stands behind it; the first to name a pipeline says how those
  // before are read.
  std::vector<LifeFact> facts{oldest};
  const bool unread = record.key.kind == Kind::kDeal && record.base.get().pipeline.empty();
  if (oldest.undated || unread) {
    const auto behind = record.facts.entries();
    facts.insert(facts.end(), behind.begin(), behind.end());
  }
  if (unread) record.base.edit().pipeline = first_pipeline(facts);
  advance(record.key.kind, record.base.edit(), oldest, when_of(facts, 0));
  record.melted = oldest.stamp;
}

// Where a fact with this stamp lands.
std::vector<LifeFact>::const_iterator position_of(const std::vector<LifeFact>& facts,
                                                  const Stamp& stamp) {
  return std::upper_bound(facts.begin(), facts.end(), stamp,
                          [](const Stamp& s, const LifeFact& f) { return s < f.stamp; });
}

// What deal.updated does to the probability that beats the stage's; null: it goes.
void take_probability(const Event& event, LifeFact& fact) {
  const auto* set = event.data.find(Field::kSet);
  const auto* map = set == nullptr ? nullptr : set->as_map();
  const auto* value = map == nullptr ? nullptr : find(*map, "probability");
  if (value != nullptr) {
    const auto typed = read_value(*spec_of(Kind::kDeal).find(Field::kProbability), *value);
    if (typed) {
      fact.args.set(Field::kProbability, typed.value().absent() ? Value{Null{}} : typed.value());
    }
  }
  const auto* unset = event.data.find(Field::kUnset);
  const auto* list = unset == nullptr ? nullptr : unset->as_list();
  if (list == nullptr) return;
  for (const auto& name : *list) {
    if (name.text_or_empty() == "probability") fact.args.set(Field::kProbability, Value{Null{}});
  }
}

}  // namespace

bool shapes_life(Kind kind, TypeId type) {
  static const auto table = [] {  // asked for every fact
    std::array<std::vector<bool>, kKinds> out;
    for (std::size_t k = 0; k < kKinds; ++k) {
      out[k].resize(all_event_specs().size() + 1);
      for (const auto& spec : all_event_specs()) {
        out[k][static_cast<std::size_t>(spec.type)] = find_shaping(static_cast<Kind>(k), spec.type);
      }
    }
    return out;
  }();
  return table[static_cast<std::size_t>(kind)][static_cast<std::size_t>(type)];
}

LifeFact life_fact(const Record& record, const Event& event, const FoldAt& at,
                   const Pipelines& pipelines) {
  LifeFact fact{at.stamp, at.ingested, event.type, at.undated, {}, {}};
  for (const auto field : {Field::kAmount, Field::kProbability, Field::kOwner, Field::kDue,
                           Field::kByCustomer, Field::kNoDecision, Field::kReason}) {
    const auto* value = event.data.find(field);
    if (value != nullptr) fact.args.set(field, *value);
  }
  if (record.key.kind != Kind::kDeal) return fact;
  if (event.type == TypeId::kDealUpdated) {
    take_probability(event, fact);
    return fact;
  }
  if (event.type == TypeId::kDealOpened) {
    const auto stage = event.data.text(Field::kStage);
    if (!stage.empty()) {
      fact.args.set(Field::kStage, Value{stage});
      fact.args.set(Field::kResult, true);  // the stage was named
    }
  } else if (event.type == TypeId::kDealStageChanged || event.type == TypeId::kDealReopened) {
    fact.args.set(Field::kStage, Value{event.data.text(Field::kTo)});
  } else if (event.type != TypeId::kDealWon && event.type != TypeId::kDealLost) {
    return fact;
  }
  const auto named = event.data.text(Field::kPipeline);
  if (!named.empty()) fact.args.set(Field::kPipeline, named);
  read_stage(fact, named.empty() ? std::string_view{record.life.pipeline} : named, pipelines);
  return fact;
}

bool dates_others(const Record& record, const FoldAt& at) {
  if (record.facts.empty() || at.undated || at.stamp < record.melted) return false;
  if (record.facts.last_stamp() < at.stamp) return record.facts.last_undated();
  const auto facts = record.facts.entries();
  const auto behind = position_of(facts, at.stamp);
  return behind != facts.begin() && std::prev(behind)->undated;
}

bool repeats_final(const Record& record, const Event& event, const FoldAt& at,
                   const Pipelines& pipelines) {
  const bool asked = event.type == TypeId::kDealLost || event.type == TypeId::kDealReopened ||
                     ends_for_good(event.type);
  if (!asked) return false;
  const auto repeats = [&](const Life& life) {
    if (event.type == TypeId::kDealLost) return life.status() == DealStatus::kLost;
    if (event.type == TypeId::kDealReopened) return life.status() == DealStatus::kOpen;
    return !life.state.empty() && next_state(record.key.kind, {}, event.type) == life.state;
  };
  if (record.facts.empty() || record.facts.last_stamp() < at.stamp) return repeats(record.life);
  const auto facts = record.facts.entries();
  std::vector<LifeFact> before{facts.begin(), position_of(facts, at.stamp)};
  const auto lives = run(record, before, &pipelines);
  return repeats(lives.empty() ? record.base.get() : lives.back().life);
}

void insert_life_fact(Record& record, LifeFact fact, const Pipelines& pipelines, Folded& out) {
  auto& facts = record.facts;
  out.before = record.life;
  if (fact.stamp < record.melted) {
    out.late = out.too_late = true;
    return;
  }
  const bool had_life = record.has_life();
  const bool last = facts.empty() || facts.last_stamp() < fact.stamp;
  // A dated fact may move undated ones in front of it, and the first to name a pipeline says how
  // those before are read.
  const bool dates = !facts.empty() && facts.last_undated() && !fact.undated;
  const bool names =
      !facts.empty() && record.life.pipeline.empty() && !fact.args.text(Field::kPipeline).empty();
  if (last && !dates && !names) {
    if (record.key.kind == Kind::kDeal && record.life.pipeline.empty()) {
      record.life.pipeline = fact.args.text(Field::kPipeline);
    }
    const auto when = when_last(fact);
    advance(record.key.kind, record.life, fact, when);
    facts.push_back(fact);
    if (!(out.before == record.life)) {
      out.steps.push_back({when.from, -1, out.before});
      out.steps.push_back({when.from, +1, record.life});
    }
  } else {
    auto before = facts.entries();
    auto after = before;
    const auto at = position_of(after, fact.stamp);
    out.late = at != after.end();
    after.insert(at, std::move(fact));
    const auto old_lives = run(record, before, nullptr);
    const auto new_lives = run(record, after, &pipelines);
    replace_history(record, old_lives, new_lives, out);
    facts = after;
    record.life = new_lives.back().life;
  }
  if (facts.size() > kLifeFactsMax) melt_oldest(record);
  const auto& kind = record.key.kind;
  append_changes(kind, {out.before, had_life}, {record.life, true}, out.changed);
}

void append_changes(const Record& before, const Record& after, std::vector<FieldChange>& out) {
  append_changes(after.key.kind, {before.life, before.has_life()}, {after.life, after.has_life()},
                 out);
}

void set_life(Record& record, std::vector<LifeFact> facts, const Pipelines& pipelines) {
  const auto lives = run(record, facts, &pipelines);
  record.life = lives.empty() ? record.base.get() : lives.back().life;
  record.facts = facts;
}

}  // namespace dealwright
