// Pieces that the state codecs share. Inside engine/codec.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/codec/value_codec.h"
#include "engine/domain/enrolment.h"
#include "engine/domain/record.h"

namespace dealwright::codec {

inline void put_value(std::string& out, const Value& value) {
  WireWriter w{out};
  w.message(1, [&](WireWriter& inner) { write_value(inner, value); });
}
inline bool get_value(ByteReader& in, Value& out) {
  in.varint();  // the tag
  return read_value(in.text(), out);
}
inline void put_instant(std::string& out, Instant at) { put_signed(out, at.ms); }
inline Instant get_instant(ByteReader& in) { return Instant{in.signed_varint()}; }
inline void put_stamp(std::string& out, const Stamp& stamp) {
  put_instant(out, stamp.occurred);
  put_varint(out, stamp.order);
}
inline Stamp get_stamp(ByteReader& in) {
  Stamp stamp;
  stamp.occurred = get_instant(in);
  stamp.order = in.varint();
  return stamp;
}
inline void put_optional(std::string& out, const std::optional<Instant>& at) {
  put_varint(out, at ? 1 : 0);
  if (at) put_instant(out, *at);
}
inline std::optional<Instant> get_optional(ByteReader& in) {
  if (in.varint() == 0) return std::nullopt;
  return get_instant(in);
}
inline void put_hash(std::string& out, const Hash128& id) {
  put_fixed64(out, id.high);
  put_fixed64(out, id.low);
}
inline Hash128 get_hash(ByteReader& in) {
  Hash128 id;
  id.high = in.fixed64();
  id.low = in.fixed64();
  return id;
}
inline Sha256 get_digest(ByteReader& in) {
  Sha256 out{};
  const auto raw = in.take(out.size());
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}
inline void put_key(std::string& out, const RecordKey& key) {
  out.push_back(static_cast<char>(key.kind));
  put_text(out, key.id);
}
inline RecordKey get_key(ByteReader& in) {
  RecordKey key;
  const auto kind = in.take(1);
  if (!kind.empty() && static_cast<std::size_t>(kind[0]) < kKinds)
    key.kind = static_cast<Kind>(kind[0]);
  key.id = in.text();
  return key;
}
inline std::string get_string(ByteReader& in) { return std::string{in.text()}; }
// A count that the rest of the bytes can hold, else the read fails: damage must not reserve the
// memory of the world.
inline std::size_t get_count(ByteReader& in) {
  const auto count = in.varint();
  if (count <= in.rest().size()) return static_cast<std::size_t>(count);
  in.take(count);  // more than there is
  return 0;
}
inline void put_map(std::string& out, const Map& map) {
  put_varint(out, map.size());
  for (const auto& [name, value] : map) {
    put_text(out, name);
    put_value(out, value);
  }
}
inline bool get_map(ByteReader& in, Map& map) {
  map.clear();
  const auto count = get_count(in);
  for (std::size_t i = 0; i < count; ++i) {
    auto& entry = map.emplace_back();
    entry.first = in.text();
    if (!get_value(in, entry.second)) return false;
  }
  return true;
}
inline void put_fields(std::string& out, const Fields& fields) {
  put_varint(out, fields.size());
  for (const auto& [field, value] : fields) {
    put_varint(out, static_cast<std::uint64_t>(field));
    put_value(out, value);
  }
}
inline bool get_fields(ByteReader& in, Fields& fields) {
  fields.clear();
  const auto count = get_count(in);
  for (std::size_t i = 0; i < count; ++i) {
    const auto field = static_cast<std::uint16_t>(in.varint());
    Value value;
    if (!get_value(in, value)) return false;
    fields.append(Field{field}, std::move(value));
  }
  return true;
}
inline Error damaged_state(std::string_view what) {
  return Error{Code::kDamaged,
               "the state of " + std::string{what} +
                   " is damaged; delete the state folder to rebuild it from the log"};
}

}  // namespace dealwright::codec
