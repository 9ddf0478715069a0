// Views: what there is, their rows as of any instant, their changes as they come.
#include <algorithm>
#include <set>

#include "connectors/daemon/api/api.h"
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

constexpr std::int64_t kStreamPauseMs = 250;  // a stream tells of changes so often at most
constexpr std::size_t kRowsMax = 100'000;     // of a stream's picture

const std::set<std::string_view> kOwn{"as_of",  "known_by", "group_by", "limit",
                                      "cursor", "wait_for", "timeout"};

struct Asked {
  std::string view;
  ViewQuery query;
  std::size_t limit = 50;
  std::size_t skip = 0;  // rows of the pages before
};

// A cursor holds what was known at its first page: later facts stay out of all its pages, of views
// that have a past.
Result<void> read_cursor_of(const Request& request, Asked& out) {
  const auto* cursor = request.query.find("cursor");
  if (cursor == nullptr) return ok();
  DW_TRY(const auto place, http::read_cursor("views/" + out.view, *cursor));
  const auto colon = place.find(':');
  const auto known = http::parse_count(std::string_view{place}.substr(0, colon));
  const auto skip = colon == std::string::npos
                        ? std::nullopt
                        : http::parse_count(std::string_view{place}.substr(colon + 1));
  if (!known || !skip) return Error{Code::kInvalid, "that cursor is not one of this list's"};
  ViewQuery past;
  past.known_by = Instant{static_cast<std::int64_t>(*known)};
  const auto* view = projections::find_view(out.view);
  // A view that tells the present only has no past for its later pages to keep to.
  if (view == nullptr || view->merge(past, {})) out.query.known_by = past.known_by;
  out.skip = static_cast<std::size_t>(*skip);
  return ok();
}

Result<Asked> asked_of(Parts& parts, const Request& request) {
  Asked out;
  out.view = request.param("name");
  out.limit = limit_of(request);
  out.query.now = parts.workspace.clock().wall();
  if (parts.workspace.event_clock()) {
    DW_TRY(parts.workspace.engine().ask(
        parts.workspace.first_served(),
        [&](runtime::Partition& partition) { out.query.now = partition.state().meta.now; }));
  }
  out.query.as_of = instant_of(request, "as_of").value_or(kAfterAll);
  out.query.known_by = instant_of(request, "known_by").value_or(kAfterAll);
  for (const auto& [name, value] : request.query) {
    if (name == "group_by") {
      for (const auto part : http::split(value, ',')) {
        if (!part.empty()) out.query.group_by.emplace_back(part);
      }
    } else if (!kOwn.contains(name)) {
      out.query.filters.emplace_back(name, value);
    }
  }
  DW_TRY(read_cursor_of(request, out));
  return out;
}

// How old what is seen may be: 0 when nothing waits.
std::int64_t lag_of(Parts& parts) {
  std::int64_t lag = 0;
  for (PartitionId id = 0; id < parts.workspace.partitions(); ++id) {
    if (!parts.workspace.serves(id)) continue;
    static_cast<void>(parts.workspace.engine().ask(id, [&](runtime::Partition& partition) {
      const auto status = partition.status();
      if (status.events >= status.events_end || parts.workspace.event_clock()) return;
      lag = std::max(lag, (parts.workspace.clock().wall() - status.now).ms);
    }));
  }
  return lag;
}

Result<Page> show(Parts& parts, const Request& request) {
  DW_TRY(auto asked, asked_of(parts, request));
  std::vector<Progress> at;
  DW_TRY(auto rows, parts.workspace.query(asked.view, asked.query, &at));
  Page out;
  out.fields = {{"Dealwright-Position", positions_text(at)},
                {"Dealwright-Lag-Ms", std::to_string(lag_of(parts))}};
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

// Where all partitions stand, and the minute: what is due or overdue changes without a fact.
std::string tag_of(Parts& parts) {
  std::string text;
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
  const auto tag = tag_of(parts);
  if (const auto code = http::check_conditions(request.fields, request.method, tag)) {
    if (*code == "stale")
      co_return http::problem_response(http::make_problem(*code), request.trace);
    Response unchanged;
    unchanged.status = 304;
    unchanged.fields.add("ETag", tag);
    co_return unchanged;
  }
  std::function<Result<Page>()> work = [&parts, &request] { return show(parts, request); };
  const auto page = co_await http::run_blocking<Page>(parts.pool, std::move(work));
  if (!page) co_return http::problem_response(page.error(), request.trace);
  auto out = answer(request, page.value());
  out.fields.add("ETag", tag);
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
  DW_TRY(const auto rows, view->merge(ViewQuery{}, {}));
  List columns;
  for (const auto& column : rows.columns) {
    columns.emplace_back(Map{{"name", Value{column.name}}, {"type", Value{column.type}}});
  }
  return Value{Map{{"view", Value{name}},
                   {"version", Value{std::int64_t{view->version()}}},
                   {"description", Value{view->description()}},
                   {"columns", Value{std::move(columns)}}}};
}

// ---- changes as they come

// A row as one line of JSON.
std::vector<std::string> lines_of(const Request& request, ViewRows rows) {
  Page page;
  page.rows = std::move(rows);
  Request plain;
  plain.fields.add("Accept", http::kNdjson);
  plain.path = request.path;
  const auto text = answer(plain, page).body;
  std::vector<std::string> out;
  for (const auto line : http::split(text, '\n')) {
    if (!line.empty()) out.emplace_back(line);
  }
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

Result<Picture> picture(Parts& parts, const Request& request, const Asked& asked) {
  auto query = asked.query;
  query.now = parts.workspace.clock().wall();
  std::vector<Progress> at;
  DW_TRY(auto rows, parts.workspace.query(asked.view, query, &at));
  if (rows.rows.size() > kRowsMax) {
    return Error{Code::kRefused, "the view has " + std::to_string(rows.rows.size()) +
                                     " rows, and a stream takes " + std::to_string(kRowsMax) +
                                     ": filter or group it"};
  }
  return Picture{lines_of(request, std::move(rows)), positions_text(at)};
}

// Begins with all rows (event `rows`; behind `reset` for who comes back from elsewhere), then tells
// what was added and removed (event `change`), at most every quarter of a second.
Awaitable<void> tell(Parts& parts, Request request, Asked asked,
                     std::shared_ptr<http::EventStream> stream) {
  const std::string last{request.fields.get("last-event-id")};
  Picture shown;
  bool first = true;
  while (stream->open()) {
    const auto seen = parts.workspace.watch().now();
    std::function<Result<Picture>()> work = [&] { return picture(parts, request, asked); };
    auto taken = co_await http::run_blocking<Picture>(parts.pool, std::move(work));
    if (!taken && taken.error().retriable) continue;
    if (!taken) {
      http::ServerEvent failed{"", "error", http::to_json(http::problem_of(taken.error()), ""), 0};
      co_await stream->send(std::move(failed));
      break;
    }
    auto& now = taken.value();
    http::ServerEvent event{now.id, "", "", 0};
    if (first) {
      if (!last.empty() && last != now.id) {
        http::ServerEvent reset{"", "reset", "{}", 0};
        if (!co_await stream->send(std::move(reset))) co_return;
      }
      event.name = "rows";
      event.retry_ms = 1'000;
      if (last != now.id) event.data = array_of(now.lines);
    } else {
      event.name = "change";
      event.data = change_of(std::move(shown.lines), now.lines);
    }
    shown = std::move(now);
    first = false;
    if (!event.data.empty() && !co_await stream->send(std::move(event))) co_return;
    Watch::Ticket ticket = 0;
    std::function<void(http::Resume)> moved = [&](const http::Resume& resume) {
      ticket = parts.workspace.watch().when_other(seen, resume);
    };
    while (stream->open() && !co_await http::suspend_for(kStreamPauseMs, moved)) {
      parts.workspace.watch().forget(ticket);
    }
    std::function<void(http::Resume)> nothing = [](const http::Resume&) {};
    co_await http::suspend_for(kStreamPauseMs, std::move(nothing));
  }
  stream->close();
}

Awaitable<Response> stream(Parts& parts, Request& request) {
  auto asked = asked_of(parts, request);
  if (!asked) co_return http::problem_response(asked.error(), request.trace);
  if (projections::find_view(asked.value().view) == nullptr) {
    const Error none{Code::kNotFound, "no view '" + asked.value().view + "'; GET /v1/views"};
    co_return http::problem_response(none, request.trace);
  }
  Response out;
  out.events = [&parts, copy = request,
                query = asked.value()](std::shared_ptr<http::EventStream> events) {
    return tell(parts, copy, query, std::move(events));
  };
  co_return out;
}

http::Parameter name_parameter() {
  auto out = segment("name", "which view", "");
  for (const auto* view : projections::all_views()) out.one_of.emplace_back(view->name());
  return out;
}

void add_query(http::Route& route) {
  route.other_parameters = true;  // filters by column
  route.parameters.push_back(name_parameter());
  route.parameters.push_back(instant("as_of", "facts that happened up to this instant"));
  route.parameters.push_back(instant("known_by", "and that were known by this one"));
  route.parameters.push_back(text("group_by", "columns, with a comma between several"));
  route.parameters.back().pattern = "^([a-z_]+(,[a-z_]+)*)?$";
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
  one.fields.insert(one.fields.end(), {"Dealwright-Position", "Dealwright-Lag-Ms"});
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
  changes.parameters.push_back(
      header("Last-Event-ID", "where the stream before ended; other rows by now: event reset"));
  changes.gives = {std::string{http::kEventStream}};
  changes.problems = {"not_found", "invalid"};
  out.push_back(std::move(changes));
}

}  // namespace dealwright::daemon::api
