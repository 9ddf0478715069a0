// What timers that are due next will ask for, loaded in order and many at once.
#include <algorithm>
#include <utility>

#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/state_memory.h"

namespace dealwright::runtime {
namespace {

template <class T>
void sort_unique(std::vector<T>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

}  // namespace

// Enrolments lie by hash: of many that are due at once each would be a look-up of its own. So the
// timer of one that is the first of its id has a copy beside it, in the order of firing: written
// with the enrolment, in the same write-back. Between two of these the enrolment that was touched
// is in memory, and the copy is not looked at. Nobody else starts under the id meanwhile, else the
// timer goes first: so what a copy says is what the enrolment says.
void State::read_ahead(Instant limit) {
  constexpr std::size_t kAhead = 1024;
  constexpr std::size_t kBytesMax = std::size_t{4} << 20;
  if (ahead_ > 0) {
    --ahead_;
    return;
  }
  std::vector<RecordKey> subjects;
  std::vector<std::string> others;
  std::size_t bytes = 0;
  const auto take = [&](const EnrolmentId& id, std::string_view value) {
    auto& slot = enrolments_->slots[id];
    if (auto decoded = codec::decode(value, slot.value.emplace()); !decoded) {
      fail(decoded.error());
      return;
    }
    subjects.push_back(slot.value->subject);
  };
  auto seen = timers_.look_ahead(limit, kAhead, [&](const EnrolmentId& id, std::string_view copy) {
    if (ahead_ > 0 && bytes > kBytesMax) return false;
    ++ahead_;
    bytes += copy.size();
    if (enrolments_->slots.contains(id)) return true;
    if (copy.empty()) {
      others.push_back(keys::enrolment(id));
    } else {
      take(id, copy);
    }
    return true;
  });
  if (ahead_ > 0) --ahead_;
  sort_unique(others);
  auto read = cache_.get_sorted(others, [&](std::size_t index, std::string_view value) {
    take(keys::read_enrolment(others[index]), value);
  });
  if (!seen) fail(seen.error());
  if (!read) fail(read.error());
  load_ahead(std::move(subjects));
}

// The records of these that are not in memory.
void State::load_ahead(std::vector<RecordKey> wanted) {
  sort_unique(wanted);
  auto& records = *records_;
  std::erase_if(wanted, [&](const RecordKey& key) {
    const auto hash = RecordTable::hash_of(key.kind, key.id);
    return records.table.find(key, hash) != nullptr || records.packed.holds(hash);
  });
  std::vector<std::string> stored;
  for (const auto& key : wanted) stored.push_back(keys::record(key));
  auto loaded = cache_.get_sorted(stored, [&](std::size_t index, std::string_view bytes) {
    const auto& key = wanted[index];
    auto slot = std::make_unique<RecordSlot>();
    slot->hash = RecordTable::hash_of(key.kind, key.id);
    if (auto decoded = codec::decode(bytes, slot->record); !decoded) {
      fail(decoded.error());
      return;
    }
    slot->record.key = key;
    insert(std::move(slot));
  });
  if (!loaded) fail(loaded.error());
}

}  // namespace dealwright::runtime
