// What State holds unpacked of records and enrolments. Inside its sources.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/runtime/packed_records.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {

// What a record takes in memory, near enough for a limit.
std::size_t weigh(const Record& record);

struct State::Records {
  explicit Records(std::size_t limit) : bytes_max{limit / 4}, packed{limit / 4 * 3} {}
  const std::size_t bytes_max;
  RecordTable table;
  PackedRecords packed;  // none that is in the table
  std::vector<RecordSlot*> dirty;
  std::size_t written = 0;        // of `dirty`, from its beginning: written back already
  std::size_t dirty_bytes = 500;  // what one took in the generation before
  std::size_t bytes = 0;
  std::string text;            // reused
  RecordSlot* last = nullptr;  // asked for: often asked again
  RecordKey missing;           // asked for and not there: asked again before it is made
};

// Enrolments in use since the last write-back: most are started, act and end within one decision,
// and are never encoded.
struct State::Enrolments {
  struct Slot {
    std::optional<Enrolment> value;  // none: erased
    bool dirty = false;
  };
  struct IdHash {
    using is_avalanching = void;
    std::size_t operator()(const EnrolmentId& id) const { return id.low; }
  };
  using Slots = std::unordered_map<EnrolmentId, Slot, IdHash>;
  Slots slots;
  Slots::value_type* last = nullptr;  // asked for: often asked again
  // None: not in memory.
  Slot* find(const EnrolmentId& id) {
    if (last != nullptr && last->first == id) return &last->second;
    const auto it = slots.find(id);
    if (it == slots.end()) return nullptr;
    last = &*it;
    return &it->second;
  }
  Slot& place(const EnrolmentId& id) {  // made if need be
    if (last == nullptr || last->first != id) last = &*slots.try_emplace(id).first;
    return last->second;
  }
  void clear() {
    last = nullptr;
    slots.clear();
  }
};

}  // namespace dealwright::runtime
