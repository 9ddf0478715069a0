// Enrolments, entries, effects, events set aside.
#include "engine/codec/state_codec.h"

#include "engine/codec/state_parts.h"

namespace dealwright::codec {
namespace {
constexpr std::uint64_t kVersion = 1;
}

void encode(const Enrolment& e, std::string& out) {
  put_varint(out, kVersion);
  put_hash(out, e.id);
  put_text(out, e.rule);
  put_varint(out, e.version);
  put_text(out, e.key);
  put_key(out, e.subject);
  put_instant(out, e.started);
  put_instant(out, e.base);
  put_text(out, e.cause);
  put_varint(out, e.step);
  put_text(out, e.round);
  put_instant(out, e.step_since);
  put_optional(out, e.due);
  put_varint(out, (e.waits_for_event ? 1U : 0U) | (e.control ? 2U : 0U) | (e.held ? 4U : 0U) |
                      (e.shadow ? 8U : 0U) | (e.first ? 16U : 0U) | (e.asked ? 32U : 0U));
  put_varint(out, e.watched.size());
  for (const auto& key : e.watched) put_key(out, key);
  put_map(out, e.kept);
  put_varint(out, e.effects.size());
  for (const auto& id : e.effects) out.append(bytes_of(id));
}

Result<void> decode(std::string_view bytes, Enrolment& out) {
  ByteReader in{bytes};
  if (in.varint() != kVersion) return damaged_state("an enrolment");
  out.id = get_hash(in);
  out.rule = in.text();
  out.version = static_cast<std::uint32_t>(in.varint());
  out.key = in.text();
  out.subject = get_key(in);
  out.started = get_instant(in);
  out.base = get_instant(in);
  out.cause = in.text();
  out.step = static_cast<std::uint32_t>(in.varint());
  out.round = in.text();
  out.step_since = get_instant(in);
  out.due = get_optional(in);
  const auto flags = in.varint();
  out.waits_for_event = (flags & 1) != 0;
  out.control = (flags & 2) != 0;
  out.held = (flags & 4) != 0;
  out.shadow = (flags & 8) != 0;
  out.first = (flags & 16) != 0;
  out.asked = (flags & 32) != 0;
  out.watched.resize(get_count(in));
  for (auto& key : out.watched) key = get_key(in);
  const bool kept = get_map(in, out.kept);
  out.effects.resize(get_count(in));
  for (auto& id : out.effects) id = get_digest(in);
  if (!kept || in.failed() || !in.at_end()) return damaged_state("an enrolment");
  return ok();
}

void encode(const Entry& entry, std::string& out) {
  put_varint(out, entry.count);
  put_instant(out, entry.last);
}
Result<void> decode(std::string_view bytes, Entry& out) {
  ByteReader in{bytes};
  out.count = static_cast<std::uint32_t>(in.varint());
  out.last = get_instant(in);
  if (in.failed() || !in.at_end()) return damaged_state("a rule's entries");
  return ok();
}

void encode(const Effect& e, std::string& out) {
  put_varint(out, kVersion);
  out.append(bytes_of(e.id));
  put_text(out, e.rule);
  put_varint(out, e.version);
  put_hash(out, e.enrolment);
  put_text(out, e.step);
  put_text(out, e.channel);
  put_key(out, e.subject);
  put_text(out, e.recipient);
  put_varint(out, static_cast<std::uint64_t>(e.state));
  put_text(out, e.reason);
  put_instant(out, e.requested);
  put_instant(out, e.changed);
  put_optional(out, e.not_before);
  put_optional(out, e.expires);
  put_varint(out, e.attempts);
  put_map(out, e.payload);
  put_text(out, e.traceparent);
  put_optional(out, e.next);
  put_varint(out, e.started ? 1 : 0);
  put_text(out, e.held_by);
  put_optional(out, e.retried);
  put_varint(out, e.attempts_before);
}
Result<void> decode(std::string_view bytes, Effect& out) {
  ByteReader in{bytes};
  if (in.varint() != kVersion) return damaged_state("an effect");
  out.id = get_digest(in);
  out.rule = in.text();
  out.version = static_cast<std::uint32_t>(in.varint());
  out.enrolment = get_hash(in);
  out.step = in.text();
  out.channel = in.text();
  out.subject = get_key(in);
  out.recipient = in.text();
  const auto state = in.varint();
  if (state > static_cast<std::uint64_t>(EffectState::kSuppressed))
    return damaged_state("an effect");
  out.state = static_cast<EffectState>(state);
  out.reason = in.text();
  out.requested = get_instant(in);
  out.changed = get_instant(in);
  out.not_before = get_optional(in);
  out.expires = get_optional(in);
  out.attempts = static_cast<std::uint32_t>(in.varint());
  const bool payload = get_map(in, out.payload);
  out.traceparent = in.text();
  out.next = get_optional(in);
  out.started = in.varint() != 0;
  out.held_by = in.text();
  out.retried = get_optional(in);
  out.attempts_before = static_cast<std::uint32_t>(in.varint());
  if (!payload || in.failed() || !in.at_end()) return damaged_state("an effect");
  return ok();
}

void encode(const SetAside& e, std::string& out) {
  put_varint(out, kVersion);
  put_varint(out, e.position);
  put_varint(out, static_cast<std::uint64_t>(e.verdict));
  for (const auto* text : {&e.code, &e.detail, &e.key, &e.subject, &e.type}) put_text(out, *text);
  put_varint(out, e.blocked_by ? *e.blocked_by + 1 : 0);
  put_instant(out, e.now);
  put_varint(out, e.redrives);
  put_text(out, e.event);
}
Result<void> decode(std::string_view bytes, SetAside& out) {
  ByteReader in{bytes};
  if (in.varint() != kVersion) return damaged_state("an event set aside");
  out.position = in.varint();
  const auto verdict = in.varint();
  if (verdict > static_cast<std::uint64_t>(Verdict::kSetAside)) {
    return damaged_state("an event set aside");
  }
  out.verdict = static_cast<Verdict>(verdict);
  for (auto* text : {&out.code, &out.detail, &out.key, &out.subject, &out.type}) *text = in.text();
  const auto blocked = in.varint();
  out.blocked_by = blocked == 0 ? std::nullopt : std::optional{blocked - 1};
  out.now = get_instant(in);
  out.redrives = static_cast<std::uint32_t>(in.varint());
  out.event = in.text();
  if (in.failed() || !in.at_end()) return damaged_state("an event set aside");
  return ok();
}

}  // namespace dealwright::codec
