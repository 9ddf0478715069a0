// Webhooks to a real server that checks their signatures and keeps a book; and to servers, names
// and certificates that they may not go to.
#include "connectors/webhook/webhook_channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <condition_variable>
#include <mutex>
#include <set>

#include "connectors/os/system_clock.h"
#include "connectors/webhook/request.h"
#include "connectors/webhook/signature.h"
#include "engine/base/base64.h"
#include "engine/base/hash.h"
#include "engine/ports/fake/fake_clock.h"
#include "tests/attempt_ends.h"
#include "tests/child.h"
#include "tests/contract/temporary_directory.h"
#include "tests/outside.h"
#include "tests/table.h"

namespace dealwright::webhook {
namespace {

using What = AttemptResult::What;
namespace json = boost::json;

std::string name_of(What what) {
  const char* const names[] = {"delivered", "rejected", "retry", "unknown", "aborted"};
  return names[static_cast<int>(what)];
}

const std::string kSecret = "whsec_" + base64(std::string(32, 's'));

class Sink {
 public:
  explicit Sink(json::object options = {}) {
    outside("standardwebhooks");
    ::setenv("DW_NODE_MODULES", npm_tools().folder.c_str(), 1);
    options["secret"] = kSecret;
    child_ = std::make_unique<Child>(std::vector<std::string>{
        "node", std::string{DW_SOURCE_DIR} + "/tests/npm/hook_sink.js", json::serialize(options)});
    const auto said = child_->line();
    EXPECT_FALSE(said.empty()) << "the server did not start";
    if (!said.empty()) port_ = json::parse(said).at("port").as_int64();
  }
  std::string url(const std::string& path, const std::string& host = "127.0.0.1",
                  const std::string& scheme = "http") const {
    return scheme + "://" + host + ":" + std::to_string(port_) + path;
  }
  json::object book() {
    child_->say("book\n");
    return json::parse(child_->line()).as_object();
  }
  json::array hooks() { return book().at("hooks").as_array(); }

 private:
  std::unique_ptr<Child> child_;
  std::int64_t port_ = 0;
};

Attempt attempt_to(const std::string& endpoint) {
  Attempt out;
  out.effect.id = sha256(endpoint);
  out.effect.rule = "deal-won";
  out.effect.requested = Instant{1'772'442'000'000};
  out.effect.payload = {{"data", Value{Map{{"deal", Value{"d1"}}, {"name", Value{"Grüße"}}}}},
                        {"endpoint", Value{endpoint}}};
  return out;
}

class WebhookChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (npm_tools().folder.empty()) outside("standardwebhooks");
    if (npm_tools().folder.empty()) GTEST_SKIP() << npm_tools().reason;
  }
  WebhookSettings settings_to(const std::string& url) {
    WebhookSettings out;
    out.endpoints["it"] = {url, {kSecret}};
    out.loopback_http = true;
    return out;
  }
  AttemptResult once(WebhookSettings settings, Resolve resolve = system_resolve()) {
    auto channel = make_webhook_channel(std::move(settings), *clock_, std::move(resolve));
    EXPECT_TRUE(channel) << channel.error().detail;
    AttemptEnds ends;
    channel.value()->send(attempt_to("it"), {}, ends.done("it"));
    return ends.of("it");
  }
  const std::unique_ptr<Clock> clock_ = os::make_system_clock();
};

TEST_F(WebhookChannelTest, WhatAReceiverReads) {
  Sink sink;
  auto settings = settings_to(sink.url("/200"));
  settings.endpoints["it"].secrets = {"whsec_" + base64(std::string(24, 'n')),
                                      kSecret};  // in rotation
  auto channel = make_webhook_channel(settings, *clock_);
  ASSERT_TRUE(channel) << channel.error().detail;
  EXPECT_FALSE(channel.value()->waits_at_gate());
  auto attempt = attempt_to("it");
  attempt.effect.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  AttemptEnds ends;
  channel.value()->send(attempt, {}, ends.done("one"));
  EXPECT_EQ(ends.of("one").what, What::kDelivered) << ends.of("one").detail;
  attempt.effect.traceparent = "00-x\r\nevil: 1";
  attempt.content = {{"type", Value{"deal.won"}}};
  channel.value()->send(attempt, {}, ends.done("two"));
  EXPECT_EQ(ends.of("two").what, What::kDelivered);
  const auto hooks = sink.hooks();
  ASSERT_EQ(hooks.size(), 2U);
  const auto& first = hooks[0].as_object();
  const auto& headers = first.at("headers").as_object();
  EXPECT_TRUE(first.at("verified").as_bool());
  EXPECT_EQ(first.at("method").as_string(), "POST");
  EXPECT_EQ(
      first.at("body").as_string(),
      R"({"data":{"deal":"d1","name":"Grüße"},"timestamp":"2026-03-02T09:00:00.000Z","type":"rule.deal-won"})");
  EXPECT_EQ(headers.at("webhook-id").as_string(), hex(sha256("it")));
  EXPECT_EQ(headers.at("content-type").as_string(), "application/json");
  EXPECT_EQ(headers.at("traceparent").as_string(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_FALSE(headers.contains("expect"));
  EXPECT_EQ(headers.at("webhook-id"), hooks[1].at("headers").at("webhook-id"));
  EXPECT_FALSE(hooks[1].at("headers").as_object().contains("traceparent"));
  EXPECT_FALSE(hooks[1].at("headers").as_object().contains("evil"));
}

TEST_F(WebhookChannelTest, WhoWantsNoMoreIsLeftAloneForADay) {
  Sink sink;
  FakeClock clock;
  auto settings = settings_to(sink.url("/410"));
  settings.endpoints["other"] = settings.endpoints["it"];
  settings.endpoints["other"].url = sink.url("/200");
  auto channel = make_webhook_channel(settings, clock);
  ASSERT_TRUE(channel) << channel.error().detail;
  int sent = 0;
  const auto result = [&](const std::string& endpoint) {
    AttemptEnds ends;
    const auto name = endpoint + std::to_string(++sent);
    channel.value()->send(attempt_to(endpoint), {}, ends.done(name));
    return ends.of(name);
  };
  const auto said = clock.wall();
  EXPECT_EQ(result("it").detail, "410 gone: the endpoint wants no more");
  clock.advance(days(1) - milliseconds(1));
  const auto second = result("it");
  EXPECT_EQ(second.what, What::kRejected);
  EXPECT_EQ(second.detail, "410 gone at " + to_text(said) + ": a day's rest");
  EXPECT_EQ(result("other").what, What::kDelivered);
  EXPECT_EQ(sink.hooks().size(), 2U);
  clock.advance(milliseconds(1));
  EXPECT_EQ(result("it").detail, "410 gone: the endpoint wants no more");
  EXPECT_EQ(sink.hooks().size(), 3U);
}

TEST_F(WebhookChannelTest, OutcomesAgreeWithTheBook) {
  Sink sink;
  std::size_t before = 0;
  expect_table(R"(
    path            | then
    /200            | delivered 200, took 1
    /204            | delivered 204, took 1
    /299            | delivered 299, took 1
    /301            | retry 301: redirects are not followed, took 1
    /redirect       | retry 302: redirects are not followed, took 1
    /400            | retry 400, took 1
    /401            | retry 401, took 1
    /404            | retry 404, took 1
    /410            | rejected 410 gone: the endpoint wants no more, took 1
    /429/retry/120  | retry 429, took 1, after 120 s
    /503/retry/9000 | retry 503, took 1, after 3600 s
    /503/retry/Fri,%2001%20Jan%202100%2000:00:00%20GMT | retry 503, took 1, after 3600 s
    /503/retry/soon | retry 503, took 1
    /500            | retry 500, took 1
    /cut-before     | unknown, took 1
    /cut-head       | unknown, took 1
    /garbage        | unknown, took 1
    /big-head       | delivered 200, took 1
    /cut-body       | delivered 200, took 1
    /big            | delivered 200, took 1
  )",
               [&](const Row& row) {
                 const auto result = once(settings_to(sink.url(row["path"])));
                 const auto now = sink.hooks().size();
                 const auto took = now - std::exchange(before, now);
                 const bool unknown = result.what == What::kUnknown;  // in libcurl's words
                 EXPECT_EQ(unknown, result.detail.find_first_of("0123456789") != 0)
                     << result.detail;
                 return name_of(result.what) + (unknown ? "" : " " + result.detail) + ", took " +
                        std::to_string(took) +
                        (result.retry_after
                             ? ", after " + std::to_string(result.retry_after->ms / 1000) + " s"
                             : "");
               });
}

TEST_F(WebhookChannelTest, WhoSaysNothingIsNotWaitedForLong) {
  Sink sink;
  auto settings = settings_to(sink.url("/hang"));
  settings.answer_time = seconds(2);  // libcurl keeps it
  EXPECT_EQ(once(settings).what, What::kUnknown);
  while (sink.hooks().empty()) {
  }
  EXPECT_EQ(sink.hooks().size(), 1U);
  EXPECT_EQ(once(settings_to("http://127.0.0.1:1/")).what, What::kRetry);
}

TEST_F(WebhookChannelTest, NamesAreLookedUpOnceAndHeldAgainstTheRules) {
  Sink sink;
  const auto to = [](std::vector<std::string> texts) {
    return [texts = std::move(texts)](const std::string&) -> Result<std::vector<IpAddress>> {
      std::vector<IpAddress> out;
      for (const auto& text : texts) out.push_back(*parse_address(text));
      return out;
    };
  };
  // By name, pinned: the connection goes where we looked it up, without a look-up of its own.
  auto settings = settings_to(sink.url("/200", "localhost"));
  EXPECT_EQ(once(settings, to({"127.0.0.1"})).what, What::kDelivered);
  EXPECT_EQ(sink.hooks().size(), 1U);
  // One bad address among them.
  const auto connections = sink.book().at("connections").as_int64();
  EXPECT_EQ(once(settings, to({"127.0.0.1", "10.0.0.1"})).detail,
            "without TLS webhooks go to loopback only");
  settings = settings_to("https://hook.example.com:8443/");
  settings.loopback_http = false;
  EXPECT_EQ(once(settings, to({"8.8.8.8", "127.0.0.1"})).detail,
            "hook.example.com leads to 127.0.0.1, which is loopback");
  EXPECT_EQ(once(settings, to({"::ffff:169.254.169.254"})).what, What::kRetry);
  EXPECT_EQ(once(settings, to({})).detail, "hook.example.com has no address");
  EXPECT_EQ(once(settings,
                 [](const std::string& host) -> Result<std::vector<IpAddress>> {
                   return Error{Code::kNotFound, host + " is not known"};
                 })
                .detail,
            "hook.example.com is not known");
  EXPECT_EQ(sink.book().at("connections").as_int64(), connections);
}

// A name that leads elsewhere at each look-up: each attempt is held against what it was told
// itself.
TEST_F(WebhookChannelTest, RebindingLeadsNowhere) {
  Sink sink;
  std::atomic<int> asked = 0;
  auto settings = settings_to(sink.url("/200", "localhost"));
  auto channel = make_webhook_channel(
      settings, *clock_, [&](const std::string&) -> Result<std::vector<IpAddress>> {
        return std::vector<IpAddress>{
            *parse_address(asked++ % 2 == 0 ? "127.0.0.1" : "192.168.0.1")};
      });
  ASSERT_TRUE(channel);
  int delivered = 0;
  AttemptEnds ends;
  for (int i = 0; i < 20; ++i) {
    const auto name = std::to_string(i);
    channel.value()->send(attempt_to("it"), {}, ends.done(name));
    const auto result = ends.of(name);
    if (result.what == What::kDelivered) {
      ++delivered;
    } else {
      EXPECT_EQ(result.detail, "without TLS webhooks go to loopback only");
    }
  }
  EXPECT_EQ(delivered, 10);
  EXPECT_EQ(asked, 20);
}

TEST_F(WebhookChannelTest, TheCertificateIsChecked) {
  const TemporaryDirectory folder;
  const auto made = output_of({"sh", "-c",
                               "cd \"$0\" && openssl req -x509 -newkey ec -pkeyopt "
                               "ec_paramgen_curve:P-256 -nodes -keyout key.pem "
                               "-out cert.pem -subj /CN=sink -addext subjectAltName=IP:127.0.0.1 "
                               "-days 2 2>&1 && printf made",
                               folder.path()});
  ASSERT_TRUE(made.ends_with("made")) << made;
  Sink sink{
      {{"tls", {{"key", folder.path() + "/key.pem"}, {"cert", folder.path() + "/cert.pem"}}}}};
  auto settings = settings_to(sink.url("/200", "127.0.0.1", "https"));
  EXPECT_EQ(once(settings).what, What::kRetry);
  EXPECT_TRUE(sink.hooks().empty());
  settings.ca_file = folder.path() + "/cert.pem";
  const auto result = once(settings);
  EXPECT_EQ(result.what, What::kDelivered) << result.detail;
  settings.endpoints["it"].url =
      sink.url("/200", "localhost", "https");  // another name than the certificate's
  EXPECT_EQ(once(settings).what, What::kRetry);
  EXPECT_EQ(sink.hooks().size(), 1U);
}

TEST_F(WebhookChannelTest, BegunTooLateItDoesNotLeave) {
  Sink sink;
  FakeClock clock;
  std::mutex held;
  held.lock();
  auto channel = make_webhook_channel(settings_to(sink.url("/200", "localhost")), clock,
                                      [&](const std::string&) -> Result<std::vector<IpAddress>> {
                                        const std::scoped_lock lock{held};
                                        return std::vector<IpAddress>{*parse_address("127.0.0.1")};
                                      });
  ASSERT_TRUE(channel);
  AttemptEnds ends;
  channel.value()->send(attempt_to("it"), {}, ends.done("it"));
  clock.advance(kAttemptSpan);
  held.unlock();
  EXPECT_EQ(ends.of("it").what, What::kAborted);
  EXPECT_TRUE(sink.hooks().empty());
}

TEST_F(WebhookChannelTest, ManyAtOnceEachOnceInTheBook) {
  Sink sink;
  auto settings = settings_to(sink.url("/200", "localhost"));
  settings.parallel_max = 16;
  AttemptEnds ends;
  {
    auto channel = make_webhook_channel(settings, *clock_);
    ASSERT_TRUE(channel);
    for (int i = 0; i < 300; ++i) {
      auto attempt = attempt_to("it");
      attempt.effect.id = sha256(std::to_string(i));
      channel.value()->send(std::move(attempt), {}, ends.done(std::to_string(i)));
    }
    ends.of("99");
  }  // what was under way ends, what had not begun is aborted: all are told
  std::set<std::string> delivered;
  for (int i = 0; i < 300; ++i) {
    const auto result = ends.of(std::to_string(i));
    if (result.what == What::kDelivered) delivered.insert(hex(sha256(std::to_string(i))));
    EXPECT_TRUE(result.what == What::kDelivered || result.what == What::kAborted) << result.detail;
  }
  EXPECT_GE(delivered.size(), 50U);
  std::multiset<std::string> taken;
  for (const auto& hook : sink.hooks())
    taken.insert(std::string{hook.at("headers").at("webhook-id").as_string()});
  EXPECT_EQ(taken, (std::multiset<std::string>{delivered.begin(), delivered.end()}));
}

TEST_F(WebhookChannelTest, SettingsAndContentAreHeldAgainstTheRules) {
  const auto error = [&](Endpoint endpoint) {
    WebhookSettings settings;
    settings.endpoints["crm"] = std::move(endpoint);
    const auto made = make_webhook_channel(settings, *clock_);
    return made ? std::string{"made"} : made.error().detail;
  };
  EXPECT_EQ(error({"https://example.com/", {kSecret}}), "made");
  EXPECT_EQ(error({"http://example.com/", {kSecret}}),
            "webhook endpoint crm: webhooks go by https only");
  EXPECT_EQ(error({"https://10.0.0.1/", {kSecret}}),
            "webhook endpoint crm: 10.0.0.1 leads to 10.0.0.1, which is private");
  EXPECT_EQ(error({"https://example.com/", {}}),
            "webhook endpoint crm: it has one secret, or two during rotation");
  EXPECT_EQ(error({"https://example.com/", {"x"}}),
            "webhook endpoint crm: a secret of a webhook begins with whsec_");

  Endpoints endpoints{
      {"it", {parse_target("https://example.com/", {}).value(), {std::string(32, 's')}}}};
  auto attempt = attempt_to("it");
  attempt.effect.payload = {{"data", Value{std::string(19'900, 'x')}}, {"endpoint", Value{"it"}}};
  EXPECT_TRUE(request_of(attempt, endpoints, Instant{0}));
  attempt.effect.payload = {{"data", Value{std::string(20'000, 'x')}}, {"endpoint", Value{"it"}}};
  EXPECT_EQ(request_of(attempt, endpoints, Instant{0}).error().code, Code::kInvalid);
  EXPECT_EQ(request_of(attempt_to("no"), endpoints, Instant{0}).error().detail,
            "there is no webhook endpoint 'no' in the settings");
}

}  // namespace
}  // namespace dealwright::webhook
