// Views: what there is, their rows as of any instant, their changes as they come.
#include <algorithm>

#include "connectors/daemon/api/streams.h"
#include "connectors/daemon/api/view_query.h"
#include "connectors/daemon/view_rows.h"
#include "connectors/http/accept.h"
#include "connectors/http/etag.h"
#include "connectors/http/query.h"
#include "connectors/http/text.h"
#include "projections/registry.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

constexpr std::size_t kPictureBytesMax = std::size_t{1} << 20;  // a stream keeps one

Result<Page> show(Parts& parts, const Request& request) {
  DW_TRY(auto asked, asked_of(parts, request));
  Workspace::Freshness fresh;
  DW_TRY(auto found, parts.workspace.query(asked.view, asked.query, &fresh));
  auto rows = with_amounts(std::move(found));
  Page out;
  out.fields = {{"Dealwright-Position", positions_text(fresh.at)},
                {"Dealwright-Lag-Ms", std::to_string(fresh.lag_ms)}};
  const auto begin = std::min(asked.skip, rows.rows.size());
  const auto end = std::min(begin + asked.limit, rows.rows.size());
  if (end < rows.rows.size()) {
    const auto known = std::min(asked.query.known_by, asked.query.now);
    out.cursor = http::make_cursor("views/" + asked.view,
                                   std::to_string(known.ms) + ":" + std::to_string(end));
  }
  out.rows.columns = std::move(rows.columns);
  out.rows.rows.assign(
      std::make_move_iterator(rows.rows.begin() + static_cast<std::ptrdiff_t>(begin)),
      std::make_move_iterator(rows.rows.begin() + static_cast<std::ptrdiff_t>(end)));
  return out;
}

// Where all partitions stand, the minute, for what is due or overdue changes without a fact, and
// the form: one who has the rows as JSON has none of CSV.
std::string tag_of(Parts& parts, const Request& request) {
  const auto form = http::negotiate(request.fields.get("accept"), http::kTable);
  std::string text = form ? std::to_string(*form) + "-" : std::string{};
  for (const auto& at : parts.workspace.watch().now()) {
    text += std::to_string(at.events) + "." + std::to_string(at.decisions) + "-";
  }
  return http::make_etag(text + std::to_string(parts.workspace.clock().wall().ms / 60'000));
}

Awaitable<Response> answer_view(Parts& parts, Request& request) {
  const auto* cursor = request.query.find("cursor");
  if (cursor != nullptr && !http::read_cursor("views/" + request.param("name"), *cursor)) {
    auto problem = http::make_problem("bad_cursor", "that cursor is not one of this view's");
    co_return http::problem_response(problem, request.trace);
  }
  if (auto early = co_await wait_for_position(parts, request)) co_return std::move(*early);
  const auto tag = tag_of(parts, request);
  if (const auto code = http::check_conditions(request.fields, request.method, tag)) {
    if (*code == "stale")
      co_return http::problem_response(http::make_problem(*code), request.trace);
    Response unchanged;
    unchanged.status = 304;
    unchanged.fields.add("ETag", tag);
    unchanged.fields.add("Vary", "Accept");
    co_return unchanged;
  }
  std::function<Result<Page>()> work = [&parts, &request] { return show(parts, request); };
  const auto page = co_await http::run_blocking<Page>(parts.pool, std::move(work));
  if (!page) co_return http::problem_response(view_problem(page.error()), request.trace);
  auto out = answer(request, page.value());
  out.fields.add("ETag", tag);
  out.fields.add("Vary", "Accept");
  co_return out;
}

Result<Page> list(Parts&) {
  Page out;
  out.rows.columns = {{"view", "text"}, {"version", "int"}, {"description", "text"}};
  for (const auto* view : projections::all_views()) {
    out.rows.rows.push_back(
        {Value{view->name()}, Value{std::int64_t{view->version()}}, Value{view->description()}});
  }
  return out;
}

// The columns of a view's rows: asked of the view itself, over nothing.
Result<Value> schema(const std::string& name) {
  const auto* view = projections::find_view(name);
  if (view == nullptr) return Error{Code::kNotFound, "no view '" + name + "'; GET /v1/views"};
  DW_TRY(auto merged, view->merge(ViewQuery{}, {}));
  const auto rows = with_amounts(std::move(merged));
  List columns;
  for (const auto& column : rows.columns) {
    columns.emplace_back(Map{{"name", Value{column.name}}, {"type", Value{column.type}}});
  }
  const auto asks = view->asks();
  List filters;
  for (const auto column : asks.filters) filters.emplace_back(column);
  return Value{Map{{"view", Value{name}},
                   {"version", Value{std::int64_t{view->version()}}},
                   {"description", Value{view->description()}},
                   {"columns", Value{std::move(columns)}},
                   {"filters", Value{std::move(filters)}},
                   {"group_by", Value{asks.groups}},
                   {"as_of", Value{asks.past}},
                   {"window", asks.window.empty() ? Value{Null{}} : Value{asks.window}},
                   {"tz", Value{!asks.window.empty() && !asks.whole_days}}}};
}

// ---- changes as they come

// Each row as JSON.
std::vector<std::string> lines_of(const ViewRows& rows) {
  std::vector<std::string> out;
  out.reserve(rows.rows.size());
  for (const auto& row : rows.rows) out.push_back(row_json(rows.columns, row));
  return out;
}

std::string array_of(const std::vector<std::string>& lines) {
  std::string out = "[";
  for (std::size_t i = 0; i < lines.size(); ++i) out += (i > 0 ? "," : "") + lines[i];
  return out + "]";
}

// What came and what went between two pictures.
std::string change_of(std::vector<std::string> before, std::vector<std::string> now) {
  std::sort(before.begin(), before.end());
  std::sort(now.begin(), now.end());
  std::vector<std::string> came, went;
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(),
                      std::back_inserter(came));
  std::set_difference(before.begin(), before.end(), now.begin(), now.end(),
                      std::back_inserter(went));
  if (came.empty() && went.empty()) return {};
  return "{\"added\":" + array_of(came) + ",\"removed\":" + array_of(went) + "}";
}

struct Picture {
  std::vector<std::string> lines;
  std::string id;
};

Result<Picture> picture(Parts& parts, const Asked& asked) {
  auto query = asked.query;
  DW_TRY(query.now, now_of(parts));
  Workspace::Freshness fresh;
  DW_TRY(auto found, parts.workspace.query(asked.view, query, &fresh));
  const auto rows = with_amounts(std::move(found));
  Picture out{lines_of(rows), positions_text(fresh.at)};
  std::size_t bytes = 0;
  Sha256Stream all;
  for (const auto& line : out.lines) {
    bytes += line.size();
    all.update(line);
  }
  if (bytes > kPictureBytesMax) {
    return Error{Code::kRefused, "the view's rows take " + std::to_string(bytes) +
                                     " bytes, and a stream takes a MiB: filter or group it"};
  }
  // Rows change with decisions and with the hour too, so the position alone does not name them.
  out.id += "/" + hex(all.finish()).substr(0, 16);
  return out;
}

// Begins with all rows (event `rows`; behind `reset` for who comes back from elsewhere), then tells
// what was added and removed (event `change`).
struct ViewTold {
  Asked asked;
  std::string last;  // Last-Event-ID
  std::optional<Picture> shown;
};

Result<Told> tell(Parts& parts, ViewTold& told) {
  DW_TRY(auto now, picture(parts, told.asked));
  Told out;
  http::ServerEvent event{now.id, "change", "", 0};
  if (told.shown) {
    event.data = change_of(std::move(told.shown->lines), now.lines);
  } else if (told.last != now.id) {
    if (!told.last.empty()) out.events.push_back(reset_event());
    event.name = "rows";
    event.data = array_of(now.lines);
  }
  if (!event.data.empty()) out.events.push_back(std::move(event));
  told.shown = std::move(now);
  return out;
}

Awaitable<Response> stream(Parts& parts, Request& request) {
  std::function<Result<Asked>()> work = [&parts, &request] { return asked_of(parts, request); };
  auto asked = co_await http::run_blocking<Asked>(parts.pool, std::move(work));
  if (!asked) co_return http::problem_response(view_problem(asked.error()), request.trace);
  const auto told = std::make_shared<ViewTold>();
  told->asked = std::move(asked.value());
  told->last = request.fields.get("last-event-id");
  ReadOn read_on = [&parts, told] { return tell(parts, *told); };
  co_return stream_answer(parts, std::move(read_on));
}

http::Parameter name_parameter() {
  auto out = segment("name", "which view", "");
  for (const auto* view : projections::all_views()) out.one_of.emplace_back(view->name());
  return out;
}

}  // namespace

void add_view_routes(Parts& parts, Routes& out) {
  auto all =
      get("/v1/views", "list_views", "The views there are", "views", [&parts](Request& request) {
        std::function<Result<Page>()> work = [&parts] { return list(parts); };
        return answer_page(parts, request, std::move(work));
      });
  all.gives = {"application/json", "text/csv", "application/x-ndjson"};
  all.fields = {"Dealwright-Columns"};
  all.answer_schema = "ViewRows";
  out.push_back(std::move(all));

  auto one = get("/v1/views/{name}", "get_view",
                 "A view's rows; any other parameter is a filter by column", "views",
                 [&parts](Request& request) { return answer_view(parts, request); });
  add_paging(one);
  add_waiting(one);
  add_query(one);
  add_tags(one);
  one.fields.insert(one.fields.end(), {"Dealwright-Position", "Dealwright-Lag-Ms", "Vary"});
  one.problems.insert(one.problems.end(), {"not_found", "invalid", "conflict"});
  out.push_back(std::move(one));

  auto columns = get("/v1/views/{name}/schema", "get_view_schema", "A view's columns", "views",
                     [&parts](Request& request) {
                       std::function<Result<Value>()> work = [name = request.param("name")] {
                         return schema(name);
                       };
                       return answer_value(parts, request, std::move(work));
                     });
  columns.answer_schema = "ViewSchema";
  columns.problems = {"not_found"};
  columns.parameters.push_back(name_parameter());
  out.push_back(std::move(columns));

  auto changes = get("/v1/views/{name}/stream", "stream_view",
                     "A view's rows, then its changes, as server-sent events", "views",
                     [&parts](Request& request) { return stream(parts, request); });
  add_query(changes);
  add_stream(changes, "where the stream before ended; other rows by now: event reset");
  changes.problems = {"not_found", "invalid"};
  out.push_back(std::move(changes));
}

}  // namespace dealwright::daemon::api
