#include "connectors/http/route.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

std::string type_fault(const Parameter& parameter, std::string_view value) {
  switch (parameter.type) {
    case ParameterType::kText:
      if (!parameter.one_of.empty() && std::find(parameter.one_of.begin(), parameter.one_of.end(),
                                                 value) == parameter.one_of.end()) {
        std::string list;
        for (const auto& word : parameter.one_of) list += (list.empty() ? "" : ", ") + word;
        return "is one of " + list;
      }
      return {};
    case ParameterType::kInteger: {
      std::int64_t number = 0;
      const auto* end = value.data() + value.size();
      const auto done = std::from_chars(value.data(), end, number);
      if (done.ec != std::errc{} || done.ptr != end) return "is a whole number";
      if (parameter.least && number < *parameter.least)
        return "is at least " + std::to_string(*parameter.least);
      if (parameter.most && number > *parameter.most)
        return "is at most " + std::to_string(*parameter.most);
      return {};
    }
    case ParameterType::kBoolean:
      return value == "true" || value == "false" ? "" : "is true or false";
    case ParameterType::kInstant:
      return parse_instant_lenient(value) ? "" : "is an instant like 2026-03-02T09:00:00Z";
  }
  return {};
}

const Parameter* parameter_of(const Route& route, std::string_view name) {
  for (const auto& parameter : route.parameters) {
    if (parameter.in == Parameter::In::kQuery && parameter.name == name) return &parameter;
  }
  return nullptr;
}

ProblemDetail about(std::string_view name, std::string detail) {
  ProblemDetail out;
  out.pointer = "/" + std::string{name};
  out.detail = std::string{name} + ' ' + std::move(detail);
  return out;
}

Result<void> check_route(const Route& route) {
  const auto name = route.method + ' ' + route.pattern;
  const auto bad = [&](std::string_view what) {
    return Error{Code::kInvalid, name + ": " + std::string{what}};
  };
  if (!is_token(route.method) || route.method == "HEAD") return bad("no method for a route");
  if (!route.pattern.starts_with('/')) return bad("a pattern begins with /");
  if (route.operation.empty()) return bad("it has no operation");
  if (!route.handler) return bad("it has no handler");
  if (route.open != route.roles.empty()) return bad("it is either open or names the roles");
  if (!route.open && route.resource.empty()) return bad("scopes need a resource to name");
  for (const auto& parameter : route.parameters) {
    const bool there = route.pattern.find('{' + parameter.name + '}') != std::string::npos;
    if (parameter.in == Parameter::In::kPath && !there)
      return bad("the pattern has no {" + parameter.name + "}");
  }
  return ok();
}

}  // namespace

std::optional<Problem> check_parameters(const Route& route, const Query& query,
                                        const Fields& fields) {
  Problem unknown = make_problem("unknown_parameter");
  Problem bad = make_problem("bad_parameter");
  for (const auto& [name, value] : query) {
    const auto* parameter = parameter_of(route, name);
    if (parameter == nullptr) {
      if (!route.other_parameters) unknown.errors.push_back(about(name, "is not known here"));
      continue;
    }
    auto fault = type_fault(*parameter, value);
    if (fault.empty() && !parameter->repeats && query.count(name) > 1) fault = "stands there twice";
    if (!fault.empty()) bad.errors.push_back(about(name, std::move(fault)));
  }
  for (const auto& parameter : route.parameters) {
    if (!parameter.required) continue;
    const bool missing =
        (parameter.in == Parameter::In::kQuery && !query.has(parameter.name)) ||
        (parameter.in == Parameter::In::kHeader && fields.find(parameter.name) == nullptr);
    if (missing) bad.errors.push_back(about(parameter.name, "is needed"));
  }
  if (!unknown.errors.empty()) return unknown;
  if (!bad.errors.empty()) return bad;
  return std::nullopt;
}

Result<RouteTable> RouteTable::make(std::vector<Route> routes) {
  RouteTable out;
  std::set<std::string> operations, places;
  // At the first difference a literal segment comes before a parameter: '{' sorts behind letters.
  std::stable_sort(routes.begin(), routes.end(),
                   [](const Route& a, const Route& b) { return a.pattern < b.pattern; });
  for (auto& route : routes) {
    DW_TRY(check_route(route));
    if (!operations.insert(route.operation).second)
      return Error{Code::kInvalid, "two routes are the operation " + route.operation};
    std::vector<Segment> segments;
    std::string place = route.method;
    for (const auto part : split(std::string_view{route.pattern}.substr(1), '/')) {
      const bool param = part.size() > 2 && part.front() == '{' && part.back() == '}';
      segments.push_back({std::string{param ? part.substr(1, part.size() - 2) : part}, param});
      place += param ? "/{}" : "/" + std::string{part};
    }
    if (!places.insert(place).second)
      return Error{Code::kInvalid, "two routes are " + place + ": the first hides the second"};
    out.segments_.push_back(std::move(segments));
    out.routes_.push_back(std::move(route));
  }
  return out;
}

RouteTable::Match RouteTable::find(std::string_view method, std::string_view path) const {
  Match out;
  if (!path.starts_with('/')) return out;
  std::vector<std::string> parts;
  for (const auto part : split(path.substr(1), '/')) {
    auto decoded = percent_decode(part);
    if (!decoded) {
      out.bad_path = true;
      return out;
    }
    parts.push_back(std::move(*decoded));
  }
  const auto wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  const std::vector<Segment>* shape = nullptr;
  const std::string* pattern = nullptr;  // the first that fits has the path for itself
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (pattern != nullptr && *pattern != routes_[i].pattern) continue;
    const auto& segments = segments_[i];
    const bool fits = std::equal(segments.begin(), segments.end(), parts.begin(), parts.end(),
                                 [](const Segment& segment, const std::string& part) {
                                   return segment.param
                                              ? !part.empty() && part != "." && part != ".."
                                              : segment.text == part;
                                 });
    if (!fits) continue;
    pattern = &routes_[i].pattern;
    out.allow.push_back(routes_[i].method);
    if (out.route == nullptr && routes_[i].method == wanted) {
      out.route = &routes_[i];
      shape = &segments;
    }
  }
  for (std::size_t i = 0; shape != nullptr && i < shape->size(); ++i) {
    if ((*shape)[i].param) out.params.emplace_back((*shape)[i].text, std::move(parts[i]));
  }
  if (out.allow.empty()) return out;
  if (std::find(out.allow.begin(), out.allow.end(), "GET") != out.allow.end())
    out.allow.emplace_back("HEAD");
  out.allow.emplace_back("OPTIONS");
  std::sort(out.allow.begin(), out.allow.end());
  out.allow.erase(std::unique(out.allow.begin(), out.allow.end()), out.allow.end());
  return out;
}

}  // namespace dealwright::http
