#include "engine/codec/enrolment_codec.h"

#include <algorithm>

#include "engine/codec/value_codec.h"

namespace dealwright::codec {
namespace {

bool take_enrolment(const WireReader& in, Enrolment& e) {
  switch (in.field()) {
    case 1:
      return read_hash(in.text(), e.id);
    case 2:
      e.rule = in.text();
      return true;
    case 3:
      e.version = static_cast<std::uint32_t>(in.number());
      return true;
    case 4:
      e.key = in.text();
      return true;
    case 5:
      return read_key(in.text(), e.subject);
    case 6:
      e.started.ms = in.sint();
      return true;
    case 7:
      e.base.ms = in.sint();
      return true;
    case 8:
      e.cause = in.text();
      return true;
    case 9:
      e.step = static_cast<std::uint32_t>(in.number());
      return true;
    case 10:
      e.round = in.text();
      return true;
    case 11:
      e.step_since.ms = in.sint();
      return true;
    case 12:
      e.due = Instant{in.sint()};
      return true;
    case 13:
      e.waits_for_event = in.flag();
      return true;
    case 14:
      e.control = in.flag();
      return true;
    case 15:
      e.held = in.flag();
      return true;
    case 16:
      e.shadow = in.flag();
      return true;
    case 17:
      return read_key(in.text(), e.watched.emplace_back());
    case 18:
      return read_named(in.text(), e.kept);
    case 19:
      return read_digest(in.text(), e.effects.emplace_back());
    default:
      return true;
  }
}

bool take_effect(const WireReader& in, Effect& e) {
  switch (in.field()) {
    case 1:
      return read_digest(in.text(), e.id);
    case 2:
      e.rule = in.text();
      return true;
    case 3:
      e.version = static_cast<std::uint32_t>(in.number());
      return true;
    case 4:
      return read_hash(in.text(), e.enrolment);
    case 5:
      e.step = in.text();
      return true;
    case 6:
      e.channel = in.text();
      return true;
    case 7:
      return read_key(in.text(), e.subject);
    case 8:
      e.recipient = in.text();
      return true;
    case 9:
      return take_state(in.number(), e.state);
    case 10:
      e.reason = in.text();
      return true;
    case 11:
      e.requested.ms = in.sint();
      return true;
    case 12:
      e.changed.ms = in.sint();
      return true;
    case 13:
      e.not_before = Instant{in.sint()};
      return true;
    case 14:
      e.expires = Instant{in.sint()};
      return true;
    case 15:
      e.attempts = static_cast<std::uint32_t>(in.number());
      return true;
    case 16:
      return read_named(in.text(), e.payload);
    case 17:
      e.traceparent = in.text();
      return true;
    default:
      return true;
  }
}

}  // namespace

void write_hash(WireWriter& w, std::uint32_t field, const Hash128& id) {
  std::string bytes;
  put_fixed64(bytes, id.high);
  put_fixed64(bytes, id.low);
  w.text(field, bytes);
}

bool read_hash(std::string_view bytes, Hash128& out) {
  ByteReader in{bytes};
  out.high = in.fixed64();
  out.low = in.fixed64();
  return !in.failed() && in.at_end();
}

bool read_digest(std::string_view bytes, Sha256& out) {
  if (bytes.size() != out.size()) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

void write_key(WireWriter& w, std::uint32_t field, const RecordKey& key) {
  w.message(field, [&](WireWriter& m) {
    m.number_if(1, static_cast<std::uint64_t>(key.kind));
    m.text(2, key.id);
  });
}

bool read_key(std::string_view bytes, RecordKey& out) {
  WireReader in{bytes};
  out = RecordKey{};
  while (in.next()) {
    if (in.field() == 1) {
      if (in.number() >= kKinds) return false;
      out.kind = static_cast<Kind>(in.number());
    } else if (in.field() == 2) {
      out.id = in.text();
    }
  }
  return !in.failed();
}

void write_enrolment(WireWriter& w, const Enrolment& e) {
  write_hash(w, 1, e.id);
  w.text(2, e.rule);
  w.number(3, e.version);
  w.text(4, e.key);
  write_key(w, 5, e.subject);
  w.sint(6, e.started.ms);
  w.sint(7, e.base.ms);
  w.text_if(8, e.cause);
  w.number_if(9, e.step);
  w.text_if(10, e.round);
  w.sint(11, e.step_since.ms);
  if (e.due) w.sint(12, e.due->ms);
  if (e.waits_for_event) w.flag(13, true);
  if (e.control) w.flag(14, true);
  if (e.held) w.flag(15, true);
  if (e.shadow) w.flag(16, true);
  for (const auto& key : e.watched) write_key(w, 17, key);
  write_map(w, 18, e.kept);
  for (const auto& id : e.effects) w.text(19, bytes_of(id));
}

bool read_enrolment(std::string_view bytes, Enrolment& out) {
  return read_fields(bytes, [&](const WireReader& in) { return take_enrolment(in, out); });
}

void write_effect(WireWriter& w, const Effect& e) {
  w.text(1, bytes_of(e.id));
  w.text(2, e.rule);
  w.number(3, e.version);
  write_hash(w, 4, e.enrolment);
  w.text(5, e.step);
  w.text(6, e.channel);
  write_key(w, 7, e.subject);
  w.text_if(8, e.recipient);
  w.number_if(9, static_cast<std::uint64_t>(e.state));
  w.text_if(10, e.reason);
  w.sint(11, e.requested.ms);
  w.sint(12, e.changed.ms);
  if (e.not_before) w.sint(13, e.not_before->ms);
  if (e.expires) w.sint(14, e.expires->ms);
  w.number_if(15, e.attempts);
  write_map(w, 16, e.payload);
  w.text_if(17, e.traceparent);
}

bool take_state(std::uint64_t number, EffectState& out) {
  if (number > static_cast<std::uint64_t>(EffectState::kSuppressed)) return false;
  out = static_cast<EffectState>(number);
  return true;
}

bool read_effect(std::string_view bytes, Effect& out) {
  return read_fields(bytes, [&](const WireReader& in) { return take_effect(in, out); });
}

}  // namespace dealwright::codec
