// Who may call what: each route of the OpenAPI document with each role, and keys that are no good.
#include <gtest/gtest.h>

#include "connectors/http/openapi.h"
#include "tests/connectors/http/rig.h"
#include "tests/table.h"

namespace dealwright::http {
namespace {

std::string request(const std::string& method, const std::string& path, const std::string& key) {
  return method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\n" +
         (key.empty() ? "" : "Authorization: Bearer " + key + "\r\n") +
         (method == "POST" ? "Content-Type: no/type\r\nContent-Length: 1\r\n\r\nx" : "\r\n");
}
std::string upper(std::string text) {
  for (auto& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

TEST(HttpAccess, EachRouteWithEachRole) {
  Rig rig;
  rig.options.limits.failures_per_address = {};
  rig.start();
  const auto document =
      openapi(RouteTable::make(routes_of(rig)).value(), {"Test", "1"}, {}).value();
  std::string keys[kRoles];
  for (int i = 0; i < kRoles; ++i) keys[i] = rig.key_of({static_cast<Role>(i)});
  int asked = 0;
  int allowed = 0;
  for (const auto& [pattern, methods] : *find(*document.as_map(), "paths")->as_map()) {
    // What answers only when a test lets it is walked by HttpServer and HttpStream.
    if (pattern == "/v1/wait" || pattern == "/v1/blocking" || pattern == "/v1/stream") continue;
    auto path = pattern;
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}') - at + 1, "x");
    for (const auto& [method, operation] : *methods.as_map()) {
      const auto& said = *operation.as_map();
      const bool open = find(said, "security")->as_list()->empty();
      const auto roles = to_json(*find(said, "x-roles"));
      for (int i = -1; i < kRoles; ++i) {
        auto client = rig.connect();
        const auto answer = client.ask(request(upper(method), path, i < 0 ? "" : keys[i]));
        const bool may =
            open || (i >= 0 && roles.find('"' + std::string{role_name(static_cast<Role>(i))} +
                                          '"') != std::string::npos);
        const auto expected = may ? "" : i < 0 ? "key_missing" : "forbidden";
        const bool refused = answer.status == 401 || answer.status == 403;
        EXPECT_EQ(refused ? answer.code() : "", expected)
            << method << ' ' << path << " as "
            << (i < 0 ? "nobody" : role_name(static_cast<Role>(i)));
        ++asked;
        allowed += may ? 1 : 0;
      }
    }
  }
  EXPECT_GE(asked, 60);
  EXPECT_GE(allowed, 10);
}

TEST(HttpAccess, KeysThatAreNoGood) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  KeyRecord asked;
  asked.name = "short";
  asked.roles = {Role::kViewer};
  asked.expires = rig.clock.wall() + seconds(5);
  const auto expires = rig.keys.make(rig.random, rig.clock.wall(), std::move(asked)).value();
  const auto ask = [&](const std::string& key) {
    const auto answer = client.ask(request("GET", "/v1/hello", key));
    EXPECT_EQ(answer.fields.count("www-authenticate"), answer.status == 401 ? 1U : 0U);
    return answer.status == 200 ? "200" : answer.code();
  };
  EXPECT_EQ(ask(""), "key_missing");
  EXPECT_EQ(ask("dw_x"), "key_mistyped");
  EXPECT_EQ(ask(make_api_key(rig.random)), "key_unknown");
  EXPECT_EQ(ask(expires.key), "200");
  rig.clock.advance(seconds(5));
  EXPECT_EQ(ask(expires.key), "key_expired");
  EXPECT_EQ(ask(rig.key), "200");
  // Revoked at once: also on a connection that is open.
  for (const auto& key : rig.keys.list()) ASSERT_TRUE(rig.keys.revoke(key.id, rig.clock.wall()));
  EXPECT_EQ(ask(rig.key), "key_revoked");
  const auto twice = client.ask("GET /v1/hello HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                                rig.key + "\r\nAuthorization: Bearer " + rig.key + "\r\n\r\n");
  EXPECT_EQ(twice.code(), "key_missing");
}

TEST(HttpAccess, Scopes) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  const RoleSet roles{Role::kViewer, Role::kPublisher};
  const auto reads = rig.key_of(roles, {"things:read"});
  const auto other = rig.key_of(roles, {"events"});
  const auto all = rig.key_of(roles, {"things"});
  EXPECT_EQ(client.ask(request("GET", "/v1/hello", reads)).status, 200);
  EXPECT_EQ(client.ask(request("POST", "/v1/echo", reads)).code(), "scope");
  EXPECT_EQ(client.ask(request("GET", "/v1/hello", other)).code(), "scope");
  EXPECT_EQ(client.ask(request("POST", "/v1/echo", all)).code(), "media_type");
}

TEST(HttpAccess, WhoGuessesIsSlowedDown) {
  Rig rig;
  rig.options.limits.failures_per_address = {0.5, 3};
  rig.start();
  for (int i = 0; i < 3; ++i) {
    auto client = rig.connect();
    EXPECT_EQ(client.ask(request("GET", "/v1/hello", make_api_key(rig.random))).code(),
              "key_unknown");
  }
  auto client = rig.connect();
  const auto answer = client.ask(request("GET", "/v1/hello", make_api_key(rig.random)));
  EXPECT_EQ(answer.code(), "rate");
  EXPECT_EQ(answer.fields.at("retry-after"), "2");
  EXPECT_TRUE(client.ended());
  auto good = rig.connect();
  EXPECT_EQ(good.ask(rig.get("/v1/hello")).status, 200) << "a good key is no guess";
  rig.clock.advance(seconds(2));
  auto later = rig.connect();
  EXPECT_EQ(later.ask(request("GET", "/v1/hello", "")).code(), "key_missing");
}

}  // namespace
}  // namespace dealwright::http
