// Server-sent events: resumed, kept alive, cut when read too slowly; and how the server stops.
#include <gtest/gtest.h>

#include <thread>

#include "tests/connectors/http/rig.h"

namespace dealwright::http {
namespace {

TEST(HttpStream, ResumesWhereTheReaderWas) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  client.send(rig.get("/v1/stream", "Last-Event-ID: 3\r\n"));
  const auto head = client.read(true);
  EXPECT_EQ(head.fields.at("content-type"), "text/event-stream");
  EXPECT_EQ(head.fields.at("cache-control"), "no-store");
  const auto past = client.read_to("number 5\n\n");
  EXPECT_NE(past.find("id: 4\nevent: thing\ndata: number 4\n\n"), std::string::npos) << past;
  EXPECT_EQ(past.find("number 3"), std::string::npos) << past;
  const auto stream = rig.streams.take();
  EXPECT_TRUE(stream->push({"6", "", "six", 0}));
  EXPECT_NE(client.read_to("data: six\n\n"), "");
  stream->close();
  EXPECT_NE(client.read_to("0\r\n\r\n"), "") << "a whole end, unlike a cut";
  EXPECT_TRUE(client.ended());
  EXPECT_FALSE(stream->push({"7", "", "seven", 0}));
}

TEST(HttpStream, AHeartbeatWhenNothingHappens) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  client.send(rig.get("/v1/stream", "Last-Event-ID: 5\r\n"));
  client.read(true);
  const auto stream = rig.streams.take();
  for (int i = 0; i < 3; ++i) {
    client.until_readable([&] { rig.clock.advance(seconds(1)); });
    EXPECT_NE(client.read_to(":\n\n\r\n"), "");
  }
  stream->push({"6", "", "six", 0});
  EXPECT_NE(client.read_to("data: six\n\n"), "");
}

TEST(HttpStream, ASlowReaderIsCutAndComesBack) {
  Rig rig;
  rig.options.limits.stream_queue_bytes = 50'000;
  rig.start();
  Client slow{rig.server->port(), 4'096};
  slow.send(rig.get("/v1/stream", "Last-Event-ID: 5\r\n"));
  slow.read(true);
  const auto stream = rig.streams.take();
  Mailbox<int> over;
  stream->on_close([&] { over.put(1); });
  const std::string data(1'000, 'x');
  int pushed = 0;
  // The sockets' own buffers take some MB before the queue fills.
  while (pushed < 100'000 && stream->push({std::to_string(pushed), "", data, 0})) ++pushed;
  EXPECT_LT(pushed, 100'000);
  EXPECT_TRUE(stream->cut());
  over.take();
  EXPECT_EQ(slow.read_to("\r\n0\r\n\r\n"), "") << "cut: no whole end";
  auto again = rig.connect();
  again.send(rig.get("/v1/stream", "Last-Event-ID: 4\r\n"));
  EXPECT_NE(again.read_to("number 5\n\n"), "");
}

TEST(HttpStream, AReaderThatLeavesIsNoticed) {
  Rig rig;
  rig.start();
  Mailbox<int> over;
  {
    auto client = rig.connect();
    client.send(rig.get("/v1/stream", "Last-Event-ID: 5\r\n"));
    client.read(true);
    rig.streams.take()->on_close([&] { over.put(1); });
  }
  over.take();
}

TEST(HttpStream, EndsWithItsKey) {
  Rig rig;
  rig.start();
  auto client = rig.connect();
  client.send(rig.get("/v1/stream", "Last-Event-ID: 5\r\n"));
  client.read(true);
  const auto stream = rig.streams.take();
  for (const auto& key : rig.keys.list()) ASSERT_TRUE(rig.keys.revoke(key.id, rig.clock.wall()));
  EXPECT_NE(client.read_to("0\r\n\r\n"), "");
  EXPECT_FALSE(stream->open());
}

TEST(HttpStream, NoMoreThanTheirNumber) {
  Rig rig;
  rig.options.limits.streams = 1;
  rig.options.limits.requests_in_flight = 1;
  rig.start();
  auto first = rig.connect();
  first.send(rig.get("/v1/stream", "Last-Event-ID: 5\r\n"));
  first.read(true);
  const auto stream = rig.streams.take();
  auto second = rig.connect();
  EXPECT_EQ(second.ask(rig.get("/v1/stream")).code(), "overload");
  EXPECT_EQ(second.ask(rig.get("/v1/hello")).status, 200) << "a stream is no request in flight";
}

TEST(HttpStop, WhatIsInFlightFinishes) {
  Rig rig;
  rig.start();
  auto idle = rig.connect();
  EXPECT_EQ(idle.ask(rig.get("/v1/hello")).status, 200);
  auto busy = rig.connect();
  busy.send(rig.post("/v1/wait", "x"));
  const auto done = rig.waiting.take();
  auto reader = rig.connect();
  reader.send(rig.get("/v1/stream", "Last-Event-ID: 5\r\n"));
  reader.read(true);
  const auto stream = rig.streams.take();
  Mailbox<bool> stopped;
  std::thread stopper{[&] { stopped.put(rig.server->stop(30'000)); }};
  EXPECT_TRUE(idle.ended());
  EXPECT_NE(reader.read_to("0\r\n\r\n"), "");
  done("finished");
  const auto answer = busy.read();
  EXPECT_EQ(answer.body, "finished");
  EXPECT_EQ(answer.fields.count("connection"), 1U) << answer.status << answer.body;
  EXPECT_TRUE(stopped.take());
  stopper.join();
  EXPECT_FALSE(stream->push({"6", "", "six", 0}));
}

TEST(HttpStop, WhatDoesNotFinishIsCut) {
  Rig rig;
  rig.options.limits.linger_ms = 10;
  rig.start();
  auto stuck = rig.connect();
  stuck.send(rig.post("/v1/wait", "x"));
  const auto done = rig.waiting.take();
  EXPECT_FALSE(rig.server->stop(10));
  EXPECT_TRUE(stuck.ended());
  rig.server.reset();
  done("nobody is there any more");
}

TEST(HttpStop, AHandlerWhoseResumeIsDropped) {
  Rig rig;
  rig.options.limits.linger_ms = 10;
  rig.start();
  auto stuck = rig.connect();
  stuck.send(rig.post("/v1/wait", "x"));
  rig.waiting.take();  // and forgotten
  EXPECT_EQ(stuck.read().code(), "internal");
  EXPECT_TRUE(rig.server->stop(30'000));
}

}  // namespace
}  // namespace dealwright::http
