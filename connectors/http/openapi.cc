#include "connectors/http/openapi.h"

#include <map>
#include <set>

#include "connectors/http/accept.h"
#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

Value reference(const std::string& schema) {
  return Value{Map{{"$ref", "#/components/schemas/" + schema}}};
}

Value schema_of(const Parameter& parameter) {
  Map out;
  switch (parameter.type) {
    case ParameterType::kText: {
      out.emplace_back("type", "string");
      List words;
      for (const auto& word : parameter.one_of) words.emplace_back(word);
      if (!words.empty()) out.emplace_back("enum", std::move(words));
      break;
    }
    case ParameterType::kInteger:
      out = {{"type", "integer"}, {"format", "int64"}};
      if (parameter.least) out.emplace_back("minimum", *parameter.least);
      if (parameter.most) out.emplace_back("maximum", *parameter.most);
      break;
    case ParameterType::kBoolean:
      out.emplace_back("type", "boolean");
      break;
    case ParameterType::kInstant:
      out = {{"type", "string"}, {"format", "date-time"}};
      break;
  }
  if (!parameter.repeats) return Value{std::move(out)};
  return Value{Map{{"type", "array"}, {"items", std::move(out)}}};
}

Value to_value(const Parameter& parameter) {
  static constexpr const char* kPlaces[] = {"path", "query", "header"};
  const bool path = parameter.in == Parameter::In::kPath;
  Map out{{"name", parameter.name},
          {"in", kPlaces[static_cast<int>(parameter.in)]},
          {"required", path || parameter.required},
          {"schema", schema_of(parameter)}};
  if (!parameter.description.empty()) out.emplace_back("description", parameter.description);
  return Value{std::move(out)};
}

List parameters_of(const Route& route) {
  List out;
  std::set<std::string> told;
  for (const auto& parameter : route.parameters) {
    out.push_back(to_value(parameter));
    if (parameter.in == Parameter::In::kPath) told.insert(parameter.name);
  }
  for (const auto part : split(route.pattern, '/')) {
    if (part.size() < 3 || part.front() != '{') continue;
    Parameter parameter;
    parameter.name = part.substr(1, part.size() - 2);
    parameter.in = Parameter::In::kPath;
    if (told.insert(parameter.name).second) out.push_back(to_value(parameter));
  }
  return out;
}

Value content(const std::vector<std::string>& types, const std::string& schema) {
  Map out;
  for (auto type : types) {
    // A JSON Schema says nothing of CSV's or a stream's text.
    const bool described = !schema.empty() && type != kCsv && type != kEventStream && type != "*";
    if (type == "*") type = "*/*";
    if (type.ends_with('*')) type = type.substr(0, type.size() - 1) + "+json";
    out.emplace_back(type, described ? Map{{"schema", reference(schema)}} : Map{});
  }
  return Value{std::move(out)};
}

// The server's own refusals that this route can meet, and the route's.
std::set<std::string> problems_of(const Route& route) {
  std::set<std::string> out{"bad_request",    "bad_host",  "bad_framing",    "rate",
                            "overload",       "timeout",   "internal",       "too_slow",
                            "head_too_large", "bad_query", "target_too_long"};
  if (!route.open)
    out.insert({"key_missing", "key_mistyped", "key_unknown", "key_expired", "key_revoked",
                "forbidden", "scope"});
  if (route.pattern.find('{') != std::string::npos) out.insert("bad_path");
  if (!route.takes.empty())
    out.insert({"body_too_large", "media_type", "content_coding", "bad_body"});
  if (!route.other_parameters) out.insert("unknown_parameter");
  if (!route.parameters.empty()) out.insert("bad_parameter");
  out.insert(route.problems.begin(), route.problems.end());
  return out;
}

Value responses_of(const Route& route) {
  Map success{{"description", "Done"}};
  if (!route.gives.empty())
    success.emplace_back("content", content(route.gives, route.answer_schema));
  Map out{{std::to_string(route.success), std::move(success)}};
  std::map<int, std::string> by_status;
  for (const auto& code : problems_of(route)) {
    const auto* entry = find_problem_code(code);
    auto& codes = by_status[entry == nullptr ? 400 : entry->status];
    codes += (codes.empty() ? "" : ", ") + code;
  }
  for (const auto& [status, codes] : by_status) {
    Map response{{"description", codes},
                 {"content", content({std::string{kProblemJson}}, "Problem")}};
    if (status == 429 || status == 503) {
      response.emplace_back("headers",
                            Map{{"Retry-After", Map{{"description", "Seconds to wait"},
                                                    {"schema", Map{{"type", "integer"}}}}}});
    }
    out.emplace_back(std::to_string(status), std::move(response));
  }
  return Value{std::move(out)};
}

Value operation_of(const Route& route) {
  List roles, security;
  for (const auto name : route.roles.names()) roles.emplace_back(name);
  if (!route.open) security.emplace_back(Map{{"key", List{}}});
  Map out{{"operationId", route.operation},
          {"summary", route.summary},
          {"responses", responses_of(route)},
          {"security", std::move(security)},
          {"x-roles", std::move(roles)}};
  if (!route.resource.empty()) out.emplace_back("tags", List{route.resource});
  auto parameters = parameters_of(route);
  if (!parameters.empty()) out.emplace_back("parameters", std::move(parameters));
  if (!route.takes.empty()) {
    out.emplace_back("requestBody", Map{{"required", true},
                                        {"content", content(route.takes, route.request_schema)}});
  }
  return Value{std::move(out)};
}

Value problem_schema() {
  const auto text = [] { return Map{{"type", "string"}}; };
  const auto number = [] { return Map{{"type", "integer"}}; };
  Map fault{{"event", number()},  {"pointer", text()}, {"line", number()},
            {"column", number()}, {"detail", text()},  {"hint", text()}};
  Map members{
      {"type", text()},
      {"title", text()},
      {"status", number()},
      {"code", text()},
      {"detail", text()},
      {"trace_id", text()},
      {"errors", Map{{"type", "array"},
                     {"items", Map{{"type", "object"}, {"properties", std::move(fault)}}}}}};
  return Value{Map{{"type", "object"},
                   {"required", List{"type", "status", "code"}},
                   {"properties", std::move(members)}}};
}

}  // namespace

Result<Value> openapi(const RouteTable& table, const ApiInfo& info, const Map& schemas) {
  std::map<std::string, Map> paths;
  for (const auto& route : table.routes()) {
    for (const auto& name : {route.request_schema, route.answer_schema}) {
      if (!name.empty() && dealwright::find(schemas, name) == nullptr)
        return Error{Code::kInvalid,
                     route.operation + " names the schema " + name + ", which is not there"};
    }
    paths[route.pattern].emplace_back(lower(route.method), operation_of(route));
  }
  Map all{schemas};
  all.emplace_back("Problem", problem_schema());
  Map described{{"title", info.title}, {"version", info.version}};
  if (!info.description.empty()) described.emplace_back("description", info.description);
  Map by_path;
  for (auto& [pattern, operations] : paths) by_path.emplace_back(pattern, std::move(operations));
  return Value{
      Map{{"openapi", "3.1.0"},
          {"info", std::move(described)},
          {"paths", std::move(by_path)},
          {"components", Map{{"schemas", std::move(all)},
                             {"securitySchemes", Map{{"key", Map{{"type", "http"},
                                                                 {"scheme", "bearer"},
                                                                 {"bearerFormat", "dw_..."}}}}}}}}};
}

}  // namespace dealwright::http
