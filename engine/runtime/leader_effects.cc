// LeaderTurn: effects on their way out, and what people and receivers say of them.
#include <vector>

#include "engine/codec/size_bound.h"
#include "engine/domain/effect_acts.h"
#include "engine/domain/enrolment_acts.h"
#include "engine/runtime/leader_turn.h"

namespace dealwright::runtime {
namespace {

// Whose hours a mail keeps to: its reader's, else those nearest to him.
std::vector<std::string> zones_of(Turn& turn, const Record& person) {
  std::vector<std::string> out;
  const auto take = [&](const Record* record) {
    const auto* zone = record == nullptr ? nullptr : record->find(Field::kTz);
    if (zone != nullptr) out.emplace_back(zone->text_or_empty());
  };
  const auto of = [&](Kind kind, Field field) -> const Record* {
    const auto* id = person.find(field);
    if (id == nullptr || id->text_or_empty().empty()) return nullptr;
    return turn.record({kind, std::string{id->text_or_empty()}});
  };
  take(&person);
  if (const auto* own = person.find(Field::kPerson)) {  // of a lead
    const auto* map = own->as_map();
    const auto* zone = map == nullptr ? nullptr : find(*map, field_name(Field::kTz));
    if (zone != nullptr) out.emplace_back(zone->text_or_empty());
  }
  take(of(Kind::kAccount, Field::kAccount));
  take(of(Kind::kUser, Field::kOwner));
  return out;
}

}  // namespace

// An operator's word on an effect, judged by the ledger. None: it is no such fact.
std::optional<LeaderTurn::Judgement> LeaderTurn::judge_act_of(const Event& event) {
  if (is_about_enrolment(event.type)) {
    const auto id = enrolment_id_of(event.data.text(Field::kEnrolment));
    const auto refused = judge_enrolment_act(event.type, id ? enrolment(*id) : nullptr);
    if (refused == Refusal::kNone) return Judgement{};
    return Judgement{Verdict::kRefused, std::string{refusal_name(refused)}, {}};
  }
  if (!is_about_effect(event.type)) return std::nullopt;
  const auto effect = state_.find_effect(event.data.text(Field::kEffect));
  const auto refusal = judge_act(event.type, effect ? &*effect : nullptr);
  if (refusal == Refusal::kNone) return Judgement{};
  const auto state =
      effect ? "the effect is " + std::string{effect_state_name(effect->state)} : std::string{};
  return Judgement{Verdict::kRefused, std::string{refusal_name(refusal)}, state};
}

PassageCase LeaderTurn::case_of(const Effect& effect) {
  PassageCase out{effect};
  out.subject = record(effect.subject);
  if (!effect.recipient.empty() && effect.channel == "email") {
    out.recipient = record(parse_record_key(effect.recipient));
  }
  out.rule_status = state_.rule_status(effect.rule);
  out.schema = state_.reference.schemas.current();
  out.now = now_;
  return out;
}

// A person who says no, or whom no mail reaches, gets nothing more that was asked for before.
void LeaderTurn::stop_mails(const Event& event) {
  if (event.type == TypeId::kForeignType || !stops_mails(event.type)) return;
  const auto* person = record(event.subject);
  if (person == nullptr) return;
  std::vector<std::string> names{to_text(person->key)};
  for (const auto& id : person->merged_from.get()) {
    names.push_back(to_text(RecordKey{person->key.kind, id}));
  }
  for (const auto& name : names) {
    for (const auto& id : state_.open_mails(name)) {
      const auto effect = state_.effect(id);
      if (!effect) continue;
      auto said = judge_person(case_of(*effect));
      if (said.say != Passage::Say::kSuppress) continue;
      said.reason += ", by " + event.source + " " + event.id;
      change(EffectMoved{id, EffectState::kSuppressed, std::move(said.reason)});
    }
  }
}

// An operator's word on one, which was judged just now.
void LeaderTurn::act_on_enrolment(const Event& event) {
  if (!is_about_enrolment(event.type)) return;
  const auto id = enrolment_id_of(event.data.text(Field::kEnrolment));
  const auto* live = id ? enrolment(*id) : nullptr;
  if (live != nullptr) change(follow_act(event, *live, now_));
}

void LeaderTurn::move_effect(EffectMoved moved) {
  const Change change{moved};
  folder_.apply(change, place(0));
  bytes_ += codec::size_bound(change);
  batch_.effects.push_back(std::move(moved));
}

Result<Map> LeaderTurn::content(const Effect& effect) {
  if (decider_ == nullptr) return Map{};
  return decider_->content(effect, *this, state_.reference.schemas.current());
}

Passage LeaderTurn::judge_passage(const Effect& effect) {
  auto c = case_of(effect);
  c.workspace = state_.find({Kind::kWorkspace, std::string{kTheWorkspace}});
  c.rule = state_.find({Kind::kRule, effect.rule});
  c.enrolment = state_.enrolment(effect.enrolment);
  c.flow = &state_.flow(effect.rule);
  c.partitions = where_.partitions;
  SentTo sent;
  if (c.recipient != nullptr) {
    const auto add = [&](const RecordKey& key) {
      auto more = state_.sent_to(to_text(key));
      sent.insert(sent.end(), more.begin(), more.end());
    };
    add(c.recipient->key);
    for (const auto& id : c.recipient->merged_from.get()) add({c.recipient->key.kind, id});
  }
  c.sent = sent;
  auto passage = dealwright::judge_passage(c);
  if (passage.say != Passage::Say::kGo || decider_ == nullptr) return passage;
  if (auto reason = decider_->exits_now(effect, *this); !reason.empty()) {
    return {Passage::Say::kSuppress, "exit: " + reason, {}, {}};
  }
  const auto hours = send_hours(effect, c.schema);
  if (!hours || c.recipient == nullptr) return passage;
  const auto opening = decider_->opening(*hours, zones_of(*this, *c.recipient), now_);
  return judge_quiet(c, *hours, opening.at, opening.zone);
}

bool LeaderTurn::holds(std::string_view by) {
  if (by == kByWorkspace) {
    const auto* workspace = state_.find({Kind::kWorkspace, std::string{kTheWorkspace}});
    const auto* status = workspace == nullptr ? nullptr : workspace->find(Field::kStatus);
    return status != nullptr && status->text_or_empty() == "paused";
  }
  const auto status = state_.rule_status(by.substr(std::string_view{"rule/"}.size()));
  return status == "paused" || status == "held";
}

void LeaderTurn::hold_back(const EffectId& id, const Passage& passage) {
  switch (passage.say) {
    case Passage::Say::kGo:
      return;
    case Passage::Say::kSuppress:
      return move_effect({id, EffectState::kSuppressed, passage.reason});
    case Passage::Say::kExpire:
      return move_effect({id, EffectState::kExpired, passage.reason});
    case Passage::Say::kWait:
      return move_effect(
          {id, EffectState::kRetryAt, passage.reason, passage.until, passage.held_by});
  }
}

}  // namespace dealwright::runtime
