#include "connectors/daemon/api/view_query.h"

#include <algorithm>
#include <set>

#include "connectors/daemon/view_rows.h"
#include "connectors/http/query.h"
#include "connectors/http/text.h"
#include "projections/registry.h"

namespace dealwright::daemon::api {
namespace {

using http::Request;

const std::set<std::string_view> kOwn{"as_of",  "known_by", "group_by", "limit",
                                      "cursor", "wait_for", "timeout",  "from",
                                      "to",     "tz",       "currency"};

// A cursor holds what was known at its first page: later facts stay out of all its pages. Of views
// that tell the present only it holds how far the page was.
Result<void> read_cursor_of(const Request& request, bool past, Asked& out) {
  const auto* cursor = request.query.find("cursor");
  if (cursor == nullptr) return ok();
  DW_TRY(const auto place, http::read_cursor("views/" + out.view, *cursor));
  const auto colon = place.find(':');
  const auto known = http::parse_count(std::string_view{place}.substr(0, colon));
  const auto skip = colon == std::string::npos
                        ? std::nullopt
                        : http::parse_count(std::string_view{place}.substr(colon + 1));
  if (!known || !skip) return Error{Code::kInvalid, "that cursor is not one of this list's"};
  if (past) out.query.known_by = Instant{static_cast<std::int64_t>(*known)};
  out.skip = static_cast<std::size_t>(*skip);
  return ok();
}

Result<void> read_window(const Request& request, ViewQuery& out) {
  const auto text = [&](std::string_view name) { return std::string{request.query.get(name)}; };
  return daemon::read_window(text("from"), text("to"), text("tz"), out);
}

Result<void> read_currency(const Request& request, const View& view, ViewQuery& out) {
  const auto* currency = request.query.find("currency");
  if (currency == nullptr) return ok();
  if (!currency->empty()) {
    DW_TRY(Currency::parse(*currency));  // of rows without an amount it is empty
  }
  if (has_column(view.asks(), "currency")) {
    out.filters.emplace_back("currency", *currency);
    return ok();
  }
  std::string others;
  for (const auto* other : projections::all_views()) {
    if (has_column(other->asks(), "currency"))
      others += (others.empty() ? "" : ", ") + std::string{other->name()};
  }
  return Error{Code::kUnsupported,
               "view " + std::string{view.name()} + " holds no money; those that do: " + others};
}

void read_groups(const Request& request, ViewQuery& out) {
  for (const auto& [name, value] : request.query) {
    if (name != "group_by") continue;
    for (const auto part : http::split(value, ',')) {
      if (!part.empty()) out.group_by.emplace_back(part);
    }
  }
}

}  // namespace

Result<Instant> now_of(Parts& parts) {
  auto out = parts.workspace.clock().wall();
  if (!parts.workspace.event_clock()) return out;
  DW_TRY(parts.workspace.engine().ask(
      parts.workspace.first_served(),
      [&](runtime::Partition& partition) { out = partition.state().meta.now; }));
  return out;
}

Result<Asked> asked_of(Parts& parts, const Request& request) {
  Asked out;
  out.view = request.param("name");
  const auto* view = projections::find_view(out.view);
  if (view == nullptr) return Error{Code::kNotFound, "no view '" + out.view + "'; GET /v1/views"};
  out.limit = limit_of(request);
  DW_TRY(out.query.now, now_of(parts));
  out.query.as_of = instant_of(request, "as_of").value_or(kAfterAll);
  out.query.known_by = instant_of(request, "known_by").value_or(kAfterAll);
  DW_TRY(read_window(request, out.query));
  DW_TRY(read_currency(request, *view, out.query));
  read_groups(request, out.query);
  group_by_currency(*view, out.query);
  for (const auto& [name, value] : request.query) {
    if (!kOwn.contains(name)) out.query.filters.emplace_back(name, value);
  }
  DW_TRY(projections::check_asked(*view, out.query));
  DW_TRY(read_cursor_of(request, view->asks().past, out));
  return out;
}

http::Problem view_problem(const Error& error) {
  if (error.code != Code::kUnsupported) return http::problem_of(error);
  return http::make_problem("not_supported", error.detail);
}

void add_query(http::Route& route) {
  route.other_parameters = true;  // filters by column
  auto name = segment("name", "which view", "");
  for (const auto* view : projections::all_views()) name.one_of.emplace_back(view->name());
  route.parameters.push_back(std::move(name));
  route.parameters.push_back(
      instant("as_of", "facts that happened up to this instant; board, deals"));
  route.parameters.push_back(instant("known_by", "and that were known by this one"));
  std::string windows;
  for (const auto* view : projections::all_views()) {
    const auto asks = view->asks();
    if (asks.window.empty()) continue;
    windows += (windows.empty() ? "" : ", ") + std::string{view->name()} + " (" +
               std::string{asks.window} + ")";
  }
  route.parameters.push_back(
      text("from", "not before this instant, day, month, quarter or year; of " + windows));
  route.parameters.push_back(text("to", "and before this one"));
  for (auto it = route.parameters.end() - 2; it != route.parameters.end(); ++it) {
    it->pattern = "^[0-9]{4}(-(Q[1-4]|[0-9]{2}(-[0-9]{2}(T.+)?)?))?$";
  }
  route.parameters.push_back(
      text("tz", "whose days from and to are: Europe/Berlin, +02:00; UTC if left out"));
  route.parameters.back().pattern = "^[A-Za-z0-9_+:/-]{1,64}$";
  route.parameters.push_back(text("currency", "of amounts in it alone; board, deals"));
  route.parameters.back().pattern = "^([A-Z]{3})?$";
  route.parameters.push_back(
      text("group_by", "columns, with a comma between several; currency is always one of them"));
  route.parameters.back().pattern = "^([a-z_]+(,[a-z_]+)*)?$";
  route.problems.emplace_back("not_supported");
}

}  // namespace dealwright::daemon::api
