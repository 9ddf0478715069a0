#include "connectors/http/route.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "connectors/http/openapi.h"
#include "tests/connectors/http/rig.h"
#include "tests/table.h"

namespace dealwright::http {
namespace {

Awaitable<Response> nothing(Request&) { co_return no_content(); }

Route plain(std::string method, std::string pattern) {
  Route out;
  out.operation = method + pattern;
  out.method = std::move(method);
  out.pattern = std::move(pattern);
  out.resource = "x";
  out.roles = {Role::kViewer};
  out.handler = nothing;
  return out;
}

TEST(HttpRoute, Dispatch) {
  const auto table =
      RouteTable::make({plain("GET", "/v1/{kind}/{id}"), plain("GET", "/v1/rules/check"),
                        plain("POST", "/v1/rules/check"), plain("PUT", "/v1/rules/{id}"),
                        plain("GET", "/")})
          .value();
  expect_table(R"(
    method  | path                | then
    GET     | /                   | GET /
    GET     | /v1/deal/d1         | GET /v1/{kind}/{id} kind=deal id=d1
    HEAD    | /v1/deal/d1         | GET /v1/{kind}/{id} kind=deal id=d1
    GET     | /v1/deal/a%2Fb%20c  | GET /v1/{kind}/{id} kind=deal id=a/b c
    GET     | /v1/deal/%252F      | GET /v1/{kind}/{id} kind=deal id=%2F
    GET     | /v1/rules/check     | GET /v1/rules/check
    GET     | /v1/%72ules/check   | GET /v1/rules/check
    PUT     | /v1/rules/check     | allow GET HEAD OPTIONS POST
    PUT     | /v1/rules/chick     | PUT /v1/rules/{id} id=chick
    PUT     | /v1/deal/d1         | allow GET HEAD OPTIONS
    DELETE  | /v1/rules/check     | allow GET HEAD OPTIONS POST
    GET     | /v1/deal            | none
    GET     | /v1/deal/d1/        | none
    GET     | /v1//d1             | none
    GET     | /v1/../etc          | none
    GET     | /v1/deal/%2e%2e     | none
    GET     | /v1/deal/%00        | bad
    GET     | /v1/deal/%          | bad
    GET     | /v1/deal/%FF        | bad
  )",
               [&](const Row& row) {
                 const auto match = table.find(row["method"], row["path"]);
                 if (match.bad_path) return std::string{"bad"};
                 if (match.allow.empty()) return std::string{"none"};
                 std::string out = "allow";
                 if (match.route == nullptr) {
                   for (const auto& method : match.allow) out += ' ' + method;
                   return out;
                 }
                 out = match.route->method + ' ' + match.route->pattern;
                 for (const auto& [name, value] : match.params) out += ' ' + name + '=' + value;
                 return out;
               });
}

TEST(HttpRoute, ATableThatLeavesADoorOpenIsRefused) {
  const auto refused = [](const std::function<void(Route&)>& change) {
    auto route = plain("GET", "/a/{id}");
    change(route);
    std::vector<Route> list;
    list.push_back(std::move(route));
    list.push_back(plain("GET", "/b"));
    return !RouteTable::make(std::move(list));
  };
  EXPECT_FALSE(refused([](Route&) {}));
  EXPECT_TRUE(refused([](Route& r) { r.roles = {}; }));
  EXPECT_TRUE(refused([](Route& r) { r.open = true; })) << "open and with roles";
  EXPECT_TRUE(refused([](Route& r) { r.resource.clear(); }));
  EXPECT_TRUE(refused([](Route& r) { r.handler = nullptr; }));
  EXPECT_TRUE(refused([](Route& r) { r.method = "HEAD"; }));
  EXPECT_TRUE(refused([](Route& r) { r.pattern = "/b"; })) << "twice the same place";
  EXPECT_TRUE(refused([](Route& r) { r.operation = "GET/b"; })) << "twice the same operation";
  EXPECT_TRUE(refused([](Route& r) {
    r.parameters.push_back({"other", Parameter::In::kPath, {}, true, "", {}, {}, {}, {}, false});
  }));
}

// What OpenAPI says of it is what dispatch does: see HttpAccess for the roles.
TEST(HttpOpenApi, ComesFromTheTable) {
  Rig rig;
  auto routes = routes_of(rig);
  routes[0].answer_schema = "Hello";
  const auto table = RouteTable::make(std::move(routes)).value();
  EXPECT_FALSE(openapi(table, {"Test", "1"}, {})) << "the schema Hello is not there";
  const auto document = openapi(table, {"Test", "1"}, Map{{"Hello", Map{{"type", "string"}}}});
  ASSERT_TRUE(document) << document.error().detail;
  const auto at = [&](std::initializer_list<const char*> path) -> const Value& {
    static const Value kNone;
    const Value* here = &document.value();
    for (const auto* step : path) {
      here = here->as_map() == nullptr ? nullptr : find(*here->as_map(), step);
      if (here == nullptr) return kNone;
    }
    return *here;
  };
  EXPECT_EQ(at({"openapi"}), Value{"3.1.0"});
  EXPECT_EQ(at({"paths", "/v1/open", "get", "security"}), Value{List{}});
  EXPECT_EQ(to_json(at({"paths", "/v1/items/{id}", "delete", "x-roles"})),
            R"(["operator","admin"])");
  EXPECT_EQ(
      to_json(at({"paths", "/v1/items/{id}", "get", "parameters"})),
      R"([{"description":"how many","in":"query","name":"limit","required":false,"schema":)"
      R"({"format":"int64","maximum":1000,"minimum":1,"type":"integer"}},{"in":"query","name":)"
      R"("as_of","required":false,"schema":{"anyOf":[{"format":"date-time"},{"format":"date"}],"type":"string"}},{"in":"path",)"
      R"("name":"id","required":true,"schema":{"pattern":"^[^\\u0000-\\u001f\\u007f]+$",)"
      R"("type":"string"}}])");
  std::set<std::string> operations;
  int count = 0;
  for (const auto& [path, methods] : *at({"paths"}).as_map()) {
    for (const auto& [method, operation] : *methods.as_map()) {
      ++count;
      operations.emplace(find(*operation.as_map(), "operationId")->text_or_empty());
      const auto& responses = *find(*operation.as_map(), "responses")->as_map();
      for (const auto* status : {"200", "400", "429", "503"})
        EXPECT_NE(find(responses, status), nullptr) << path << ' ' << method << ' ' << status;
    }
  }
  EXPECT_EQ(operations.size(), static_cast<std::size_t>(count));
}

TEST(HttpProblem, EachCodeStandsInTheDocuments) {
  std::ifstream file{std::string{DW_SOURCE_DIR} + "/docs/http.md"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  for (const auto& entry : problem_codes()) {
    std::string row = "| " + std::to_string(entry.status) + " | `";
    row.append(entry.code).append("` | ").append(entry.title);
    EXPECT_NE(text.find(row), std::string::npos) << row;
  }
}

TEST(HttpProblem, TheTableIsSortedAndEachCodeHasItsStatus) {
  std::string_view before;
  for (const auto& entry : problem_codes()) {
    EXPECT_LT(before, entry.code);
    before = entry.code;
    EXPECT_EQ(find_problem_code(entry.code), &entry);
    EXPECT_GE(entry.status, 400);
  }
  EXPECT_EQ(problem_of(Error{Code::kUnknownOutcome, ""}).http_status(), 503);
  EXPECT_EQ(problem_of(Error{Code::kInvalid, ""}).http_status(), 400);
  EXPECT_EQ(problem_of(Error{Code::kNotFound, ""}).http_status(), 404);
  EXPECT_EQ(problem_of(Error{Code::kConflict, ""}).http_status(), 409);
  for (int i = 0; i <= static_cast<int>(Code::kClosed); ++i) {
    const auto problem = problem_of(Error{static_cast<Code>(i), "why"});
    EXPECT_NE(find_problem_code(problem.code), nullptr) << problem.code;
  }
  Problem own;
  own.code = "bad_money";
  own.status = 400;
  own.title = "Money without a currency";
  own.errors.push_back({0, "/data/total", 3, 7, "total has no currency", "add it"});
  EXPECT_EQ(
      to_json(own, "abc"),
      R"({"code":"bad_money","errors":[{"column":7,"detail":"total has no currency","event":0,)"
      R"("hint":"add it","line":3,"pointer":"/data/total"}],"status":400,"title":)"
      R"("Money without a currency","trace_id":"abc","type":"/errors/bad_money"})");
}

}  // namespace
}  // namespace dealwright::http
