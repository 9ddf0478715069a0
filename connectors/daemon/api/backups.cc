// Backups of what is served.
#include "connectors/daemon/backups.h"

#include "connectors/daemon/api/api.h"
#include "connectors/http/text.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

Value count(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

std::string positions_of(const Manifest& manifest) {
  std::string out;
  for (PartitionId id = 0; id < manifest.partitions.size(); ++id) {
    out += (out.empty() ? "" : ",") + std::to_string(id) + ":" +
           std::to_string(manifest.partitions[id].events);
  }
  return out;
}

Value to_value(const BackupStatus& status) {
  Map out{{"backup", Value{status.name}},
          {"path", Value{status.path}},
          {"state", Value{backup_state_name(status.state)}}};
  if (status.state == BackupStatus::State::kRunning) {
    out.emplace_back("done_bytes", count(status.done));
    out.emplace_back("of_bytes", count(status.of));
  }
  if (const auto& manifest = status.manifest) {
    out.emplace_back("created", Value{manifest->created});
    out.emplace_back("bytes", count(manifest->bytes()));
    out.emplace_back("files", count(manifest->files.size()));
    out.emplace_back("keys", Value{manifest->find(kKeysBundle) != nullptr});
    out.emplace_back("ends", Value{positions_of(*manifest)});
  }
  if (const auto& error = status.error) {
    out.emplace_back("code", Value{code_name(error->code)});
    out.emplace_back("reason", Value{error->detail});
  }
  return Value{std::move(out)};
}

Result<Page> list(Parts& parts) {
  DW_TRY(const auto all, parts.backups.list());
  Page out;
  out.rows.columns = {{"backup", "text"}, {"state", "text"}, {"created", "instant"},
                      {"bytes", "int"},   {"keys", "bool"},  {"ends", "text"},
                      {"path", "text"},   {"code", "text"},  {"reason", "text"}};
  for (const auto& one : all) {
    const auto value = to_value(one);
    auto& row = out.rows.rows.emplace_back();
    for (const auto& column : out.rows.columns) {
      const auto* member = find(*value.as_map(), column.name);
      row.push_back(member == nullptr ? Value{Null{}} : *member);
    }
  }
  return out;
}

Awaitable<Response> answer_begun(Parts& parts, Request& request) {
  std::function<Result<Value>()> work = [&parts, &request]() -> Result<Value> {
    const bool keys = request.query.get("without_keys") != "true";
    DW_TRY(const auto begun, parts.backups.start(std::string{request.query.get("to")}, keys));
    return to_value(begun);
  };
  const auto begun = co_await http::run_blocking<Value>(parts.pool, std::move(work));
  if (!begun) co_return http::problem_response(begun.error(), request.trace);
  auto out = http::json_response(begun.value(), 202);
  const auto* name = find(*begun.value().as_map(), "backup");
  out.fields.add("Location", "/v1/backups/" + std::string{name->text_or_empty()});
  co_return out;
}

// Waits for its end, if it is to.
Awaitable<Response> answer_one(Parts& parts, Request& request) {
  const auto ms = http::parse_count(request.query.get("timeout", "0")).value_or(0);
  if (ms > 0) {
    Backups::Ticket ticket = 0;
    std::function<void(http::Resume)> begin = [&](http::Resume resume) {
      ticket = parts.backups.when_idle(std::move(resume));
    };
    co_await http::suspend_for(static_cast<std::int64_t>(ms), std::move(begin));
    parts.backups.forget(ticket);
  }
  std::function<Result<Value>()> work = [&parts, &request]() -> Result<Value> {
    DW_TRY(const auto found, parts.backups.find(request.param("backup")));
    return to_value(found);
  };
  co_return co_await answer_value(parts, request, std::move(work));
}

}  // namespace

void add_backup_routes(Parts& parts, Routes& out) {
  auto all = get("/v1/backups", "list_backups",
                 "Backups in the data directory, and those this process made elsewhere", "backups",
                 [&parts](Request& request) {
                   std::function<Result<Page>()> work = [&parts] { return list(parts); };
                   return answer_page(parts, request, std::move(work));
                 });
  all.roles = {http::Role::kAdmin, http::Role::kAuditor};
  all.gives = {"application/json", "text/csv", "application/x-ndjson"};
  all.fields = {"Dealwright-Columns"};
  all.answer_schema = "BackupRows";
  out.push_back(std::move(all));

  auto one = get("/v1/backups/{backup}", "get_backup", "One, with how far it has come", "backups",
                 [&parts](Request& request) { return answer_one(parts, request); });
  one.parameters.push_back(
      number("timeout", "waits so many milliseconds for its end; 0 if left out", 0, 30'000));
  one.roles = {http::Role::kAdmin, http::Role::kAuditor};
  one.answer_schema = "Backup";
  one.problems = {"not_found"};
  out.push_back(std::move(one));

  auto begun = post("/v1/backups", "create_backup",
                    "Begin a backup of what is durable now; one at a time", "backups", admins(),
                    [&parts](Request& request) { return answer_begun(parts, request); });
  begun.parameters.push_back(
      text("to",
           "an empty or new folder on the server's machine; below the data directory's "
           "backups if left out"));
  begun.parameters.push_back(flag("without_keys", "true leaves the keys out"));
  begun.success = 202;
  begun.answer_schema = "Backup";
  begun.problems = {"invalid", "conflict"};
  add_repeats(parts, begun, http::Repeats::Again::kAnswered);
  out.push_back(std::move(begun));
}

}  // namespace dealwright::daemon::api
