#include "connectors/daemon/timeline.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "engine/runtime/timeline.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kAllAtOnce = 10'000;

std::string mark_of(const runtime::TimelineEntry& entry) {
  std::string out = entry.retracted ? "retracted" : entry.late ? "late" : "";
  if (!entry.flags.empty()) out += (out.empty() ? "" : ", ") + entry.flags;
  return out;
}

std::vector<Value> row_of(PartitionId id, const runtime::TimelineEntry& entry) {
  const auto place = std::to_string(id) + ":" + std::to_string(entry.position);
  return {entry.occurred > kInstantMin ? Value{entry.occurred} : Value{Null{}},
          Value{entry.what},
          Value{entry.who},
          Value{mark_of(entry)},
          Value{(entry.decision ? "d" : "e") + place},
          entry.detail};
}

using Indexes = std::map<PartitionId, runtime::TimelineIndex>;

// Of the partitions in which something is known of it.
Result<Indexes> read_indexes(Workspace& workspace, const RecordKey& key) {
  Indexes out;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    std::optional<Error> bad;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      auto& state = partition.state();
      const auto* record = state.find(key);
      if (record == nullptr || (record->counts.empty() && record->facts.empty())) return;
      auto index = runtime::timeline_index(state, workspace.log(), id, key);
      if (index) {
        out.emplace(id, std::move(index.value()));
      } else {
        bad = index.error();
      }
    }));
    if (bad) return *bad;
  }
  if (out.empty()) return Error{Code::kNotFound, "no record " + to_text(key)};
  return out;
}

// Where a page ended: behind so many rows of a place.
struct Spot {
  std::int64_t occurred = kBeforeAll.ms;
  std::uint64_t partition = 0;
  std::uint64_t number = 0;
  std::uint64_t rows = 0;
  auto key() const { return std::tuple{occurred, partition, number}; }
};

template <class T>
bool take_number(std::string_view& text, char end, T& out) {
  const auto [at, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (bad != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  if (end == '\0') return text.empty();
  if (text.empty() || text.front() != end) return false;
  text.remove_prefix(1);
  return true;
}

Result<std::optional<Spot>> read_spot(std::string_view text) {
  if (text.empty()) return std::optional<Spot>{};
  Spot out;
  if (take_number(text, ':', out.occurred) && take_number(text, ':', out.partition) &&
      take_number(text, ':', out.number) && take_number(text, '\0', out.rows)) {
    return std::optional{out};
  }
  return Error{Code::kInvalid, "that is no place of a timeline"};
}

std::string text_of(const Spot& spot) {
  return std::to_string(spot.occurred) + ":" + std::to_string(spot.partition) + ":" +
         std::to_string(spot.number) + ":" + std::to_string(spot.rows);
}

struct Ordered {
  Spot spot;
  const runtime::TimelineIndex* index = nullptr;
  const runtime::TimelinePlace* place = nullptr;
};

std::vector<Ordered> in_order(const Indexes& indexes) {
  std::vector<Ordered> out;
  for (const auto& [id, index] : indexes) {
    for (const auto& place : index.places) {
      out.push_back({{place.entry.occurred.ms, id, place.number, 0}, &index, &place});
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Ordered& a, const Ordered& b) { return a.spot.key() < b.spot.key(); });
  return out;
}

}  // namespace

std::vector<ViewColumn> timeline_columns() {
  return {{"occurred", "instant"}, {"what", "text"},     {"who", "text"},
          {"mark", "text"},        {"position", "text"}, {"detail", "json"}};
}

Result<TimelinePage> timeline_page(Workspace& workspace, const RecordKey& key,
                                   std::string_view after, std::size_t limit) {
  DW_TRY(const auto from, read_spot(after));
  DW_TRY(const auto indexes, read_indexes(workspace, key));
  TimelinePage out;
  out.rows.columns = timeline_columns();
  auto& rows = out.rows.rows;
  if (!from) {
    for (const auto& [id, index] : indexes) {
      if (index.released > 0) rows.push_back(row_of(id, runtime::released_entry(index.released)));
    }
  }
  for (auto& [spot, index, place] : in_order(indexes)) {
    if (from && spot.key() < from->key()) continue;
    const auto skip = from && spot.key() == from->key() ? from->rows : 0;
    if (rows.size() >= limit) {  // there is more
      if (out.last.empty()) out.last = text_of({spot.occurred, spot.partition, spot.number, skip});
      break;
    }
    const auto id = static_cast<PartitionId>(spot.partition);
    DW_TRY(const auto entries,
           runtime::read_timeline(index->reference, workspace.log(), id, key, *place));
    for (std::uint64_t i = skip; i < entries.size(); ++i) {
      if (rows.size() == limit) {
        out.last = text_of({spot.occurred, spot.partition, spot.number, i});
        return out;
      }
      rows.push_back(row_of(id, entries[i]));
    }
  }
  return out;
}

Result<ViewRows> timeline_rows(Workspace& workspace, const RecordKey& key) {
  ViewRows out;
  std::string after;
  do {
    DW_TRY(auto page, timeline_page(workspace, key, after, kAllAtOnce));
    out.columns = std::move(page.rows.columns);
    std::move(page.rows.rows.begin(), page.rows.rows.end(), std::back_inserter(out.rows));
    after = std::move(page.last);
  } while (!after.empty());
  return out;
}

// ---- told as it comes

std::optional<TimelineTold> TimelineTold::parse(std::string_view text) {
  TimelineTold out;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    auto one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    PartitionId id = 0;
    Part part;
    if (!take_number(one, ':', id) || !take_number(one, '.', part.entries) ||
        !take_number(one, '\0', part.marked)) {
      return std::nullopt;
    }
    out.parts_[id] = part;
  }
  return out;
}

std::string TimelineTold::text() const {
  std::string out;
  for (const auto& [id, part] : parts_) {
    out += (out.empty() ? "" : ",") + std::to_string(id) + ":" + std::to_string(part.entries) +
           "." + std::to_string(part.marked);
  }
  return out;
}

struct TimelineReader {
  Workspace& workspace;
  const RecordKey& key;
  TimelineTold& told;
  std::size_t most;
  TimelineNews out = {};

  // True: each partition's history goes on from what was told.
  bool goes_on(const Indexes& indexes) const {
    return std::all_of(told.parts_.begin(), told.parts_.end(), [&](const auto& part) {
      const auto index = indexes.find(part.first);
      return index != indexes.end() && part.second.entries <= index->second.entries &&
             part.second.marked == index->second.marked;
    });
  }

  Result<void> add(PartitionId id, const runtime::TimelineIndex& index) {
    auto& part = told.parts_[id];
    const bool first = part.entries == 0;
    part.marked = index.marked;
    if (first && index.released > 0) {
      out.rows.emplace_back(row_of(id, runtime::released_entry(index.released)), told.text());
    }
    for (const auto& place : index.places) {
      if (place.number < part.entries) continue;
      if (out.rows.size() >= most) {
        out.more = true;
        return ok();
      }
      DW_TRY(const auto entries,
             runtime::read_timeline(index.reference, workspace.log(), id, key, place));
      part.entries = place.number + 1;
      // Who was told some of a place's rows is told all of them again.
      for (const auto& entry : entries) out.rows.emplace_back(row_of(id, entry), "");
      if (!entries.empty()) out.rows.back().second = told.text();
    }
    part.entries = index.entries;
    return ok();
  }
};

Result<TimelineNews> timeline_news(Workspace& workspace, const RecordKey& key, TimelineTold& told,
                                   std::size_t most) {
  DW_TRY(const auto indexes, read_indexes(workspace, key));
  TimelineReader reader{workspace, key, told, most};
  if (!reader.goes_on(indexes)) {
    told = {};
    reader.out.reset = true;
  }
  for (const auto& [id, index] : indexes) {
    DW_TRY(reader.add(id, index));
    if (reader.out.more) break;
  }
  return std::move(reader.out);
}

}  // namespace dealwright::daemon
