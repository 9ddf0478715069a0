// Roles, parameters, pages: what the routes share.
#include <algorithm>
#include <charconv>

#include "connectors/daemon/across.h"
#include "connectors/daemon/api/api.h"
#include "connectors/http/accept.h"
#include "connectors/http/csv.h"
#include "connectors/http/query.h"

namespace dealwright::daemon::api {

using http::Awaitable;
using http::Parameter;
using http::Request;
using http::Response;
using http::Role;

http::RoleSet readers() {
  return {Role::kViewer,   Role::kAuthor, Role::kApprover,
          Role::kOperator, Role::kAdmin,  Role::kAuditor};
}
http::RoleSet publishers() { return {Role::kPublisher, Role::kOperator, Role::kAdmin}; }
http::RoleSet authors() { return {Role::kAuthor, Role::kApprover, Role::kOperator, Role::kAdmin}; }
http::RoleSet approvers() { return {Role::kApprover, Role::kAdmin}; }
http::RoleSet operators() { return {Role::kOperator, Role::kAdmin}; }
http::RoleSet admins() { return {Role::kAdmin}; }

http::Route get(std::string pattern, std::string operation, std::string summary,
                std::string resource, http::Handler handler) {
  http::Route out;
  out.method = "GET";
  out.pattern = std::move(pattern);
  out.operation = std::move(operation);
  out.summary = std::move(summary);
  out.resource = std::move(resource);
  out.roles = readers();
  out.gives = {std::string{http::kJson}};
  out.handler = std::move(handler);
  return out;
}

http::Route post(std::string pattern, std::string operation, std::string summary,
                 std::string resource, http::RoleSet roles, http::Handler handler) {
  auto out = get(std::move(pattern), std::move(operation), std::move(summary), std::move(resource),
                 std::move(handler));
  out.method = "POST";
  out.roles = roles;
  return out;
}

Parameter text(std::string name, std::string description) {
  Parameter out;
  out.name = std::move(name);
  out.description = std::move(description);
  return out;
}
Parameter header(std::string name, std::string description) {
  auto out = text(std::move(name), std::move(description));
  out.in = Parameter::In::kHeader;
  return out;
}
Parameter segment(std::string name, std::string description, std::string pattern) {
  auto out = text(std::move(name), std::move(description));
  out.in = Parameter::In::kPath;
  out.pattern = std::move(pattern);
  return out;
}
Parameter number(std::string name, std::string description, std::int64_t least, std::int64_t most) {
  auto out = text(std::move(name), std::move(description));
  out.type = http::ParameterType::kInteger;
  out.least = least;
  out.most = most;
  return out;
}
Parameter instant(std::string name, std::string description) {
  auto out = text(std::move(name), std::move(description));
  out.type = http::ParameterType::kInstant;
  return out;
}
Parameter flag(std::string name, std::string description) {
  auto out = text(std::move(name), std::move(description));
  out.type = http::ParameterType::kBoolean;
  return out;
}

void add_paging(http::Route& route) {
  route.parameters.push_back(number("limit", "how many at most; 50 if left out", 1, 1'000));
  route.parameters.push_back(text("cursor", "where the page before ended, as its Link says"));
  route.parameters.back().pattern = "^[A-Za-z0-9_-]{6,4096}$";
  route.gives = {std::string{http::kJson}, std::string{http::kCsv}, std::string{http::kNdjson}};
  route.fields = {"Link", "Dealwright-Columns"};
  route.answer_schema = "Rows";
  route.problems.emplace_back("bad_cursor");
}

void add_tags(http::Route& route) {
  route.parameters.push_back(header("If-None-Match", "an ETag: 304 if it is still that"));
  route.fields.emplace_back("ETag");
  route.also.push_back(304);
  route.problems.emplace_back("stale");
}

void add_repeats(Parts& parts, http::Route& route, http::Repeats::Again again) {
  parts.repeats.add_to(route, again);
}

void add_waiting(http::Route& route) {
  route.parameters.push_back(
      text("wait_for", "a position: answers when all up to there is folded"));
  route.parameters.back().pattern = kPositionsPattern;
  route.parameters.push_back(
      number("timeout", "how long to wait, in milliseconds; 2000 if left out", 0, 30'000));
  route.problems.emplace_back("not_caught_up");
}

std::size_t limit_of(const Request& request) {
  const auto text = request.query.get("limit", "50");
  std::size_t out = 50;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::optional<Instant> instant_of(const Request& request, std::string_view name) {
  const auto* text = request.query.find(name);
  if (text == nullptr) return std::nullopt;
  const auto at = parse_instant_lenient(*text);
  return at ? std::optional{at.value()} : std::nullopt;  // the server checked it
}

// ---- reading one's own writes

namespace {

constexpr std::int64_t kWaitMs = 2'000;

// Where the event at `at` goes on to, if it is folded elsewhere: the partition, and the number of
// the send.
Result<std::optional<runtime::Fate>> way_of(Parts& parts, Placed at) {
  DW_TRY(auto fate, runtime::fate_of(parts.workspace.log(), at.partition, at.position));
  if (fate.number == 0) return std::optional<runtime::Fate>{};
  return std::optional{std::move(fate)};
}

Result<bool> has_taken(Parts& parts, std::uint32_t to, PartitionId from, std::uint64_t number) {
  bool out = false;
  DW_TRY(parts.workspace.engine().ask(to, [&](runtime::Partition& partition) {
    const auto& received = partition.state().meta.received;
    out = from < received.size() && received[from] >= number;
  }));
  return out;
}

Awaitable<bool> until_folded(Parts& parts, PartitionId partition, Position events,
                             std::int64_t ms) {
  Watch::Ticket ticket = 0;
  std::function<void(http::Resume)> begin = [&](const http::Resume& resume) {
    ticket = parts.workspace.watch().when(partition, events, resume);
  };
  const bool there = co_await http::suspend_for(ms, std::move(begin));
  parts.workspace.watch().forget(ticket);
  co_return there || parts.workspace.watch().now()[partition].events >= events;
}

struct Deadline {
  const Clock& clock;
  std::int64_t end_us;
  std::int64_t left_ms() const {
    return std::max<std::int64_t>(0, (end_us - clock.steady_us()) / 1'000);
  }
};

// Follows one event to where it is folded. False: time is over.
Awaitable<Result<bool>> until_at_rest(Parts& parts, Placed at, const Deadline& deadline) {
  if (!co_await until_folded(parts, at.partition, at.position + 1, deadline.left_ms()))
    co_return false;
  using Way = std::optional<runtime::Fate>;
  std::function<Result<Way>()> look = [&parts, at] { return way_of(parts, at); };
  const auto way = co_await http::run_blocking<Way>(parts.pool, std::move(look));
  if (!way) co_return way.error();
  if (!way.value()) co_return true;
  const auto to = way.value()->to;
  const auto number = way.value()->number;
  for (;;) {
    const auto seen = parts.workspace.watch().now();
    std::function<Result<bool>()> ask = [&parts, to, at, number] {
      return has_taken(parts, to, at.partition, number);
    };
    const auto taken = co_await http::run_blocking<bool>(parts.pool, std::move(ask));
    if (!taken) co_return taken.error();
    if (taken.value()) co_return true;
    if (deadline.left_ms() == 0) co_return false;
    co_await until_folded(parts, to, seen[to].events + 1, deadline.left_ms());
  }
}

}  // namespace

Awaitable<std::optional<Response>> wait_for_position(Parts& parts, Request& request) {
  const auto* wanted = request.query.find("wait_for");
  if (wanted == nullptr) co_return std::nullopt;
  const auto places = parse_positions(*wanted, parts.workspace.partitions());
  if (!places) {
    auto problem = http::make_problem("bad_parameter", "wait_for: " + places.error().detail);
    co_return http::problem_response(problem, request.trace);
  }
  std::int64_t ms = kWaitMs;
  const auto said = request.query.get("timeout");
  std::from_chars(said.data(), said.data() + said.size(), ms);
  const auto& clock = parts.workspace.clock();
  const Deadline deadline{clock, clock.steady_us() + ms * 1'000};
  for (const auto& [partition, position] : places.value()) {
    const auto there = co_await until_at_rest(parts, {partition, position}, deadline);
    if (!there) co_return http::problem_response(there.error(), request.trace);
    if (there.value()) continue;
    auto problem = http::make_problem("not_caught_up",
                                      "the views are not at " + *wanted + " yet; they stand at " +
                                          positions_text(parts.workspace.watch().now()) +
                                          ". Ask again, or wait longer");
    co_return http::problem_response(problem, request.trace);
  }
  co_return std::nullopt;
}

// ---- pages

namespace {

void put_cell(std::string& out, std::string_view name, const Value& value) {
  append_json_string(out, name);
  out += ':';
  append_json(out, value);
}

// A row has one money as a rule, and that is its amount.
std::string currency_column(const ViewColumn& column) {
  return column.name == "amount" ? "currency" : column.name + "_currency";
}

void put_member(std::string& out, const ViewColumn& column, const Value& value) {
  if (column.type == "money") {
    const auto* money = value.as_money();
    put_cell(out, column.name + "_minor", money == nullptr ? Value{Null{}} : Value{money->minor});
    out += ',';
    put_cell(out, currency_column(column),
             money == nullptr ? Value{Null{}} : Value{money->currency.text()});
    out += ',';
    append_json_string(out, column.name);
    out += ':';
    out += money == nullptr ? "null" : amount_text(*money);
    return;
  }
  const auto* text = value.as_text();
  if (column.type == "rate" && text != nullptr) {  // a decimal number, kept exact as text
    append_json_string(out, column.name);
    out += ':' + *text;
    return;
  }
  put_cell(out, column.name, value.absent() ? Value{Null{}} : value);
}

std::string csv_of(const ViewRows& rows) {
  std::string out;
  http::CsvWriter csv{out};
  for (const auto& column : rows.columns) {
    if (column.type == "money") {
      csv.text(column.name + "_minor");
      csv.text(currency_column(column));
    }
    csv.text(column.name);
  }
  csv.end_row();
  for (const auto& row : rows.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto* money = row[i].as_money();
      if (rows.columns[i].type == "rate" && row[i].as_text() != nullptr) {
        csv.number(*row[i].as_text());
      } else if (rows.columns[i].type != "money") {
        csv.cell(row[i]);
      } else if (money == nullptr) {
        for (int n = 0; n < 3; ++n) csv.text({});
      } else {
        csv.cell(Value{money->minor});
        csv.text(money->currency.text());
        csv.number(amount_text(*money));
      }
    }
    csv.end_row();
  }
  return out;
}

std::string body_of(const ViewRows& rows, std::string_view form) {
  if (form == http::kCsv) return csv_of(rows);
  const bool lines = form == http::kNdjson;
  std::string out = lines ? "" : "[";
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    if (i > 0 && !lines) out += ',';
    out += row_json(rows.columns, rows.rows[i]);
    if (lines) out += '\n';
  }
  return lines ? out : out + "]";
}

}  // namespace

std::string row_json(const std::vector<ViewColumn>& columns, const std::vector<Value>& row) {
  std::string out = "{";
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    put_member(out, columns[i], row[i]);
  }
  return out + "}";
}

Response answer(const Request& request, const Page& page) {
  const auto form = http::negotiate(request.fields.get("accept"), http::kTable);
  if (!form) {
    return http::problem_response(
        http::make_problem("not_acceptable", "there is JSON, CSV and NDJSON"), request.trace);
  }
  const auto chosen = http::kTable[*form];
  auto out =
      http::text_response(std::string{chosen} + (chosen == http::kCsv ? "; charset=utf-8" : ""),
                          body_of(page.rows, chosen));
  std::string columns;
  for (const auto& column : page.rows.columns)
    columns += (columns.empty() ? "" : ",") + column.name + ":" + column.type;
  out.fields.add("Dealwright-Columns", columns);
  for (const auto& [name, value] : page.fields) out.fields.add(name, value);
  if (!page.cursor.empty()) {
    const auto path = request.path.substr(0, request.path.find('?'));
    out.fields.add(
        "Link", "<" + path + "?" + request.query.with("cursor", page.cursor) + ">; rel=\"next\"");
  }
  return out;
}

Awaitable<Response> answer_page(Parts& parts, Request& request, std::function<Result<Page>()> work,
                                std::string list) {
  if (const auto* cursor = list.empty() ? nullptr : request.query.find("cursor")) {
    if (const auto place = http::read_cursor(list, *cursor); !place) {
      co_return http::problem_response(http::make_problem("bad_cursor", place.error().detail),
                                       request.trace);
    }
  }
  if (auto early = co_await wait_for_position(parts, request)) co_return std::move(*early);
  const auto page = co_await http::run_blocking<Page>(parts.pool, std::move(work));
  if (!page) co_return http::problem_response(page.error(), request.trace);
  co_return answer(request, page.value());
}

Awaitable<Response> answer_value(Parts& parts, Request& request,
                                 std::function<Result<Value>()> work) {
  if (auto early = co_await wait_for_position(parts, request)) co_return std::move(*early);
  const auto value = co_await http::run_blocking<Value>(parts.pool, std::move(work));
  if (!value) co_return http::problem_response(value.error(), request.trace);
  co_return http::json_response(value.value());
}

void continue_trace(const http::Request& request, std::span<Event> events) {
  if (request.fields.find("traceparent") == nullptr) return;
  const auto& trace = request.trace;
  for (auto& event : events) {
    if (!event.traceparent.empty()) continue;
    event.traceparent = trace.traceparent();
    if (trace.state.empty() || dealwright::find(event.extensions, "tracestate") != nullptr)
      continue;
    event.extensions.emplace_back("tracestate", Value{trace.state});
    event.extensions = *Value{std::move(event.extensions)}.as_map();  // sorted
  }
}

Awaitable<Result<Intake::Receipt>> take_in(Parts& parts, std::vector<Event> events) {
  using Receipt = Result<Intake::Receipt>;
  std::function<void(std::function<void(Receipt)>)> begin = [&](std::function<void(Receipt)> done) {
    parts.intake.append(std::move(events), std::move(done));
  };
  co_return co_await http::await_call<Receipt>(std::move(begin));
}

std::string actor_of(const Request& request) {
  return request.key == nullptr ? "system/http" : "key/" + request.key->id;
}

std::string fresh_id(Parts& parts, const Request& request, std::string_view what) {
  if (const auto name = http::repeat_name(request); !name.empty())
    return std::string{what} + "/" + name;
  return std::string{what} + "-" + to_text(parts.workspace.clock().wall()) + "-" +
         request.trace.span_id;
}

}  // namespace dealwright::daemon::api
