// Each limit, met by a caller who does not behave: what it hears, and that others are served.
#include <gtest/gtest.h>

#include "connectors/http/load.h"
#include "tests/connectors/http/rig.h"

namespace dealwright::http {
namespace {

// A caller that is refused before its request was understood hears why, and is hung up on.
std::string hangs_up_with(Rig& rig, const std::string& bytes) {
  auto client = rig.connect();
  client.send(bytes);
  const auto answer = client.read();
  EXPECT_EQ(answer.fields.count("connection"), 1U) << bytes.substr(0, 60);
  EXPECT_TRUE(client.ended()) << bytes.substr(0, 60);
  return std::to_string(answer.status) + ' ' + answer.code();
}

TEST(HttpLimits, MalformedHeadsEndTheConnection) {
  Rig rig;
  rig.options.limits.head_bytes = 2'000;
  rig.options.limits.target_bytes = 500;
  rig.options.limits.head_fields = 10;
  rig.start();
  const auto with = [&](const std::string& more) {
    return hangs_up_with(rig, rig.get("/v1/hello", more));
  };
  std::string many;
  for (int i = 0; i < 10; ++i) many += "a: b\r\n";
  EXPECT_EQ(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "400 bad_framing");
  EXPECT_EQ(with("Content-Length: 5\r\nContent-Length: 6\r\n"), "400 bad_framing");
  EXPECT_EQ(with("A: b\r\n c\r\n"), "400 bad_request");
  EXPECT_EQ(with("Host: other\r\n"), "400 bad_host");
  EXPECT_EQ(with(std::string{"a: b\0c\r\n", 8}), "400 bad_request");
  EXPECT_EQ(with(many), "431 too_many_fields");
  EXPECT_EQ(with("a: " + std::string(3'000, 'b') + "\r\n"), "431 head_too_large");
  EXPECT_EQ(with("Expect: nothing\r\n"), "417 expectation_failed");
  EXPECT_EQ(hangs_up_with(rig, rig.get("/" + std::string(600, 'a'))), "414 target_too_long");
  EXPECT_EQ(hangs_up_with(rig, "GET / HTTP/3.0\r\nHost: x\r\n\r\n"), "505 http_version");
  EXPECT_EQ(hangs_up_with(rig, std::string(4'000, 'a')), "431 head_too_large")
      << "a head without end";
  EXPECT_EQ(hangs_up_with(rig, "\x16\x03\x01\x02"), "400 bad_request")
      << "TLS, where none is spoken";
  auto client = rig.connect();
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200);
}

// What stands behind a request of doubtful length is never taken for a request.
TEST(HttpLimits, NothingIsSmuggled) {
  Rig rig;
  rig.start();
  const auto hidden = rig.get("/v1/items/smuggled");
  for (const std::string framing :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: x, chunked\r\n",
        "Content-Length: 3\r\nContent-Length: 5\r\n", "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n", "Content-Length: 0005x\r\n"}) {
    auto client = rig.connect();
    const auto head = rig.get("/v1/echo", "Content-Type: text/plain\r\n" + framing);
    client.send("POST" + head.substr(3) + "0\r\n\r\n" + hidden);
    EXPECT_EQ(client.read().status, 400) << framing;
    EXPECT_TRUE(client.ended()) << framing;
  }
  const auto chunked =
      "POST" +
      rig.get("/v1/echo", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n").substr(3);
  for (const std::string body : {"x\r\n", "-1\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\nabc\n0\n\n",
                                 "FFFFFFFFFFFFFFFFF\r\n", "3 \r\nabc\r\n"}) {
    auto client = rig.connect();
    client.send(chunked + body + hidden);
    const auto answer = client.read();
    EXPECT_TRUE(answer.status == 400 || answer.status == 413) << body << answer.status;
    EXPECT_TRUE(client.ended()) << body;
  }
}

TEST(HttpLimits, ASlowHeadABodyThatNeverEndsAnIdleConnection) {
  Rig rig;
  rig.options.limits.head_ms = 10'000;
  rig.options.limits.idle_ms = 60'000;
  rig.start();
  const auto a_second_later = [&] { rig.clock.advance(seconds(1)); };
  auto head = rig.connect();
  EXPECT_EQ(head.ask(rig.get("/v1/hello")).status, 200);
  head.send("GET /v1/hello HTT");
  head.until_readable(a_second_later);
  EXPECT_EQ(head.read().code(), "too_slow");
  EXPECT_TRUE(head.ended());
  for (const std::string framing : {"Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"}) {
    auto body = rig.connect();
    body.send("POST" + rig.get("/v1/echo", "Content-Type: text/plain\r\n" + framing).substr(3) +
              "3\r\n");
    body.until_readable(a_second_later);
    EXPECT_EQ(body.read().code(), "too_slow") << framing;
    EXPECT_TRUE(body.ended());
  }
  auto idle = rig.connect();
  EXPECT_EQ(idle.ask(rig.get("/v1/hello")).status, 200);
  idle.until_readable(a_second_later);
  EXPECT_TRUE(idle.ended()) << "without a word";
  EXPECT_EQ(rig.server->load().requests, 0U);
  EXPECT_EQ(rig.server->load().bytes, 0U);
}

TEST(HttpLimits, AHandlerThatNeverComesBack) {
  Rig rig;
  rig.start();
  auto reads = rig.connect();
  reads.send(rig.get("/v1/wait"));
  const auto first = rig.waiting.take();
  reads.until_readable([&] { rig.clock.advance(seconds(10)); });
  EXPECT_EQ(reads.read().code(), "timeout");
  EXPECT_TRUE(reads.ended());
  auto writes = rig.connect();
  writes.send(rig.post("/v1/wait", "x"));
  const auto second = rig.waiting.take();
  writes.until_readable([&] { rig.clock.advance(seconds(10)); });
  const auto answer = writes.read();
  EXPECT_EQ(answer.status, 503) << "never 2xx: what became of it is not known";
  EXPECT_EQ(answer.code(), "outcome_unknown");
  EXPECT_EQ(answer.fields.at("retry-after"), "1");
  EXPECT_EQ(rig.server->load().requests, 2U) << "they still run";
  first("late");
  second("late");
  auto other = rig.connect();
  EXPECT_EQ(other.ask(rig.get("/v1/hello")).status, 200);
}

TEST(HttpLimits, Bodies) {
  Rig rig;
  rig.options.limits.body_bytes = 1'000;
  rig.options.limits.drain_bytes = 2'000;
  rig.start();
  auto client = rig.connect();
  EXPECT_EQ(client.ask(rig.post("/v1/echo", std::string(1'000, 'a'))).status, 200);
  EXPECT_EQ(client.ask(rig.post("/v1/echo", std::string(1'001, 'a'))).code(), "body_too_large");
  EXPECT_EQ(client.ask(rig.post("/v1/echo", "b")).body, "b") << "a small one too many is skipped";
  EXPECT_EQ(hangs_up_with(rig, rig.post("/v1/echo", std::string(100'000, 'a'))),
            "413 body_too_large");
  const auto chunked =
      "POST" +
      rig.get("/v1/echo", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n").substr(3);
  EXPECT_EQ(hangs_up_with(rig, chunked + "3E9\r\n" + std::string(1'001, 'a') + "\r\n0\r\n\r\n"),
            "413 body_too_large");
  EXPECT_EQ(hangs_up_with(rig, chunked + "1;" + std::string(20'000, 'x')), "400 bad_framing");
}

TEST(HttpLimits, Connections) {
  Rig rig;
  rig.options.limits.connections = 2;
  rig.start();
  auto first = rig.connect();
  auto second = rig.connect();
  EXPECT_EQ(first.ask(rig.get("/v1/hello")).status, 200);
  EXPECT_EQ(second.ask(rig.get("/v1/hello")).status, 200);
  auto third = rig.connect();
  const auto answer = third.read();
  EXPECT_EQ(answer.code(), "overload");
  EXPECT_EQ(answer.fields.at("retry-after"), "1");
  EXPECT_EQ(first.ask(rig.get("/v1/hello")).status, 200);
  EXPECT_EQ(rig.server->load().refused_connections, 1U);
}

TEST(HttpLimits, ConnectionsOfOneAddress) {
  Rig rig;
  rig.options.limits.connections_per_address = 1;
  rig.start();
  auto first = rig.connect();
  EXPECT_EQ(first.ask(rig.get("/v1/hello")).status, 200);
  auto second = rig.connect();
  EXPECT_EQ(second.ask(rig.get("/v1/hello")).status, 429);
}

TEST(HttpLimits, Rates) {
  Rig rig;
  rig.options.limits.per_key = {2, 4};
  rig.start();
  auto client = rig.connect();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200);
  const auto answer = client.ask(rig.get("/v1/hello"));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.code(), "rate");
  EXPECT_EQ(answer.fields.at("retry-after"), "1");
  const auto key = rig.key;
  rig.key = rig.key_of({Role::kViewer});
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200) << "another key has its own";
  rig.key = key;
  rig.clock.advance(seconds(1));
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200);
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200);
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 429);
}

TEST(HttpLimits, RateOfAnAddress) {
  Rig rig;
  rig.options.limits.per_address = {1, 2};
  rig.start();
  auto client = rig.connect();
  EXPECT_EQ(client.ask(rig.get("/v1/open")).status, 200);
  EXPECT_EQ(client.ask(rig.get("/v1/nothing")).status, 404);
  EXPECT_EQ(client.ask(rig.get("/v1/open")).code(), "rate");
}

TEST(HttpLimits, BucketsForgetOnlyWhatIsFullAgainAndKeepTheirSize) {
  Buckets buckets{{1, 2}, 100};
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(buckets.take(std::to_string(i), 0));
  EXPECT_TRUE(buckets.take("a", 0));
  EXPECT_TRUE(buckets.take("a", 0));
  EXPECT_FALSE(buckets.take("a", 0));
  for (int i = 0; i < 40; ++i) buckets.take(std::to_string(i), 0);
  EXPECT_FALSE(buckets.take("a", 0));
  EXPECT_TRUE(buckets.take("a", 1'000'000));
}

// Ten times what may be in flight: so many are taken, the others hear it at once, and the bytes
// held stay under their limit.
TEST(HttpLimits, TenTimesTheLoad) {
  Rig rig;
  constexpr std::size_t kTaken = 8;
  rig.options.limits.requests_in_flight = kTaken;
  rig.options.limits.bytes_in_flight = 100'000;
  rig.start();
  std::vector<Client> clients;
  std::vector<std::function<void(std::string)>> waiting;
  const auto request = rig.post("/v1/wait", std::string(10'000, 'a'));
  for (std::size_t i = 0; i < 10 * kTaken; ++i) {
    clients.push_back(rig.connect());
    clients.back().send(request);
    if (i < kTaken) {
      waiting.push_back(rig.waiting.take());
      continue;
    }
    const auto answer = clients.back().read();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.code(), "overload");
    EXPECT_EQ(answer.fields.at("retry-after"), "1");
    EXPECT_LE(rig.server->load().bytes, 100'000U);
  }
  for (const auto& done : waiting) done("done");
  for (std::size_t i = 0; i < kTaken; ++i) EXPECT_EQ(clients[i].read().body, "done");
  for (auto& client : clients) EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200);
}

TEST(HttpLimits, BytesInFlight) {
  Rig rig;
  rig.options.limits.bytes_in_flight = 1'000;
  rig.start();
  auto first = rig.connect();
  auto second = rig.connect();
  first.send(rig.post("/v1/wait", std::string(900, 'a')));
  const auto done = rig.waiting.take();
  EXPECT_EQ(second.ask(rig.post("/v1/echo", std::string(200, 'a'))).code(), "overload");
  const auto chunked =
      "POST" +
      rig.get("/v1/echo", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n").substr(3);
  auto third = rig.connect();
  EXPECT_EQ(third.ask(chunked + "C8\r\n" + std::string(200, 'a') + "\r\n0\r\n\r\n").code(),
            "overload");
  // An access line says that what its request held is given back.
  for (int i = 0; i < 2; ++i) rig.lines.take();
  EXPECT_EQ(second.ask(rig.post("/v1/echo", std::string(50, 'a'))).status, 200);
  done("done");
  EXPECT_EQ(first.read().body, "done");
  for (int i = 0; i < 2; ++i) rig.lines.take();
  EXPECT_EQ(second.ask(rig.post("/v1/echo", std::string(900, 'a'))).status, 200);
}

}  // namespace
}  // namespace dealwright::http
