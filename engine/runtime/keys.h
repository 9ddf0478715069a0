// Keys of a partition's store: a letter for the table, then parts that sort as they should.
// Part of the state format (kStateVersion).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/domain/enrolment.h"
#include "engine/domain/event.h"

namespace dealwright::runtime::keys {

inline constexpr char kMeta = 'M';       // positions, term, chain, counters: one entry
inline constexpr char kRecord = 'R';     // kind, id
inline constexpr char kHistory = 'H';    // kind, id, 0, chunk
inline constexpr char kEnrolment = 'N';  // 16 bytes
inline constexpr char kEntry = 'E';      // rule, 0, enrolment key
inline constexpr char kEffect = 'F';     // 32 bytes
inline constexpr char kOpen = 'O';       // when it is looked at, effect: what is to leave
inline constexpr char kHeld = 'G';       // what holds it, 0, effect
inline constexpr char kOpenMail = 'Q';   // whom it goes to, 0, effect: may still leave
inline constexpr char kSentTo = 'L';     // person: what caps count
inline constexpr char kFlow = 'Y';       // rule: what it let out
// due, rule, 0, enrolment's key, 0, 0, its id, step. The value: a copy of kEnrolment's if that is
// the first of its id, else "".
inline constexpr char kTimer = 'T';
inline constexpr char kSetAside = 'A';   // position
inline constexpr char kBlocked = 'B';    // placement key, 0, position
inline constexpr char kPipeline = 'P';   // id, 0, occurred, order
inline constexpr char kSchema = 'C';     // order
inline constexpr char kPublished = 'U';  // rule, 0, version
inline constexpr char kBatch = 'I';      // import batch
inline constexpr char kSend = 'S';       // to, number
inline constexpr char kInbound = 'J';    // from
inline constexpr char kDedup = 'D';      // run number
inline constexpr char kHome = 'K';       // subject
inline constexpr char kView = 'V';       // view name, 0, version, then the view's own
inline constexpr char kViewAt = 'W';     // view name

inline std::string with_letter(char letter, std::string_view rest) {
  std::string out;
  out.reserve(1 + rest.size());
  out += letter;
  out += rest;
  return out;
}
inline std::string record(const RecordKey& key) {
  std::string out;
  out.reserve(2 + key.id.size());
  out += kRecord;
  out += static_cast<char>(key.kind);
  out += key.id;
  return out;
}
inline std::string history(const RecordKey& key, std::uint64_t chunk) {
  std::string out = record(key);
  out[0] = kHistory;
  out += '\0';
  put_key64(out, chunk);
  return out;
}
inline std::string enrolment(const EnrolmentId& id) {
  std::string out{kEnrolment};
  put_key64(out, id.high);
  put_key64(out, id.low);
  return out;
}
inline std::string entry(std::string_view rule, std::string_view key) {
  std::string out{kEntry};
  out += rule;
  out += '\0';
  out += key;
  return out;
}
inline std::string effect(const EffectId& id) { return with_letter(kEffect, bytes_of(id)); }
// `order`: the enrolment's key. Timers of a rule that are due at one instant fire in its order,
// near that of the records that they are about.
inline std::string timer(const TimerKey& key, std::string_view order) {
  std::string out{kTimer};
  put_key_signed(out, key.due.ms);
  out += key.rule;
  out += '\0';
  for (const char c : order) {  // any bytes: 0 is written 0 255
    out += c;
    if (c == '\0') out += '\xff';
  }
  out.append(2, '\0');
  put_key64(out, key.enrolment.high);
  put_key64(out, key.enrolment.low);
  put_key32(out, key.step);
  return out;
}
// REQUIRES of each: written by its like
inline Instant due_of(std::string_view key) {  // of a timer or an open effect
  ByteReader in{key.substr(1)};
  return Instant{in.key_signed()};
}
inline EnrolmentId read_enrolment(std::string_view key) {
  ByteReader in{key.substr(1)};
  EnrolmentId out;
  out.high = in.key64();
  out.low = in.key64();
  return out;
}
inline EnrolmentId enrolment_of_timer(std::string_view key) {
  ByteReader in{key.substr(key.size() - 20)};
  EnrolmentId out;
  out.high = in.key64();
  out.low = in.key64();
  return out;
}
inline std::string number(char letter, std::uint64_t n) {
  std::string out{letter};
  put_key64(out, n);
  return out;
}
inline std::string text_number(char letter, std::string_view text, std::uint64_t n) {
  std::string out{letter};
  out += text;
  out += '\0';
  put_key64(out, n);
  return out;
}
inline std::string view_prefix(std::string_view name, std::uint32_t version) {
  std::string out{kView};
  out += name;
  out += '\0';
  put_key32(out, version);
  return out;
}

inline std::string open_effect(Instant next, const EffectId& id) {
  std::string out{kOpen};
  put_key_signed(out, next.ms);
  out += bytes_of(id);
  return out;
}
inline EffectId effect_of_open(std::string_view key) {  // REQUIRES: written by open_effect()
  EffectId out{};
  std::copy_n(key.end() - static_cast<std::ptrdiff_t>(out.size()), out.size(), out.begin());
  return out;
}

// REQUIRES: written by timer()
inline TimerKey read_timer(std::string_view key) {
  TimerKey out;
  ByteReader in{key.substr(1)};
  out.due.ms = in.key_signed();
  const auto rest = in.rest();
  const auto end = rest.find('\0');
  out.rule = rest.substr(0, end);
  ByteReader tail{rest.substr(rest.size() - 20)};
  out.enrolment.high = tail.key64();
  out.enrolment.low = tail.key64();
  out.step = tail.key32();
  return out;
}

}  // namespace dealwright::runtime::keys
