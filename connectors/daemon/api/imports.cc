// Imports: made, sent piece by piece, followed, paused, resumed, cancelled.
#include "connectors/daemon/imports.h"

#include <algorithm>

#include "connectors/daemon/api/api.h"
#include "connectors/http/accept.h"
#include "connectors/http/csv.h"
#include "connectors/http/query.h"
#include "connectors/http/text.h"
#include "connectors/import/mapping.h"
#include "engine/base/id.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

constexpr std::size_t kFileNameMax = 255;
constexpr std::string_view kBytes = "application/octet-stream";

Value value_of(const ImportRecord& record) { return Value{to_map(record)}; }

// ---- made

// A line of the mapping's faults: `mapping:line:column error IM.. text; hint`.
http::ProblemDetail fault_of(std::string_view line) {
  http::ProblemDetail out;
  const auto parts = http::split(line, ':');
  if (parts.size() > 2) {
    const auto row = http::parse_count(parts[1]);
    const auto column = http::parse_count(parts[2].substr(0, parts[2].find(' ')));
    if (row) out.line = static_cast<std::int64_t>(*row);
    if (column) out.column = static_cast<std::int64_t>(*column);
  }
  const auto text = line.find(' ');
  out.detail = out.line > 0 && text != std::string_view::npos ? line.substr(text + 1) : line;
  return out;
}

http::Problem bad_mapping(const Error& error) {
  auto problem = http::make_problem("mapping_invalid");
  for (const auto line : http::split(error.detail, '\n')) {
    if (!line.empty()) problem.errors.push_back(fault_of(line));
  }
  if (!problem.errors.empty()) problem.detail = problem.errors.front().detail;
  return problem;
}

Result<std::int64_t> read_number(const std::string& name, const Value& value, std::int64_t most) {
  const auto* number = value.as_int();
  if (number != nullptr && *number >= 1 && *number <= most) return *number;
  return Error{Code::kInvalid, name + " is a number from 1 to " + std::to_string(most)};
}

Result<void> read_member(const std::string& name, const Value& value, NewImport& out) {
  auto& record = out.record;
  const auto text = std::string{value.text_or_empty()};
  if (name == "bytes") {
    DW_TRY(const auto bytes, read_number(name, value, std::int64_t{1} << 50));
    record.bytes = static_cast<std::uint64_t>(bytes);
    return ok();
  }
  if (name == "rate") {
    DW_TRY(record.rate, read_number(name, value, kDripMax));
    return ok();
  }
  if (name == "dry_run") {
    if (value.as_bool() == nullptr) return Error{Code::kInvalid, "dry_run is true or false"};
    record.dry_run = *value.as_bool();
    return ok();
  }
  if (value.as_text() == nullptr) return Error{Code::kInvalid, "'" + name + "' is no text"};
  if (name == "mapping") {
    out.mapping = text;
  } else if (name == "batch") {
    if (!is_id(text) || text.size() > kBatchBytesMax) {
      return Error{Code::kInvalid,
                   "batch has 1 to 100 bytes of UTF-8, no control characters; left out, it is the "
                   "mapping's"};
    }
    record.batch = text;
  } else if (name == "file") {
    if (text.empty() || text.size() > kFileNameMax) {
      return Error{Code::kInvalid, "file has 1 to 255 bytes: how you call it, without its folders"};
    }
    record.file = text;
  } else if (name == "file_of") {
    out.file_of = text;
  } else if (name == "sha256") {
    if (!sha256_of_hex(text)) return Error{Code::kInvalid, "sha256 has 64 hex digits"};
    record.sha256 = text;
  } else if (name == "policy") {
    const auto policy = policy_of(text);
    if (!policy) {
      return Error{Code::kInvalid,
                   "there is no policy '" + text + "'; there are suppress, shadow, drip, fire"};
    }
    record.policy = *policy;
  } else {
    return Error{Code::kInvalid, "'" + name +
                                     "' is not known; there are mapping, file, bytes, sha256, "
                                     "file_of, batch, policy, rate, dry_run"};
  }
  return ok();
}

Result<NewImport> read_asked(const Request& request) {
  codec::JsonLimits limits;
  limits.bytes = request.body.size();
  DW_TRY(const auto body, request.json(limits));
  const auto* map = body.as_map();
  if (map == nullptr) {
    return Error{Code::kInvalid,
                 "send an object: {\"mapping\":\"...\",\"file\":\"leads.csv\",\"bytes\":8112}"};
  }
  NewImport out;
  for (const auto& [name, value] : *map) {
    DW_TRY(read_member(name, value, out));
  }
  if (out.mapping.empty()) return Error{Code::kInvalid, "mapping is missing: the mapping's text"};
  if (out.file_of.empty() && (out.record.bytes == 0 || out.record.file.empty())) {
    return Error{Code::kInvalid,
                 "say which file is to come, file and bytes, or of which import it is, file_of"};
  }
  if (!out.file_of.empty() && (out.record.bytes > 0 || !out.record.sha256.empty())) {
    return Error{Code::kInvalid, "with file_of the file is there: no bytes, no sha256"};
  }
  return out;
}

Awaitable<Response> create(Parts& parts, Request& request) {
  auto asked = read_asked(request);
  if (!asked) co_return http::problem_response(asked.error(), request.trace);
  auto& made = asked.value();
  if (const auto mapping = import::parse_mapping(made.mapping, "mapping"); !mapping) {
    co_return http::problem_response(bad_mapping(mapping.error()), request.trace);
  }
  made.record.id = "imp-" + hex(sha256(fresh_id(parts, request, "import"))).substr(0, 16);
  made.record.actor = actor_of(request);
  made.record.asked = hex(sha256(request.body));
  std::function<Result<Value>()> work = [&]() -> Result<Value> {
    DW_TRY(const auto record, parts.imports.create(std::move(made)));
    return value_of(record);
  };
  const auto id = made.record.id;
  const auto record = co_await http::run_blocking<Value>(parts.pool, std::move(work));
  if (!record) co_return http::problem_response(record.error(), request.trace);
  auto out = http::json_response(record.value(), 201);
  out.fields.add("Location", "/v1/imports/" + id);
  co_return out;
}

// ---- told

// Batches of the log that this server was not given: by the command line, or before a restore.
Result<std::vector<std::vector<Value>>> rows_of_log(Parts& parts,
                                                    const std::vector<ImportRecord>& own) {
  std::vector<std::vector<Value>> out;
  DW_TRY(const auto names, batch_names(parts.workspace));
  for (const auto& name : names) {
    const bool known = std::any_of(own.begin(), own.end(), [&](const ImportRecord& record) {
      return record.batch == name && !record.dry_run;
    });
    if (known) continue;
    DW_TRY(const auto batch, find_batch(parts.workspace, name));
    const auto* file = batch.opened ? find(batch.opened->extra, "file") : nullptr;
    const auto phase = phase_name(batch.batch.phase);
    const auto at = batch.opened && batch.opened->time ? Value{*batch.opened->time} : Value{Null{}};
    out.push_back({Value{Null{}}, Value{phase == "closed" ? "whole" : phase}, Value{name},
                   Value{policy_name(batch.batch.policy)}, Value{false},
                   file == nullptr ? Value{Null{}} : *file, at, Value{Null{}}, Value{Null{}},
                   Value{static_cast<std::int64_t>(batch.rows)}, Value{Null{}}, Value{Null{}}});
  }
  return out;
}

Result<Page> list(Parts& parts, const Request& request) {
  std::size_t skip = 0;
  if (const auto* cursor = request.query.find("cursor")) {
    DW_TRY(const auto place, http::read_cursor("imports", *cursor));
    skip = static_cast<std::size_t>(http::parse_count(place).value_or(0));
  }
  const auto own = parts.imports.list();
  Page out;
  out.rows.columns = {{"import", "text"},     {"state", "text"},   {"batch", "text"},
                      {"policy", "text"},     {"dry_run", "bool"}, {"file", "text"},
                      {"created", "instant"}, {"rows", "int"},     {"bad_rows", "int"},
                      {"events", "int"},      {"appended", "int"}, {"reason", "text"}};
  std::vector<std::vector<Value>> rows;
  const auto count = [](std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; };
  for (const auto& one : own) {
    const auto policy =
        one.policy == Policy::kUnset ? Value{Null{}} : Value{policy_name(one.policy)};
    rows.push_back({Value{one.id}, Value{import_state_name(one.state)}, Value{one.batch}, policy,
                    Value{one.dry_run}, Value{one.file}, Value{one.created}, count(one.counts.rows),
                    count(one.counts.bad_rows), count(one.counts.events),
                    one.dry_run ? Value{0} : count(one.counts.appended),
                    one.error ? Value{one.error->detail} : Value{Null{}}});
  }
  DW_TRY(auto more, rows_of_log(parts, own));
  std::move(more.begin(), more.end(), std::back_inserter(rows));
  const auto begin = std::min(skip, rows.size());
  const auto end = std::min(begin + limit_of(request), rows.size());
  if (end < rows.size()) out.cursor = http::make_cursor("imports", std::to_string(end));
  out.rows.rows.assign(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                       rows.begin() + static_cast<std::ptrdiff_t>(end));
  return out;
}

// Waits for its end, if it is to.
Awaitable<Response> answer_one(Parts& parts, Request& request) {
  const auto ms = http::parse_count(request.query.get("timeout", "0")).value_or(0);
  std::function<Result<ImportRecord>()> find_one = [&parts, &request] {  // it may wait for a disk
    return parts.imports.find(request.param("import"));
  };
  auto found = co_await http::run_blocking<ImportRecord>(parts.pool, find_one);
  if (ms > 0 && found && found.value().state == ImportState::kRunning) {
    Imports::Ticket ticket = 0;
    std::function<void(http::Resume)> begin = [&](http::Resume resume) {
      ticket = parts.imports.when_idle(std::move(resume));
    };
    co_await http::suspend_for(static_cast<std::int64_t>(ms), std::move(begin));
    parts.imports.forget(ticket);
    found = co_await http::run_blocking<ImportRecord>(parts.pool, find_one);
  }
  if (!found) co_return http::problem_response(found.error(), request.trace);
  co_return http::json_response(value_of(found.value()));
}

// Piece by piece, as large as it is.
Awaitable<Response> answer_bad_rows(Parts& parts, Request& request) {
  const auto id = request.param("import");
  const auto read = [&parts, id](std::uint64_t from) {
    return std::function<Result<std::string>()>{
        [&parts, id, from] { return parts.imports.bad_rows(id, from); }};
  };
  auto work = read(0);
  auto first = co_await http::run_blocking<std::string>(parts.pool, std::move(work));
  if (!first) co_return http::problem_response(first.error(), request.trace);
  struct Place {
    std::string next;
    std::uint64_t at = 0;
  };
  const auto place = std::make_shared<Place>(Place{std::move(first.value()), 0});
  Response out;
  out.media_type = std::string{http::kCsv} + "; charset=utf-8";
  out.pieces = [&parts, place, read]() -> Awaitable<std::optional<std::string>> {
    if (place->next.empty()) co_return std::nullopt;
    auto piece = std::exchange(place->next, {});
    place->at += piece.size();
    auto more = read(place->at);
    auto next = co_await http::run_blocking<std::string>(parts.pool, std::move(more));
    if (next) {
      place->next = std::move(next.value());
    } else {  // the last row tells that there would be more
      http::CsvWriter csv{piece};
      for (const auto* cell : {"", "", "", "io", next.error().detail.c_str(), "", ""}) {
        csv.text(cell);
      }
      csv.end_row();
    }
    co_return piece;
  };
  co_return out;
}

// ---- sent and ordered

Awaitable<Response> put_piece(Parts& parts, Request& request) {
  std::function<Result<Value>()> work = [&parts, &request]() -> Result<Value> {
    const auto offset = http::parse_count(request.query.get("offset", "0")).value_or(0);
    DW_TRY(const auto record, parts.imports.put(request.param("import"), offset, request.body));
    return value_of(record);
  };
  return answer_value(parts, request, std::move(work));
}

using Order = Result<ImportRecord> (Imports::*)(const std::string&, const std::string&);

http::Route order_route(Parts& parts, const std::string& verb, std::string summary, Order order) {
  auto out =
      post("/v1/imports/{import}/" + verb, verb + "_import", std::move(summary), "imports",
           operators(), [&parts, order](Request& request) {
             std::function<Result<Value>()> work = [&parts, &request, order]() -> Result<Value> {
               DW_TRY(const auto record,
                      (parts.imports.*order)(request.param("import"), actor_of(request)));
               return value_of(record);
             };
             return answer_value(parts, request, std::move(work));
           });
  out.answer_schema = "Import";
  out.problems = {"not_found", "conflict", "io", "no_space"};
  return out;
}

http::Parameter import_parameter() {
  return segment("import", "its id, or the name of its batch: then the newest of it", "");
}

void add_new_import(Parts& parts, Routes& out) {
  auto made = post("/v1/imports", "create_import",
                   "Says what is to be imported; its file comes next. One at a time", "imports",
                   operators(), [&parts](Request& request) { return create(parts, request); });
  made.takes = {"application/json"};
  made.request_schema = "NewImport";
  made.success = 201;
  made.answer_schema = "Import";
  made.fields = {"Location"};
  made.problems = {"invalid", "conflict", "not_found", "mapping_invalid",
                   "refused", "io",       "no_space"};
  add_repeats(parts, made);
  out.push_back(std::move(made));

  auto piece = post("/v1/imports/{import}/file", "put_import_file",
                    "A piece of its file; the last one begins the import", "imports", operators(),
                    [&parts](Request& request) { return put_piece(parts, request); });
  piece.method = "PUT";
  piece.takes = {"*"};
  piece.request_schemas = {{std::string{kBytes}, ""}};
  piece.body_bytes = parts.limits.batch_body_bytes;
  piece.parameters.push_back(import_parameter());
  piece.parameters.push_back(
      number("offset", "how many bytes came before; 0 if left out", 0, std::int64_t{1} << 50));
  piece.answer_schema = "Import";
  piece.problems = {"not_found", "conflict", "invalid", "io", "no_space"};
  out.push_back(std::move(piece));
}

}  // namespace

void add_import_routes(Parts& parts, Routes& out) {
  add_new_import(parts, out);
  auto all = get("/v1/imports", "list_imports",
                 "Imports, the newest first; then batches of the log that came another way",
                 "imports", [&parts](Request& request) {
                   std::function<Result<Page>()> work = [&parts, &request] {
                     return list(parts, request);
                   };
                   return answer_page(parts, request, std::move(work), "imports");
                 });
  add_paging(all);
  all.answer_schema = "ImportRows";
  out.push_back(std::move(all));

  auto one = get("/v1/imports/{import}", "get_import",
                 "How far it is, and the first rows that cannot be imported", "imports",
                 [&parts](Request& request) { return answer_one(parts, request); });
  one.parameters.push_back(import_parameter());
  one.parameters.push_back(
      number("timeout", "waits so many milliseconds for its end; 0 if left out", 0, 30'000));
  one.answer_schema = "Import";
  one.problems = {"not_found"};
  out.push_back(std::move(one));

  auto bad = get("/v1/imports/{import}/bad-rows", "get_import_bad_rows",
                 "All rows that were left out, with their reasons", "imports",
                 [&parts](Request& request) { return answer_bad_rows(parts, request); });
  bad.parameters.push_back(import_parameter());
  bad.gives = {std::string{http::kCsv}};
  bad.problems = {"not_found", "io"};
  out.push_back(std::move(bad));

  out.push_back(order_route(parts, "pause", "It stops, and can be resumed", &Imports::pause));
  out.push_back(order_route(parts, "resume", "It goes on where it was, also one that failed",
                            &Imports::resume));
  out.push_back(
      order_route(parts, "cancel", "It stops for good; what was appended stays", &Imports::cancel));
  for (auto it = out.end() - 3; it != out.end(); ++it) it->parameters.push_back(import_parameter());
}

}  // namespace dealwright::daemon::api
