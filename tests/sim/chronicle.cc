#include "tests/sim/chronicle.h"

#include "engine/base/bytes.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/domain/effect_acts.h"
#include "engine/runtime/cluster_key.h"

namespace dealwright::sim {
namespace {

// design.md 7.10 by hand: the parts behind their lengths.
EffectId id_by_hand(const Asked& asked) {
  std::string text;
  const std::string workspace = "default", occurrence;
  for (const auto* part : {&workspace, &asked.rule, &asked.key, &asked.step, &occurrence,
                           &asked.channel, &asked.recipient}) {
    for (std::size_t shift = 0; shift < 32; shift += 8) {
      text += static_cast<char>((part->size() >> shift) & 0xff);
    }
    text += *part;
  }
  return sha256(text);
}

}  // namespace

void Chronicle::breaks(const char* oracle, Position position, const std::string& why) {
  story_.breaks(oracle, "partition " + std::to_string(id_) + ", decision record " +
                            std::to_string(position) + ": " + why);
}

void Chronicle::add_event(Position position, std::string_view bytes) {
  Kept kept{position, std::string{bytes}, {}};
  Event event;
  if (codec::decode(bytes, event) && !runtime::send_of(event)) {
    kept.fact = name_of(event.source, event.id);
    if (event.type == TypeId::kEffectOutcome && !event.id.ends_with(kBeforePassing)) {
      const auto id = sha256_of_hex(event.data.text(Field::kEffect));
      const auto attempt = event.data.integer(Field::kAttempt).value_or(0);
      if (id) outcomes_.emplace(*id, static_cast<std::uint32_t>(attempt));
    }
  }
  events_.push_back(std::move(kept));
}

bool Chronicle::resumed_behind() const {
  for (auto i = next_event_; i < events_.size(); ++i) {
    if (codec::is_of_type(events_[i].bytes, TypeId::kWorkspaceResumed)) return true;
  }
  return false;
}

bool Chronicle::counts(const DecisionHeader& header, bool claim) const {
  if (header.from != through_) return false;
  if (claim) return header.term > term_ && header.chain == sha256(bytes_of(chain_));
  return header.term == term_ && header.claim == claim_ && header.sequence == sequence_;
}

void Chronicle::add_decision(Position position, std::string_view bytes) {
  decisions_.push_back({position, std::string{bytes}, {}});
  DecisionRecord record;
  if (!codec::decode(bytes, record)) return breaks("O6", position, "it cannot be read");
  const auto& header = record.header;
  if (!counts(header, std::holds_alternative<LeaderClaim>(record.body))) {
    ++ignored_;
    return;
  }
  ++accepted_;
  if (header.now < now_) breaks("O6", position, "its time lies before the one before");
  now_ = header.now;
  chain_ = sha256(bytes);
  term_ = header.term;
  claim_ = header.claim;
  sequence_ = header.sequence + 1;
  cover(record, position);
  through_ = header.through;
}

void Chronicle::cover(const DecisionRecord& record, Position position) {
  static const Batch kNone;
  const auto* found = std::get_if<Batch>(&record.body);
  const auto& batch = found == nullptr ? kNone : *found;
  std::map<Position, const TurnRecord*> turns;
  for (const auto& turn : batch.turns) {
    if (turn.timer) {
      ++timers_fired_;
      if (turn.timer->due > now_) {
        breaks("O5", position, "a timer of " + turn.timer->rule + " fired before it was due");
      }
    } else {
      turns[turn.position] = &turn;
    }
    for (const auto& change : turn.changes) take(change, position);
  }
  for (const auto& moved : batch.effects) take(moved, position);
  std::uint32_t count = 0;
  for (; next_event_ < events_.size() && events_[next_event_].position < record.header.through;
       ++next_event_, ++count) {
    const auto& event = events_[next_event_];
    const auto turn = turns.find(event.position);
    const auto verdict = turn == turns.end() ? Verdict::kAccepted : turn->second->verdict;
    ++verdicts_[std::string{verdict_name(verdict)}];
    if (verdict == Verdict::kSetAside) ++verdicts_["aside " + turn->second->code];
    if (verdict != Verdict::kDuplicate && !event.fact.empty()) {
      counted_[event.fact].push_back(now_);
    }
  }
  if (count != record.header.event_count) {
    breaks("O6", position,
           "it says that it covers " + std::to_string(record.header.event_count) +
               " events, and the log has " + std::to_string(count) + " there");
  }
}

void Chronicle::take(const Change& change, Position position) {
  if (const auto* started = std::get_if<EnrolmentStarted>(&change)) {
    keys_[started->enrolment.id] = started->enrolment.key;
  } else if (const auto* asked = std::get_if<EffectRequested>(&change)) {
    const auto& effect = asked->effect;
    if (!leaves(effect.channel)) return;
    // No step of these rules addresses more than one, so their ids name no recipient.
    Asked of{effect.rule, keys_[effect.enrolment], effect.step, {}, effect.channel, id_, 0};
    if (id_by_hand(of) != effect.id) {
      breaks("O4", position,
             "the id of an effect of " + effect.rule + "/" + effect.step + " is " + hex(effect.id) +
                 ", and its parts make " + hex(id_by_hand(of)));
    }
    effects_.emplace(effect.id, std::move(of));
  } else if (const auto* moved = std::get_if<EffectMoved>(&change)) {
    if (moved->state == EffectState::kAttemptStarted) ++effects_[moved->id].starts;
  }
}

void Chronicle::expect_once(const std::string& fact) {
  const auto found = counted_.find(fact);
  if (found == counted_.end()) {
    story_.breaks("O1", "partition " + std::to_string(id_) + ": the fact '" + fact +
                            "' was acknowledged and never counted");
    return;
  }
  const auto& times = found->second;
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i] - times[i - 1] > days(30)) continue;
    story_.breaks("O1", "partition " + std::to_string(id_) + ": the fact '" + fact +
                            "' counts twice, at " + to_text(times[i - 1]) + " and at " +
                            to_text(times[i]));
  }
}

}  // namespace dealwright::sim
