#include "tests/oracle/lives.h"

#include <algorithm>

#include "engine/domain/form.h"

namespace dealwright::oracle {
namespace {

// sales.md 3, a move a line: on this fact, from one of these states ("-": none yet), to this one.
struct Move {
  Kind kind;
  TypeId on;
  std::string_view from;
  std::string_view to;
};
constexpr std::string_view kAny = "*";
constexpr Move kMoves[] = {
    {Kind::kLead, TypeId::kLeadCaptured, "- disqualified", "new"},
    {Kind::kLead, TypeId::kContactAttempted, "new", "working"},
    {Kind::kLead, TypeId::kContactReached, "new", "working"},
    {Kind::kLead, TypeId::kLeadQualified, "new working disqualified", "qualified"},
    {Kind::kLead, TypeId::kLeadDisqualified, "new working qualified", "disqualified"},
    {Kind::kLead, TypeId::kLeadRecycled, "disqualified", "working"},
    {Kind::kLead, TypeId::kDealOpened, kAny, "converted"},
    {Kind::kOffer, TypeId::kOfferDrafted, "-", "draft"},
    {Kind::kOffer, TypeId::kOfferRevised, "-", "draft"},
    {Kind::kOffer, TypeId::kOfferSent, "- draft", "sent"},
    {Kind::kOffer, TypeId::kOfferViewed, "- draft sent", "viewed"},
    {Kind::kOffer, TypeId::kOfferAnswered, "- draft sent viewed", "answered"},
    {Kind::kOffer, TypeId::kOfferAccepted, "- draft sent viewed answered", "accepted"},
    {Kind::kOffer, TypeId::kOfferDeclined, "- draft sent viewed answered", "declined"},
    {Kind::kOffer, TypeId::kOfferWithdrawn, "- draft sent viewed answered", "withdrawn"},
    {Kind::kOffer, TypeId::kOfferExpired, "- draft sent viewed answered", "expired"},
    {Kind::kContract, TypeId::kContractDrafted, "-", "draft"},
    {Kind::kContract, TypeId::kContractSent, "- draft", "sent"},
    {Kind::kContract, TypeId::kContractViewed, "- draft sent", "viewed"},
    {Kind::kContract, TypeId::kContractSigned, "- draft sent viewed", "signed"},
    {Kind::kContract, TypeId::kContractEnded, "- draft sent viewed signed", "ended"},
    {Kind::kContract, TypeId::kContractDeclined, "- draft sent viewed", "declined"},
    {Kind::kTask, TypeId::kTaskCreated, "-", "open"},
    {Kind::kTask, TypeId::kTaskStarted, "- open", "started"},
    {Kind::kTask, TypeId::kTaskCompleted, "- open started", "done"},
    {Kind::kTask, TypeId::kTaskCancelled, "- open started", "cancelled"},
    {Kind::kTask, TypeId::kTaskReopened, "done cancelled", "open"},
    {Kind::kTicket, TypeId::kTicketOpened, "-", "open"},
    {Kind::kTicket, TypeId::kTicketClosed, kAny, "closed"},
    {Kind::kTicket, TypeId::kTicketReopened, kAny, "open"},
    {Kind::kSurvey, TypeId::kSurveySent, "-", "sent"},
    {Kind::kSurvey, TypeId::kSurveyAnswered, kAny, "answered"},
};

bool stands_in(std::string_view states, std::string_view state) {
  if (states == kAny) return true;
  if (state.empty()) state = "-";
  const auto padded = " " + std::string{states} + " ";
  return padded.find(" " + std::string{state} + " ") != std::string::npos;
}

bool within(const Event& event, TypeId first, TypeId last) {
  return event.type >= first && event.type <= last;
}

bool opens(Kind kind, const Fact& fact) {
  if (fact.why != Fact::Why::kOwn) return false;
  static constexpr std::pair<Kind, TypeId> kOpenings[] = {
      {Kind::kLead, TypeId::kLeadCaptured},        {Kind::kDeal, TypeId::kDealOpened},
      {Kind::kOffer, TypeId::kOfferDrafted},       {Kind::kOffer, TypeId::kOfferRevised},
      {Kind::kContract, TypeId::kContractDrafted}, {Kind::kTask, TypeId::kTaskCreated},
      {Kind::kTicket, TypeId::kTicketOpened},      {Kind::kSurvey, TypeId::kSurveySent}};
  return std::find(std::begin(kOpenings), std::end(kOpenings), std::pair{kind, fact.event.type}) !=
         std::end(kOpenings);
}

class LifeFold {
 public:
  LifeFold(const RecordKey& key, const PipelineBook& book, std::vector<const Fact*> history)
      : kind_{key.kind}, book_{book}, history_{std::move(history)} {}

  std::vector<LifeAt> run() {
    std::vector<LifeAt> out;
    // A stub's facts are read in the pipeline that the first fact to name one names.
    for (const auto* fact : history_) {
      if (kind_ != Kind::kDeal || fact->why != Fact::Why::kOwn) continue;
      life_.pipeline = named_pipeline(*fact);
      if (!life_.pipeline.empty()) break;
    }
    for (index_ = 0; index_ < history_.size(); ++index_) {
      const auto& fact = *history_[index_];
      if (!takes_back(fact)) from_ = std::max(from_, counts_from(fact));
      step(fact);
      out.push_back({from_, life_});
    }
    return out;
  }

 private:
  static std::string named_pipeline(const Fact& fact) {
    return fact.is(TypeId::kDealOpened) || fact.is(TypeId::kDealStageChanged)
               ? std::string{fact.event.data.text(Field::kPipeline)}
               : std::string{};
  }

  // The first dated fact behind the one at hand.
  std::optional<Instant> next_dated() const {
    for (auto i = index_ + 1; i < history_.size(); ++i) {
      const auto& fact = *history_[i];
      if (!fact.undated && fact.why != Fact::Why::kMerge && !takes_back(fact))
        return fact.stamp.occurred;
    }
    return std::nullopt;
  }
  // An undated fact is in force once ingested, or with the first dated fact behind it.
  Instant counts_from(const Fact& fact) const {
    if (!fact.undated) return fact.stamp.occurred;
    return std::min(fact.ingested, next_dated().value_or(kAfterAll));
  }

  void step(const Fact& fact) {
    if (fact.why == Fact::Why::kMerge) return;
    const auto& event = fact.event;
    if (event.type == TypeId::kForeignType) return;
    if (within(event, TypeId::kAccountDeleted, TypeId::kSurveyDeleted)) {
      life_.deleted = true;
    } else if (within(event, TypeId::kAccountRestored, TypeId::kSurveyRestored)) {
      life_.deleted = false;
    } else if (within(event, TypeId::kAccountMerged, TypeId::kSurveyMerged)) {
      if (!fact.repeats) life_.merged = true;
    } else if (kind_ == Kind::kDeal) {
      step_deal(fact);
    } else {
      if (kind_ == Kind::kTask) step_task(fact);
      move(fact);
      if (opens(kind_, fact)) open(fact);
    }
  }

  void move(const Fact& fact) {
    if (fact.why == Fact::Why::kImplied && kind_ == Kind::kOffer) {
      if (stands_in("- draft sent viewed answered", life_.state)) life_.state = "superseded";
      return;
    }
    for (const auto& move : kMoves) {
      if (move.kind != kind_ || move.on != fact.event.type) continue;
      if (stands_in(move.from, life_.state)) life_.state = move.to;
      return;
    }
  }

  bool open(const Fact& fact) {
    if (life_.opened) return false;
    life_.opened = true;
    life_.undated = fact.undated;
    life_.opened_at = fact.undated ? next_dated().value_or(kBeforeAll) : fact.stamp.occurred;
    return true;
  }

  void step_task(const Fact& fact) {
    const auto& data = fact.event.data;
    if (fact.is(TypeId::kTaskCreated) && !life_.opened) {
      life_.due = life_.first_due = data.instant(Field::kDue);
    } else if (fact.is(TypeId::kTaskRescheduled)) {
      life_.due = data.instant(Field::kDue);
      if (data.flag(Field::kByCustomer)) life_.first_due = life_.due;
    }
    if (fact.is(TypeId::kTaskCreated) || fact.is(TypeId::kTaskAssigned)) take_owner(data);
  }
  void take_owner(const Fields& data) {
    if (data.find(Field::kOwner) != nullptr) life_.owner = data.text(Field::kOwner);
  }
  void take_amount(const Fields& data) {
    if (const auto amount = data.money(Field::kAmount)) life_.amount = amount;
  }
  void take_probability(const Value* value) {
    if (value == nullptr) return;
    if (const auto* bp = value->as_int()) {
      life_.probability_bp = static_cast<std::int32_t>(std::clamp<std::int64_t>(*bp, 0, 10'000));
    }
  }

  void step_deal(const Fact& fact) {
    const auto& data = fact.event.data;
    switch (fact.event.type) {
      case TypeId::kDealOpened:
        open_deal(fact);
        return;
      case TypeId::kDealStageChanged:
        enter(fact, named_pipeline(fact), std::string{data.text(Field::kTo)});
        return;
      case TypeId::kDealReopened:
        if (life_.status() != DealStatus::kOpen)
          enter(fact, "", std::string{data.text(Field::kTo)});
        return;
      case TypeId::kDealWon:
        if (life_.status() != DealStatus::kWon) enter_first(fact, DealStatus::kWon);
        take_amount(data);
        return;
      case TypeId::kDealLost:
        if (life_.status() == DealStatus::kLost) return;
        enter_first(fact, DealStatus::kLost);
        take_amount(data);
        life_.no_decision = data.flag(Field::kNoDecision);
        life_.lost_reason = data.text(Field::kReason);
        return;
      case TypeId::kDealAmountChanged:
      case TypeId::kDealCurrencyChanged:
        take_amount(data);
        return;
      case TypeId::kDealAssigned:
        take_owner(data);
        return;
      case TypeId::kDealUpdated:
        update_deal(data);
        return;
      default:
        return;
    }
  }

  void update_deal(const Fields& data) {
    const auto* set = data.find(Field::kSet);
    const auto* map = set == nullptr ? nullptr : set->as_map();
    const auto* said = map == nullptr ? nullptr : find(*map, "probability");
    if (said != nullptr) {
      const auto typed = read_value(*spec_of(Kind::kDeal).find(Field::kProbability), *said);
      if (typed && typed.value().absent()) life_.probability_bp.reset();
      if (typed) take_probability(&typed.value());
    }
    const auto* unset = data.find(Field::kUnset);
    const auto* list = unset == nullptr ? nullptr : unset->as_list();
    if (list == nullptr) return;
    for (const auto& name : *list) {
      if (name.text_or_empty() == "probability") life_.probability_bp.reset();
    }
  }

  void open_deal(const Fact& fact) {
    const auto& data = fact.event.data;
    take_amount(data);
    take_probability(data.find(Field::kProbability));
    take_owner(data);
    if (!open(fact)) return;
    const auto stage = std::string{data.text(Field::kStage)};
    if (!stage.empty()) {
      enter(fact, named_pipeline(fact), stage);
    } else if (life_.entered_at == kBeforeAll) {  // else it stays where facts before put it
      life_.pipeline = named_pipeline(fact);
      enter_first(fact, DealStatus::kOpen);
    }
  }

  const Pipeline* pipeline(const Fact& fact) const {
    const auto at = fact.undated ? fact.ingested : fact.stamp.occurred;
    return book_.find(life_.pipeline, at, fact.stamp.order);
  }
  void enter_first(const Fact& fact, DealStatus category) {
    const auto* in = pipeline(fact);
    const auto* stage = in == nullptr ? nullptr : in->first(category);
    if (stage != nullptr) {
      arrive(fact, life_.pipeline, stage->id, stage->meaning);
    } else {
      arrive(fact, life_.pipeline, "", {category, 0, 0});
    }
  }
  void enter(const Fact& fact, const std::string& named, const std::string& id) {
    const auto before = life_.pipeline;
    if (!named.empty()) life_.pipeline = named;
    const auto* in = pipeline(fact);
    const auto* stage = in == nullptr ? nullptr : in->find(id);
    arrive(fact, before, id, stage == nullptr ? StageMeaning{} : stage->meaning);
  }
  // The stage's category gives the status.
  void arrive(const Fact& fact, const std::string& pipeline_before, const std::string& stage,
              const StageMeaning& meaning) {
    const bool stays = life_.stage == stage && life_.pipeline == pipeline_before;
    if (!stays || life_.entered_at == kBeforeAll) life_.entered_at = from_;
    const auto before = life_.status();
    life_.stage = stage;
    life_.meaning = meaning;
    if (life_.status() != DealStatus::kOpen && life_.status() == before) return;
    const bool closes = life_.status() != DealStatus::kOpen;
    life_.closed_at = closes && !fact.undated ? fact.stamp.occurred : kBeforeAll;
    life_.no_decision = false;
    life_.lost_reason.clear();
  }

  const Kind kind_;
  const PipelineBook& book_;
  const std::vector<const Fact*> history_;
  std::size_t index_ = 0;
  Instant from_ = kBeforeAll;
  Life life_;
};

}  // namespace

std::vector<const Fact*> history_of(const Facts& facts) {
  std::vector<const Fact*> out;
  for (const auto& fact : facts) out.push_back(&fact);
  std::stable_sort(out.begin(), out.end(),
                   [](const Fact* a, const Fact* b) { return a->stamp < b->stamp; });
  return out;
}

std::vector<LifeAt> lives_of(const RecordKey& key, const Facts& facts, const PipelineBook& book,
                             Instant known_by) {
  auto history = history_of(facts);
  std::erase_if(history, [&](const Fact* fact) { return fact->ingested > known_by; });
  return LifeFold{key, book, std::move(history)}.run();
}

Life life_of(const RecordKey& key, const Facts& facts, const PipelineBook& book) {
  const auto lives = lives_of(key, facts, book);
  return lives.empty() ? Life{} : lives.back().life;
}

Life life_at(const RecordKey& key, const Facts& facts, const PipelineBook& book, Instant as_of,
             Instant known_by) {
  Life out;
  for (const auto& at : lives_of(key, facts, book, known_by)) {
    if (at.from <= as_of) out = at.life;
  }
  return out;
}

bool has_life(const RecordKey& key, const Facts& facts) {
  return std::any_of(facts.begin(), facts.end(), [&](const Fact& fact) {
    if (fact.why == Fact::Why::kImplied) return true;
    if (fact.why == Fact::Why::kMerge || takes_back(fact)) return false;
    if (within(fact.event, TypeId::kAccountMerged, TypeId::kSurveyRestored)) return true;
    if (key.kind == Kind::kDeal) {
      static constexpr TypeId kDeal[] = {
          TypeId::kDealOpened,        TypeId::kDealStageChanged,    TypeId::kDealWon,
          TypeId::kDealLost,          TypeId::kDealReopened,        TypeId::kDealUpdated,
          TypeId::kDealAmountChanged, TypeId::kDealCurrencyChanged, TypeId::kDealAssigned};
      return std::find(std::begin(kDeal), std::end(kDeal), fact.event.type) != std::end(kDeal);
    }
    return false;
  });
}

bool repeats_final(const RecordKey& key, const Facts& facts, const PipelineBook& book,
                   const Fact& fact) {
  if (fact.why != Fact::Why::kOwn) return false;
  static constexpr TypeId kFinals[] = {TypeId::kDealLost,         TypeId::kDealReopened,
                                       TypeId::kOfferAccepted,    TypeId::kOfferDeclined,
                                       TypeId::kOfferWithdrawn,   TypeId::kOfferExpired,
                                       TypeId::kContractDeclined, TypeId::kContractEnded,
                                       TypeId::kTaskCompleted,    TypeId::kTaskCancelled};
  if (std::find(std::begin(kFinals), std::end(kFinals), fact.event.type) == std::end(kFinals)) {
    return false;
  }
  Facts before;
  for (const auto& other : facts) {
    if (other.stamp < fact.stamp) before.push_back(other);
  }
  const auto life = life_of(key, before, book);
  if (fact.is(TypeId::kDealLost)) return life.status() == DealStatus::kLost;
  if (fact.is(TypeId::kDealReopened)) return life.status() == DealStatus::kOpen;
  if (life.state.empty()) return false;
  return std::any_of(std::begin(kMoves), std::end(kMoves), [&](const Move& move) {
    return move.kind == key.kind && move.on == fact.event.type && move.to == life.state;
  });
}

}  // namespace dealwright::oracle
