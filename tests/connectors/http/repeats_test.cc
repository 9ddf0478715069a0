// What a request comes to that is sent again under its Idempotency-Key.
#include <gtest/gtest.h>

#include "tests/connectors/http/rig.h"

namespace dealwright::http {
namespace {

class RepeatsTest : public testing::Test {
 protected:
  void SetUp() override { rig.start(); }
  std::string request(const std::string& path, const std::string& key,
                      const std::string& body = {}) const {
    return rig.post(path, body, "Idempotency-Key: " + key + "\r\n");
  }
  // Asks, and lets the handler say `words`.
  Answer served(const std::string& path, const std::string& key, const std::string& words,
                const std::string& body = {}) {
    auto client = rig.connect();
    client.send(request(path, key, body));
    rig.waiting.take()(words);
    return client.read();
  }
  // Asks, and the handler is not to be asked.
  Answer known(const std::string& path, const std::string& key, const std::string& body = {}) {
    return rig.connect().ask(request(path, key, body));
  }
  Rig rig;
};

TEST_F(RepeatsTest, TheFirstAnswerIsGivenAgain) {
  EXPECT_EQ(served("/v1/once", "k", "one").body, "one");
  const auto again = known("/v1/once", "k");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, "one");
  EXPECT_EQ(again.fields.at("idempotency-replayed"), "true");
  EXPECT_EQ(served("/v1/once", "other", "two").body, "two") << "another name";
  EXPECT_EQ(served("/v1/again", "k", "three").body, "three") << "another path";
  EXPECT_EQ(served("/v1/again", "k", "four").body, "four") << "its handler finds what is done";
  rig.key = rig.key_of({Role::kPublisher});
  EXPECT_EQ(served("/v1/once", "k", "five").body, "five") << "another caller";
}

TEST_F(RepeatsTest, AnotherRequestUnderTheNameIsRefused) {
  for (const auto* path : {"/v1/once", "/v1/again"}) {
    EXPECT_EQ(served(path, "k", "one", "a body").status, 200);
    EXPECT_EQ(known(path, "k", "another").code(), "idempotency_mismatch");
    EXPECT_EQ(known(path, "k", "another").status, 422);
  }
}

TEST_F(RepeatsTest, WhileTheFirstIsUnderWayARepeatWaitsOutside) {
  auto first = rig.connect();
  first.send(request("/v1/once", "k"));
  const auto go_on = rig.waiting.take();
  EXPECT_EQ(known("/v1/once", "k").code(), "in_flight");
  EXPECT_EQ(known("/v1/once", "k").status, 409);
  EXPECT_EQ(known("/v1/once", "k", "another").code(), "idempotency_mismatch");
  go_on("one");
  EXPECT_EQ(first.read().body, "one");
  EXPECT_EQ(known("/v1/once", "k").body, "one");
}

TEST_F(RepeatsTest, WhatWasNotDoneMayBeTriedAgain) {
  auto first = rig.connect();
  first.send(request("/v1/once", "k"));
  rig.waiting.take() = nullptr;  // nobody will ever answer: 500
  EXPECT_EQ(first.read().status, 500);
  EXPECT_EQ(served("/v1/once", "k", "one").body, "one");
}

TEST_F(RepeatsTest, ItRemembersSoMuch) {
  for (const auto* key : {"a", "b", "c", "d"}) served("/v1/once", key, key);
  EXPECT_EQ(served("/v1/once", "a", "anew").body, "anew") << "three are kept";
  EXPECT_EQ(known("/v1/once", "d").body, "d");
  served("/v1/once", "long", std::string(999, 'x'));
  EXPECT_EQ(served("/v1/once", "d", "anew").body, "anew") << "1,000 bytes are kept";
}

TEST_F(RepeatsTest, ForADayAndASecretForTenMinutes) {
  served("/v1/once", "k", "one");
  served("/v1/secret", "k", "a secret");
  rig.clock.advance(minutes(9));
  EXPECT_EQ(known("/v1/secret", "k").body, "a secret");
  rig.clock.advance(minutes(2));
  EXPECT_EQ(served("/v1/secret", "k", "anew").body, "anew");
  rig.clock.advance(hours(23));
  EXPECT_EQ(known("/v1/once", "k").body, "one");
  rig.clock.advance(hours(1));
  EXPECT_EQ(served("/v1/once", "k", "anew").body, "anew");
}

TEST_F(RepeatsTest, ANameIsVisibleAscii) {
  EXPECT_EQ(known("/v1/once", std::string(256, 'k')).code(), "bad_parameter");
  EXPECT_EQ(known("/v1/once", "a b").code(), "bad_parameter");
  EXPECT_EQ(known("/v1/once", "").code(), "bad_parameter");
  EXPECT_EQ(served("/v1/once", std::string(255, 'k'), "one").body, "one");
}

}  // namespace
}  // namespace dealwright::http
