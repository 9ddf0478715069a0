#include "connectors/daemon/unsubscribe.h"

#include <gtest/gtest.h>

namespace dealwright::daemon {
namespace {

const runtime::ClusterKey kKey{std::string(32, 'k')};

Unsubscription sample() {
  Effect effect;
  effect.id = sha256("one mail");
  effect.recipient = "contact/c1";
  effect.payload = Map{{"purpose", Value{"nurture"}}};
  return unsubscription_of(300, effect);
}

TEST(UnsubscribeTest, ComesBackAsItLeft) {
  const auto what = sample();
  EXPECT_EQ(what.person, (RecordKey{Kind::kContact, "c1"}));
  EXPECT_EQ(what.purpose, "nurture");
  const auto token = unsubscribe_token(what, kKey);
  EXPECT_EQ(
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  const auto back = read_unsubscribe_token(token, kKey);
  ASSERT_TRUE(back);
  EXPECT_EQ(back.value(), what);
  EXPECT_EQ(token, unsubscribe_token(what, kKey));  // the same in each attempt
}

TEST(UnsubscribeTest, NoOtherBytesAreOne) {
  const auto token = unsubscribe_token(sample(), kKey);
  for (std::size_t size = 0; size < token.size(); ++size)
    EXPECT_FALSE(read_unsubscribe_token(token.substr(0, size), kKey)) << size;
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (const char c : {'A', 'z', '-', '=', ' '}) {
      auto forged = token;
      if (forged[at] == c) continue;
      forged[at] = c;
      EXPECT_FALSE(read_unsubscribe_token(forged, kKey)) << at << c;
    }
  }
  EXPECT_FALSE(read_unsubscribe_token(token + "A", kKey));
  EXPECT_FALSE(read_unsubscribe_token(token + "AAAA", kKey));
  EXPECT_FALSE(read_unsubscribe_token(std::string(2000, 'A'), kKey));
  EXPECT_FALSE(read_unsubscribe_token(token, runtime::ClusterKey{std::string(32, 'x')}));
}

TEST(UnsubscribeTest, EachPersonPurposeAndMailHasItsOwn) {
  auto other = sample();
  other.purpose = "news";
  EXPECT_NE(unsubscribe_token(other, kKey), unsubscribe_token(sample(), kKey));
  other = sample();
  other.effect[0] ^= 1;
  EXPECT_NE(unsubscribe_token(other, kKey), unsubscribe_token(sample(), kKey));
  other = sample();
  other.person.id = "c2";
  EXPECT_NE(unsubscribe_token(other, kKey), unsubscribe_token(sample(), kKey));
}

}  // namespace
}  // namespace dealwright::daemon
