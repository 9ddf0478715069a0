// Enrolments and effects as messages of proto/dealwright/v1/decision.proto, and the ids and keys
// that other messages have too. Inside engine/codec.
#pragma once

#include "engine/codec/wire.h"
#include "engine/domain/enrolment.h"

namespace dealwright::codec {

void write_hash(WireWriter& w, std::uint32_t field, const Hash128& id);
void write_key(WireWriter& w, std::uint32_t field, const RecordKey& key);
void write_enrolment(WireWriter& w, const Enrolment& e);
void write_effect(WireWriter& w, const Effect& e);

// Each false: malformed.
bool read_hash(std::string_view bytes, Hash128& out);
bool read_digest(std::string_view bytes, Sha256& out);
bool read_key(std::string_view bytes, RecordKey& out);
bool read_enrolment(std::string_view bytes, Enrolment& out);
bool read_effect(std::string_view bytes, Effect& out);
bool take_state(std::uint64_t number, EffectState& out);

// Calls `take` with each field of a message until it says false.
template <class F>
bool read_fields(std::string_view bytes, F&& take) {
  WireReader in{bytes};
  while (in.next()) {
    if (!take(in)) return false;
  }
  return !in.failed();
}

}  // namespace dealwright::codec
