#include "connectors/http/openapi.h"

#include <algorithm>
#include <map>
#include <set>

#include "connectors/http/accept.h"
#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

// What a text in a URL may hold: the server refuses control characters.
constexpr const char* kTextPattern = "^[^\\u0000-\\u001f\\u007f]*$";
constexpr const char* kSegmentPattern = "^[^\\u0000-\\u001f\\u007f]+$";

struct FieldText {
  std::string_view name;
  const char* description;
};
constexpr FieldText kFields[] = {
    {"ETag", "Names this state of it, for If-Match and If-None-Match"},
    {"Idempotency-Replayed", "true: done before, this is the answer of that time"},
    {"Location", "Where what was made is read"},
    {"Link", "The next page, rel=\"next\"; none on the last"},
    {"Dealwright-Columns", "The columns in their order, each with its type"},
    {"Dealwright-Position", "How far the events of each partition are folded in it"},
    {"Dealwright-Lag-Ms", "How old what it shows may be, in milliseconds"},
    {"Dealwright-Left-Out", "How many notices and fields were left out"},
    {"WebHook-Allowed-Origin", "Who may deliver"},
    {"WebHook-Allowed-Rate", "Requests a minute"},
};

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
      if (!words.empty()) {
        out.emplace_back("enum", std::move(words));
      } else if (!parameter.pattern.empty()) {
        out.emplace_back("pattern", parameter.pattern);
      } else if (parameter.in == Parameter::In::kPath) {
        out.emplace_back("pattern", kSegmentPattern);
      } else if (parameter.in == Parameter::In::kQuery) {
        out.emplace_back("pattern", kTextPattern);
      }
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
      out = {{"type", "string"},
             {"anyOf", List{Map{{"format", "date-time"}}, Map{{"format", "date"}}}}};
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

Map content(const std::vector<std::string>& types, const std::string& schema) {
  Map out;
  for (const auto& type : types) {
    // A JSON Schema says nothing of CSV's text, of a stream's, or of one value a line.
    const bool described =
        !schema.empty() && type != kCsv && type != kEventStream && type != kNdjson;
    out.emplace_back(type == "*" ? "*/*" : type,
                     described ? Map{{"schema", reference(schema)}} : Map{});
  }
  return out;
}

Value request_body_of(const Route& route) {
  Map all;
  for (const auto& [type, schema] : route.request_schemas) {
    for (auto& one : content({type}, schema)) all.push_back(std::move(one));
  }
  if (all.empty()) all = content(route.takes, route.request_schema);
  return Value{Map{{"required", route.body_required}, {"content", std::move(all)}}};
}

// The server's own refusals that this route can meet, and the route's.
std::set<std::string> problems_of(const Route& route) {
  std::set<std::string> out{
      "bad_request",    "bad_host",        "bad_framing",        "rate",
      "overload",       "timeout",         "internal",           "too_slow",
      "head_too_large", "bad_query",       "target_too_long",    "http_version",
      "misdirected",    "too_many_fields", "expectation_failed", "closed"};
  if (!route.open)
    out.insert({"key_missing", "key_mistyped", "key_unknown", "key_expired", "key_revoked",
                "forbidden", "scope"});
  if (route.pattern.find('{') != std::string::npos) out.insert("bad_path");
  if (!route.takes.empty())
    out.insert({"body_too_large", "media_type", "content_coding", "bad_body"});
  if (!route.other_parameters) out.insert("unknown_parameter");
  if (!route.parameters.empty()) out.insert("bad_parameter");
  if (route.gives.size() > 1) out.insert("not_acceptable");
  out.insert(route.problems.begin(), route.problems.end());
  return out;
}

Map header_of(const char* description, const char* type, bool required) {
  return Map{{"description", description}, {"required", required}, {"schema", Map{{"type", type}}}};
}

// Of the answers with one status: what the route gives, and the problems.
struct Told {
  bool answer = false;
  std::string codes;  // of problems
};

Value response_of(const Route& route, int status, const Told& told) {
  Map headers, bodies;
  std::string description = told.codes;
  if (told.answer) {
    description = status == 304 ? "Not changed" : "Done";
    if (status >= 400) description = "The answer says why; or " + told.codes;
    if (status != 304 && status != 204) bodies = content(route.gives, route.answer_schema);
    for (const auto& name : route.fields) {
      const auto* known = std::find_if(std::begin(kFields), std::end(kFields),
                                       [&](const auto& field) { return field.name == name; });
      if (status < 400 && known != std::end(kFields))
        headers.emplace_back(name, header_of(known->description, "string", false));
    }
  }
  if (!told.codes.empty()) {
    for (auto& one : content({std::string{kProblemJson}}, "Problem"))
      bodies.push_back(std::move(one));
  }
  if (status == 429 || status == 503)
    headers.emplace_back("Retry-After", header_of("Seconds to wait", "integer", true));
  if (status == 401)
    headers.emplace_back("WWW-Authenticate", header_of("How to say who you are", "string", true));
  Map out{{"description", description}};
  if (!bodies.empty()) out.emplace_back("content", std::move(bodies));
  if (!headers.empty()) out.emplace_back("headers", std::move(headers));
  return Value{std::move(out)};
}

Value responses_of(const Route& route) {
  std::map<int, Told> by_status;
  by_status[route.success].answer = true;
  for (const int status : route.also) by_status[status].answer = true;
  for (const auto& code : problems_of(route)) {
    const auto* entry = find_problem_code(code);
    auto& codes = by_status[entry == nullptr ? 400 : entry->status].codes;
    codes += (codes.empty() ? "" : ", ") + code;
  }
  Map out;
  for (const auto& [status, told] : by_status)
    out.emplace_back(std::to_string(status), response_of(route, status, told));
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
  if (!route.takes.empty()) out.emplace_back("requestBody", request_body_of(route));
  return Value{std::move(out)};
}

Value problem_schema() {
  const auto text = [] { return Map{{"type", "string"}}; };
  const auto number = [](std::int64_t least) {
    return Map{{"type", "integer"}, {"minimum", least}};
  };
  Map fault{{"event", number(0)},  {"pointer", text()}, {"line", number(1)},
            {"column", number(1)}, {"detail", text()},  {"hint", text()}};
  Map faults{
      {"type", "array"},
      {"items",
       Map{{"type", "object"}, {"required", List{"detail"}}, {"properties", std::move(fault)}}}};
  Map members{{"type", Map{{"type", "string"}, {"pattern", "^/errors/[a-z0-9_]+$"}}},
              {"title", text()},
              {"status", Map{{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
              {"code", Map{{"type", "string"}, {"pattern", "^[a-z0-9_]+$"}}},
              {"detail", text()},
              {"trace_id", Map{{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}}},
              {"errors", std::move(faults)}};
  return Value{Map{{"type", "object"},
                   {"required", List{"type", "title", "status", "code", "trace_id"}},
                   {"properties", std::move(members)}}};
}

}  // namespace

Result<Value> openapi(const RouteTable& table, const ApiInfo& info, const Map& schemas) {
  std::map<std::string, Map> paths;
  for (const auto& route : table.routes()) {
    std::vector<std::string> named{route.request_schema, route.answer_schema};
    for (const auto& one : route.request_schemas) named.push_back(one.second);
    for (const auto& name : named) {
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
  if (!info.license.empty()) {
    described.emplace_back("license", Map{{"name", info.license}, {"identifier", info.license}});
  }
  Map by_path;
  for (auto& [pattern, operations] : paths) by_path.emplace_back(pattern, std::move(operations));
  return Value{
      Map{{"openapi", "3.1.0"},
          {"info", std::move(described)},
          {"servers", List{Map{{"url", "/"}}}},
          {"paths", std::move(by_path)},
          {"components", Map{{"schemas", std::move(all)},
                             {"securitySchemes", Map{{"key", Map{{"type", "http"},
                                                                 {"scheme", "bearer"},
                                                                 {"bearerFormat", "dw_..."}}}}}}}}};
}

}  // namespace dealwright::http
