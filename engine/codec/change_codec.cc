#include "engine/codec/change_codec.h"

#include "engine/base/overloaded.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "engine/codec/value_codec.h"

namespace dealwright::codec {
namespace {

// message Change: one of these. Enrolments and effects stand there as their own messages.
enum : std::uint32_t {
  kStarted = 1,
  kMoved = 2,
  kEnded = 3,
  kRefused = 4,
  kRequested = 5,
  kEffectMoved = 6,
  kFact = 7,
  kFailed = 8,
  kRedriven = 9
};

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
}

bool take_state(std::uint64_t number, EffectState& out) {
  if (number > static_cast<std::uint64_t>(EffectState::kSuppressed)) return false;
  out = static_cast<EffectState>(number);
  return true;
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
    default:
      return true;
  }
}

template <class F>
bool read_fields(std::string_view bytes, F&& take) {
  WireReader in{bytes};
  while (in.next()) {
    if (!take(in)) return false;
  }
  return !in.failed();
}

void write_used(WireWriter& w, std::uint32_t field, const UsedValue& used) {
  w.message(field, [&](WireWriter& m) {
    m.text(1, used.path);
    m.message(2, [&](WireWriter& v) { write_value(v, used.value); });
  });
}

bool read_started(std::string_view bytes, Change& out) {
  EnrolmentStarted c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    if (in.field() == 1) {
      return read_fields(in.text(),
                         [&](const WireReader& e) { return take_enrolment(e, c.enrolment); });
    }
    if (in.field() == 2) {
      Map one;
      if (!read_named(in.text(), one)) return false;
      c.used.push_back({std::move(one[0].first), std::move(one[0].second)});
    }
    if (in.field() == 3) c.remember = !in.flag();
    return true;
  });
  out = std::move(c);
  return good;
}

bool read_moved(std::string_view bytes, Change& out) {
  EnrolmentMoved c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    switch (in.field()) {
      case 1:
        return read_hash(in.text(), c.id);
      case 2:
        c.step = static_cast<std::uint32_t>(in.number());
        return true;
      case 3:
        c.round = in.text();
        return true;
      case 4:
        c.step_since.ms = in.sint();
        return true;
      case 5:
        c.due = Instant{in.sint()};
        return true;
      case 6:
        c.waits_for_event = in.flag();
        return true;
      case 7:
        c.held = in.flag();
        return true;
      case 8:
        return read_key(in.text(), c.watched.emplace_back());
      default:
        return true;
    }
  });
  out = std::move(c);
  return good;
}

bool read_ended(std::string_view bytes, Change& out) {
  EnrolmentEnded c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    if (in.field() == 1) return read_hash(in.text(), c.id);
    if (in.field() == 2) c.reason = in.text();
    if (in.field() == 3) c.cancel_effects = in.flag();
    return true;
  });
  out = std::move(c);
  return good;
}

bool read_entry_refused(std::string_view bytes, Change& out) {
  EntryRefused c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    if (in.field() == 1) c.rule = in.text();
    if (in.field() == 2) c.version = static_cast<std::uint32_t>(in.number());
    if (in.field() == 3) return read_key(in.text(), c.subject);
    if (in.field() == 4) c.reason = in.text();
    return true;
  });
  out = std::move(c);
  return good;
}

bool read_effect_moved(std::string_view bytes, Change& out) {
  EffectMoved c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    if (in.field() == 1) return read_digest(in.text(), c.id);
    if (in.field() == 2) return take_state(in.number(), c.state);
    if (in.field() == 3) c.reason = in.text();
    return true;
  });
  out = std::move(c);
  return good;
}

bool read_failed(std::string_view bytes, Change& out) {
  RuleFailed c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    switch (in.field()) {
      case 1:
        c.rule = in.text();
        return true;
      case 2:
        c.version = static_cast<std::uint32_t>(in.number());
        return true;
      case 3:
        return read_key(in.text(), c.subject);
      case 4:
        c.where = in.text();
        return true;
      case 5:
        c.code = in.text();
        return true;
      case 6:
        c.detail = in.text();
        return true;
      default:
        return true;
    }
  });
  out = std::move(c);
  return good;
}

bool read_redriven(std::string_view bytes, Change& out) {
  EventRedriven c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    if (in.field() == 1) c.position = in.number();
    if (in.field() == 2) {
      if (in.number() > static_cast<std::uint64_t>(Verdict::kSetAside)) return false;
      c.verdict = static_cast<Verdict>(in.number());
    }
    if (in.field() == 3) c.code = in.text();
    return true;
  });
  out = std::move(c);
  return good;
}

void write_moved(WireWriter& m, const EnrolmentMoved& c) {
  write_hash(m, 1, c.id);
  m.number_if(2, c.step);
  m.text_if(3, c.round);
  m.sint(4, c.step_since.ms);
  if (c.due) m.sint(5, c.due->ms);
  if (c.waits_for_event) m.flag(6, true);
  if (c.held) m.flag(7, true);
  for (const auto& key : c.watched) write_key(m, 8, key);
}

void write_failed(WireWriter& m, const RuleFailed& c) {
  m.text(1, c.rule);
  m.number_if(2, c.version);
  write_key(m, 3, c.subject);
  m.text(4, c.where);
  m.text(5, c.code);
  m.text_if(6, c.detail);
}

}  // namespace

void write_change(WireWriter& out, const Change& change) {
  std::visit(overloaded{
                 [&](const EnrolmentStarted& c) {
                   out.message(kStarted, [&](WireWriter& m) {
                     m.message(1, [&](WireWriter& e) { write_enrolment(e, c.enrolment); });
                     for (const auto& used : c.used) write_used(m, 2, used);
                     if (!c.remember) m.flag(3, true);
                   });
                 },
                 [&](const EnrolmentMoved& c) {
                   out.message(kMoved, [&](WireWriter& m) { write_moved(m, c); });
                 },
                 [&](const EnrolmentEnded& c) {
                   out.message(kEnded, [&](WireWriter& m) {
                     write_hash(m, 1, c.id);
                     m.text(2, c.reason);
                     if (c.cancel_effects) m.flag(3, true);
                   });
                 },
                 [&](const EntryRefused& c) {
                   out.message(kRefused, [&](WireWriter& m) {
                     m.text(1, c.rule);
                     m.number_if(2, c.version);
                     write_key(m, 3, c.subject);
                     m.text(4, c.reason);
                   });
                 },
                 [&](const EffectRequested& c) {
                   out.message(kRequested, [&](WireWriter& m) { write_effect(m, c.effect); });
                 },
                 [&](const EffectMoved& c) {
                   out.message(kEffectMoved, [&](WireWriter& m) {
                     m.text(1, bytes_of(c.id));
                     m.number_if(2, static_cast<std::uint64_t>(c.state));
                     m.text_if(3, c.reason);
                   });
                 },
                 [&](const FactDecided& c) {
                   out.message(kFact, [&](WireWriter& m) { encode(c.event, m.out()); });
                 },
                 [&](const RuleFailed& c) {
                   out.message(kFailed, [&](WireWriter& m) { write_failed(m, c); });
                 },
                 [&](const EventRedriven& c) {
                   out.message(kRedriven, [&](WireWriter& m) {
                     m.number(1, c.position);
                     m.number_if(2, static_cast<std::uint64_t>(c.verdict));
                     m.text_if(3, c.code);
                   });
                 },
             },
             change);
}

bool read_change(std::string_view bytes, Change& out) {
  WireReader in{bytes};
  if (!in.next()) return false;
  switch (in.field()) {
    case kStarted:
      return read_started(in.text(), out);
    case kMoved:
      return read_moved(in.text(), out);
    case kEnded:
      return read_ended(in.text(), out);
    case kRefused:
      return read_entry_refused(in.text(), out);
    case kRequested: {
      EffectRequested c;
      const bool good =
          read_fields(in.text(), [&](const WireReader& e) { return take_effect(e, c.effect); });
      out = std::move(c);
      return good;
    }
    case kEffectMoved:
      return read_effect_moved(in.text(), out);
    case kFact: {
      FactDecided c;
      const bool good = decode(in.text(), c.event).has_value();
      out = std::move(c);
      return good;
    }
    case kFailed:
      return read_failed(in.text(), out);
    case kRedriven:
      return read_redriven(in.text(), out);
    default:
      return false;  // a change that is not understood cannot be passed over
  }
}

void write_timer(WireWriter& w, const TimerKey& timer) {
  w.sint(1, timer.due.ms);
  w.text(2, timer.rule);
  write_hash(w, 3, timer.enrolment);
  w.number_if(4, timer.step);
}

bool read_timer(std::string_view bytes, TimerKey& out) {
  return read_fields(bytes, [&](const WireReader& in) {
    switch (in.field()) {
      case 1:
        out.due.ms = in.sint();
        return true;
      case 2:
        out.rule = in.text();
        return true;
      case 3:
        return read_hash(in.text(), out.enrolment);
      case 4:
        out.step = static_cast<std::uint32_t>(in.number());
        return true;
      default:
        return true;
    }
  });
}

}  // namespace dealwright::codec
