// Who sent it: published vectors, signatures by the senders' own libraries, forgeries.
#include "connectors/hooks/verify.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/base/base64.h"
#include "engine/base/hash.h"
#include "engine/codec/json.h"
#include "tests/child.h"
#include "tests/connectors/hooks/bed.h"
#include "tests/outside.h"
#include "tests/table.h"

namespace dealwright::hooks {
namespace {

constexpr Instant kNow{1'780'000'000'000};

HookRequest request_of(std::string uri, std::string_view body,
                       std::vector<std::pair<std::string, std::string>> headers) {
  HookRequest request;
  request.method = "POST";
  request.uri = std::move(uri);
  request.body = body;
  request.headers = std::move(headers);
  request.received = kNow;
  return request;
}

// "ok", or status and code.
std::string verdict(const Hook& hook, const HookRequest& request) {
  const auto read = hook.read(request);
  return read ? "ok" : std::to_string(read.error().status) + " " + read.error().code;
}

std::string v3(const std::string& secret, const std::string& uri, const std::string& body,
               std::int64_t stamp, const std::string& method = "POST") {
  const auto mac = hmac_sha256(secret, method + uri + body + std::to_string(stamp));
  return base64(bytes_of(mac));
}

constexpr const char* kUri = "https://h.example/v1/hooks/hubspot/t";
constexpr const char* kBody = R"([{"subscriptionType":"deal.creation","objectId":1}])";

// The vectors of HubSpot's page and of its client's own test.
TEST(HookVerifyTest, HubspotVectors) {
  const auto text = conformance("webhook-payloads/hubspot/signature_vectors.json");
  if (text.empty()) GTEST_SKIP() << "../shared/conformance is not here";
  const auto file = codec::parse_json(text).value();
  const auto* vectors = find(*file.as_map(), "vectors")->as_list();
  ASSERT_EQ(vectors->size(), 3U);
  for (const auto& vector : *vectors) {
    const auto member = [&](std::string_view name) {
      const auto* value = find(*vector.as_map(), name);
      return value == nullptr ? std::string{} : *value->as_text();
    };
    const auto hook = hook_of(
        "hook: t\nconnector: hubspot\nsecrets: [{ env: S }]\nverify: { versions: [v1, v2] }\n",
        [&](const SecretRef&) -> Result<std::string> { return member("clientSecret"); });
    const auto body = member("body");
    HookRequest request;
    request.method = member("method");
    request.uri = member("uri");
    request.body = body;
    request.headers = {{"X-HubSpot-Signature", member("signature")},
                       {"X-HubSpot-Signature-Version", member("version")}};
    // An empty body and one object are no lists of notices, but they come from HubSpot.
    const auto good = verdict(hook, request);
    EXPECT_TRUE(good == "ok" || good == "400 bad_payload") << member("version") << " " << good;
    request.headers[0].second.back() ^= 1;
    EXPECT_EQ(verdict(hook, request), "401 bad_signature");
  }
}

TEST(HookVerifyTest, HubspotV3) {
  const auto hook = hook_of_kind("hubspot");
  const std::string encoded = "https://h.example/v1/hooks/hubspot/t?q=a%3Ab%2Fc%20d%23e";
  const std::string decoded = "https://h.example/v1/hooks/hubspot/t?q=a:b/c%20d%23e";
  EXPECT_EQ(decoded_for_hubspot(encoded), decoded);
  const auto at = kNow.ms;
  expect_table(R"(
    what                  | then
    good                  | ok
    the older secret      | ok
    encoded, as signed    | ok
    decoded by their page | ok
    another secret        | 401 bad_signature
    another method        | 401 bad_signature
    another host          | 401 bad_signature
    another body          | 401 bad_signature
    cut                   | 401 bad_signature
    empty                 | 401 not_signed
    twice                 | 401 not_signed
    no timestamp          | 401 not_signed
    a word as timestamp   | 401 not_signed
    a newer timestamp     | 401 bad_signature
    5 minutes old         | ok
    older than that       | 401 stale_signature
    5 minutes ahead       | ok
    further ahead         | 401 stale_signature
    far beyond any clock  | 401 stale_signature
    v1 in place of v3     | 401 not_signed
  )",
               [&](const Row& row) {
                 const auto what = row["what"];
                 std::string uri = kUri, body = kBody, secret = kSecret, sent = kUri;
                 std::string method = "POST";
                 std::int64_t stamp = at;
                 if (what == "the older secret") secret = kOldSecret;
                 if (what == "another secret") secret = "another-secret-0123456789";
                 if (what == "another method") method = "PUT";
                 if (what == "another host") uri = "https://evil.example/v1/hooks/hubspot/t";
                 if (what == "encoded, as signed") uri = sent = encoded;
                 if (what == "decoded by their page") uri = decoded, sent = encoded;
                 if (what == "5 minutes old") stamp -= 300'000;
                 if (what == "older than that") stamp -= 300'001;
                 if (what == "5 minutes ahead") stamp += 300'000;
                 if (what == "further ahead") stamp += 300'001;
                 if (what == "far beyond any clock") stamp = 9'223'372'036'854'775'807;
                 auto signature = v3(secret, uri, body, stamp, method);
                 if (what == "cut") signature.pop_back();
                 if (what == "empty") signature.clear();
                 if (what == "another body") body[body.size() - 3] = '2';
                 if (what == "a newer timestamp") ++stamp;
                 std::vector<std::pair<std::string, std::string>> headers{
                     {"x-hubspot-SIGNATURE-v3", signature},
                     {"X-HubSpot-Request-Timestamp", std::to_string(stamp)}};
                 if (what == "twice") headers.push_back(headers.front());
                 if (what == "no timestamp") headers.pop_back();
                 if (what == "a word as timestamp") headers.back().second = "now";
                 if (what == "v1 in place of v3")
                   headers = {{"X-HubSpot-Signature", hex(sha256(std::string{kSecret} + body))}};
                 return verdict(hook, request_of(sent, body, headers));
               });
}

TEST(HookVerifyTest, BehindAProxyTheFileSaysWhatTheSenderCalls) {
  const auto hook = hook_of_kind("hubspot", "url: https://public.example/hs\n");
  const auto signature = v3(kSecret, "https://public.example/hs?a=1", kBody, kNow.ms);
  EXPECT_EQ(verdict(hook, request_of("http://10.0.0.7:8080/v1/hooks/hubspot/t?a=1", kBody,
                                     {{"X-HubSpot-Signature-v3", signature},
                                      {"X-HubSpot-Request-Timestamp", std::to_string(kNow.ms)}})),
            "ok");
}

// Sizes are looked at before anything is hashed: a body that is too large is 413, signed or not.
TEST(HookVerifyTest, SizesComeFirst) {
  const auto hook = hook_of_kind("hubspot");
  const std::string large(kBodyBytesMax + 1, ' ');
  EXPECT_EQ(verdict(hook, request_of(kUri, large, {})), "413 body_too_large");
  const std::string fits(kBodyBytesMax, ' ');
  EXPECT_EQ(verdict(hook, request_of(kUri, fits, {})), "401 not_signed");
  const auto unsigned_hook =
      Hook::make("hook: t\nconnector: hubspot\nsecrets: [{ env: NEW }]\n", "t.hook.yaml", {});
  ASSERT_TRUE(unsigned_hook);
  EXPECT_EQ(verdict(unsigned_hook.value(), request_of(kUri, kBody, {})), "401 not_signed");
}

TEST(HookVerifyTest, TheirClientSigns) {
  outside("@hubspot/api-client");
  if (npm_tools().folder.empty()) GTEST_SKIP() << npm_tools().reason;
  const auto hook = hook_of_kind("hubspot", "verify: { versions: [v1, v2, v3] }\n");
  for (const std::string version : {"v1", "v2", "v3"}) {
    const std::vector<std::string> uris{kUri, std::string{kUri} + "?q=a%3Ab%2F%20%C3%BC"};
    for (const auto& uri : uris) {
      const std::string body = R"([{"subscriptionType":"contact.propertyChange","objectId":7,)"
                               R"("propertyName":"city","propertyValue":"Zürich"}])";
      auto signature = output_of(
          {"node", "-e",
           "const {Signature} = require(process.argv[1] + '/@hubspot/api-client');\n"
           "const [version, url, clientSecret, timestamp, requestBody] = process.argv.slice(2);\n"
           "console.log(Signature.getSignature('POST', version, {url, clientSecret, requestBody, "
           "timestamp: Number(timestamp)}));",
           npm_tools().folder, version, uri, kSecret, std::to_string(kNow.ms), body});
      while (signature.ends_with('\n')) signature.pop_back();
      ASSERT_GE(signature.size(), 44U);
      std::vector<std::pair<std::string, std::string>> headers{
          {"X-HubSpot-Request-Timestamp", std::to_string(kNow.ms)}};
      headers.emplace_back(version == "v3" ? "X-HubSpot-Signature-v3" : "X-HubSpot-Signature",
                           signature);
      headers.emplace_back("X-HubSpot-Signature-Version", version);
      EXPECT_EQ(verdict(hook, request_of(uri, body, headers)), "ok") << version << " " << uri;
      EXPECT_EQ(verdict(hook, request_of(uri, body + " ", headers)), "401 bad_signature");
    }
  }
}

TEST(HookVerifyTest, Basic) {
  const auto hook = hook_of_kind("pipedrive", "verify: { user: pipedrive }\n");
  const auto code = [](const std::string& text) { return base64(text); };
  const std::map<std::string, std::string> given{
      {"good", "Basic " + code(std::string{"pipedrive:"} + kSecret)},
      {"older", "bASIC  " + code(std::string{"pipedrive:"} + kOldSecret)},
      {"wrong password", "Basic " + code("pipedrive:wrong")},
      {"wrong user", "Basic " + code(std::string{"pipedrivf:"} + kSecret)},
      {"no colon", "Basic " + code("pipedrive")},
      {"no base64", "Basic !!!!"},
      {"bearer", std::string{"Bearer "} + kSecret},
      {"none", ""}};
  expect_table(R"(
    given          | then
    good           | ok
    older          | ok
    wrong password | 401 bad_signature
    wrong user     | 401 bad_signature
    no colon       | 401 bad_signature
    no base64      | 401 bad_signature
    bearer         | 401 not_signed
    none           | 401 not_signed
  )",
               [&](const Row& row) {
                 return verdict(hook, request_of("https://h/", "{}",
                                                 {{"Authorization", given.at(row["given"])}}));
               });
  const auto refused = hook.read(request_of("https://h/", "{}", {}));
  EXPECT_TRUE(refused.error().www_authenticate.starts_with("Basic realm="));
}

TEST(HookVerifyTest, TokensInAFieldOrInTheQuery) {
  const std::string body = R"({"a":1})";
  const auto field =
      hook_of_kind("generic", "verify: { scheme: header, header: X-Token, prefix: \"Bearer \" }\n");
  const auto with = [&](const std::string& text) {
    return verdict(field, request_of("https://h/", body, {{"x-token", text}}));
  };
  EXPECT_EQ(with(std::string{"Bearer "} + kSecret), "ok");
  EXPECT_EQ(with(kSecret), "401 bad_signature");
  EXPECT_EQ(with("Bearer "), "401 bad_signature");
  EXPECT_EQ(with(""), "401 not_signed");

  const auto query = hook_of_kind("generic", "verify: { scheme: query, key: t }\n");
  const std::string secret = kSecret;
  const std::map<std::string, std::string> uris{
      {"good", "https://h/p?a=1&t=" + secret},
      {"older", "https://h/?t=" + std::string{kOldSecret}},
      {"twice", "https://h/?t=x&t=" + secret},
      {"longer", "https://h/?t=" + secret + "x"},
      {"in the path", "https://h/t=" + secret},
      {"behind #", "https://h/?a=1#&t=" + secret},
      {"empty", "https://h/?t="}};
  expect_table(
      R"(
    uri         | then
    good        | ok
    older       | ok
    twice       | 401 not_signed
    longer      | 401 bad_signature
    in the path | 401 not_signed
    behind #    | 401 not_signed
    empty       | 401 not_signed
  )",
      [&](const Row& row) { return verdict(query, request_of(uris.at(row["uri"]), body, {})); });
}

// Shapes of signatures that others use: GitHub's, Shopify's, Stripe's, Slack's.
TEST(HookVerifyTest, HmacShapes) {
  const std::string body = R"({"a":1})";
  const auto stamp = std::to_string(kNow.ms / 1000);
  const auto mac = [](const std::string& text) { return hmac_sha256(kSecret, text); };
  const auto hex_of = [&](const std::string& text) { return hex(mac(text)); };
  const auto run = [&](const std::string& verify,
                       std::vector<std::pair<std::string, std::string>> headers,
                       const std::string& sent) {
    const auto hook = hook_of_kind("generic", "verify: " + verify + "\n");
    return verdict(hook, request_of("https://h/", sent, std::move(headers)));
  };
  const std::string github = "{ scheme: hmac, header: X-Hub-Signature-256, prefix: \"sha256=\" }";
  EXPECT_EQ(run(github, {{"X-Hub-Signature-256", "sha256=" + hex_of(body)}}, body), "ok");
  EXPECT_EQ(run(github, {{"X-Hub-Signature-256", hex_of(body)}}, body), "401 not_signed");
  EXPECT_EQ(run(github, {{"X-Hub-Signature-256", "sha256=" + hex_of(body)}}, body + " "),
            "401 bad_signature");
  const std::string shopify = "{ scheme: hmac, header: X-Shopify-Hmac-Sha256, encoding: base64 }";
  const auto digest = mac(body);
  EXPECT_EQ(run(shopify, {{"X-Shopify-Hmac-Sha256", base64(bytes_of(digest))}}, body), "ok");
  const std::string stripe =
      "{ scheme: hmac, header: Stripe-Signature, prefix: \"v1=\", signed: \"{timestamp}.{body}\", "
      "timestamp: { header: Stripe-Signature, prefix: \"t=\" } }";
  const auto made = hex_of(stamp + "." + body);
  EXPECT_EQ(run(stripe, {{"Stripe-Signature", "t=" + stamp + ",v1=00,v1=" + made}}, body), "ok");
  EXPECT_EQ(run(stripe, {{"Stripe-Signature", "t=" + stamp + "0,v1=" + made}}, body),
            "401 stale_signature");
  EXPECT_EQ(run(stripe, {{"Stripe-Signature", "v1=" + made}}, body), "401 not_signed");
  const std::string slack =
      "{ scheme: hmac, header: X-Slack-Signature, prefix: \"v0=\", signed: "
      "\"v0:{timestamp}:{body}\", timestamp: { header: X-Slack-Request-Timestamp }, tolerance_s: "
      "60 }";
  const auto old = std::to_string(kNow.ms / 1000 - 61);
  const auto slack_headers = [&](const std::string& at) {
    return std::vector<std::pair<std::string, std::string>>{
        {"X-Slack-Signature", "v0=" + hex_of("v0:" + at + ":" + body)},
        {"X-Slack-Request-Timestamp", at}};
  };
  EXPECT_EQ(run(slack, slack_headers(stamp), body), "ok");
  EXPECT_EQ(run(slack, slack_headers(old), body), "401 stale_signature");
}

SecretReader whsec() {
  return [](const SecretRef&) -> Result<std::string> {
    return std::string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
  };
}
constexpr const char* kStandard =
    "hook: t\nconnector: generic\nsecrets: [{ env: S }]\nverify: { scheme: standard_webhooks }\n";

TEST(HookVerifyTest, StandardWebhooksVector) {
  const auto hook = hook_of(kStandard, whsec());
  const std::string body = R"({"test": 2432232314})";
  auto request = request_of(
      "https://h/", body,
      {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
       {"webhook-timestamp", "1614265330"},
       {"webhook-signature", "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v2,x"}});
  request.received = Instant{1'614'265'330'000};
  EXPECT_EQ(lines(hook.read(request), true),
            "msg_p5jXN8AQM9LWM0D4loKWxJek 2021-02-25T15:02:10Z com.dealwright.hook.t hook/t "
            "{\"test\":2432232314}\n");
  request.received = Instant{1'614'265'330'000} + minutes(6);
  EXPECT_EQ(verdict(hook, request), "401 stale_signature");
  request.received = Instant{1'614'265'330'000};
  request.headers[0].second += "x";
  EXPECT_EQ(verdict(hook, request), "401 bad_signature");
}

TEST(HookVerifyTest, TheirLibrarySigns) {
  outside("standardwebhooks");
  if (npm_tools().folder.empty()) GTEST_SKIP() << npm_tools().reason;
  const auto hook = hook_of(kStandard, whsec());
  const std::string body = R"({"type":"x","data":{"name":"Grüße"}})";
  auto signature =
      output_of({"node", "-e",
                 "const {Webhook} = require(process.argv[1] + '/standardwebhooks');\n"
                 "const [secret, id, at, body] = process.argv.slice(2);\n"
                 "console.log(new Webhook(secret).sign(id, new Date(Number(at)), body));",
                 npm_tools().folder, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "id1",
                 std::to_string(kNow.ms), body});
  while (signature.ends_with('\n')) signature.pop_back();
  const std::vector<std::pair<std::string, std::string>> headers{
      {"webhook-id", "id1"},
      {"webhook-timestamp", std::to_string(kNow.ms / 1000)},
      {"webhook-signature", signature}};
  EXPECT_EQ(verdict(hook, request_of("https://h/", body, headers)), "ok");
  EXPECT_EQ(verdict(hook, request_of("https://h/", body + " ", headers)), "401 bad_signature");
}

}  // namespace
}  // namespace dealwright::hooks
