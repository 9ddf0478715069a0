#include "engine/codec/change_codec.h"

#include "engine/base/overloaded.h"
#include "engine/codec/enrolment_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/value_codec.h"

namespace dealwright::codec {
namespace {

// message Change: one of these.
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

void write_used(WireWriter& w, std::uint32_t field, const UsedValue& used) {
  w.message(field, [&](WireWriter& m) {
    m.text(1, used.path);
    m.message(2, [&](WireWriter& v) { write_value(v, used.value); });
  });
}

bool read_started(std::string_view bytes, Change& out) {
  EnrolmentStarted c;
  const bool good = read_fields(bytes, [&](const WireReader& in) {
    if (in.field() == 1) return read_enrolment(in.text(), c.enrolment);
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

}  // namespace

bool read_effect_moved(std::string_view bytes, EffectMoved& c) {
  return read_fields(bytes, [&](const WireReader& in) {
    if (in.field() == 1) return read_digest(in.text(), c.id);
    if (in.field() == 2) return take_state(in.number(), c.state);
    if (in.field() == 3) c.reason = in.text();
    if (in.field() == 4) c.retry_at = Instant{in.sint()};
    if (in.field() == 5) c.held_by = in.text();
    return true;
  });
}

void write_effect_moved(WireWriter& w, const EffectMoved& moved) {
  w.text(1, bytes_of(moved.id));
  w.number_if(2, static_cast<std::uint64_t>(moved.state));
  w.text_if(3, moved.reason);
  if (moved.retry_at) w.sint(4, moved.retry_at->ms);
  w.text_if(5, moved.held_by);
}

namespace {

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
                   out.message(kEffectMoved, [&](WireWriter& m) { write_effect_moved(m, c); });
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
      const bool good = read_effect(in.text(), c.effect);
      out = std::move(c);
      return good;
    }
    case kEffectMoved:
      return read_effect_moved(in.text(), out.emplace<EffectMoved>());
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
