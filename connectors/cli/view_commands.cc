// view list, show, rebuild, export; record list, show, timeline.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <set>

#include "connectors/cli/context.h"
#include "connectors/daemon/across.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/timeline.h"
#include "projections/registry.h"
#include "rules/check/diagnostic.h"

namespace dealwright::cli {
namespace {

struct ShowOptions {
  std::string name, as_of, known_by;
  std::vector<std::string> filters, group_by;
  bool csv = false;
};

Result<Instant> bound(const std::string& text) {
  if (text.empty()) return kAfterAll;
  return parse_instant_lenient(text);
}

Result<ViewQuery> query_of(const Context& context, const ShowOptions& options) {
  ViewQuery query;
  DW_TRY(auto as_of, bound(options.as_of));
  DW_TRY(auto known_by, bound(options.known_by));
  query.as_of = as_of;
  query.known_by = known_by;
  query.now = context.now();
  for (const auto& filter : options.filters) {
    const auto equals = filter.find('=');
    if (equals == std::string::npos) {
      return Error{Code::kInvalid, "'" + filter + "' is no filter; write column=value"};
    }
    query.filters.emplace_back(filter.substr(0, equals), filter.substr(equals + 1));
  }
  query.group_by = options.group_by;
  return query;
}

std::string csv_text(const Value& value) {
  std::string text;
  if (const auto* t = value.as_text()) {
    text = *t;
  } else if (const auto* at = value.as_instant()) {
    text = to_text(*at);
  } else if (!value.null() && !value.absent()) {
    text = to_json(value);
  }
  // A spreadsheet would run a cell that begins like a formula.
  if (!text.empty() && std::string_view{"=+@"}.find(text[0]) != std::string_view::npos)
    text.insert(0, "'");
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void print_csv(const ViewRows& rows) {
  for (std::size_t i = 0; i < rows.columns.size(); ++i)
    std::cout << (i > 0 ? "," : "") << rows.columns[i].name;
  std::cout << "\r\n";
  for (const auto& row : rows.rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      std::cout << (i > 0 ? "," : "") << csv_text(row[i]);
    std::cout << "\r\n";
  }
}

Result<void> show_view(Context& context, const ShowOptions& options) {
  DW_TRY(auto query, query_of(context, options));
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  if (workspace->event_clock()) {  // "now" is the log's
    DW_TRY(workspace->engine().ask(workspace->first_served(),
                                   [&](runtime::Partition& p) { query.now = p.state().meta.now; }));
  }
  DW_TRY(auto rows, workspace->query(options.name, query));
  if (options.csv && !context.json) {
    print_csv(rows);
  } else {
    context.print(rows);
  }
  return workspace->stop();
}

Result<void> rebuild_view(Context& context, const std::string& name) {
  DW_TRY(auto workspace, context.open());
  DW_TRY(workspace->rebuild_view(name, [&](std::uint64_t events) {
    context.progress("rebuilding " + name + ": " + std::to_string(events) + " events folded");
  }));
  context.progress_done();
  context.print_object({{"rebuilt", Value{name}}});
  return workspace->stop();
}

Result<void> list_views(Context& context) {
  ViewRows rows;
  rows.columns = {{"view", "text"}, {"version", "int"}, {"description", "text"}};
  for (const auto* view : projections::all_views()) {
    rows.rows.push_back(
        {Value{view->name()}, Value{std::int64_t{view->version()}}, Value{view->description()}});
  }
  context.print(rows);
  return ok();
}

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

Result<daemon::UnitedRecord> find_record(daemon::Workspace& workspace, const RecordKey& key) {
  DW_TRY(auto found, daemon::read_record(workspace, key));
  if (!found) {
    DW_TRY(workspace.stop());  // it may lie in one that is left out
    return Error{Code::kNotFound, "no record " + to_text(key)};
  }
  return std::move(*found);
}

Result<void> show_record(Context& context, const std::string& text) {
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(const auto found, find_record(*workspace, parse_record_key(text)));
  const auto& record = found.record;
  Map out{{"record", Value{text}},
          {"partition", Value{std::int64_t{found.partitions.front()}}},
          {"opened", Value{record.life.opened}}};
  if (found.partitions.size() > 1) {
    List all;
    for (const auto id : found.partitions) all.emplace_back(std::int64_t{id});
    out.emplace_back("partitions", Value{std::move(all)});
  }
  if (const auto& home = record.home_key.get(); !home.empty()) {
    out.emplace_back("home", Value{home});
  }
  for (auto& field : fields_of(record)) out.push_back(std::move(field));
  if (!record.merged_into.empty()) out.emplace_back("merged_into", Value{record.merged_into});
  List flags;
  if (record.key_conflict) flags.emplace_back("key_conflict: facts came under two keys");
  DW_TRY(workspace->engine().ask(found.partitions.front(), [&](runtime::Partition& partition) {
    const auto* schema = partition.state().reference.schemas.current();
    for (const auto& fault : custom_faults(record, schema)) {
      flags.emplace_back("bad_custom_value " + fault.field + ": " + fault.detail);
    }
  }));
  if (!flags.empty()) out.emplace_back("flags", Value{std::move(flags)});
  std::int64_t facts = 0;
  for (const auto& count : record.counts) facts += count.second;
  out.emplace_back("facts", Value{facts});
  context.print_object(out);
  return workspace->stop();
}

std::string mark_of(const runtime::TimelineEntry& entry) {
  std::string out = entry.retracted ? "retracted" : entry.late ? "late" : "";
  if (!entry.flags.empty()) out += (out.empty() ? "" : ", ") + entry.flags;
  return out;
}

Result<void> show_timeline(Context& context, const std::string& text) {
  const auto key = parse_record_key(text);
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  ViewRows rows;
  rows.columns = {{"occurred", "instant"}, {"what", "text"},     {"who", "text"},
                  {"mark", "text"},        {"position", "text"}, {"detail", "text"}};
  DW_TRY(const auto found, find_record(*workspace, key));
  std::vector<std::pair<Instant, std::vector<Value>>> lines;
  for (const auto id : found.partitions) {
    Result<std::vector<runtime::TimelineEntry>> entries = std::vector<runtime::TimelineEntry>{};
    DW_TRY(workspace->engine().ask(id, [&](runtime::Partition& partition) {
      entries = runtime::timeline(partition.state(), workspace->log(), id, key);
    }));
    DW_TRY(const auto told, std::move(entries));
    for (const auto& entry : told) {
      const auto place = std::to_string(id) + ":" + std::to_string(entry.position);
      lines.push_back({entry.occurred,
                       {entry.occurred > kInstantMin ? Value{entry.occurred} : Value{Null{}},
                        Value{entry.what}, Value{entry.who}, Value{mark_of(entry)},
                        Value{(entry.decision ? "d" : "e") + place}, entry.detail}});
    }
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& line : lines) rows.rows.push_back(std::move(line.second));
  context.print(rows);
  return workspace->stop();
}

std::vector<Value> row_of(const RecordKey& key, const Record& record) {
  const auto value = [&](Field field) {
    Value scratch;
    const auto* found = record.value(field, scratch);
    return found == nullptr ? Value{Null{}} : *found;
  };
  const auto& life = record.life;
  return {Value{to_text(key)}, Value{life.state.empty() ? life.stage : life.state},
          value(Field::kOwner), value(Field::kAmount),
          record.newest.occurred > kInstantMin ? Value{record.newest.occurred} : Value{Null{}}};
}

Result<void> list_records(Context& context, const std::string& kind_text, std::size_t limit) {
  const auto kind = kind_of(kind_text);
  if (!kind) {
    std::vector<std::string_view> names;
    for (std::size_t k = 1; k < kKinds; ++k) names.push_back(kind_name(static_cast<Kind>(k)));
    return Error{Code::kInvalid,
                 "there is no kind '" + kind_text + "'. " + rules::did_you_mean(kind_text, names)};
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  ViewRows rows;
  rows.columns = {{"record", "text"},
                  {"state", "text"},
                  {"owner", "text"},
                  {"amount", "money"},
                  {"newest", "instant"}};
  std::optional<Error> bad;
  std::set<RecordKey> listed;  // one that stands in two partitions is one
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    if (!workspace->serves(id)) continue;
    std::vector<RecordKey> keys;
    DW_TRY(workspace->engine().ask(id, [&](runtime::Partition& partition) {
      auto& state = partition.state();
      state.write_back();
      std::string from{runtime::keys::kRecord};
      from += static_cast<char>(*kind);
      auto scanned =
          state.scan(from, prefix_end(from), [&](std::string_view key, std::string_view) {
            keys.push_back({*kind, std::string{key.substr(2)}});
            return keys.size() <= limit;
          });
      if (!scanned) bad = scanned.error();
    }));
    for (const auto& key : keys) {
      if (!listed.insert(key).second) continue;
      DW_TRY(const auto found, daemon::read_record(*workspace, key));
      rows.rows.push_back(row_of(key, found ? found->record : Record{}));
    }
    if (bad) return *bad;
  }
  const bool more = rows.rows.size() > limit;
  if (more) rows.rows.resize(limit);
  context.print(rows);
  if (more) context.print_line("... more; see --limit");
  return workspace->stop();
}

void add_query_options(CLI::App& command, ShowOptions& options) {
  command.add_option("name", options.name, "the view")->required();
  command.add_option("--as-of", options.as_of, "facts that happened up to this instant");
  command.add_option("--known-by", options.known_by, "and that were known by this one");
  command.add_option("--filter", options.filters, "column=value, several times");
  command.add_option("--group-by", options.group_by, "columns, separated by commas")
      ->delimiter(',');
}

}  // namespace

void add_view_commands(CLI::App& app, Context& context) {
  auto* view = noun(app, "view", "Folds to read: boards, figures, lists");
  verb(*view, context, "list", "The views there are", "dealwright view list",
       [&context] { return list_views(context); });
  auto options = std::make_shared<ShowOptions>();
  add_query_options(*verb(*view, context, "show", "A view's rows",
                          "dealwright view show board --as-of 2026-03-01",
                          [&context, options] { return show_view(context, *options); }),
                    *options);
  auto exported = std::make_shared<ShowOptions>();
  exported->csv = true;
  add_query_options(
      *verb(*view, context, "export", "A view's rows as CSV; with --json an object a line",
            "dealwright view export deals > deals.csv",
            [&context, exported] { return show_view(context, *exported); }),
      *exported);
  auto name = std::make_shared<std::string>();
  verb(*view, context, "rebuild", "Fold a view anew from the logs, beside the old one, and swap",
       "dealwright view rebuild board", [&context, name] { return rebuild_view(context, *name); })
      ->add_option("name", *name, "the view")
      ->required();
}

void add_record_commands(CLI::App& app, Context& context) {
  auto* record = noun(app, "record", "Leads, deals, contacts ... as their facts make them");
  auto key = std::make_shared<std::string>();
  verb(*record, context, "show", "A record's current state", "dealwright record show deal/d1",
       [&context, key] { return show_record(context, *key); })
      ->add_option("record", *key, "<kind>/<id>")
      ->required();
  auto of = std::make_shared<std::string>();
  verb(*record, context, "timeline",
       "What happened to a record and what was decided about it, by when it happened",
       "dealwright record timeline deal/d1", [&context, of] { return show_timeline(context, *of); })
      ->add_option("record", *of, "<kind>/<id>")
      ->required();
  auto kind = std::make_shared<std::string>();
  auto limit = std::make_shared<std::size_t>(50);
  auto* list =
      verb(*record, context, "list", "Records of a kind", "dealwright record list deal --limit 20",
           [&context, kind, limit] { return list_records(context, *kind, *limit); });
  list->add_option("kind", *kind, "account, contact, lead, deal, offer ...")->required();
  list->add_option("--limit", *limit, "how many")->capture_default_str();
}

}  // namespace dealwright::cli
