#include "engine/domain/life.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace dealwright {
namespace {

// ---- what each kind's states do with a fact

std::string lead_state(const std::string& state, TypeId type) {
  const bool fresh = state == "new" || state == "working";
  switch (type) {
    case TypeId::kLeadCaptured:
      return state.empty() || state == "disqualified" ? "new" : state;
    case TypeId::kContactAttempted:
    case TypeId::kContactReached:
      return state == "new" ? "working" : state;
    case TypeId::kLeadQualified:
      return fresh || state == "disqualified" ? "qualified" : state;
    case TypeId::kLeadDisqualified:
      return fresh || state == "qualified" ? "disqualified" : state;
    case TypeId::kLeadRecycled:
      return state == "disqualified" ? "working" : state;
    case TypeId::kDealOpened:
      return "converted";
    default:
      return state;
  }
}

int offer_rank(std::string_view state) {
  static constexpr std::string_view kOrder[] = {"", "draft", "sent", "viewed", "answered"};
  const auto it = std::find(std::begin(kOrder), std::end(kOrder), state);
  return it == std::end(kOrder) ? 99 : static_cast<int>(it - std::begin(kOrder));
}

std::string offer_state(const std::string& state, TypeId type) {
  const auto forward = [&](const char* to) -> std::string {
    return offer_rank(to) > offer_rank(state) ? to : state;
  };
  const bool final = offer_rank(state) == 99;
  switch (type) {
    case TypeId::kOfferDrafted:
    case TypeId::kOfferRevised:
      return forward("draft");
    case TypeId::kOfferSent:
      return forward("sent");
    case TypeId::kOfferViewed:
      return forward("viewed");
    case TypeId::kOfferAnswered:
      return forward("answered");
    case TypeId::kOfferAccepted:
      return final ? state : "accepted";
    case TypeId::kOfferDeclined:
      return final ? state : "declined";
    case TypeId::kOfferWithdrawn:
      return final ? state : "withdrawn";
    case TypeId::kOfferExpired:
      return final ? state : "expired";
    default:
      return state;
  }
}

int contract_rank(std::string_view state) {
  static constexpr std::string_view kOrder[] = {"", "draft", "sent", "viewed", "signed"};
  const auto it = std::find(std::begin(kOrder), std::end(kOrder), state);
  return it == std::end(kOrder) ? 99 : static_cast<int>(it - std::begin(kOrder));
}

std::string contract_state(const std::string& state, TypeId type) {
  const auto forward = [&](const char* to) -> std::string {
    return contract_rank(to) > contract_rank(state) ? to : state;
  };
  switch (type) {
    case TypeId::kContractDrafted:
      return forward("draft");
    case TypeId::kContractSent:
      return forward("sent");
    case TypeId::kContractViewed:
      return forward("viewed");
    case TypeId::kContractSigned:
      return forward("signed");
    case TypeId::kContractEnded:
      return contract_rank(state) == 99 ? state : "ended";
    case TypeId::kContractDeclined:
      return contract_rank(state) >= contract_rank("signed") ? state : "declined";
    default:
      return state;
  }
}

std::string task_state(const std::string& state, TypeId type) {
  const bool final = state == "done" || state == "cancelled";
  switch (type) {
    case TypeId::kTaskCreated:
      return state.empty() ? "open" : state;
    case TypeId::kTaskStarted:
      return final ? state : "started";
    case TypeId::kTaskCompleted:
      return final ? state : "done";
    case TypeId::kTaskCancelled:
      return final ? state : "cancelled";
    case TypeId::kTaskReopened:
      return final ? "open" : state;
    default:
      return state;
  }
}

std::string other_state(const std::string& state, TypeId type) {
  switch (type) {
    case TypeId::kTicketOpened:
      return state.empty() ? "open" : state;
    case TypeId::kTicketReopened:
      return "open";
    case TypeId::kTicketClosed:
      return "closed";
    case TypeId::kSurveySent:
      return state.empty() ? "sent" : state;
    case TypeId::kSurveyAnswered:
      return "answered";
    default:
      return state;
  }
}

bool opens(Kind kind, TypeId type) {
  switch (type) {
    case TypeId::kLeadCaptured:
      return kind == Kind::kLead;
    case TypeId::kDealOpened:
      return kind == Kind::kDeal;
    case TypeId::kOfferDrafted:
    case TypeId::kOfferRevised:
    case TypeId::kContractDrafted:
    case TypeId::kTaskCreated:
    case TypeId::kTicketOpened:
    case TypeId::kSurveySent:
      return true;
    default:
      return false;
  }
}

// ---- deals

void enter_stage(Life& life, const LifeFact& fact, Instant occurred) {
  const auto to = fact.args.text(Field::kStage);
  const bool same_place = life.stage == to && (!fact.args.find(Field::kPipeline) ||
                                               fact.args.text(Field::kPipeline) == life.pipeline);
  if (const auto pipeline = fact.args.text(Field::kPipeline); !pipeline.empty()) {
    life.pipeline = pipeline;
  }
  const auto before = life.meaning.category;
  if (!same_place || life.entered_at == kBeforeAll) life.entered_at = occurred;
  life.stage = to;
  life.meaning = fact.stage;
  const auto now = life.meaning.category;
  if (now == DealStatus::kOpen) {
    life.closed_at = kBeforeAll;
    life.no_decision = false;
    life.lost_reason.clear();
  } else if (now != before || life.closed_at == kBeforeAll) {
    life.closed_at = occurred;
    life.no_decision = false;
    life.lost_reason.clear();
  }
}

void set_common(Life& life, const LifeFact& fact) {
  if (const auto amount = fact.args.money(Field::kAmount)) life.amount = amount;
  if (const auto bp = fact.args.integer(Field::kProbability)) {
    life.probability_bp = static_cast<std::int32_t>(std::clamp<std::int64_t>(*bp, 0, 10'000));
  }
  if (const auto* owner = fact.args.find(Field::kOwner)) life.owner = owner->text_or_empty();
}

void open_deal(Life& life, const LifeFact& fact, Instant occurred) {
  set_common(life, fact);
  if (life.opened) return;  // again: sets fields
  // A stub that was won or lost has no stage: nobody said which pipeline's.
  const bool heard_of = !life.stage.empty() || life.status() != DealStatus::kOpen;
  life.opened = true;
  life.undated = fact.undated;
  life.opened_at = fact.undated && occurred == fact.ingested ? kBeforeAll : occurred;
  if (!heard_of || fact.args.flag(Field::kResult)) {
    enter_stage(life, fact, occurred);
  } else if (life.pipeline.empty()) {
    life.pipeline = fact.args.text(Field::kPipeline);
  }
}

void advance_deal(Life& life, const LifeFact& fact, Instant occurred) {
  switch (fact.type) {
    case TypeId::kDealOpened:
      open_deal(life, fact, occurred);
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

std::string next_state(Kind kind, const std::string& state, TypeId type) {
  switch (kind) {
    case Kind::kLead:
      return lead_state(state, type);
    case Kind::kOffer:
      return offer_state(state, type);
    case Kind::kContract:
      return contract_state(state, type);
    case Kind::kTask:
      return task_state(state, type);
    case Kind::kTicket:
    case Kind::kSurvey:
      return other_state(state, type);
    default:
      return state;
  }
}

// A fact counts from its time; an undated one from its ingestion, or from the first dated fact
// behind it if that is earlier.
Instant counts_from(const std::vector<LifeFact>& facts, std::size_t index) {
  const auto& fact = facts[index];
  if (!fact.undated) return fact.stamp.occurred;
  for (auto i = index + 1; i < facts.size(); ++i) {
    if (!facts[i].undated) return std::min(fact.ingested, facts[i].stamp.occurred);
  }
  return fact.ingested;
}

// Every life along the facts, each with the instant it came into force.
std::vector<std::pair<Instant, Life>> run(Kind kind, const Life& base,
                                          const std::vector<LifeFact>& facts) {
  std::vector<std::pair<Instant, Life>> out;
  out.reserve(facts.size());
  Life life = base;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const auto occurred = counts_from(facts, i);
    advance(kind, life, facts[i], occurred);
    out.emplace_back(occurred, life);
  }
  return out;
}

void append_steps(const Life& base, const std::vector<std::pair<Instant, Life>>& lives,
                  std::size_t from, int sign, std::vector<LifeStep>& out) {
  for (auto i = from; i < lives.size(); ++i) {
    const Life& before = i == 0 ? base : lives[i - 1].second;
    if (before == lives[i].second) continue;
    out.push_back({lives[i].first, -sign, before});
    out.push_back({lives[i].first, sign, lives[i].second});
  }
}

// The difference between two histories: the old one is taken back from where they part, the new
// one is put in its place.
void replace_history(const Record& record, const std::vector<LifeFact>& before,
                     const std::vector<LifeFact>& after, Folded& out) {
  const auto old_lives = run(record.key.kind, record.base.get(), before);
  const auto new_lives = run(record.key.kind, record.base.get(), after);
  std::size_t same = 0;
  while (same < old_lives.size() && same < new_lives.size() && old_lives[same] == new_lives[same]) {
    ++same;
  }
  append_steps(record.base.get(), old_lives, same, -1, out.steps);
  append_steps(record.base.get(), new_lives, same, +1, out.steps);
}

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

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

void melt_oldest(Record& record) {
  const auto oldest = record.facts.pop_front();
  // Only an undated one counts from what stands behind it.
  std::vector<LifeFact> facts{oldest};
  if (oldest.undated) {
    const auto behind = record.facts.entries();
    facts.insert(facts.end(), behind.begin(), behind.end());
  }
  advance(record.key.kind, record.base.edit(), oldest, counts_from(facts, 0));
  record.melted = oldest.stamp;
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
    const auto* set = event.data.find(Field::kSet);
    const auto* map = set == nullptr ? nullptr : set->as_map();
    const auto* probability = map == nullptr ? nullptr : find(*map, "probability");
    if (probability != nullptr && probability->as_int() != nullptr) {
      fact.args.set(Field::kProbability, *probability);
    }
    return fact;
  }
  std::string_view stage;
  std::optional<DealStatus> category;
  switch (event.type) {
    case TypeId::kDealOpened:
      stage = event.data.text(Field::kStage);
      if (stage.empty()) category = DealStatus::kOpen;
      if (!stage.empty()) fact.args.set(Field::kResult, true);  // the stage was named
      break;
    case TypeId::kDealStageChanged:
    case TypeId::kDealReopened:
      stage = event.data.text(Field::kTo);
      break;
    case TypeId::kDealWon:
      category = DealStatus::kWon;
      break;
    case TypeId::kDealLost:
      category = DealStatus::kLost;
      break;
    default:
      return fact;
  }
  auto pipeline_id = event.data.text(Field::kPipeline);
  if (!pipeline_id.empty()) fact.args.set(Field::kPipeline, pipeline_id);
  if (pipeline_id.empty()) pipeline_id = record.life.pipeline;
  const auto occurred = at.undated ? at.ingested : at.stamp.occurred;
  const auto* pipeline = pipelines.find(pipeline_id, occurred, at.stamp.order);
  const Stage* found = nullptr;
  if (pipeline != nullptr) found = category ? pipeline->first(*category) : pipeline->find(stage);
  if (found != nullptr) {
    fact.args.set(Field::kStage, found->id);
    fact.stage = found->meaning;
  } else {
    if (!stage.empty()) fact.args.set(Field::kStage, stage);
    fact.stage.category = category.value_or(DealStatus::kOpen);
  }
  return fact;
}

void advance(Kind kind, Life& life, const LifeFact& fact, Instant occurred) {
  if (within(fact.type, TypeId::kAccountDeleted, TypeId::kSurveyDeleted)) {
    life.deleted = true;
  } else if (within(fact.type, TypeId::kAccountRestored, TypeId::kSurveyRestored)) {
    life.deleted = false;
  } else if (within(fact.type, TypeId::kAccountMerged, TypeId::kSurveyMerged)) {
    life.merged = true;
  } else if (within(fact.type, TypeId::kAccountUnmerged, TypeId::kSurveyUnmerged)) {
    life.merged = false;
  } else if (kind == Kind::kDeal) {
    advance_deal(life, fact, occurred);
  } else {
    if (kind == Kind::kTask) advance_task(life, fact);
    if (fact.type == TypeId::kOfferRevised && fact.args.flag(Field::kSupersedes)) {
      if (offer_rank(life.state) != 99) life.state = "superseded";
      return;
    }
    life.state = next_state(kind, life.state, fact.type);
    if (opens(kind, fact.type) && !life.opened) {
      life.opened = true;
      life.undated = fact.undated;
      life.opened_at = fact.undated && occurred == fact.ingested ? kBeforeAll : occurred;
      if (const auto* owner = fact.args.find(Field::kOwner)) life.owner = owner->text_or_empty();
    }
  }
}

void insert_life_fact(Record& record, LifeFact fact, Folded& out) {
  auto& facts = record.facts;
  if (fact.stamp < record.melted) {
    out.late = out.too_late = true;
    return;
  }
  out.before = record.life;
  const bool last = facts.empty() || facts.last_stamp() < fact.stamp;
  // An undated fact behind which a dated one lands may count from another instant now.
  const bool moves_undated = !facts.empty() && facts.last_undated() && !fact.undated &&
                             fact.stamp.occurred < facts.last_ingested();
  if (last && !moves_undated) {
    const auto occurred = fact.undated ? fact.ingested : fact.stamp.occurred;
    advance(record.key.kind, record.life, fact, occurred);
    facts.push_back(fact);
    if (!(out.before == record.life)) {
      out.steps.push_back({occurred, -1, out.before});
      out.steps.push_back({occurred, +1, record.life});
    }
  } else {
    const auto before = facts.entries();
    auto after = before;
    const auto at = std::upper_bound(after.begin(), after.end(), fact.stamp,
                                     [](const Stamp& s, const LifeFact& f) { return s < f.stamp; });
    out.late = at != after.end();
    after.insert(at, std::move(fact));
    replace_history(record, before, after, out);
    facts = after;
    const auto lives = run(record.key.kind, record.base.get(), after);
    record.life = lives.back().second;
  }
  if (facts.size() > kLifeFactsMax) melt_oldest(record);
}

}  // namespace dealwright
