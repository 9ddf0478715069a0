// Signatures by fixed vectors and by npm standardwebhooks, which reads what we write.
#include "connectors/webhook/signature.h"

#include <gtest/gtest.h>

#include "engine/base/base64.h"
#include "tests/child.h"
#include "tests/outside.h"
#include "tests/table.h"

namespace dealwright::webhook {
namespace {

TEST(SignatureTest, Base64) {
  expect_table(R"(
    bytes  | then
           |
    f      | Zg==
    fo     | Zm8=
    foo    | Zm9v
    foob   | Zm9vYg==
    fooba  | Zm9vYmE=
    foobar | Zm9vYmFy
  )",
               [](const Row& row) {
                 EXPECT_EQ(parse_base64(base64(row["bytes"])).value(), row["bytes"]);
                 return base64(row["bytes"]);
               });
  for (const auto* wrong :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Zm9v=", "Z g=", "Zg==Zg==", "Zm-_"})
    EXPECT_FALSE(parse_base64(wrong)) << wrong;
}

TEST(SignatureTest, SecretsAreChecked) {
  EXPECT_EQ(parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value().size(), 24U);
  EXPECT_FALSE(parse_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  EXPECT_FALSE(parse_secret("whsec_"));
  EXPECT_FALSE(parse_secret("whsec_" + base64(std::string(23, 'x'))));
  EXPECT_TRUE(parse_secret("whsec_" + base64(std::string(64, 'x'))));
  EXPECT_FALSE(parse_secret("whsec_" + base64(std::string(65, 'x'))));
  const auto error = parse_secret("whsec_secret!").error();
  EXPECT_EQ(error.detail.find("secret!"), std::string::npos);
}

// The vector of the Standard Webhooks specification's libraries.
TEST(SignatureTest, FixedVector) {
  const auto secret = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value();
  EXPECT_EQ(
      signatures({secret}, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(SignatureTest, TheirLibraryTakesOursAndNoChange) {
  outside("standardwebhooks");
  if (npm_tools().folder.empty()) GTEST_SKIP() << npm_tools().reason;
  const auto old_secret = "whsec_" + base64(std::string(24, 'o'));
  const auto new_secret = "whsec_" + base64(std::string(64, 'n'));
  const std::vector<std::string> both{parse_secret(new_secret).value(),
                                      parse_secret(old_secret).value()};
  // Their library reads the clock: the script says now.
  const std::string now = output_of({"node", "-p", "Math.floor(Date.now() / 1000)"});
  const auto timestamp = std::stoll(now);
  const std::string body = R"({"data":{"name":"Grüße"},"type":"x"})";
  const auto signature = signatures(both, "id1", timestamp, body);
  const auto check = [&](const std::string& secret, const std::string& id, long long at,
                         const std::string& text) {
    return output_of({"node", "-e",
                      "const {Webhook} = require(process.argv[1] + '/standardwebhooks');\n"
                      "const [secret, id, at, sig, body] = process.argv.slice(2);\n"
                      "try { new Webhook(secret).verify(body, {'webhook-id': id, "
                      "'webhook-timestamp': at, 'webhook-signature': sig});\n"
                      "console.log('good'); } catch (e) { console.log('bad ' + e.message); }",
                      npm_tools().folder, secret, id, std::to_string(at), signature, text});
  };
  EXPECT_EQ(check(old_secret, "id1", timestamp, body), "good\n");
  EXPECT_EQ(check(new_secret, "id1", timestamp, body), "good\n");
  EXPECT_TRUE(
      check("whsec_" + base64(std::string(24, 'x')), "id1", timestamp, body).starts_with("bad"));
  EXPECT_TRUE(check(new_secret, "id2", timestamp, body).starts_with("bad"));
  EXPECT_TRUE(check(new_secret, "id1", timestamp + 1, body).starts_with("bad"));
  EXPECT_TRUE(check(new_secret, "id1", timestamp, body + " ").starts_with("bad"));
}

}  // namespace
}  // namespace dealwright::webhook
