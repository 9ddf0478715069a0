#include "engine/base/hash.h"

#include <gtest/gtest.h>

#include <thread>

namespace dealwright {
namespace {

struct Row {
  std::string key, text;
  const char* mac;
};

// RFC 4231, cases 1 to 3, 6 and 7; the last, of nothing under nothing, by `openssl mac`.
const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
      {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  return all;
}

// One after the other in one thread: nothing of a key is left for the next, none included.
TEST(HashTest, HmacIsThatOfTheStandard) {
  for (int round = 0; round < 2; ++round) {
    for (const auto& row : rows()) EXPECT_EQ(hex(hmac_sha256(row.key, row.text)), row.mac);
  }
}

TEST(HashTest, EachThreadHasItsOwn) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto& row = rows()[i];
      for (int n = 0; n < 1000; ++n) ASSERT_EQ(hex(hmac_sha256(row.key, row.text)), row.mac);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(HashTest, AStreamGivesWhatTheWholeGives) {
  Sha256Stream stream;
  for (int round = 0; round < 2; ++round) {
    stream.update("a");
    stream.update("bc");
    EXPECT_EQ(hex(stream.finish()),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
  EXPECT_EQ(sha256("abc"), *sha256_of_hex(hex(sha256("abc"))));
}

}  // namespace
}  // namespace dealwright
