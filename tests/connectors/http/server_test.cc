// The server over real sockets: what it answers, and to whom.
#include <gtest/gtest.h>
#include <zlib.h>

#include "connectors/http/openapi.h"
#include "tests/connectors/http/rig.h"
#include "tests/table.h"

namespace dealwright::http {
namespace {

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask(rig.get("/v1/hello"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.fields.at("content-type"), "text/plain");
    EXPECT_EQ(answer.fields.at("date"), "Mon, 02 Mar 2026 09:00:00 GMT");
    EXPECT_EQ(answer.fields.at("cache-control"), "no-store");
    EXPECT_EQ(answer.fields.count("connection"), 0U);
  }
  const auto last = client.ask(rig.get("/v1/hello", "Connection: close\r\n"));
  EXPECT_EQ(last.fields.at("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  std::string all;
  for (int i = 0; i < 50; ++i) {
    all += rig.get("/v1/items/" + std::to_string(i));
    all += rig.post("/v1/echo", "body " + std::to_string(i));
  }
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    EXPECT_NE(client.read().body.find("\"id\":\"" + std::to_string(i) + "\""), std::string::npos);
    EXPECT_EQ(client.read().body, "body " + std::to_string(i));
  }
}

TEST(HttpServer, HeadOptionsAndOtherMethods) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  auto request = rig.get("/v1/hello");
  client.send("HEAD" + request.substr(3));
  const auto head = client.read(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("content-length"), "5");
  const auto options = client.ask("OPTIONS" + rig.get("/v1/items/1").substr(3));
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.fields.at("allow"), "DELETE, GET, HEAD, OPTIONS");
  EXPECT_EQ(client.ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").status, 204);
  const auto put = client.ask("PUT" + rig.get("/v1/hello").substr(3));
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.code(), "method_not_allowed");
  EXPECT_EQ(put.fields.at("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(client.ask(rig.get("/v1/nothing")).code(), "not_found");
  EXPECT_EQ(client.ask(rig.get("/v1/items/%zz")).code(), "bad_path");
  EXPECT_EQ(client.ask(rig.get("/v1/throws")).code(), "internal");
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200) << "and the connection goes on";
}

TEST(HttpServer, ParametersAreWhatTheRouteSays) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  expect_table(R"(
    query                       | then
    limit=10                    | 200
    limit=10&as_of=2026-03 | bad_parameter
    as_of=2026-03-02T09:00:00Z  | 200
    limit=0                     | bad_parameter
    limit=1001                  | bad_parameter
    limit=1e3                   | bad_parameter
    limit=1&limit=2             | bad_parameter
    page=1                      | unknown_parameter
    limit=%zz                   | bad_query
  )",
               [&](const Row& row) {
                 const auto answer = client.ask(rig.get("/v1/items/1?" + row["query"]));
                 return answer.status == 200 ? "200" : answer.code();
               });
}

TEST(HttpServer, Bodies) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  EXPECT_EQ(client.ask(rig.post("/v1/echo", std::string(500'000, 'a'))).body.size(), 500'000U);
  const auto chunked =
      rig.get("/v1/echo", "Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n");
  EXPECT_EQ(
      client.ask("POST" + chunked.substr(3) + "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: u\r\n\r\n")
          .body,
      "abcdefg");
  client.send("POST" + chunked.substr(3) + "3\r\n");
  client.send("abc\r\n0");
  client.send("\r\n\r\n");
  EXPECT_EQ(client.read().body, "abc");
  EXPECT_EQ(client.ask(rig.get("/v1/echo", "Content-Length: 0\r\n").replace(0, 3, "POST")).status,
            200);
  EXPECT_EQ(client.ask(rig.get("/v1/plain", "Content-Length: 0\r\n").replace(0, 3, "POST")).code(),
            "bad_body");
  const auto json = rig.get("/v1/echo", "Content-Type: application/json\r\nContent-Length: 2\r\n");
  EXPECT_EQ(client.ask("POST" + json.substr(3) + "{}").code(), "media_type");
  const auto event = rig.get("/v1/echo",
                             "Content-Type: Application/CloudEvents-Batch+JSON; charset=utf-8\r\n"
                             "Content-Length: 2\r\n");
  EXPECT_EQ(client.ask("POST" + event.substr(3) + "[]").body, "[]");
  EXPECT_EQ(client.ask(rig.get("/v1/hello", "Content-Length: 2\r\n") + "{}").code(), "media_type")
      << "a route without a body takes none";
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200) << "the refused bodies were skipped";
}

TEST(HttpServer, ExpectContinue) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  const auto head = "POST" + rig.get("/v1/echo",
                                     "Content-Type: text/plain\r\nContent-Length: 3\r\n"
                                     "Expect: 100-continue\r\n")
                                 .substr(3);
  client.send(head);
  EXPECT_EQ(client.read_to("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask("abc").body, "abc");
  const auto refused = "POST" + rig.get("/v1/echo",
                                        "Content-Type: text/plain\r\nContent-Length: 3000000\r\n"
                                        "Expect: 100-continue\r\n")
                                    .substr(3);
  EXPECT_EQ(client.ask(refused).code(), "body_too_large") << "before a byte of it was sent";
  EXPECT_TRUE(client.ended());
}

std::string gzip_of(const std::string& text) {
  std::string out(text.size() + 1'000, '\0');
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST(HttpServer, GzipIsBounded) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  const std::string field = "Content-Encoding: gzip\r\n";
  std::string text;
  for (int i = 0; i < 500; ++i) text += std::to_string(i * i) + ",";
  EXPECT_EQ(client.ask(rig.post("/v1/echo", gzip_of(text), field)).body, text);
  const auto bomb = gzip_of(std::string(2'000'000, 'a'));
  EXPECT_EQ(client.ask(rig.post("/v1/echo", bomb, field)).code(), "body_too_large");
  EXPECT_EQ(client.ask(rig.post("/v1/echo", "no gzip", field)).code(), "bad_body");
  EXPECT_EQ(client.ask(rig.post("/v1/echo", gzip_of(text) + "x", field)).code(), "bad_body");
  EXPECT_EQ(client.ask(rig.post("/v1/plain", gzip_of(text), field)).code(), "content_coding");
  EXPECT_EQ(client.ask(rig.post("/v1/echo", text, "Content-Encoding: br\r\n")).code(),
            "content_coding");
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200);
}

TEST(HttpServer, WaitsForAnotherThreadWithoutHoldingItsOwn) {
  Rig rig;
  rig.options.io_threads = 1;
  rig.start();
  auto slow = rig.connect();
  slow.send(rig.post("/v1/wait", "x"));
  const auto done = rig.waiting.take();
  auto other = rig.connect();
  EXPECT_EQ(other.ask(rig.get("/v1/hello")).status, 200);
  done("appended");
  EXPECT_EQ(slow.read().body, "appended");
}

TEST(HttpServer, AFullPoolAnswers503) {
  Rig rig;
  rig.start();
  auto first = rig.connect();
  auto second = rig.connect();
  auto third = rig.connect();
  Mailbox<int> begun, free;
  const auto job = [&] {
    begun.put(1);
    free.take();
  };
  rig.block.put(job);
  first.send(rig.get("/v1/blocking").replace(0, 3, "POST"));
  begun.take();
  second.send(rig.get("/v1/blocking").replace(0, 3, "POST"));
  third.send(rig.get("/v1/blocking").replace(0, 3, "POST"));
  // One of the two waits in the queue of one, the other hears that it is full.
  EXPECT_NE(rig.lines.take().find("overload"), std::string::npos);
  rig.block.put(job);
  free.put(1);
  free.put(1);
  const auto a = second.read();
  const auto b = third.read();
  EXPECT_EQ(a.status + b.status, 200 + 503);
  EXPECT_EQ(a.status == 503 ? a.code() : b.code(), "overload");
  EXPECT_EQ((a.status == 503 ? a : b).fields.at("retry-after"), "1");
  EXPECT_EQ(first.read().status, 200);
}

// Jobs that wait keep no other from running, up to the most threads there may be.
TEST(WorkerPoolTest, AJobFindsAThreadWhileOthersWait) {
  constexpr int kThreads = 5;
  Mailbox<int> begun, free;
  std::atomic<int> done{0};
  {
    WorkerPool pool{kThreads, 2};
    const auto job = [&] {
      begun.put(1);
      free.take();
      ++done;
    };
    for (int i = 0; i < kThreads; ++i) {
      ASSERT_TRUE(pool.submit(job)) << i;
      begun.take();
    }
    EXPECT_TRUE(pool.submit(job));
    EXPECT_TRUE(pool.submit(job));
    EXPECT_FALSE(pool.submit(job)) << "as many run and wait as may";
    free.put(1);
    begun.take();  // the first that waited has begun
    EXPECT_TRUE(pool.submit(job));
    for (int i = 0; i < kThreads + 2; ++i) free.put(1);
    begun.take();
    begun.take();
  }
  EXPECT_EQ(done, kThreads + 3);
}

TEST(HttpServer, PiecesAreSentOneByOne) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  const auto answer = client.ask(rig.get("/v1/pieces"));
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body.size(), 100'000U);
  EXPECT_EQ(client.ask(rig.get("/v1/hello")).status, 200);
  const auto old = rig.get("/v1/pieces");
  client.send(std::string{old}.replace(old.find("1.1"), 3, "1.0"));
  const auto by_end = client.read();
  EXPECT_EQ(by_end.body.size(), 100'000U);
  EXPECT_EQ(by_end.fields.count("transfer-encoding"), 0U);
}

TEST(HttpServer, TraceAndAccessLine) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  const auto field = "traceparent: 00-" + id + "-b7ad6b7169203331-01\r\n";
  const auto answer = client.ask(rig.get("/v1/items/ann@example.com?limit=7", field));
  EXPECT_NE(answer.body.find("\"trace\":\"00-" + id), std::string::npos);
  EXPECT_EQ(answer.body.find("b7ad6b7169203331"), std::string::npos) << "the span is ours";
  const auto line = rig.lines.take();
  EXPECT_NE(line.find("\"trace_id\":\"" + id), std::string::npos) << line;
  EXPECT_NE(line.find("\"route\":\"/v1/items/{id}\""), std::string::npos) << line;
  EXPECT_EQ(line.find("example.com"), std::string::npos) << line;
  EXPECT_EQ(line.find("127.0.0.1"), std::string::npos) << line;
  EXPECT_EQ(line.find("limit"), std::string::npos) << line;
  const auto bad = client.ask(rig.get("/v1/nothing", field));
  EXPECT_NE(bad.body.find("\"trace_id\":\"" + id), std::string::npos);
}

TEST(HttpServer, OnlyLoopbackInClearText) {
  Rig rig;
  const auto start = [&](const std::string& address, bool allowed) {
    Options options;
    options.address = address;
    options.clear_text_beyond_loopback = allowed;
    return Server::start(options, RouteTable{}, rig.keys, rig.clock, rig.random);
  };
  EXPECT_EQ(start("0.0.0.0", false).error().code, Code::kRefused);
  EXPECT_EQ(start("localhost", false).error().code, Code::kInvalid);
  EXPECT_TRUE(start("0.0.0.0", true));
  EXPECT_TRUE(start("127.0.0.1", false));
  rig.start();
  Options options;
  options.port = rig.server->port();
  EXPECT_EQ(Server::start(options, RouteTable{}, rig.keys, rig.clock, rig.random).error().code,
            Code::kIo);
}

TEST(HttpServer, HostsThatItDoesNotServe) {
  Rig rig;
  rig.options.hosts = {"localhost", "[::1]"};
  rig.start();
  auto client = rig.connect();
  const auto ask = [&](const std::string& host) {
    return client.ask("GET /v1/open HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
  };
  EXPECT_EQ(ask("LOCALHOST:80"), 200);
  EXPECT_EQ(ask("[::1]:80"), 200);
  EXPECT_EQ(ask("evil.example"), 421) << "a name that was bent to this address";
}

}  // namespace
}  // namespace dealwright::http
