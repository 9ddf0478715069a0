#include "engine/runtime/packed_records.h"

#include <utility>

#include "engine/base/bytes.h"
#include "engine/codec/state_codec.h"

namespace dealwright::runtime {

void PackedRecords::put(std::uint64_t hash, const RecordKey& key, std::string_view bytes) {
  if (young_.bytes >= half_max_) old_ = std::exchange(young_, {});
  auto& place = young_.records[hash];
  if (!place.empty()) young_.bytes -= weigh(place);
  std::string packed;
  packed.reserve(key.id.size() + bytes.size() + 3);
  packed += static_cast<char>(key.kind);
  put_text(packed, key.id);
  packed += bytes;
  place = std::move(packed);
  young_.bytes += weigh(place);
}

Result<bool> PackedRecords::take(std::uint64_t hash, const RecordKey& key, Record& out) {
  for (auto* half : {&young_, &old_}) {
    const auto it = half->records.find(hash);
    if (it == half->records.end()) continue;
    ByteReader in{it->second};
    const auto kind = static_cast<Kind>(in.take(1)[0]);
    if (kind != key.kind || in.text() != key.id) return false;  // another of the same hash
    DW_TRY(codec::decode(in.rest(), out));
    half->bytes -= weigh(it->second);
    half->records.erase(it);
    return true;
  }
  return false;
}

}  // namespace dealwright::runtime
