#include "projections/cell_history.h"

#include <algorithm>

#include "engine/base/bytes.h"

namespace dealwright::projections {
namespace {

// Tables below the prefix:
//   c cell              -> number, current sums
//   d month month day day cell -> sums   (occurred month, ingested month, occurred day, ingested
//   day) m month month cell  -> sums o day chunk, i day chunk   -> up to kChunk deltas of an
//   occurred / ingested day, in order O day, I day        -> how many deltas that day has
constexpr char kCurrent = 'c';
constexpr char kDay = 'd';
constexpr char kMonth = 'm';
constexpr char kByOccurred = 'o';
constexpr char kByIngested = 'i';
constexpr std::size_t kChunk = 1024;
constexpr std::size_t kSumsKept = 16'384;  // in memory between generations

void put_key_day(std::string& out, std::int32_t day) {
  put_key32(out, static_cast<std::uint32_t>(day) ^ 0x80000000U);
}
std::int32_t get_key_day(ByteReader& in) {
  return static_cast<std::int32_t>(in.key32() ^ 0x80000000U);
}
std::int32_t month_of(std::int32_t day) { return month_number(civil(LocalDate{day})); }
std::int32_t day_of(Instant at) {
  const auto clamped = std::clamp(at, kInstantMin, kInstantMax);
  return utc_date(clamped).days;
}

void put_sums(std::string& out, const Sums& sums) {
  for (const auto v : sums) put_signed(out, v);
}
Sums get_sums(ByteReader& in) {
  Sums out;
  for (auto& v : out) v = in.signed_varint();
  return out;
}
void add_to(Sums& sums, const Sums& more) {
  for (std::size_t i = 0; i < kMeasures; ++i) sums[i] += more[i];
}
bool zero(const Sums& sums) {
  return std::all_of(sums.begin(), sums.end(), [](auto v) { return v == 0; });
}
char count_table(char table) { return table == kByOccurred ? 'O' : 'I'; }

}  // namespace

Result<CellHistory> CellHistory::open(const ViewReader& reader, std::string prefix) {
  CellHistory out{reader, std::move(prefix)};
  const auto from = out.prefix_ + kCurrent;
  DW_TRY(reader.scan(from, prefix_end(from), [&](std::string_view key, std::string_view value) {
    ByteReader in{value};
    const auto id = static_cast<std::uint32_t>(in.varint());
    if (out.cells_.size() <= id) out.cells_.resize(id + 1);
    out.cells_[id].key = key.substr(from.size());
    out.cells_[id].current = get_sums(in);
    out.ids_.emplace(out.cells_[id].key, id);
    return true;
  }));
  const auto days = out.prefix_ + count_table(kByIngested);
  DW_TRY(reader.scan(days, prefix_end(days), [&](std::string_view key, std::string_view) {
    ByteReader in{key.substr(days.size())};
    out.stored_until_ = get_key_day(in);  // in order
    return true;
  }));
  return out;
}

std::uint32_t CellHistory::cell_of(std::string_view key) {
  const auto it = ids_.find(key);
  if (it != ids_.end()) return it->second;
  const auto id = static_cast<std::uint32_t>(cells_.size());
  cells_.push_back({std::string{key}, {}, false});
  ids_.emplace(key, id);
  return id;
}

CellHistory::Sum& CellHistory::sum_of(char table, const DayKey& at) {
  auto& sum = (table == kDay ? days_ : months_)[at];
  if (!sum.known) {
    sum.known = true;
    if (table == kDay && at.ingested > stored_until_) return sum;  // none is stored
    if (auto stored = reader_->get(key_of(table, at)); stored && stored.value()) {
      ByteReader in{*stored.value()};
      sum.values = get_sums(in);
    }
  }
  return sum;
}

std::string CellHistory::key_of(char table, const DayKey& at) const {
  std::string key = prefix_ + table;
  const bool day = table == kDay;
  put_key_day(key, day ? month_of(at.occurred) : at.occurred);
  put_key_day(key, day ? month_of(at.ingested) : at.ingested);
  if (day) put_key_day(key, at.occurred);
  if (day) put_key_day(key, at.ingested);
  put_key32(key, at.cell);
  return key;
}

std::string CellHistory::chunk_key(char table, std::int32_t day, std::uint64_t number) const {
  std::string key = prefix_ + table;
  put_key_day(key, day);
  put_key32(key, static_cast<std::uint32_t>(number));
  return key;
}

// The open chunk of a day, as far as it is stored.
CellHistory::Day& CellHistory::day_at(char table, std::int32_t day) {
  auto& slot = (table == kByOccurred ? by_occurred_ : by_ingested_)[day];
  if (slot == nullptr) {
    slot = std::make_unique<Day>();
    std::string count_key = prefix_ + count_table(table);
    put_key_day(count_key, day);
    if (auto stored = reader_->get(count_key); stored && stored.value()) {
      ByteReader in{*stored.value()};
      slot->count = in.varint();
    }
    if (slot->count % kChunk != 0) {
      auto stored = reader_->get(chunk_key(table, day, slot->count / kChunk));
      if (stored && stored.value()) slot->chunk = std::move(*stored.value());
    }
  }
  return *slot;
}

void CellHistory::append(char table, std::int32_t day) {
  auto& open = day_at(table, day);
  open.chunk += encoded_;
  if (++open.count % kChunk == 0) {
    open.full.push_back({chunk_key(table, day, open.count / kChunk - 1), std::move(open.chunk)});
    open.chunk.clear();
  }
}

void CellHistory::add(std::string_view key, Instant occurred, Instant ingested, const Sums& delta) {
  const auto id = cell_of(key);
  auto& cell = cells_[id];
  add_to(cell.current, delta);
  if (!cell.dirty) {
    cell.dirty = true;
    dirty_.push_back(id);
  }
  const auto day_t = day_of(occurred);
  const auto day_k = day_of(ingested);
  auto& sum = sum_of(kDay, {day_t, day_k, id});
  add_to(sum.values, delta);
  add_to(sum.since, delta);
  sum.dirty = true;
  encoded_.clear();
  put_signed(encoded_, occurred.ms);
  put_signed(encoded_, ingested.ms - occurred.ms);
  put_varint(encoded_, id);
  put_sums(encoded_, delta);
  append(kByOccurred, day_t);
  append(kByIngested, day_k);
}

void CellHistory::write_sums(std::vector<StoreWrite>& out) {
  const auto write = [&](char table, const DayKey& at, const Sum& sum) {
    std::string value;
    put_sums(value, sum.values);
    out.push_back({key_of(table, at), std::move(value)});
  };
  for (auto& [at, sum] : days_) {
    if (!sum.dirty) continue;
    auto& month = sum_of(kMonth, {month_of(at.occurred), month_of(at.ingested), at.cell});
    add_to(month.values, sum.since);
    month.dirty = true;
    write(kDay, at, sum);
    sum.since = {};
    sum.dirty = false;
  }
  for (auto& [at, sum] : months_) {
    if (sum.dirty) write(kMonth, at, sum);
    sum.dirty = false;
  }
  if (days_.size() > kSumsKept) {
    for (const auto& [at, sum] : days_) stored_until_ = std::max(stored_until_, at.ingested);
    days_.clear();
  }
  if (months_.size() > kSumsKept) months_.clear();
}

void CellHistory::write_days(char table, std::vector<StoreWrite>& out) {
  auto& days = table == kByOccurred ? by_occurred_ : by_ingested_;
  for (auto& [day, open] : days) {
    for (auto& chunk : open->full) out.push_back(std::move(chunk));
    if (open->count % kChunk != 0) {
      out.push_back({chunk_key(table, day, open->count / kChunk), std::move(open->chunk)});
    }
    std::string key = prefix_ + count_table(table);
    put_key_day(key, day);
    std::string value;
    put_varint(value, open->count);
    out.push_back({std::move(key), std::move(value)});
  }
  days.clear();
}

void CellHistory::take_dirty(std::vector<StoreWrite>& out) {
  if (dirty_.empty()) return;
  const auto first = static_cast<std::ptrdiff_t>(out.size());
  for (const auto id : dirty_) {
    auto& cell = cells_[id];
    cell.dirty = false;
    std::string value;
    put_varint(value, id);
    put_sums(value, cell.current);
    out.push_back({prefix_ + kCurrent + cell.key, std::move(value)});
  }
  dirty_.clear();
  write_sums(out);
  write_days(kByOccurred, out);
  write_days(kByIngested, out);
  std::sort(out.begin() + first, out.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
}

Result<void> CellHistory::add_stored(
    char table, std::string_view from, std::string_view to, std::vector<Sums>& sums,
    const std::function<bool(std::int64_t, std::int64_t)>& take) const {
  return reader_->scan(from, to, [&](std::string_view key, std::string_view value) {
    ByteReader in{key.substr(prefix_.size() + 1)};
    std::int64_t occurred = get_key_day(in);
    std::int64_t ingested = get_key_day(in);
    if (table == kDay) {
      occurred = get_key_day(in);
      ingested = get_key_day(in);
    }
    const auto cell = in.key32();
    if (cell < sums.size() && take(occurred, ingested)) {
      ByteReader bytes{value};
      add_to(sums[cell], get_sums(bytes));
    }
    return true;
  });
}

// Day cells whose occurred month is `month_t`, or whose ingested month is `month_k`: the others
// stand in month cells, or lie outside.
Result<void> CellHistory::add_boundary_months(
    std::int32_t month_t, std::int32_t month_k, std::vector<Sums>& sums,
    const std::function<bool(std::int64_t, std::int64_t)>& take) const {
  const auto table = prefix_ + kDay;
  auto newest = table;
  put_key_day(newest, month_t);
  DW_TRY(add_stored(kDay, newest, prefix_end(newest), sums, take));
  std::int32_t month = month_t;
  DW_TRY(reader_->scan(table, newest, [&](std::string_view key, std::string_view) {
    ByteReader in{key.substr(table.size())};
    month = get_key_day(in);
    return false;
  }));
  for (; month < month_t; ++month) {
    auto from = table;
    put_key_day(from, month);
    put_key_day(from, month_k);
    DW_TRY(add_stored(kDay, from, prefix_end(from), sums, take));
  }
  return ok();
}

Result<void> CellHistory::add_day_deltas(char table, std::int32_t day, std::vector<Sums>& sums,
                                         const std::function<bool(const Delta&)>& take) const {
  std::string from = prefix_ + table;
  put_key_day(from, day);
  return reader_->scan(from, prefix_end(from), [&](std::string_view, std::string_view value) {
    ByteReader in{value};
    while (!in.at_end()) {
      Delta delta;
      delta.occurred.ms = in.signed_varint();
      delta.ingested.ms = delta.occurred.ms + in.signed_varint();
      delta.cell = static_cast<std::uint32_t>(in.varint());
      delta.values = get_sums(in);
      if (delta.cell < sums.size() && take(delta)) add_to(sums[delta.cell], delta.values);
    }
    return true;
  });
}

// Months wholly before both bounds by month; in the bounds' months by day; on the bounds' days one
// by one. A delta is taken by exactly one of the three.
Result<void> CellHistory::sum(
    Instant as_of, Instant known_by,
    const std::function<void(std::string_view, const Sums&)>& visit) const {
  std::vector<Sums> sums(cells_.size());
  if (as_of == kAfterAll && known_by == kAfterAll) {
    for (std::size_t i = 0; i < cells_.size(); ++i) sums[i] = cells_[i].current;
  } else {
    const auto day_t = day_of(as_of);
    const auto day_k = day_of(known_by);
    const auto month_t = month_of(day_t);
    const auto month_k = month_of(day_k);
    const auto month_from = prefix_ + kMonth;
    DW_TRY(add_stored(kMonth, month_from, prefix_end(month_from), sums,
                      [&](std::int64_t occurred, std::int64_t ingested) {
                        return occurred < month_t && ingested < month_k;
                      }));
    const auto by_day = [&](std::int64_t occurred, std::int64_t ingested) {
      const bool months = month_of(static_cast<std::int32_t>(occurred)) < month_t &&
                          month_of(static_cast<std::int32_t>(ingested)) < month_k;
      return !months && occurred < day_t && ingested < day_k;
    };
    DW_TRY(add_boundary_months(month_t, month_k, sums, by_day));
    const auto inside = [&](const Delta& d) {
      return d.occurred <= as_of && d.ingested <= known_by;
    };
    DW_TRY(add_day_deltas(kByOccurred, day_t, sums, inside));
    DW_TRY(add_day_deltas(kByIngested, day_k, sums, [&](const Delta& d) {
      return inside(d) && day_of(d.occurred) != day_t;  // those were taken just now
    }));
  }
  std::vector<std::uint32_t> order(cells_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return cells_[a].key < cells_[b].key; });
  for (const auto id : order) {
    if (!zero(sums[id])) visit(cells_[id].key, sums[id]);
  }
  return ok();
}

std::size_t CellHistory::memory_bytes() const {
  std::size_t bytes = cells_.size() * (sizeof(Cell) + 96);
  bytes += (days_.size() + months_.size()) * (sizeof(DayKey) + sizeof(Sum));
  for (const auto* days : {&by_occurred_, &by_ingested_}) {
    for (const auto& [day, open] : *days) {
      bytes += open->chunk.capacity() + open->full.size() * kChunk * 16;
    }
  }
  return bytes;
}

}  // namespace dealwright::projections
