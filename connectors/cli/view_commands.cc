// view list, show, rebuild, export; record list, show, timeline.
#include <CLI/CLI.hpp>
#include <iostream>

#include "connectors/cli/context.h"
#include "connectors/daemon/records.h"
#include "connectors/daemon/timeline.h"
#include "connectors/daemon/view_rows.h"
#include "projections/registry.h"

namespace dealwright::cli {
namespace {

struct ShowOptions {
  std::string name, as_of, known_by, from, to, tz;
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
  DW_TRY(daemon::read_window(options.from, options.to, options.tz, query));
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

Result<ViewRows> remote_view(const Remote& remote, const ShowOptions& options) {
  std::vector<std::pair<std::string, std::string>> query{{"as_of", options.as_of},
                                                         {"known_by", options.known_by},
                                                         {"from", options.from},
                                                         {"to", options.to},
                                                         {"tz", options.tz}};
  std::string groups;
  for (const auto& column : options.group_by) groups += (groups.empty() ? "" : ",") + column;
  query.emplace_back("group_by", groups);
  for (const auto& filter : options.filters) {
    const auto equals = filter.find('=');
    query.emplace_back(filter.substr(0, equals), filter.substr(equals + 1));
  }
  return remote.pages(with_query("/v1/views/" + escaped(options.name), query), 0);
}

Result<void> print_view(const Context& context, const ShowOptions& options, const ViewRows& rows) {
  if (options.csv && !context.json) {
    print_csv(rows);
  } else {
    context.print(rows);
  }
  return ok();
}

// The path of a record.
std::string path_of(const std::string& text) {
  const auto key = parse_record_key(text);
  return "/v1/records/" + std::string{kind_name(key.kind)} + "/" + escaped(key.id);
}

Result<void> show_view(Context& context, const ShowOptions& options) {
  if (const auto* remote = context.remote()) {
    DW_TRY(query_of(context, options));  // says what is no filter
    DW_TRY(const auto rows, remote_view(*remote, options));
    return print_view(context, options, rows);
  }
  DW_TRY(auto query, query_of(context, options));
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  if (workspace->event_clock()) {  // "now" is the log's
    DW_TRY(workspace->engine().ask(workspace->first_served(),
                                   [&](runtime::Partition& p) { query.now = p.state().meta.now; }));
  }
  if (const auto* view = projections::find_view(options.name)) {
    daemon::group_by_currency(*view, query);
  }
  DW_TRY(auto rows, workspace->query(options.name, query));
  DW_TRY(print_view(context, options, daemon::with_amounts(std::move(rows))));
  return workspace->stop();
}

Result<void> rebuild_view(Context& context, const std::string& name) {
  DW_TRY(context.needs_data("view rebuild"));
  DW_TRY(auto workspace, context.open());
  DW_TRY(workspace->rebuild_view(name, [&](std::uint64_t events) {
    context.progress("rebuilding " + name + ": " + std::to_string(events) + " events folded");
  }));
  context.progress_done();
  context.print_object({{"rebuilt", Value{name}}});
  return workspace->stop();
}

Result<void> list_views(Context& context) {
  if (context.remote() != nullptr) return context.print_rows("/v1/views");
  ViewRows rows;
  rows.columns = {{"view", "text"}, {"version", "int"}, {"description", "text"}};
  for (const auto* view : projections::all_views()) {
    rows.rows.push_back(
        {Value{view->name()}, Value{std::int64_t{view->version()}}, Value{view->description()}});
  }
  context.print(rows);
  return ok();
}

struct RecordOptions {
  std::string record, as_of, known_by;
};

Result<void> show_record(Context& context, const RecordOptions& options) {
  daemon::PastInstant at;
  DW_TRY(at.as_of, bound(options.as_of));
  DW_TRY(at.known_by, bound(options.known_by));
  if (const auto* remote = context.remote()) {
    return context.print_value(remote->get(with_query(
        path_of(options.record), {{"as_of", options.as_of}, {"known_by", options.known_by}})));
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  auto found = daemon::describe_record(*workspace, parse_record_key(options.record), at);
  DW_TRY(workspace->stop());  // it may lie in one that is left out
  DW_TRY(const auto record, std::move(found));
  context.print_object(record);
  return ok();
}

Result<void> show_timeline(Context& context, const std::string& text) {
  if (context.remote() != nullptr) return context.print_pages(path_of(text) + "/timeline", 0);
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  auto found = daemon::timeline_rows(*workspace, parse_record_key(text));
  DW_TRY(workspace->stop());
  DW_TRY(const auto rows, std::move(found));
  context.print(rows);
  return ok();
}

Result<void> list_records(Context& context, const std::string& kind_text, std::size_t limit) {
  if (context.remote() != nullptr) {
    return context.print_pages("/v1/records/" + escaped(kind_text), limit);
  }
  DW_TRY(const auto kind, daemon::parse_kind(kind_text));
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  daemon::RecordFilter filter;
  filter.kind = kind;
  filter.limit = limit;
  DW_TRY(const auto page, daemon::list_records(*workspace, filter));
  context.print(page.rows);
  if (!page.last.empty()) context.print_line("... more; see --limit");
  return workspace->stop();
}

void add_query_options(CLI::App& command, ShowOptions& options) {
  command.add_option("name", options.name, "the view")->required();
  command.add_option("--as-of", options.as_of, "facts that happened up to this instant");
  command.add_option("--known-by", options.known_by, "and that were known by this one");
  command.add_option("--from", options.from,
                     "not before this instant, day, month (2026-03), quarter (2026-Q1) or year");
  command.add_option("--to", options.to, "and before this one");
  command.add_option("--tz", options.tz, "whose days they are: Europe/Berlin; UTC if left out");
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
  auto shown = std::make_shared<RecordOptions>();
  auto* show = verb(*record, context, "show", "A record as it is, or as it was at an instant",
                    "dealwright record show deal/d1",
                    [&context, shown] { return show_record(context, *shown); });
  show->add_option("record", shown->record, "<kind>/<id>")->required();
  show->add_option("--as-of", shown->as_of, "by the facts that had happened up to this instant");
  show->add_option("--known-by", shown->known_by, "and that had come in up to this one");
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
