#include "connectors/daemon/records.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/runtime/keys.h"
#include "rules/check/diagnostic.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kLookedAtMax = 5'000;  // of one partition, a page

std::string_view state_of(const Life& life) { return life.state.empty() ? life.stage : life.state; }

Value value_of(const Record& record, Field field) {
  Value scratch;
  const auto* found = record.value(field, scratch);
  return found == nullptr ? Value{Null{}} : *found;
}

std::vector<Value> row_of(const RecordKey& key, const Record& record) {
  return {Value{to_text(key)}, Value{state_of(record.life)}, value_of(record, Field::kOwner),
          value_of(record, Field::kAmount),
          record.newest.occurred > kInstantMin ? Value{record.newest.occurred} : Value{Null{}}};
}

// The ids of a kind behind `after`, of all partitions, each once and in order; at most `most`.
struct Ids {
  std::vector<std::string> list;
  bool more = false;
};
Result<Ids> ids_behind(Workspace& workspace, Kind kind, const std::string& after,
                       std::size_t most) {
  std::set<std::string> ids;
  std::string last_sure;  // every partition was looked through up to here
  bool cut = false;
  std::vector<std::vector<std::string>> told(workspace.partitions());
  std::vector<Result<void>> scanned(workspace.partitions(), ok());
  DW_TRY(workspace.ask_all([&](PartitionId id, runtime::Partition& partition) {
    auto& state = partition.state();
    state.write_back();
    std::string prefix{runtime::keys::kRecord};
    prefix += static_cast<char>(kind);
    const auto from = after.empty() ? prefix : prefix + after + '\0';
    scanned[id] = state.scan(from, prefix_end(prefix), [&](std::string_view key, std::string_view) {
      told[id].emplace_back(key.substr(2));
      return told[id].size() < most;
    });
  }));
  for (PartitionId id = 0; id < told.size(); ++id) {
    DW_TRY(std::move(scanned[id]));
    auto& here = told[id];
    if (here.size() == most) {
      last_sure = cut ? std::min(last_sure, here.back()) : here.back();
      cut = true;
    }
    ids.insert(here.begin(), here.end());
  }
  Ids out;
  out.more = cut;
  for (const auto& id : ids) {
    if (cut && id > last_sure) break;
    out.list.push_back(id);
  }
  return out;
}

}  // namespace

Map fields_of(const Record& record) {
  Map out;
  for (auto& [field, value] : current_values(record)) {
    out.emplace_back(std::string{field_name(field)}, std::move(value));
  }
  Map custom, extra;
  for (const auto& r : record.custom) custom.emplace_back(r.name, r.value);
  for (const auto& r : record.extra) extra.emplace_back(r.name, r.value);
  if (!custom.empty()) out.emplace_back("custom", Value{std::move(custom)});
  if (!extra.empty()) out.emplace_back("extra", Value{std::move(extra)});
  return *Value{std::move(out)}.as_map();
}

Result<Map> describe_record(Workspace& workspace, const RecordKey& key, const PastInstant& at) {
  DW_TRY(const auto found, read_record(workspace, key, at));
  if (!found) {
    return Error{Code::kNotFound, "no record " + to_text(key) + (at.now() ? "" : " at that time")};
  }
  const auto& record = found->record;
  Map out{{"record", Value{to_text(key)}},
          {"partition", Value{std::int64_t{found->partitions.front()}}},
          {"opened", Value{record.life.opened}}};
  if (found->partitions.size() > 1) {
    List all;
    for (const auto id : found->partitions) all.emplace_back(std::int64_t{id});
    out.emplace_back("partitions", Value{std::move(all)});
  }
  if (const auto& home = record.home_key.get(); !home.empty()) {
    out.emplace_back("home", Value{home});
  }
  for (auto& field : fields_of(record)) out.push_back(std::move(field));
  if (!record.merged_into.empty()) out.emplace_back("merged_into", Value{record.merged_into});
  List flags;
  if (record.key_conflict) flags.emplace_back("key_conflict: facts came under two keys");
  for (const auto& fault : custom_faults(record, found->schema.get())) {
    flags.emplace_back("bad_custom_value " + fault.field + ": " + fault.detail);
  }
  if (!flags.empty()) out.emplace_back("flags", Value{std::move(flags)});
  std::int64_t facts = 0;
  for (const auto& count : record.counts) facts += count.second;
  out.emplace_back("facts", Value{facts});
  return out;
}

Result<RecordPage> list_records(Workspace& workspace, const RecordFilter& filter) {
  RecordPage out;
  out.rows.columns = {{"record", "text"},
                      {"state", "text"},
                      {"owner", "text"},
                      {"amount", "money"},
                      {"newest", "instant"}};
  const bool all = filter.state.empty() && filter.owner.empty();
  const auto most = all ? filter.limit + 1 : kLookedAtMax;
  DW_TRY(const auto ids, ids_behind(workspace, filter.kind, filter.after, most));
  std::size_t looked_at = 0;
  for (const auto& id : ids.list) {
    if (out.rows.rows.size() == filter.limit) break;
    ++looked_at;
    out.last = id;
    const RecordKey key{filter.kind, id};
    DW_TRY(const auto found, read_record(workspace, key));
    const auto record = found ? found->record : Record{};
    if (!filter.state.empty() && state_of(record.life) != filter.state) continue;
    if (!filter.owner.empty() && value_of(record, Field::kOwner) != Value{filter.owner}) continue;
    out.rows.rows.push_back(row_of(key, record));
  }
  if (looked_at == ids.list.size() && !ids.more) out.last.clear();
  return out;
}

Result<Kind> parse_kind(std::string_view text) {
  if (const auto kind = kind_of(text)) return *kind;
  std::vector<std::string_view> names;
  for (std::size_t k = 1; k < kKinds; ++k) names.push_back(kind_name(static_cast<Kind>(k)));
  return Error{Code::kInvalid,
               "there is no kind '" + std::string{text} + "'. " + rules::did_you_mean(text, names)};
}

}  // namespace dealwright::daemon
