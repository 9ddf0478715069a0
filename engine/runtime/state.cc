#include "engine/runtime/state.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/planted.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/state_memory.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kOpenEffectsInMemory = 4096;

std::string single(char letter) { return std::string(1, letter); }

}  // namespace

// ---- views: cells below their own prefix

class State::Cells : public ViewReader {
 public:
  Cells(State& state, std::string prefix)
      : state_{state}, cache_{state.cache_}, prefix_{std::move(prefix)} {}
  const std::string& prefix() const { return prefix_; }
  // A view that folds has nobody to tell of an error: it sticks here, and stops the partition.
  Result<std::optional<std::string>> get(std::string_view key) const override {
    auto value = cache_.get(prefix_ + std::string{key});
    if (!value) state_.fail(value.error());
    return value;
  }
  Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    const auto end = to.empty() ? prefix_end(prefix_) : prefix_ + std::string{to};
    return cache_.scan(prefix_ + std::string{from}, end,
                       [&](std::string_view key, std::string_view value) {
                         return visit(key.substr(prefix_.size()), value);
                       });
  }

 private:
  State& state_;
  const KvCache& cache_;
  const std::string prefix_;
};

State::State(Store& store, StateLimits limits)
    : store_{store},
      limits_{limits},
      cache_{store, "TSABPUOGQ"},
      timers_{cache_, limits.timers_in_memory},
      open_effects_{cache_, kOpenEffectsInMemory},
      records_{std::make_unique<Records>(limits.record_cache_bytes)},
      enrolments_{std::make_unique<Enrolments>()} {}

State::~State() = default;

Result<std::unique_ptr<State>> State::open(Store& store, FileSystem& files,
                                           std::string dedup_directory,
                                           std::span<const View* const> views, StateLimits limits) {
  auto out = std::unique_ptr<State>{new State{store, limits}};
  DW_TRY(auto meta, store.get(single(keys::kMeta)));
  if (meta) {
    DW_TRY(auto decoded, decode_meta(*meta));
    out->meta = std::move(decoded);
    if (out->meta.state_version != kStateVersion) {
      return Error{Code::kUnsupported,
                   "the state has version " + std::to_string(out->meta.state_version) +
                       ", this binary knows version " + std::to_string(kStateVersion)};
    }
  }
  out->timers_.restore_pending(out->meta.timers);
  out->events_at_freeze_ = out->meta.events;
  DW_TRY(auto dedup, Dedup::open(files, std::move(dedup_directory), store, limits.dedup_bytes));
  out->dedup_ = std::move(dedup);
  DW_TRY(out->load_reference());
  DW_TRY(auto rules, out->published());
  for (auto& rule : rules) {
    if (!rule.status.empty()) out->rule_status_[rule.rule] = std::move(rule.status);
  }
  DW_TRY(out->open_views(views));
  return out;
}

Result<void> State::load_reference() {
  const auto first = single(keys::kPipeline);
  std::optional<Error> bad;
  DW_TRY(store_.scan(first, prefix_end(first), [&](std::string_view, std::string_view value) {
    ByteReader in{value};
    Stamp stamp;
    stamp.occurred.ms = in.signed_varint();
    stamp.order = in.varint();
    Event event;
    if (auto decoded = codec::decode(in.rest(), event); !decoded) {
      bad = decoded.error();
      return false;
    }
    auto pipeline = read_pipeline(event.subject.id, event.data);
    if (pipeline) reference.pipelines.put(std::move(pipeline.value()), stamp);
    return true;
  }));
  const auto schemas = single(keys::kSchema);
  DW_TRY(
      store_.scan(schemas, prefix_end(schemas), [&](std::string_view key, std::string_view value) {
        ByteReader order{key.substr(1)};
        Event event;
        if (auto decoded = codec::decode(value, event); !decoded) {
          bad = decoded.error();
          return false;
        }
        if (auto schema = read_schema(event.data)) {
          reference.schemas.put(std::move(schema.value()), order.key64());
        }
        return true;
      }));
  if (bad) return *bad;
  return ok();
}

Result<void> State::open_views(std::span<const View* const> views) {
  for (const auto* view : views) {
    DW_TRY(auto at, store_.get(keys::with_letter(keys::kViewAt, view->name())));
    const bool fresh = meta.events == 0 && meta.decisions == 0;
    const bool same = at && *at == std::to_string(view->version());
    if (!fresh && !same) {
      stale_views_.push_back(view);
      continue;
    }
    auto cells = std::make_unique<Cells>(*this, keys::view_prefix(view->name(), view->version()));
    DW_TRY(auto fold, view->open(*cells));
    live_views_.push_back(fold.get());
    views_.push_back({view, std::move(cells), std::move(fold)});
  }
  return ok();
}

ViewFold* State::view_fold(std::string_view name) const {
  for (const auto& open : views_) {
    if (open.view->name() == name) return open.fold.get();
  }
  return nullptr;
}

Result<void> State::adopt_view(const View& view, const std::vector<StoreWrite>& cells) {
  const auto prefix = keys::view_prefix(view.name(), view.version());
  const std::string all = keys::with_letter(keys::kView, view.name()) + '\0';
  std::vector<std::string> gone;
  DW_TRY(cache_.scan(all, prefix_end(all), [&](std::string_view key, std::string_view) {
    gone.emplace_back(key);
    return true;
  }));
  for (auto& key : gone) cache_.erase(std::move(key));
  for (const auto& cell : cells) {
    if (cell.value) cache_.put(prefix + cell.key, *cell.value);
  }
  const auto same = [&](const OpenView& open) { return open.view->name() == view.name(); };
  if (const auto it = std::find_if(views_.begin(), views_.end(), same); it != views_.end()) {
    live_views_.erase(std::find(live_views_.begin(), live_views_.end(), it->fold.get()));
    views_.erase(it);
  }
  std::erase(stale_views_, &view);
  auto reader = std::make_unique<Cells>(*this, prefix);
  DW_TRY(auto fold, view.open(*reader));
  live_views_.push_back(fold.get());
  views_.push_back({&view, std::move(reader), std::move(fold)});
  return ok();
}

void State::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
}

std::optional<std::string> State::read(std::string_view key) {
  auto value = cache_.get(key);
  if (!value) {
    fail(value.error());
    return std::nullopt;
  }
  return std::move(value.value());
}

RecordSlot* State::locate(const RecordKey& key, bool create) {
  auto& records = *records_;
  if (records.last != nullptr && records.last->record.key == key) return records.last;
  const auto hash = RecordTable::hash_of(key.kind, key.id);
  if (auto* slot = records.table.find(key, hash)) {
    slot->used = true;
    ++lookups_.hits;
    return records.last = slot;
  }
  ++lookups_.misses;
  auto slot = std::make_unique<RecordSlot>();
  slot->hash = hash;
  if (!load(*slot, key) && !create) {
    records.missing = key;
    return nullptr;
  }
  if (records.missing == key) records.missing = {};
  slot->record.key = key;
  return records.last = &insert(std::move(slot));
}

RecordSlot& State::insert(std::unique_ptr<RecordSlot> slot) {
  slot->touched = meta.decisions;  // what it was packed with may still be in flight
  slot->bytes = weigh(slot->record);
  records_->bytes += slot->bytes;
  return records_->table.insert(std::move(slot));
}

// Fills the slot with what is kept of the record beyond the table. False: it was never heard of.
bool State::load(RecordSlot& slot, const RecordKey& key) {
  if (records_->missing == key) return false;
  auto packed = records_->packed.take(slot.hash, key, slot.record);
  if (packed && packed.value()) return true;
  auto loaded = packed ? Result<void>{ok()} : packed.error();
  const auto bytes = read(keys::record(key));
  if (bytes && loaded) loaded = codec::decode(*bytes, slot.record);
  if (!loaded) fail(loaded.error());
  return bytes && loaded;
}

const RecordTable& State::records() const { return records_->table; }

Record* State::find(const RecordKey& key) {
  auto* slot = locate(key, false);
  return slot == nullptr ? nullptr : &slot->record;
}

bool State::rests_on(const RecordKey& key, std::uint64_t confirmed) {
  const auto* slot = locate(key, false);
  return slot == nullptr || slot->touched < confirmed;
}

Record& State::touch(const RecordKey& key) {
  auto* slot = locate(key, true);
  slot->touched = meta.decisions;
  if (!slot->dirty) {
    slot->dirty = true;
    records_->dirty.push_back(slot);
  }
  return slot->record;
}

// ---- enrolments

const Enrolment* State::enrolment(const EnrolmentId& id) {
  auto* slot = enrolments_->find(id);
  if (slot == nullptr) {
    const auto bytes = read(keys::enrolment(id));
    if (!bytes) return nullptr;
    Enrolment read;
    if (auto decoded = codec::decode(*bytes, read); !decoded) {
      fail(decoded.error());
      return nullptr;
    }
    slot = &enrolments_->place(id);
    slot->value = std::move(read);
  }
  return slot->value ? &*slot->value : nullptr;
}
Enrolment* State::edit_enrolment(const EnrolmentId& id) {
  if (enrolment(id) == nullptr) return nullptr;
  auto& slot = enrolments_->place(id);
  slot.dirty = true;
  return &*slot.value;
}
void State::put(const Enrolment& enrolment) {
  auto& slot = enrolments_->place(enrolment.id);
  slot.value = enrolment;
  slot.dirty = true;
}
void State::erase_enrolment(const EnrolmentId& id) {
  auto& slot = enrolments_->place(id);
  slot.value.reset();
  slot.dirty = true;
}

std::size_t State::cached_records() const { return records_->table.size(); }

void State::add_history(Record& record, HistoryEntry entry) {
  if (record.history.size() == kHistoryChunk) {
    std::string chunk;
    codec::encode_history_chunk(record, chunk);
    cache_.put(keys::history(record.key, record.chunks), std::move(chunk));
    ++record.chunks;
    record.history.clear();
  }
  record.history.push_back(entry);
}

Result<std::vector<HistoryEntry>> State::history(const Record& record) const {
  std::vector<HistoryEntry> out;
  for (std::uint64_t chunk = 0; chunk <= record.chunks; ++chunk) {
    DW_TRY(const auto part, history_part(record, chunk));
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

Result<std::vector<HistoryEntry>> State::history_part(const Record& record,
                                                      std::uint64_t chunk) const {
  if (chunk >= record.chunks) return record.history.entries();
  DW_TRY(auto kept, history_chunk(record, chunk));
  return std::move(kept.entries);
}

Result<codec::HistoryChunk> State::history_chunk(const Record& record, std::uint64_t chunk) const {
  DW_TRY(auto bytes, cache_.get(keys::history(record.key, chunk)));
  if (!bytes) return Error{Code::kDamaged, "history of " + veiled(record.key) + " has a hole"};
  return codec::decode_history_chunk(*bytes);
}

void State::put_history_chunk(const RecordKey& key, std::uint64_t chunk,
                              codec::HistoryChunk value) {
  value.checkpoint.history = value.entries;
  std::string bytes;
  codec::encode_history_chunk(value.checkpoint, bytes);
  cache_.put(keys::history(key, chunk), std::move(bytes));
}

// ---- generations

void State::write_back(bool packing) {
  write_back_records(records_->dirty.size(), packing);
  for (const auto& [id, slot] : enrolments_->slots) {
    if (!slot.dirty) continue;
    if (!slot.value) {
      cache_.erase(keys::enrolment(id));
      continue;
    }
    const auto& enrolment = *slot.value;
    records_->text.clear();
    codec::encode(enrolment, records_->text);
    cache_.put(keys::enrolment(id), records_->text);
    if (enrolment.due && enrolment.first) {
      timers_.keep({*enrolment.due, enrolment.rule, id, enrolment.step}, enrolment.key,
                   records_->text);
    }
  }
  enrolments_->clear();
  write_back_flows();
  ahead_ = 0;
  write_back_views();
  for (const auto& open : views_) {
    cache_.put(keys::with_letter(keys::kViewAt, open.view->name()),
               std::to_string(open.view->version()));
  }
  meta.timers = timers_.pending();
  std::string bytes;
  encode(meta, bytes);
  cache_.put(single(keys::kMeta), std::move(bytes));
}

void State::write_back_views() {
  std::vector<StoreWrite> cells;
  for (const auto& open : views_) {
    cells.clear();
    open.fold->take_dirty(cells);
    for (auto& cell : cells) {
      auto key = open.cells->prefix() + cell.key;
      if (cell.value) {
        cache_.put(std::move(key), std::move(*cell.value));
      } else {
        cache_.erase(std::move(key));
      }
    }
  }
}

Result<Sha256> State::fingerprint() {
  write_back();
  Sha256Stream stream;
  std::string lengths;
  for (char letter = 'A'; letter <= 'Z'; ++letter) {
    if (letter == keys::kDedup) continue;
    DW_TRY(scan(letter, [&](std::string_view key, std::string_view value) {
      lengths.clear();
      put_varint(lengths, key.size());
      put_varint(lengths, value.size());
      stream.update(lengths);
      stream.update(key);
      stream.update(value);
      return true;
    }));
  }
  return stream.finish();
}

bool State::wants_freeze() const {
  return meta.events - events_at_freeze_ >= limits_.generation_events ||
         cache_.bytes() + (records_->dirty.size() - records_->written) * records_->dirty_bytes +
                 enrolments_->slots.size() * 600 >=
             limits_.generation_bytes;
}

State::Frozen State::freeze() {
  pack_unused();
  write_back(true);
  Frozen out;
  out.events = meta.events;
  out.decisions = meta.decisions;
  events_at_freeze_ = meta.events;
  records_->ahead.reset();
  // Planted bug 5: ids expire by the wall clock.
  out.ids = dedup_->freeze(DW_PLANTED(5) ? Instant{planted_wall_ms} : meta.now);
  out.generation = cache_.freeze();
  return out;
}

Result<void> State::write(const Frozen& frozen, Store& store) {
  DW_TRY(auto ids, frozen.ids->run());
  const auto batch = frozen.generation->sorted(ids);
  // Planted bugs 2 and 3: the positions in a batch of their own; the state in two parts.
  const auto is_meta = [](const StoreEntry& entry) { return entry.key == single(keys::kMeta); };
  if (DW_PLANTED(2))
    static_cast<void>(store.write(std::span{std::ranges::find_if(batch, is_meta), 1}));
  if (DW_PLANTED(3)) static_cast<void>(store.write(std::span{batch}.first(batch.size() / 2)));
  DW_TRY(store.write(batch));
  return store.flush();
}

void State::thaw(const Frozen& frozen) {
  dedup_->adopt(*frozen.ids);
  cache_.thaw();
}

Result<void> State::scan(std::string_view from, std::string_view to,
                         const KvCache::Visit& visit) const {
  return cache_.scan(from, to, visit);
}
Result<void> State::scan(char letter, const KvCache::Visit& visit) const {
  const auto first = single(letter);
  return cache_.scan(first, prefix_end(first), visit);
}

}  // namespace dealwright::runtime
