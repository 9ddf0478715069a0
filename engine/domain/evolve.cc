#include "engine/domain/evolve.h"

#include <algorithm>

#include "engine/domain/form.h"
#include "engine/domain/life.h"
#include "engine/domain/registers.h"

namespace dealwright {
namespace {

// What the schema in force declares, with its type; the rest goes to `extra` as it came.
void set_custom(Record& record, const Value& custom, Stamp stamp, const Schemas& schemas) {
  const auto* map = custom.as_map();
  if (map == nullptr) return;
  const auto* schema = schemas.at(stamp.order);
  for (const auto& [name, value] : *map) {
    const auto* field = schema == nullptr ? nullptr : schema->find(record.key.kind, name);
    auto typed = field == nullptr ? Result<Value>{Error{Code::kNotFound, {}}}
                                  : read_value(field->spec, value);
    if (typed) {
      set_named(record.custom, name, typed.value(), stamp);
    } else {
      set_named(record.extra, name, value.null() ? Value{} : value, stamp);
    }
  }
}

// Every data field that the record has too becomes its value.
void take_fields(Record& record, const Event& event, Stamp stamp, const Schemas& schemas,
                 Folded& out) {
  const auto& spec = spec_of(record.key.kind);
  for (const auto& [field, value] : event.data) {
    if (field == Field::kCustom) {
      set_custom(record, value, stamp, schemas);
    } else if (spec.find(field) != nullptr && !of_life(record.key.kind, field)) {
      set_register(record, field, value, stamp, out);
    }
  }
}

void take_set(Record& record, const Event& event, Stamp stamp, const Schemas& schemas,
              Folded& out) {
  const auto& spec = spec_of(record.key.kind);
  const auto* set = event.data.find(Field::kSet);
  if (const auto* map = set == nullptr ? nullptr : set->as_map()) {
    for (const auto& [name, value] : *map) {
      const auto field = field_of(name);
      const auto* known = field ? spec.find(*field) : nullptr;
      if (name == "custom") {
        set_custom(record, value, stamp, schemas);
      } else if (known == nullptr) {
        set_named(record.extra, name, value, stamp);
      } else if (auto typed = read_value(*known, value); !typed) {
        set_named(record.extra, name, value, stamp);  // mistyped: kept, dynamic
      } else if (!of_life(record.key.kind, *field)) {
        set_register(record, *field, typed.value(), stamp, out);
      }
    }
  }
  const auto* unset = event.data.find(Field::kUnset);
  if (const auto* list = unset == nullptr ? nullptr : unset->as_list()) {
    for (const auto& name : *list) {
      const auto field = field_of(name.text_or_empty());
      if (!field || spec.find(*field) == nullptr) {
        set_named(record.extra, name.text_or_empty(), Value{}, stamp);
      } else if (!of_life(record.key.kind, *field)) {
        set_register(record, *field, Value{}, stamp, out);
      }
    }
  }
}

void take_capture(Record& record, const Event& event, const FoldAt& at, const Schemas& schemas,
                  Folded& out) {
  const auto& spec = spec_of(Kind::kLead);
  const Stamp stamp = at.stamp;
  const auto* captured = event.data.find(Field::kCapturedAt);
  const Value when =
      captured != nullptr ? *captured : Value{at.undated ? at.ingested : stamp.occurred};
  set_register(record, Field::kCapturedAt, when, stamp, out, true);
  for (const auto& [field, value] : event.data) {
    if (field == Field::kCustom) {
      set_custom(record, value, stamp, schemas);
    } else if (field == Field::kSource || field == Field::kCampaign) {
      set_register(record, field, value, stamp, out, true);  // the first stays
    } else if (field != Field::kCapturedAt && spec.find(field) != nullptr &&
               !of_life(Kind::kLead, field)) {
      set_register(record, field, value, stamp, out);
    }
  }
}

void add_consent(Record& record, const Event& event, Stamp stamp, bool granted) {
  ConsentRow row;
  row.purpose = event.data.text(Field::kPurpose);
  row.channel = event.data.text(Field::kChannel);
  row.granted = granted;
  row.stamp = stamp;
  row.until = event.data.instant(Field::kUntil);
  row.basis = event.data.text(Field::kBasis);
  row.source = event.data.text(Field::kSource);
  const auto at = std::upper_bound(record.consents.begin(), record.consents.end(), stamp,
                                   [](const Stamp& s, const ConsentRow& r) { return s < r.stamp; });
  record.consents.insert(at, std::move(row));
}

void take_mail(Record& record, const Event& event, Stamp stamp, Folded& out) {
  if (event.type == TypeId::kEmailBounced && event.data.flag(Field::kHard)) {
    set_register(record, Field::kSuppressed, Value{"hard_bounce"}, stamp, out);
  } else if (event.type == TypeId::kEmailComplained) {
    set_register(record, Field::kSuppressed, Value{"complaint"}, stamp, out);
    ConsentRow row;  // a complaint withdraws
    row.purpose = "marketing";
    row.channel = "email";
    row.stamp = stamp;
    row.source = "complaint";
    record.consents.push_back(std::move(row));
    std::stable_sort(record.consents.begin(), record.consents.end(),
                     [](const auto& a, const auto& b) { return a.stamp < b.stamp; });
  }
}

void take_single(Record& record, const Event& event, Stamp stamp, Folded& out, Field from,
                 Field to) {
  if (const auto* value = event.data.find(from)) set_register(record, to, *value, stamp, out);
}

// Facts of the timeline: their data are not fields of the record, though some have the same name.
bool of_timeline(TypeId type) {
  switch (type) {
    case TypeId::kNoteAdded:
    case TypeId::kContentViewed:
    case TypeId::kDiscountRequested:
    case TypeId::kMilestoneReached:
    case TypeId::kDeliveryPlanned:
    case TypeId::kForecastCommitted:
    case TypeId::kObjectionRaised:
    case TypeId::kObjectionResolved:
    case TypeId::kMeetingScheduled:
    case TypeId::kMeetingRescheduled:
    case TypeId::kMeetingHeld:
    case TypeId::kMeetingNoShow:
    case TypeId::kMeetingCancelled:
    case TypeId::kPersonErased:
    case TypeId::kEventRetracted:
    case TypeId::kEffectOutcome:
    case TypeId::kEffectRetryRequested:
    case TypeId::kEffectResolved:
    case TypeId::kEffectCancelled:
    case TypeId::kRuleHeld:
    case TypeId::kEnrolmentExited:
    case TypeId::kTimerCancelled:
    case TypeId::kTimerMoved:
    case TypeId::kEmailSent:
    case TypeId::kEmailDelivered:
    case TypeId::kEmailOpened:
    case TypeId::kEmailClicked:
    case TypeId::kEmailReplied:
    case TypeId::kKpiMeasured:
      return true;
    default:
      return type >= TypeId::kAccountMerged && type <= TypeId::kSurveyRestored;
  }
}

// Registers that a fact sets on its subject.
void take_values(Record& record, const Event& event, const FoldAt& at, const Schemas& schemas,
                 Folded& out) {
  if (of_timeline(event.type)) return;
  const auto stamp = at.stamp;
  switch (event.type) {
    case TypeId::kLeadCaptured:
      take_capture(record, event, at, schemas, out);
      return;
    case TypeId::kConsentGranted:
      add_consent(record, event, stamp, true);
      return;
    case TypeId::kConsentWithdrawn:
      add_consent(record, event, stamp, false);
      return;
    case TypeId::kEmailBounced:
    case TypeId::kEmailComplained:
      take_mail(record, event, stamp, out);
      return;
    case TypeId::kDealNextStepSet:
      set_register(record, Field::kNextStep,
                   Value{Map{{"due", *event.data.find(Field::kDue)},
                             {"text", *event.data.find(Field::kText)}}},
                   stamp, out);
      return;
    case TypeId::kDealCloseDateMoved: {
      const auto* to = event.data.find(Field::kTo);
      set_register(record, Field::kCloseDate, to == nullptr ? Value{} : *to, stamp, out);
      return;
    }
    case TypeId::kDealReopened:
      take_single(record, event, stamp, out, Field::kCloseDate, Field::kCloseDate);
      return;
    case TypeId::kCompetitorNoted:
      take_single(record, event, stamp, out, Field::kName, Field::kCompetitor);
      return;
    case TypeId::kLeadQualified: {
      const auto level = event.data.text(Field::kLevel);
      set_register(record, Field::kLevel, Value{level.empty() ? "sql" : level}, stamp, out);
      return;
    }
    case TypeId::kApprovalRequested:
    case TypeId::kApprovalGranted:
    case TypeId::kApprovalRejected:
      set_named(record.extra, "approval/" + std::string{event.data.text(Field::kApproval)},
                Value{event.type_name().substr(9)}, stamp);
      return;
    case TypeId::kRulePaused:
    case TypeId::kRuleRetired:
      set_register(record, Field::kStatus, Value{event.type_name().substr(5)}, stamp, out);
      return;
    case TypeId::kRuleResumed:
    case TypeId::kWorkspaceResumed:
      set_register(record, Field::kStatus, Value{"live"}, stamp, out);
      return;
    case TypeId::kTemplatePublished:
    case TypeId::kTemplateRetired:
      set_register(record, Field::kStatus, Value{event.type_name().substr(9)}, stamp, out);
      break;
    case TypeId::kWorkspacePaused:
      set_register(record, Field::kStatus, Value{"paused"}, stamp, out);
      return;
    default:
      break;
  }
  if (event.data.find(Field::kSet) != nullptr || event.data.find(Field::kUnset) != nullptr) {
    take_set(record, event, stamp, schemas, out);
  }
  take_fields(record, event, stamp, schemas, out);
}

void count(Record& record, TypeId type) {
  auto& counts = record.counts;
  const auto it = std::lower_bound(counts.begin(), counts.end(), type,
                                   [](const auto& entry, TypeId t) { return entry.first < t; });
  if (it != counts.end() && it->first == type) {
    ++it->second;
  } else {
    counts.insert(it, {type, 1});
  }
}

bool by_people(const Event& event) {
  return event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kActivity &&
         !event.data.flag(Field::kAuto) && event.import_batch.empty() &&
         !event.actor.starts_with("rule/");
}

// `said_again`: it says what stands, so it moves nothing; it may still date others.
void take_life(Record& record, const Event& event, const FoldAt& at, const Pipelines& pipelines,
               Folded& out, bool said_again) {
  if (needs_history(event.type)) return;  // it stands in no order of history itself
  const bool shapes =
      event.type != TypeId::kForeignType && !said_again && shapes_life(record.key.kind, event.type);
  if (shapes) {
    insert_life_fact(record, life_fact(record, event, at, pipelines), pipelines, out);
  } else if (dates_others(record, at)) {
    const LifeFact fact{at.stamp, at.ingested, TypeId::kForeignType, false, {}, {}};
    insert_life_fact(record, fact, pipelines, out);
  }
}

}  // namespace

void Folded::clear() {
  late = too_late = false;
  steps.clear();
  changed.clear();
}

FoldAt place(const Record& record, const Event& event, Instant ingested, std::uint64_t order) {
  if (event.time) return {{*event.time, order}, ingested, false};
  if (event.import_batch.empty()) return {{ingested, order}, ingested, false};
  return {{record.newest.occurred, order}, ingested, true};
}

void evolve(Record& record, const Event& event, const FoldAt& at, const Reference& reference,
            Folded& out) {
  const auto& pipelines = reference.pipelines;
  out.clear();
  out.late = at.stamp < record.newest;
  out.before = Life{};
  count(record, event.type);
  // What changes the past is no newest fact: an undated one behind it stands where it would have.
  if (record.newest < at.stamp && !needs_history(event.type)) record.newest = at.stamp;
  if (by_people(event) && record.last_activity < at.stamp) record.last_activity = at.stamp;
  if (event.type != TypeId::kForeignType && !repeats_final(record, event, at, pipelines)) {
    for (const auto& [name, value] : event.extra) set_named(record.extra, name, value, at.stamp);
    take_values(record, event, at, reference.schemas, out);
  }
  if (event.type == TypeId::kPersonErased) record.erased = true;
  const bool merges = event.type >= TypeId::kAccountMerged && event.type <= TypeId::kSurveyMerged;
  const bool said_again = merges && event.data.text(Field::kInto) == record.key.id;
  if (merges && !said_again) {
    record.merged_into = event.data.text(Field::kInto);
  } else if (event.type >= TypeId::kAccountUnmerged && event.type <= TypeId::kSurveyUnmerged) {
    record.merged_into.clear();
  }
  take_life(record, event, at, pipelines, out, said_again);
}

std::vector<Implied> implied_by(const Event& event) {
  std::vector<Implied> out;
  if (event.type == TypeId::kDealOpened) {
    const auto lead = event.data.text(Field::kLead);
    if (!lead.empty()) out.push_back({{Kind::kLead, std::string{lead}}, event.type, event.subject});
  } else if (event.type == TypeId::kOfferRevised) {
    const auto older = event.data.text(Field::kSupersedes);
    if (!older.empty() && older != event.subject.id) {
      out.push_back({{Kind::kOffer, std::string{older}}, event.type, event.subject});
    }
  }
  return out;
}

FoldAt place_implied(const Record& record, FoldAt at) {
  if (at.undated) at.stamp.occurred = record.newest.occurred;
  return at;
}

void evolve_implied(Record& record, const Implied& implied, const FoldAt& at,
                    const Pipelines& pipelines, Folded& out) {
  out.clear();
  out.late = at.stamp < record.newest;
  if (record.newest < at.stamp) record.newest = at.stamp;
  LifeFact fact{at.stamp, at.ingested, implied.because, at.undated, {}, {}};
  if (implied.because == TypeId::kOfferRevised) fact.args.set(Field::kSupersedes, true);
  insert_life_fact(record, std::move(fact), pipelines, out);
}

}  // namespace dealwright
