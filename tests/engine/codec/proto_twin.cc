#include "tests/engine/codec/proto_twin.h"

#include <bit>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/overloaded.h"

namespace dealwright::codec {
namespace {

std::string id_bytes(const Hash128& id) {
  std::string out;
  put_fixed64(out, id.high);
  put_fixed64(out, id.low);
  return out;
}
template <class Array>
std::string digest(const Array& bytes) {
  return {bytes.begin(), bytes.end()};
}

void fill(v1::Value& out, const Value& value);

template <class Entries>
void fill_map(Entries& out, const Map& map) {
  for (const auto& [name, value] : map) {
    auto& entry = *out.Add();
    entry.set_name(name);
    fill(*entry.mutable_value(), value);
  }
}

void fill(v1::Value& out, const Value& value) {
  std::visit(overloaded{
                 [](std::monostate) {},
                 [&](Null) { out.set_null(true); },
                 [&](bool v) { out.set_bool_(v); },
                 [&](std::int64_t v) { out.set_int_(v); },
                 [&](double v) { out.set_double_bits(std::bit_cast<std::uint64_t>(v)); },
                 [&](const std::string& v) { out.set_text(v); },
                 [&](const Money& v) {
                   out.mutable_money()->set_minor(v.minor);
                   out.mutable_money()->set_currency(std::string{v.currency.text()});
                 },
                 [&](Instant v) { out.set_instant_ms(v.ms); },
                 [&](LocalDate v) { out.set_date_days(v.days); },
                 [&](const std::shared_ptr<const List>& v) {
                   out.mutable_list();
                   for (const auto& entry : *v) fill(*out.mutable_list()->add_values(), entry);
                 },
                 [&](const std::shared_ptr<const Map>& v) {
                   fill_map(*out.mutable_map()->mutable_entries(), *v);
                 },
                 [&](const std::shared_ptr<const Sealed>& v) {
                   out.mutable_sealed()->set_key_id(v->key_id);
                   out.mutable_sealed()->set_ciphertext(v->bytes);
                 },
             },
             value.variant());
}

void fill(v1::RecordKey& out, const RecordKey& key) {
  out.set_kind(static_cast<std::uint32_t>(key.kind));
  out.set_id(key.id);
}

void fill(v1::Event& out, const Event& e) {
  out.set_format(1);
  out.set_source(e.source);
  out.set_id(e.id);
  out.set_type(static_cast<std::uint32_t>(e.type));
  out.set_type_name(e.foreign_type);
  out.set_subject_kind(static_cast<std::uint32_t>(e.subject.kind));
  out.set_subject_id(e.subject.id);
  if (e.time) out.set_time_ms(e.time->ms);
  out.set_partition_key(e.partition_key);
  for (const auto& [field, value] : e.data) {
    auto& datum = *out.add_data();
    datum.set_field(static_cast<std::uint32_t>(field));
    fill(*datum.mutable_value(), value);
  }
  fill_map(*out.mutable_extra(), e.extra);
  out.set_actor(e.actor);
  out.set_import_batch(e.import_batch);
  out.set_import_row(e.import_row);
  out.set_policy(static_cast<std::uint32_t>(e.policy));
  out.set_causation_id(e.causation_id);
  out.set_correlation_id(e.correlation_id);
  out.set_traceparent(e.traceparent);
  fill_map(*out.mutable_extensions(), e.extensions);
  out.set_key_id(e.key_id);
  out.set_mac(e.mac);
  out.set_opaque(e.opaque);
  out.set_content_type(e.content_type);
}

void fill(v1::Enrolment& out, const Enrolment& e) {
  out.set_id(id_bytes(e.id));
  out.set_rule(e.rule);
  out.set_version(e.version);
  out.set_key(e.key);
  fill(*out.mutable_subject(), e.subject);
  out.set_started_ms(e.started.ms);
  out.set_base_ms(e.base.ms);
  out.set_cause(e.cause);
  out.set_step(e.step);
  out.set_round(e.round);
  out.set_step_since_ms(e.step_since.ms);
  if (e.due) out.set_due_ms(e.due->ms);
  out.set_waits_for_event(e.waits_for_event);
  out.set_control(e.control);
  out.set_held(e.held);
  out.set_shadow(e.shadow);
  for (const auto& key : e.watched) fill(*out.add_watched(), key);
  fill_map(*out.mutable_kept(), e.kept);
  for (const auto& id : e.effects) out.add_effects(digest(id));
}

void fill(v1::Effect& out, const Effect& e) {
  out.set_id(digest(e.id));
  out.set_rule(e.rule);
  out.set_version(e.version);
  out.set_enrolment(id_bytes(e.enrolment));
  out.set_step(e.step);
  out.set_channel(e.channel);
  fill(*out.mutable_subject(), e.subject);
  out.set_recipient(e.recipient);
  out.set_state(static_cast<std::uint32_t>(e.state));
  out.set_reason(e.reason);
  out.set_requested_ms(e.requested.ms);
  out.set_changed_ms(e.changed.ms);
  if (e.not_before) out.set_not_before_ms(e.not_before->ms);
  if (e.expires) out.set_expires_ms(e.expires->ms);
  out.set_attempts(e.attempts);
  fill_map(*out.mutable_payload(), e.payload);
  out.set_traceparent(e.traceparent);
}

void fill(v1::EffectMoved& out, const EffectMoved& c) {
  out.set_id(digest(c.id));
  out.set_state(static_cast<std::uint32_t>(c.state));
  out.set_reason(c.reason);
  if (c.retry_at) out.set_retry_at_ms(c.retry_at->ms);
  out.set_held_by(c.held_by);
}

void fill(v1::EnrolmentMoved& out, const EnrolmentMoved& c) {
  out.set_id(id_bytes(c.id));
  out.set_step(c.step);
  out.set_round(c.round);
  out.set_step_since_ms(c.step_since.ms);
  if (c.due) out.set_due_ms(c.due->ms);
  out.set_waits_for_event(c.waits_for_event);
  out.set_held(c.held);
  for (const auto& key : c.watched) fill(*out.add_watched(), key);
}

void fill(v1::Change& out, const Change& change) {
  std::visit(overloaded{
                 [&](const EnrolmentStarted& c) {
                   auto& m = *out.mutable_started();
                   fill(*m.mutable_enrolment(), c.enrolment);
                   for (const auto& used : c.used) {
                     auto& entry = *m.add_used();
                     entry.set_name(used.path);
                     fill(*entry.mutable_value(), used.value);
                   }
                   m.set_forgettable(!c.remember);
                 },
                 [&](const EnrolmentMoved& c) { fill(*out.mutable_moved(), c); },
                 [&](const EnrolmentEnded& c) {
                   out.mutable_ended()->set_id(id_bytes(c.id));
                   out.mutable_ended()->set_reason(c.reason);
                   out.mutable_ended()->set_cancel_effects(c.cancel_effects);
                 },
                 [&](const EntryRefused& c) {
                   auto& m = *out.mutable_refused();
                   m.set_rule(c.rule);
                   m.set_version(c.version);
                   fill(*m.mutable_subject(), c.subject);
                   m.set_reason(c.reason);
                 },
                 [&](const EffectRequested& c) { fill(*out.mutable_requested(), c.effect); },
                 [&](const EffectMoved& c) { fill(*out.mutable_effect_moved(), c); },
                 [&](const FactDecided& c) { fill(*out.mutable_fact(), c.event); },
                 [&](const RuleFailed& c) {
                   auto& m = *out.mutable_failed();
                   m.set_rule(c.rule);
                   m.set_version(c.version);
                   fill(*m.mutable_subject(), c.subject);
                   m.set_where(c.where);
                   m.set_code(c.code);
                   m.set_detail(c.detail);
                 },
                 [&](const EventRedriven& c) {
                   out.mutable_redriven()->set_position(c.position);
                   out.mutable_redriven()->set_verdict(static_cast<std::uint32_t>(c.verdict));
                   out.mutable_redriven()->set_code(c.code);
                 },
             },
             change);
}

void fill(v1::Turn& out, const TurnRecord& turn) {
  out.set_position(turn.position);
  if (turn.timer) {
    out.mutable_timer()->set_due_ms(turn.timer->due.ms);
    out.mutable_timer()->set_rule(turn.timer->rule);
    out.mutable_timer()->set_enrolment(id_bytes(turn.timer->enrolment));
    out.mutable_timer()->set_step(turn.timer->step);
  }
  out.set_verdict(static_cast<std::uint32_t>(turn.verdict));
  out.set_code(turn.code);
  out.set_detail(turn.detail);
  for (const auto& change : turn.changes) fill(*out.add_changes(), change);
  for (const auto& send : turn.sends) {
    auto& m = *out.add_sends();
    m.set_to(send.to);
    m.set_number(send.number);
    m.set_event(send.event);
  }
}

void fill(v1::DecisionHeader& out, const DecisionHeader& h) {
  out.set_state_version(h.state_version);
  out.set_term(h.term);
  out.set_claim(digest(h.claim));
  out.set_sequence(h.sequence);
  out.set_from(h.from);
  out.set_through(h.through);
  out.set_event_count(h.event_count);
  out.set_now_ms(h.now.ms);
  out.set_clock_epoch(h.clock_epoch);
  out.set_event_clock(h.event_clock);
  out.set_rule_set(digest(h.rule_set));
  out.set_schema(digest(h.schema));
  out.set_workspace(h.workspace);
  out.set_chain(digest(h.chain));
}

}  // namespace

v1::Event twin(const Event& event) {
  v1::Event out;
  fill(out, event);
  return out;
}

v1::DecisionRecord twin(const DecisionRecord& record) {
  v1::DecisionRecord out;
  out.set_format(1);
  fill(*out.mutable_header(), record.header);
  std::visit(overloaded{
                 [&](const LeaderClaim& claim) { out.mutable_claim()->set_node(claim.node); },
                 [&](const Batch& batch) {
                   out.mutable_batch();
                   for (const auto& turn : batch.turns)
                     fill(*out.mutable_batch()->add_turns(), turn);
                   for (const auto& ack : batch.acks) {
                     auto& m = *out.mutable_batch()->add_acks();
                     m.set_to(ack.to);
                     m.set_through(ack.through);
                   }
                   for (const auto& moved : batch.effects) {
                     fill(*out.mutable_batch()->add_effects(), moved);
                   }
                 },
                 [&](const Barrier& barrier) {
                   auto& m = *out.mutable_barrier();
                   m.set_what(static_cast<std::uint32_t>(barrier.what));
                   m.set_state_version(barrier.state_version);
                   m.set_author(barrier.author);
                 },
             },
             record.body);
  return out;
}

std::string serialise(v1::DecisionRecord record) {
  record.clear_checksum();
  record.set_checksum(crc32c(record.SerializeAsString()));
  auto out = record.SerializeAsString();
  if (record.checksum() == 0) out += std::string{"\xa5\x06\0\0\0\0", 6};  // a zero is left out
  return out;
}

bool has_unknown_fields(const google::protobuf::Message& message) {
  const auto* reflection = message.GetReflection();
  if (!reflection->GetUnknownFields(message).empty()) return true;
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (has_unknown_fields(reflection->GetMessage(message, field))) return true;
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      if (has_unknown_fields(reflection->GetRepeatedMessage(message, field, i))) return true;
    }
  }
  return false;
}

}  // namespace dealwright::codec
