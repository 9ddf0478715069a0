// Records that changed since the last generation, put into the current one: in slices ahead of a
// freeze, the rest at the freeze; and packed, if there are too many.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/state_memory.h"

namespace dealwright::runtime {

std::size_t weigh(const Record& record) {
  std::size_t bytes = sizeof(RecordSlot) + 160 + record.key.id.size();
  bytes += record.fields.capacity() * sizeof(Register);
  bytes += (record.custom.size() + record.extra.size()) * (sizeof(NamedRegister) + 24);
  bytes += record.facts.memory_bytes() + record.history.memory_bytes() + record.counts.size() * 8;
  return bytes + record.watchers.size() * 16 + record.consents.size() * sizeof(ConsentRow);
}

// Packs clean records that were not asked for since the last time, if there are too many.
void State::pack_unused() {
  auto& records = *records_;
  records.last = nullptr;
  if (records.bytes <= records.bytes_max) return;
  records.table.erase_if([&](RecordSlot& slot) {
    if (slot.dirty || std::exchange(slot.used, false)) return false;
    if (records.bytes <= records.bytes_max) return false;
    records.text.clear();
    codec::encode(slot.record, records.text);
    pack(slot, records.text);
    return true;
  });
}

void State::pack(const RecordSlot& slot, std::string_view bytes) {
  records_->packed.put(slot.hash, slot.record.key, bytes);
  records_->bytes -= slot.bytes;
}

// Encodes what changed, up to the place `end` among the dirty ones; what was changed longest ago is
// packed with the same bytes if there is more than is kept unpacked.
void State::write_back_records(std::size_t end, bool packing) {
  auto& records = *records_;
  constexpr std::size_t kFar = 8, kNear = 3;
  constexpr std::size_t kEntryBytes = 64;  // of the table, for each
  const auto& dirty = records.dirty;
  std::size_t packed = 0;
  const auto begin = std::exchange(records.written, end);
  std::size_t encoded = 0;
  for (std::size_t i = begin; i < end; ++i) {
    if (i + kFar < dirty.size()) RecordTable::fetch(*dirty[i + kFar]);
    if (i + kNear < dirty.size()) RecordTable::fetch_parts(*dirty[i + kNear]);
    auto& slot = *dirty[i];
    records.text.clear();
    codec::encode(slot.record, records.text);
    encoded += slot.record.key.id.size() + records.text.size() + kEntryBytes;
    cache_.put(keys::record(slot.record.key), records.text);
    const auto bytes = weigh(slot.record);
    records.bytes += bytes - slot.bytes;
    slot.bytes = bytes;
    slot.dirty = false;
    slot.gone = packing && records.bytes > records.bytes_max;
    if (slot.gone) pack(slot, records.text);
    packed += slot.gone ? 1 : 0;
  }
  if (end > begin) records.dirty_bytes = encoded / (end - begin);
  if (end == dirty.size()) {
    records.dirty.clear();
    records.written = 0;
  }
  if (packed > 0) records.table.erase_if([](const RecordSlot& slot) { return slot.gone; });
}

// In slices, for nobody is answered meanwhile. A record that is touched again behind that is
// written again with what is left.
bool State::write_back_ahead() {
  auto& records = *records_;
  constexpr std::size_t kSlices = 32, kSliceLeast = 200;
  if (!records.ahead) records.ahead = records.dirty.size();
  const auto end = std::min(*records.ahead, records.dirty.size());
  if (records.written >= end) return false;
  const auto slice = std::max(kSliceLeast, *records.ahead / kSlices);
  const auto upto = std::min(records.written + slice, end);
  write_back_records(upto, false);
  return upto < end;
}

}  // namespace dealwright::runtime
