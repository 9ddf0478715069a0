#include <algorithm>

#include "engine/domain/consent.h"
#include "engine/domain/evolve.h"
#include "engine/domain/life.h"

namespace dealwright {
namespace {

constexpr std::string_view kRefusals[] = {"",
                                          "time_in_future",
                                          "record_deleted",
                                          "record_erased",
                                          "unknown_pipeline",
                                          "unknown_stage",
                                          "move_not_allowed",
                                          "fields_missing",
                                          "currency_mismatch",
                                          "lost_reason_missing",
                                          "lead_converted",
                                          "offer_final",
                                          "contract_final",
                                          "task_final",
                                          "unknown_approval",
                                          "approval_final",
                                          "bad_period",
                                          "bad_target",
                                          "bad_rate",
                                          "bad_discount",
                                          "bad_score",
                                          "not_settable",
                                          "merge_self",
                                          "merge_cycle",
                                          "not_merged",
                                          "unknown_event",
                                          "stage_in_use",
                                          "bad_data",
                                          "bad_purpose",
                                          "schema_conflict",
                                          "not_retractable",
                                          "unknown_effect",
                                          "effect_delivered",
                                          "effect_cancelled",
                                          "effect_open",
                                          "effect_final",
                                          "effect_out",
                                          "effect_not_unknown",
                                          "effect_shadow",
                                          "effect_stays",
                                          "unknown_enrolment",
                                          "no_timer",
                                          "timer_drips"};

struct Case {
  const Record* subject;
  const Event& event;
  Instant occurred;
  bool late;
  const Reference& reference;
  Neighbours& neighbours;
  const Life& life() const {
    static const Life kStub;
    return subject == nullptr ? kStub : subject->life;
  }
};

const Pipeline* pipeline_for(const Case& c) {
  auto id = c.event.data.text(Field::kPipeline);
  if (id.empty()) id = c.life().pipeline;
  return c.reference.pipelines.find(id, c.occurred);
}

bool currency_differs(const Case& c) {
  const auto amount = c.event.data.money(Field::kAmount);
  return amount && !c.late && c.life().amount && c.life().amount->currency != amount->currency;
}

bool filled(const Case& c, std::string_view field) {
  if (c.subject == nullptr) return false;
  const auto known = field_of(field);
  Value scratch;
  return (known && c.subject->value(*known, scratch) != nullptr) ||
         c.subject->find_custom(field) != nullptr;
}

Refusal decide_move(const Case& c, std::string_view to) {
  const auto* pipeline = pipeline_for(c);
  if (pipeline == nullptr) {
    const bool open = c.event.data.text(Field::kPipeline).empty() && c.life().pipeline.empty();
    return open ? Refusal::kNone : Refusal::kUnknownPipeline;  // a stub: the opening will say
  }
  const auto* stage = pipeline->find(to);
  if (stage == nullptr) return Refusal::kUnknownStage;
  if (!pipeline->refuse || c.late) return Refusal::kNone;
  const auto* from = pipeline->find(c.life().stage);
  if (pipeline->moves_listed && from != nullptr && from->id != stage->id &&
      std::find(from->next.begin(), from->next.end(), stage->id) == from->next.end()) {
    return Refusal::kMoveNotAllowed;
  }
  const bool all = std::all_of(stage->required.begin(), stage->required.end(),
                               [&](const std::string& field) { return filled(c, field); });
  return all ? Refusal::kNone : Refusal::kFieldsMissing;
}

Refusal decide_deal(const Case& c) {
  switch (c.event.type) {
    case TypeId::kDealOpened: {
      const auto* pipeline = pipeline_for(c);
      if (pipeline == nullptr) return Refusal::kUnknownPipeline;
      const auto stage = c.event.data.text(Field::kStage);
      return stage.empty() || pipeline->find(stage) != nullptr ? Refusal::kNone
                                                               : Refusal::kUnknownStage;
    }
    case TypeId::kDealStageChanged:
    case TypeId::kDealReopened:
      return decide_move(c, c.event.data.text(Field::kTo));
    case TypeId::kDealWon:
    case TypeId::kDealAmountChanged:
      return currency_differs(c) ? Refusal::kCurrencyMismatch : Refusal::kNone;
    case TypeId::kDealLost: {
      if (currency_differs(c)) return Refusal::kCurrencyMismatch;
      const auto* pipeline = pipeline_for(c);
      const bool silent =
          c.event.data.text(Field::kReason).empty() && !c.event.data.flag(Field::kNoDecision);
      return pipeline != nullptr && pipeline->refuse && !c.late && silent
                 ? Refusal::kLostReasonMissing
                 : Refusal::kNone;
    }
    default:
      return Refusal::kNone;
  }
}

// Elsewhere a repeated final event changes nothing, another one is refused.
Refusal decide_final(const Case& c) {
  if (c.late || c.subject == nullptr) return Refusal::kNone;
  const auto& state = c.life().state;
  const auto type = c.event.type_name();
  const auto ends_as = type.substr(type.find('.') + 1);
  const bool repeated = state == ends_as || (state == "done" && ends_as == "completed");
  const auto one_of = [&](std::initializer_list<std::string_view> states) {
    return std::find(states.begin(), states.end(), state) != states.end();
  };
  switch (c.event.subject.kind) {
    case Kind::kLead:
      return state == "converted" && (c.event.type == TypeId::kLeadDisqualified ||
                                      c.event.type == TypeId::kLeadRecycled)
                 ? Refusal::kLeadConverted
                 : Refusal::kNone;
    case Kind::kOffer:
      return one_of({"accepted", "declined", "withdrawn", "expired", "superseded"}) && !repeated &&
                     type.starts_with("offer.") && shapes_life(Kind::kOffer, c.event.type) &&
                     !type.ends_with(".deleted") && !type.ends_with(".restored") &&
                     !type.ends_with(".merged")
                 ? Refusal::kOfferFinal
                 : Refusal::kNone;
    case Kind::kContract: {
      if (!type.starts_with("contract.")) return Refusal::kNone;
      const bool changes =
          c.event.type == TypeId::kContractChanged || c.event.type == TypeId::kContractRenewed ||
          c.event.type == TypeId::kContractEnded || c.event.type == TypeId::kContractDrafted ||
          c.event.type == TypeId::kContractSent || c.event.type == TypeId::kContractViewed ||
          c.event.type == TypeId::kContractSigned || c.event.type == TypeId::kContractDeclined;
      return one_of({"ended", "declined"}) && changes && !repeated ? Refusal::kContractFinal
                                                                   : Refusal::kNone;
    }
    case Kind::kTask: {
      const bool moves =
          c.event.type == TypeId::kTaskStarted || c.event.type == TypeId::kTaskCompleted ||
          c.event.type == TypeId::kTaskCancelled || c.event.type == TypeId::kTaskRescheduled;
      return one_of({"done", "cancelled"}) && moves && !repeated ? Refusal::kTaskFinal
                                                                 : Refusal::kNone;
    }
    default:
      return Refusal::kNone;
  }
}

Refusal decide_approval(const Case& c) {
  if (c.event.type != TypeId::kApprovalGranted && c.event.type != TypeId::kApprovalRejected) {
    return Refusal::kNone;
  }
  const std::string name = "approval/" + std::string{c.event.data.text(Field::kApproval)};
  const auto* state = c.subject == nullptr ? nullptr : c.subject->find_extra(name);
  if (state == nullptr) return c.late ? Refusal::kNone : Refusal::kUnknownApproval;
  const auto now = state->text_or_empty();
  const std::string_view wanted = c.event.type == TypeId::kApprovalGranted ? "granted" : "rejected";
  return now == "requested" || now == wanted || c.late ? Refusal::kNone : Refusal::kApprovalFinal;
}

// A field that has an event of its own is not set by `updated`.
bool settable(Kind kind, std::string_view name) {
  static constexpr std::string_view kDeal[] = {"pipeline",    "stage",      "status",
                                               "amount",      "close_date", "next_step",
                                               "lost_reason", "no_decision"};
  static constexpr std::string_view kState[] = {"state", "merged_into", "deleted", "owner", "team"};
  static constexpr std::string_view kTask[] = {"due", "first_due"};
  const auto in = [&](const auto& list) {
    return std::find(std::begin(list), std::end(list), name) != std::end(list);
  };
  return !(in(kState) || (kind == Kind::kDeal && in(kDeal)) || (kind == Kind::kTask && in(kTask)));
}

Refusal decide_update(const Case& c) {
  const auto* set = c.event.data.find(Field::kSet);
  const auto* map = set == nullptr ? nullptr : set->as_map();
  if (set != nullptr && map == nullptr) return Refusal::kBadData;
  if (map != nullptr) {
    for (const auto& [name, value] : *map) {
      if (!settable(c.event.subject.kind, name)) return Refusal::kNotSettable;
    }
  }
  const auto* unset = c.event.data.find(Field::kUnset);
  const auto* list = unset == nullptr ? nullptr : unset->as_list();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    if (!settable(c.event.subject.kind, (*list)[i].text_or_empty())) return Refusal::kNotSettable;
  }
  return Refusal::kNone;
}

// The loser is the record that the subject stands for. Saying again what stands changes nothing.
Refusal decide_merge(const Case& c) {
  const auto& subject = c.event.subject;
  if (c.event.data.text(Field::kInto) == subject.id) return Refusal::kMergeSelf;
  const auto& loser = c.subject == nullptr ? subject : c.subject->key;
  RecordKey at{subject.kind, std::string{c.event.data.text(Field::kInto)}};
  for (int hops = 0; hops < kMergeHopsMax; ++hops) {
    if (at.id == loser.id) {
      // Coming back to the loser by way of a winner's own merges would be a circle.
      return hops == 0 && loser.id != subject.id ? Refusal::kNone : Refusal::kMergeCycle;
    }
    const auto* record = c.neighbours.find(at);
    if (record == nullptr || record->merged_into.empty()) return Refusal::kNone;
    at.id = record->merged_into;
  }
  return Refusal::kMergeCycle;
}

Refusal decide_retraction(const Case& c) {
  const auto type = c.neighbours.fact(c.event.subject, c.event.data.text(Field::kSource),
                                      c.event.data.text(Field::kId));
  if (!type) return Refusal::kUnknownEvent;
  return retractable(*type) ? Refusal::kNone : Refusal::kNotRetractable;
}

// A stage that deals may stand in is retired before it goes.
Refusal decide_pipeline(const Case& c) {
  const auto after = read_pipeline(c.event.subject.id, c.event.data);
  if (!after) return Refusal::kBadData;
  const auto* before = c.reference.pipelines.find(c.event.subject.id, c.occurred);
  if (before == nullptr || c.late) return Refusal::kNone;
  const bool gone =
      std::any_of(before->stages.begin(), before->stages.end(), [&](const Stage& stage) {
        return !stage.retired && after.value().find(stage.id) == nullptr;
      });
  return gone ? Refusal::kStageInUse : Refusal::kNone;
}

Refusal decide_figures(const Case& c) {
  const auto& data = c.event.data;
  switch (c.event.type) {
    case TypeId::kTargetSet:
      if (*data.date(Field::kFrom) >= *data.date(Field::kTo)) return Refusal::kBadPeriod;
      return (data.find(Field::kAmount) != nullptr) == (data.find(Field::kCount) != nullptr)
                 ? Refusal::kBadTarget
                 : Refusal::kNone;
    case TypeId::kForecastCommitted:
      return *data.date(Field::kFrom) >= *data.date(Field::kTo) ? Refusal::kBadPeriod
                                                                : Refusal::kNone;
    case TypeId::kFxRateSet: {
      const auto rate = data.text(Field::kRate);
      const bool positive =
          rate.find_first_of("123456789") != std::string_view::npos && !rate.starts_with("-");
      return positive ? Refusal::kNone : Refusal::kBadRate;
    }
    case TypeId::kDiscountRequested: {
      const auto bp = data.integer(Field::kBp).value_or(-1);
      return bp < 0 || bp > 10'000 ? Refusal::kBadDiscount : Refusal::kNone;
    }
    case TypeId::kSurveyAnswered: {
      const auto* kind = c.subject == nullptr ? nullptr : c.subject->find(Field::kKind);
      const auto score = data.integer(Field::kScore).value_or(-1);
      if (kind == nullptr) return score < 0 || score > 10 ? Refusal::kBadScore : Refusal::kNone;
      const bool nps = kind->text_or_empty() == "nps";
      return score < (nps ? 0 : 1) || score > (nps ? 10 : 5) ? Refusal::kBadScore : Refusal::kNone;
    }
    case TypeId::kPipelineUpdated:
      return decide_pipeline(c);
    case TypeId::kSchemaUpdated: {
      const auto schema = read_schema(data);
      if (!schema) return Refusal::kBadData;
      return conflicts(c.reference.schemas, *schema.value()).empty() ? Refusal::kNone
                                                                     : Refusal::kSchemaConflict;
    }
    case TypeId::kWorkspacePaused:
    case TypeId::kWorkspaceResumed:
      return c.event.subject.id == kTheWorkspace ? Refusal::kNone : Refusal::kBadData;
    case TypeId::kConsentGranted:
    case TypeId::kConsentWithdrawn: {
      const auto* schema = c.reference.schemas.current();
      // Whoever wants no more of it need not know how it is divided.
      if (c.event.type == TypeId::kConsentWithdrawn &&
          c.event.data.text(Field::kPurpose) == kAllMarketing) {
        return Refusal::kNone;
      }
      const bool any = schema == nullptr || schema->purposes().empty();
      return any || schema->purpose(data.text(Field::kPurpose)) != nullptr ? Refusal::kNone
                                                                           : Refusal::kBadPurpose;
    }
    default:
      return Refusal::kNone;
  }
}

bool is_update(TypeId type) {
  return type == TypeId::kLeadEnriched ||
         (type >= TypeId::kAccountUpdated && type <= TypeId::kSurveyUpdated);
}

Refusal first_refusal(const Case& c) {
  const auto type = c.event.type;
  if (type >= TypeId::kAccountMerged && type <= TypeId::kSurveyMerged) return decide_merge(c);
  if (type >= TypeId::kAccountUnmerged && type <= TypeId::kSurveyUnmerged) {
    const bool merged = c.subject != nullptr && !c.subject->merged_into.empty();
    return merged ? Refusal::kNone : Refusal::kNotMerged;
  }
  if (type == TypeId::kEventRetracted) return decide_retraction(c);
  if (is_update(type)) return decide_update(c);
  if (c.event.subject.kind == Kind::kDeal) {
    if (const auto refusal = decide_deal(c); refusal != Refusal::kNone) return refusal;
  } else if (const auto refusal = decide_final(c); refusal != Refusal::kNone) {
    return refusal;
  }
  if (const auto refusal = decide_approval(c); refusal != Refusal::kNone) return refusal;
  return decide_figures(c);
}

}  // namespace

std::string_view refusal_name(Refusal refusal) {
  return kRefusals[static_cast<std::size_t>(refusal)];
}

RecordKey standing_for(const Event& event, Neighbours& neighbours) {
  RecordKey at = event.subject;
  if (event.type >= TypeId::kAccountUnmerged && event.type <= TypeId::kSurveyUnmerged) return at;
  for (int hops = 0; hops < kMergeHopsMax; ++hops) {
    const auto* record = neighbours.find(at);
    if (record == nullptr || record->merged_into.empty()) break;
    at.id = record->merged_into;
  }
  return at;
}

bool needs_history(TypeId type) {
  return type == TypeId::kEventRetracted ||
         (type >= TypeId::kAccountUnmerged && type <= TypeId::kSurveyUnmerged);
}

bool retractable(TypeId type) {
  if (type == TypeId::kForeignType) return true;
  const auto group = spec_of(type).group;
  const bool merges = type >= TypeId::kAccountMerged && type <= TypeId::kSurveyUnmerged;
  return group != EventGroup::kReference && group != EventGroup::kOwn && !merges &&
         type != TypeId::kPersonErased && type != TypeId::kImportOpened &&
         type != TypeId::kImportClosed;
}

Refusal decide(const Record* subject, const Event& event, Instant now, const Reference& reference,
               Neighbours& neighbours) {
  if (event.type == TypeId::kForeignType) {
    return event.time && *event.time > now + kSkewMax ? Refusal::kTimeInFuture : Refusal::kNone;
  }
  const auto occurred = event.time.value_or(now);
  if (occurred > now + kSkewMax) return Refusal::kTimeInFuture;
  if (subject != nullptr) {
    if (subject->erased) return Refusal::kRecordErased;
    const bool revives =
        event.type >= TypeId::kAccountRestored && event.type <= TypeId::kSurveyRestored;
    if (subject->life.deleted && !revives && event.type != TypeId::kEventRetracted) {
      return Refusal::kRecordDeleted;
    }
  }
  const bool late = subject != nullptr && event.time && occurred < subject->newest.occurred;
  const Case c{subject, event, occurred, late, reference, neighbours};
  return first_refusal(c);
}

}  // namespace dealwright
