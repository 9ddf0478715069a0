#include "tests/oracle/values.h"

#include <algorithm>
#include <set>

#include "engine/domain/form.h"

namespace dealwright::oracle {
namespace {

bool within(TypeId type, TypeId first, TypeId last) { return type >= first && type <= last; }

// Data of these facts are fields of the record, by name. What other facts say is of the timeline.
bool data_are_fields(TypeId type) {
  static const std::set<TypeId> kThose = {
      TypeId::kTargetSet,        TypeId::kPipelineUpdated, TypeId::kCalendarUpdated,
      TypeId::kUserUpdated,      TypeId::kTeamUpdated,     TypeId::kProductUpdated,
      TypeId::kFxRateSet,        TypeId::kLeadCaptured,    TypeId::kLeadScored,
      TypeId::kLeadDisqualified, TypeId::kDealOpened,      TypeId::kNeedsCaptured,
      TypeId::kDealLost,         TypeId::kOfferDrafted,    TypeId::kOfferRevised,
      TypeId::kOfferSent,        TypeId::kOfferViewed,     TypeId::kOfferAnswered,
      TypeId::kOfferAccepted,    TypeId::kOfferDeclined,   TypeId::kOfferWithdrawn,
      TypeId::kOfferExpired,     TypeId::kContractDrafted, TypeId::kContractSent,
      TypeId::kContractViewed,   TypeId::kContractSigned,  TypeId::kContractDeclined,
      TypeId::kContractChanged,  TypeId::kContractRenewed, TypeId::kTaskCreated,
      TypeId::kTaskStarted,      TypeId::kTaskCompleted,   TypeId::kTaskCancelled,
      TypeId::kTaskReopened,     TypeId::kTicketOpened,    TypeId::kSurveySent,
      TypeId::kSurveyAnswered,   TypeId::kImportOpened,    TypeId::kRulePublished,
      TypeId::kSchemaUpdated,    TypeId::kDealReopened,    TypeId::kTemplatePublished,
      TypeId::kTemplateRetired};
  return kThose.count(type) > 0 || within(type, TypeId::kAccountAssigned, TypeId::kSurveyAssigned);
}

// Those that the life tells, or the engine itself.
bool told_by_life(Kind kind, Field field) {
  static const std::set<Field> kAll = {Field::kState, Field::kMergedInto, Field::kDeleted};
  static const std::set<Field> kDeal = {Field::kPipeline,   Field::kStage,     Field::kStatus,
                                        Field::kAmount,     Field::kOwner,     Field::kProbability,
                                        Field::kLostReason, Field::kNoDecision};
  static const std::set<Field> kTask = {Field::kDue, Field::kFirstDue, Field::kOwner};
  return kAll.count(field) > 0 || (kind == Kind::kDeal && kDeal.count(field) > 0) ||
         (kind == Kind::kTask && kTask.count(field) > 0);
}

// A custom value as its declaration wants it (sales.md 1); none: it is of another type.
std::optional<Value> as_declared(const Value& declaration, const Value& value) {
  const auto type = find(*declaration.as_map(), "type")->text_or_empty();
  if (value.null()) return Value{};
  if (type == "int") return value.as_int() != nullptr ? std::optional{value} : std::nullopt;
  if (type == "text") return value.as_text() != nullptr ? std::optional{value} : std::nullopt;
  if (type == "decimal(1)") {  // of whole numbers: the streams have no others
    if (value.as_int() == nullptr) return std::nullopt;
    return Value{std::to_string(*value.as_int()) + ".0"};
  }
  for (const auto& known : *find(*declaration.as_map(), "values")->as_list()) {  // an enum
    if (known == value) return value;
  }
  return std::nullopt;
}

// A value that a fact said outright, or one that only fills a gap: the first capture's source, what
// a merge brings. What is said outright beats what fills, whenever it was said.
template <class Key>
class Slots {
 public:
  void say(const Key& key, Value value) { slots_[key] = {std::move(value), true}; }
  void fill(const Key& key, const Value& value) {
    if (!value.absent()) slots_.try_emplace(key, value, false);
  }
  const Value* find(const Key& key) const {
    const auto it = slots_.find(key);
    return it == slots_.end() || it->second.first.absent() ? nullptr : &it->second.first;
  }
  void replace(const Key& key, Value value) { slots_[key].first = std::move(value); }
  std::map<Key, Value> standing() const {
    std::map<Key, Value> out;
    for (const auto& [key, slot] : slots_) {
      if (!slot.first.absent()) out.emplace(key, slot.first);
    }
    return out;
  }

 private:
  std::map<Key, std::pair<Value, bool>> slots_;
};

class ValueFold {
 public:
  explicit ValueFold(const RecordKey& key) : kind_{key.kind}, spec_{spec_of(key.kind)} {}

  void step(const Fact& fact) {
    if (fact.why == Fact::Why::kMerge) return merge(fact);
    if (!takes_back(fact)) out_.newest = std::max(out_.newest, fact.stamp);
    if (fact.why == Fact::Why::kImplied) return;
    const auto& event = fact.event;
    ++out_.counts[event.type];
    if (by_people(event)) out_.last_activity = std::max(out_.last_activity, fact.stamp);
    if (event.type == TypeId::kForeignType) return;
    if (event.type == TypeId::kPersonErased) out_.erased = true;
    if (within(event.type, TypeId::kAccountMerged, TypeId::kSurveyMerged) && !fact.repeats) {
      out_.merged_into = event.data.text(Field::kInto);
    }
    if (fact.repeats) return;
    declared_ = fact.declared;
    for (const auto& [name, value] : event.extra) extra_.say(name, value);
    take_data(fact);
    take_named(fact);
  }

  Values finish() {
    out_.fields = fields_.standing();
    out_.custom = custom_.standing();
    out_.extra = extra_.standing();
    return std::move(out_);
  }

 private:
  // sales.md 4, stalled: activity is by people; not auto, not by a rule, not in a batch.
  static bool by_people(const Event& event) {
    return event.type != TypeId::kForeignType &&
           spec_of(event.type).group == EventGroup::kActivity && !event.data.flag(Field::kAuto) &&
           event.import_batch.empty() && !event.actor.starts_with("rule/");
  }

  void take_data(const Fact& fact) {
    const auto& event = fact.event;
    if (event.type == TypeId::kLeadCaptured) {
      const auto* said = event.data.find(Field::kCapturedAt);
      const auto at = fact.undated ? fact.ingested : fact.stamp.occurred;
      fields_.fill(Field::kCapturedAt, said != nullptr ? *said : Value{at});
    }
    const bool update = event.type == TypeId::kLeadEnriched ||
                        within(event.type, TypeId::kAccountUpdated, TypeId::kSurveyUpdated) ||
                        event.type == TypeId::kUserUpdated || event.type == TypeId::kTeamUpdated;
    if (update) take_set(event);
    if (!data_are_fields(event.type)) return;
    for (const auto& [field, value] : event.data) {
      const bool first = event.type == TypeId::kLeadCaptured &&
                         (field == Field::kSource || field == Field::kCampaign);
      if (field == Field::kCustom) {
        take_custom(value);
      } else if (field == Field::kCapturedAt || spec_.find(field) == nullptr ||
                 told_by_life(kind_, field)) {
        continue;
      } else if (first) {
        fields_.fill(field, value);
      } else {
        fields_.say(field, value);
      }
    }
  }

  void take_custom(const Value& custom) {
    const auto* map = custom.as_map();
    if (map == nullptr) return;
    const auto* kinds = declared_.as_map();
    const auto* fields = kinds == nullptr ? nullptr : dealwright::find(*kinds, kind_name(kind_));
    for (const auto& [name, value] : *map) {
      const auto* declaration =
          fields == nullptr ? nullptr : dealwright::find(*fields->as_map(), name);
      const auto typed = declaration == nullptr ? std::nullopt : as_declared(*declaration, value);
      if (typed) {
        custom_.say(name, *typed);
      } else {
        extra_.say(name, value.null() ? Value{} : value);
      }
    }
  }

  void take_set(const Event& event) {
    if (const auto* set = event.data.find(Field::kSet); set != nullptr && set->as_map()) {
      for (const auto& [name, value] : *set->as_map()) set_one(name, value);
    }
    if (const auto* unset = event.data.find(Field::kUnset); unset != nullptr && unset->as_list()) {
      for (const auto& name : *unset->as_list())
        set_one(std::string{name.text_or_empty()}, Value{});
    }
  }
  void set_one(const std::string& name, const Value& value) {
    const auto field = field_of(name);
    const auto* spec = field ? spec_.find(*field) : nullptr;
    if (name == "custom") return take_custom(value);
    if (spec == nullptr) return extra_.say(name, value);
    const auto typed = read_value(*spec, value);
    if (!typed) return extra_.say(name, value);  // mistyped: kept, dynamic
    if (!told_by_life(kind_, *field)) fields_.say(*field, typed.value());
  }

  void take_named(const Fact& fact) {
    const auto& data = fact.event.data;
    const auto say = [&](Field to, const Value* value) {
      fields_.say(to, value == nullptr ? Value{} : *value);
    };
    switch (fact.event.type) {
      case TypeId::kConsentGranted:
        return add_row(fact, true);
      case TypeId::kConsentWithdrawn:
        return add_row(fact, false);
      case TypeId::kEmailBounced:
        if (data.flag(Field::kHard)) fields_.say(Field::kSuppressed, Value{"hard_bounce"});
        return;
      case TypeId::kEmailComplained:
        fields_.say(Field::kSuppressed, Value{"complaint"});
        out_.consents.push_back(
            {"marketing", "email", false, fact.stamp, std::nullopt, "", "complaint"});
        return;
      case TypeId::kDealNextStepSet:
        fields_.say(Field::kNextStep, Value{Map{{"due", *data.find(Field::kDue)},
                                                {"text", *data.find(Field::kText)}}});
        return;
      case TypeId::kDealCloseDateMoved:
        return say(Field::kCloseDate, data.find(Field::kTo));
      case TypeId::kCompetitorNoted:
        return say(Field::kCompetitor, data.find(Field::kName));
      case TypeId::kLeadQualified:
        fields_.say(Field::kLevel, data.text(Field::kLevel).empty()
                                       ? Value{"sql"}
                                       : Value{data.text(Field::kLevel)});
        return;
      case TypeId::kApprovalRequested:
        return approval(data, "requested");
      case TypeId::kApprovalGranted:
        return approval(data, "granted");
      case TypeId::kApprovalRejected:
        return approval(data, "rejected");
      case TypeId::kRulePaused:
        return fields_.say(Field::kStatus, Value{"paused"});
      case TypeId::kRuleResumed:
      case TypeId::kWorkspaceResumed:
        return fields_.say(Field::kStatus, Value{"live"});
      case TypeId::kWorkspacePaused:
        return fields_.say(Field::kStatus, Value{"paused"});
      case TypeId::kTemplatePublished:
        return fields_.say(Field::kStatus, Value{"published"});
      case TypeId::kTemplateRetired:
      case TypeId::kRuleRetired:
        return fields_.say(Field::kStatus, Value{"retired"});
      default:
        return;
    }
  }
  void approval(const Fields& data, const char* state) {
    extra_.say("approval/" + std::string{data.text(Field::kApproval)}, Value{state});
  }
  void add_row(const Fact& fact, bool granted) {
    const auto& data = fact.event.data;
    out_.consents.push_back({std::string{data.text(Field::kPurpose)},
                             std::string{data.text(Field::kChannel)}, granted, fact.stamp,
                             data.instant(Field::kUntil), std::string{data.text(Field::kBasis)},
                             std::string{data.text(Field::kSource)}});
  }

  void merge(const Fact& fact) {
    for (const auto& [field, value] : fact.fill) {
      const auto* captured = field == Field::kCapturedAt ? fields_.find(field) : nullptr;
      if (captured != nullptr && value.as_instant() != nullptr &&
          *value.as_instant() < *captured->as_instant()) {
        fields_.replace(field, value);  // the earliest
      }
      fields_.fill(field, value);
    }
    for (const auto& [field, value] : fact.united) fields_.say(field, value);
    for (const auto& [name, value] : fact.fill_custom) custom_.fill(name, value);
    for (const auto& [name, value] : fact.fill_extra) extra_.fill(name, value);
    out_.consents.insert(out_.consents.end(), fact.rows.begin(), fact.rows.end());
    out_.last_activity = std::max(out_.last_activity, fact.activity);
  }

  const Kind kind_;
  Value declared_;  // for the fact under way
  const KindSpec& spec_;
  Slots<Field> fields_;
  Slots<std::string> custom_, extra_;
  Values out_;
};

void put_life(Values& out, const RecordKey& key, const Facts& facts, const PipelineBook& book) {
  const auto life = life_of(key, facts, book);
  const auto text = [&](Field field, const std::string& value) {
    if (!value.empty()) out.fields[field] = Value{value};
  };
  if (life.deleted) out.fields[Field::kDeleted] = Value{true};
  if (key.kind != Kind::kDeal) text(Field::kState, life.state);
  if (key.kind == Kind::kTask) {
    if (life.due) out.fields[Field::kDue] = Value{*life.due};
    if (life.first_due) out.fields[Field::kFirstDue] = Value{*life.first_due};
    text(Field::kOwner, life.owner);
  }
  if (key.kind != Kind::kDeal || !has_life(key, facts)) return;
  text(Field::kPipeline, life.pipeline);
  text(Field::kStage, life.stage);
  text(Field::kOwner, life.owner);
  text(Field::kLostReason, life.lost_reason);
  out.fields[Field::kStatus] = Value{status_name(life.status())};
  if (life.amount) out.fields[Field::kAmount] = Value{*life.amount};
  if (life.probability_bp) {
    out.fields[Field::kProbability] = Value{std::int64_t{*life.probability_bp}};
  }
  if (life.status() == DealStatus::kLost) out.fields[Field::kNoDecision] = Value{life.no_decision};
}

// The newest word on a purpose and channel; a row for all channels speaks for each.
const ConsentRow* standing(const std::vector<ConsentRow>& rows, const std::string& purpose,
                           const std::string& channel) {
  const ConsentRow* newest = nullptr;
  for (const auto& row : rows) {
    if (row.purpose != purpose || (row.channel != channel && row.channel != "all")) continue;
    if (newest == nullptr || newest->stamp < row.stamp) newest = &row;
  }
  return newest;
}

}  // namespace

Values values_of(const RecordKey& key, const Facts& facts, const PipelineBook& book) {
  ValueFold fold{key};
  for (const auto* fact : history_of(facts)) fold.step(*fact);
  auto out = fold.finish();
  std::stable_sort(out.consents.begin(), out.consents.end(),
                   [](const auto& a, const auto& b) { return a.stamp < b.stamp; });
  put_life(out, key, facts, book);
  return out;
}

Fact merge_fact(const Values& winner, const Values& loser, Kind kind, Stamp stamp) {
  Fact out;
  out.why = Fact::Why::kMerge;
  out.stamp = stamp;
  for (const auto& [field, value] : loser.fields) {
    if (told_by_life(kind, field)) continue;
    const auto mine = winner.fields.find(field);
    const auto* more = value.as_list();
    if (mine == winner.fields.end() || field == Field::kCapturedAt) {
      out.fill[field] = value;
    } else if (more != nullptr && mine->second.as_list() != nullptr) {
      auto all = *mine->second.as_list();
      for (const auto& entry : *more) {
        if (std::find(all.begin(), all.end(), entry) == all.end()) all.push_back(entry);
      }
      out.united[field] = Value{std::move(all)};
    }
  }
  out.fill_custom = loser.custom;
  out.fill_extra = loser.extra;
  out.rows = loser.consents;
  out.activity = loser.last_activity;
  // The stricter stands: where either side had withdrawn, the merge says so again.
  auto both = winner.consents;
  both.insert(both.end(), loser.consents.begin(), loser.consents.end());
  std::set<std::pair<std::string, std::string>> asked;
  for (const auto& row : both) asked.emplace(row.purpose, row.channel);
  for (const auto& [purpose, channel] : asked) {
    const auto* now = standing(both, purpose, channel);
    if (now == nullptr || !now->granted) continue;
    for (const auto* side : {&winner.consents, &loser.consents}) {
      const auto* theirs = standing(*side, purpose, channel);
      if (theirs == nullptr || theirs->granted) continue;
      auto row = *theirs;
      row.channel = channel;
      row.stamp = stamp;
      out.rows.push_back(std::move(row));
      break;
    }
  }
  return out;
}

}  // namespace dealwright::oracle
