// Who may do what: every route of the OpenAPI document by every role; keys as they come and go.
#include <array>
#include <set>

#include "connectors/http/role.h"
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

std::string make_key(ServiceBed& bed, const std::string& body) {
  const auto made = bed.post("/v1/keys", "application/json", body);
  EXPECT_EQ(made.status, 201) << made.body;
  return ServiceBed::text_in(made.body, "key");
}

// The document's operations: method, path with parameters filled in, roles that may.
struct Operation {
  std::string method, path;
  std::set<std::string> roles;
  bool open = false;
};
std::vector<Operation> operations(ServiceBed& bed) {
  std::vector<Operation> out;
  codec::JsonLimits limits;
  limits.values = 100'000;
  const auto document = codec::parse_json(bed.get("/openapi.json").body, limits);
  EXPECT_TRUE(document);
  for (const auto& [path, methods] : *find(*document.value().as_map(), "paths")->as_map()) {
    for (const auto& [method, operation] : *methods.as_map()) {
      Operation one;
      for (const char c : method) one.method += static_cast<char>(c - 32);
      one.path = path;
      for (auto at = one.path.find('{'); at != std::string::npos; at = one.path.find('{')) {
        one.path.replace(at, one.path.find('}') - at + 1, "x");
      }
      one.open = find(*operation.as_map(), "security")->as_list()->empty();
      for (const auto& role : *find(*operation.as_map(), "x-roles")->as_list()) {
        one.roles.emplace(role.text_or_empty());
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

TEST(ApiAccessTest, EveryRouteByEveryRole) {
  ServiceBed bed;
  const auto all = operations(bed);
  ASSERT_GT(all.size(), 25U);
  const auto admin = bed.key;
  int allowed = 0;
  int refused = 0;
  int without_key = 0;
  for (int r = 0; r < http::kRoles; ++r) {
    const std::string role{http::role_name(static_cast<http::Role>(r))};
    bed.key = admin;
    const auto key = make_key(bed, R"({"name":"t","roles":[")" + role + R"("]})");
    for (const auto& one : all) {
      const bool may = one.open || one.roles.contains(role);
      if (!may || !one.path.ends_with("/stream")) {  // one that is allowed does not end
        bed.key = key;
        const auto answer = bed.ask(one.method, one.path, "", "");
        EXPECT_EQ(answer.status != 403, may) << role << " " << one.method << " " << one.path << ": "
                                             << answer.status << " " << answer.body;
        ++(may ? allowed : refused);
      }
      bed.key.clear();
      if (!one.open && r == 0) {
        EXPECT_EQ(bed.ask(one.method, one.path, "", "").status, 401) << one.path;
        if (++without_key % 40 == 0) {  // more of these would be refused for being so many
          bed.stop();
          bed.start();
        }
      }
    }
  }
  EXPECT_GT(allowed, 50);
  EXPECT_GT(refused, 50);
}

// Rules, templates, the schema and the pause are events too, but not anybody's to tell.
TEST(ApiAccessTest, WhoTellsFactsSteersNothing) {
  ServiceBed bed;
  const auto admin = bed.key;
  const auto tell = [&](const std::string& type, const std::string& subject,
                        const std::string& data) {
    return bed.post("/v1/events", "application/cloudevents-batch+json",
                    R"([{"specversion":"1.0","source":"s","id":"fact","type":"note.added",)"
                    R"("subject":"lead/l1","data":{"text":"x"}},)"
                    R"({"specversion":"1.0","source":"s","id":")" +
                        type + R"(","type":")" + type + R"(","subject":")" + subject +
                        R"(","data":)" + data + "}]");
  };
  const std::vector<std::array<std::string, 3>> steering = {
      {"rule.published", "rule/r1",
       R"({"author":"a","version":1,"text":"rule: r1\ntrigger: note.added\n"})"},
      {"rule.paused", "rule/r1", R"({"author":"a"})"},
      {"rule.resumed", "rule/r1", R"({"author":"a"})"},
      {"rule.retired", "rule/r1", R"({"author":"a"})"},
      {"schema.updated", "workspace/default", R"({"author":"a","version":1,"text":"x"})"},
      {"template.published", "template/t", R"({"author":"a","version":1,"text":"x"})"},
      {"template.retired", "template/t", R"({"author":"a"})"},
      {"workspace.paused", "workspace/default", R"({"author":"a","reason":"r"})"},
      {"workspace.resumed", "workspace/default", R"({"author":"a","reason":"r"})"},
  };
  for (const auto* who :
       {R"({"name":"k","roles":["publisher"]})", R"({"name":"k","roles":["operator"]})",
        R"({"name":"k","roles":["admin"],"scopes":["events"]})"}) {
    bed.key = admin;
    bed.key = make_key(bed, who);
    for (const auto& [type, subject, data] : steering) {
      const auto answer = tell(type, subject, data);
      EXPECT_EQ(answer.status, 403) << who << " " << type << ": " << answer.body;
      EXPECT_NE(answer.body.find(R"("event":1)"), std::string::npos) << answer.body;
    }
    // Reference data that comes from outside does.
    EXPECT_EQ(tell("product.updated", "product/p1", R"({"name":"P"})").status, 202);
  }
  bed.key = admin;
  EXPECT_EQ(tell("workspace.paused", "workspace/default", R"({"author":"a","reason":"r"})").status,
            202);
}

TEST(ApiAccessTest, KeysAreShownOnceAndRevokedAtOnce) {
  ServiceBed bed;
  const auto made = bed.post("/v1/keys", "application/json",
                             R"({"name":"crm","roles":["publisher"],"scopes":["events"]})");
  const auto id = ServiceBed::text_in(made.body, "id");
  const auto key = ServiceBed::text_in(made.body, "key");
  EXPECT_EQ(bed.get("/v1/keys").body.find(key), std::string::npos);
  EXPECT_NE(bed.get("/v1/keys").body.find(id), std::string::npos);
  const auto admin = std::exchange(bed.key, key);
  EXPECT_EQ(bed.post("/v1/events", "application/cloudevents-batch+json", "[]").status, 202);
  bed.key = admin;
  EXPECT_EQ(bed.post("/v1/keys/" + id + "/revoke").status, 200);
  EXPECT_EQ(bed.post("/v1/keys/k_none/revoke").status, 404);
  bed.key = key;
  EXPECT_EQ(bed.post("/v1/events", "application/cloudevents-batch+json", "[]").code(),
            "key_revoked");
  // And so it stays behind a restart; the first key is not made again.
  bed.stop();
  bed.start();
  EXPECT_TRUE(bed.service->first_key().empty());
  bed.key = key;
  EXPECT_EQ(bed.get("/v1/views").code(), "key_revoked");
  bed.key = admin;
  EXPECT_EQ(bed.get("/v1/views").status, 200);
  for (const auto* bad :
       {R"({"name":"x"})", R"({"roles":["admin"]})", R"({"name":"x","roles":["king"]})",
        R"({"name":"x","roles":["admin"],"colour":"red"})", "[]"}) {
    EXPECT_EQ(bed.post("/v1/keys", "application/json", bad).status, 400) << bad;
  }
}

}  // namespace
}  // namespace dealwright::daemon
