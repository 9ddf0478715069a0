#include "connectors/daemon/across.h"

#include "engine/domain/united.h"
#include "engine/runtime/as_of.h"
#include "engine/runtime/homes.h"

namespace dealwright::daemon {
namespace {

struct Known {
  Pipelines pipelines;
  SchemaPtr schema;
};

}  // namespace

Result<std::optional<UnitedRecord>> read_record(Workspace& workspace, const RecordKey& key,
                                                const PastInstant& at) {
  std::vector<std::optional<Record>> told(workspace.partitions());
  std::vector<std::optional<Known>> known(workspace.partitions());
  DW_TRY(workspace.look_in_all([&](PartitionId id, runtime::Partition& partition) {
    const auto* record = partition.state().find(key);
    if (record == nullptr || (record->counts.empty() && record->facts.empty())) return false;
    told[id] = *record;
    const auto& reference = partition.state().reference;
    known[id] = {reference.pipelines, reference.schemas.share_current()};
    return !partition.is_settled(key);
  }));
  std::vector<std::pair<PartitionId, Record>> found;
  for (PartitionId id = 0; id < told.size(); ++id) {
    if (!told[id]) continue;
    // Where facts about it were folded stands before where others only imply something of it.
    const bool first = found.empty() || runtime::is_folded_here(&found.front().second) ||
                       !runtime::is_folded_here(&*told[id]);
    found.emplace(first ? found.end() : found.begin(), id, std::move(*told[id]));
  }
  if (found.empty()) return std::optional<UnitedRecord>{};
  auto& reference = *known[found.front().first];
  if (!at.now()) {
    std::vector<std::pair<PartitionId, Record>> past;
    for (const auto& [id, now] : found) {
      Result<std::optional<Record>> then = std::optional<Record>{};
      DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
        then = runtime::record_as_of(partition.state(), workspace.log(), id, key, at.as_of,
                                     at.known_by);
      }));
      DW_TRY(auto record, std::move(then));
      if (record) past.emplace_back(id, std::move(*record));
    }
    found = std::move(past);
    if (found.empty()) return std::optional<UnitedRecord>{};
  }
  UnitedRecord out;
  std::vector<const Record*> parts;
  for (const auto& [id, record] : found) {
    out.partitions.push_back(id);
    parts.push_back(&record);
  }
  out.record = unite(parts, reference.pipelines);
  out.schema = std::move(reference.schema);
  return std::optional{std::move(out)};
}

Result<std::vector<Stop>> follow(Workspace& workspace, Placed place,
                                 const std::vector<Position>& starts) {
  std::vector<Stop> out;
  for (std::uint32_t hops = 0; hops <= runtime::kHopsMax + 1; ++hops) {
    DW_TRY(auto fate, runtime::fate_of(workspace.log(), place.partition, place.position));
    out.push_back({place, fate});
    if (fate.number == 0) break;
    const Position start = starts.empty() ? 0 : starts[fate.to];
    DW_TRY(const auto next,
           runtime::find_send(workspace.log(), fate.to, place.partition, fate.number, start));
    if (!next) break;  // on its way, or retention took it
    place = {fate.to, *next};
  }
  return out;
}

Result<std::vector<Position>> event_ends(Workspace& workspace) {
  std::vector<Position> out;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) {
      out.push_back(0);
      continue;
    }
    DW_TRY(const auto end, workspace.log().end(Topic::kEvents, id));
    out.push_back(end);
  }
  return out;
}

}  // namespace dealwright::daemon
