// What events may say: the data of each type as JSON Schema, and the workspace's own schema.
#include "connectors/daemon/api/api.h"
#include "connectors/daemon/event_schema.h"
#include "connectors/daemon/rule_book.h"
#include "connectors/http/text.h"

namespace dealwright::daemon::api {
namespace {

using http::Request;

Result<Page> list() {
  Page out;
  out.rows.columns = {{"schema", "text"}, {"group", "text"}, {"fields", "int"}};
  for (const auto& spec : all_event_specs()) {
    out.rows.rows.push_back({Value{spec.name}, Value{group_name(spec.group)},
                             Value{static_cast<std::int64_t>(spec.data.size())}});
  }
  return out;
}

Result<Value> show(const std::string& name) {
  if (const auto* spec = event_spec(name)) return event_schema(*spec);
  const auto near = nearest_event_type(name);
  return Error{Code::kNotFound,
               "there is no event type '" + name + "'" +
                   (near.empty() ? std::string{} : "; did you mean " + std::string{near} + "?")};
}

Result<Value> own(Parts& parts, const Request& request) {
  const auto revision = http::parse_count(request.query.get("revision", "0")).value_or(0);
  DW_TRY(auto found, describe_schema(parts.workspace, revision));
  return Value{std::move(found)};
}

}  // namespace

void add_schema_routes(Parts& parts, Routes& out) {
  const auto anyone = [] {
    auto roles = readers();
    roles.add(http::Role::kPublisher);  // who sends checks what it sends
    return roles;
  };
  auto all = get("/v1/schemas", "list_schemas", "Event types, each with a schema of its data",
                 "schemas", [&parts](Request& request) {
                   std::function<Result<Page>()> work = [] { return list(); };
                   return answer_page(parts, request, std::move(work));
                 });
  all.roles = anyone();
  all.gives = {"application/json", "text/csv", "application/x-ndjson"};
  all.fields = {"Dealwright-Columns"};
  all.answer_schema = "SchemaRows";
  out.push_back(std::move(all));

  auto one = get(
      "/v1/schemas/{type}", "get_schema", "The data of an event type as JSON Schema (2020-12)",
      "schemas", [&parts](Request& request) {
        std::function<Result<Value>()> work = [type = request.param("type")] { return show(type); };
        return answer_value(parts, request, std::move(work));
      });
  one.roles = anyone();
  one.parameters.push_back(segment("type", "such as deal.opened", ""));
  one.answer_schema = "JsonSchema";
  one.problems = {"not_found"};
  out.push_back(std::move(one));

  auto ours = get("/v1/schemas/workspace", "get_workspace_schema",
                  "Fields and purposes of the workspace's own, as they were published", "schemas",
                  [&parts](Request& request) {
                    std::function<Result<Value>()> work = [&parts, &request] {
                      return own(parts, request);
                    };
                    return answer_value(parts, request, std::move(work));
                  });
  ours.parameters.push_back(
      number("revision", "an older one; the newest if left out", 1, 1'000'000));
  ours.answer_schema = "WorkspaceSchema";
  ours.problems = {"not_found"};
  add_waiting(ours);
  out.push_back(std::move(ours));
}

}  // namespace dealwright::daemon::api
