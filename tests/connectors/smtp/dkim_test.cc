// Signatures, checked by python3-dkim: what it takes, and that it takes no change.
#include "connectors/smtp/dkim.h"

#include <gtest/gtest.h>

#include "tests/child.h"
#include "tests/connectors/smtp/samples.h"
#include "tests/outside.h"

namespace dealwright::smtp {
namespace {

// Verifies each signature of the mail on stdin against the key records given; prints a word each.
constexpr const char* kVerify = R"(
import sys, dkim
records = dict(zip(sys.argv[1::2], sys.argv[2::2]))
mail = sys.stdin.buffer.read()
def txt(name, timeout=5):
    return records.get(name.decode().rstrip('.'), '').encode()
d = dkim.DKIM(mail)
count = len([h for h in d.headers if h[0].lower() == b'dkim-signature'])
out = []
for i in range(count):
    try:
        out.append('good' if dkim.DKIM(mail).verify(idx=i, dnsfunc=txt) else 'bad')
    except dkim.DKIMException as e:
        out.append('bad')
print(' '.join(out))
)";

std::string openssl(const std::vector<std::string>& arguments, const std::string& input = {}) {
  std::vector<std::string> all{"openssl"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return output_of(all, input);
}

// The public key as it stands in DNS: the whole DER for RSA, its last 32 bytes for Ed25519.
std::string record_of(const DkimKey& key, bool rsa) {
  return output_of({"/usr/bin/python3", "-c",
                    "import base64,subprocess,sys\n"
                    "der=subprocess.run(['openssl','pkey','-pubout','-outform','DER'],input=sys."
                    "stdin.buffer.read(),"
                    "capture_output=True).stdout\n"
                    "rsa=sys.argv[1]=='rsa'\n"
                    "print('v=DKIM1; k='+sys.argv[1]+'; p='+base64.b64encode(der if rsa else "
                    "der[-32:]).decode(),end='')",
                    rsa ? "rsa" : "ed25519"},
                   key.pem);
}

class DkimTest : public testing::Test {
 protected:
  void SetUp() override {
    if (output_of({"/usr/bin/python3", "-c", "import dkim, nacl; print('here', end='')"}) !=
        "here") {
      outside("python3-dkim");
      GTEST_SKIP() << "python3-dkim or python3-nacl is not here; deploy/setup --ci installs them";
    }
    if (openssl({"version"}).empty())
      GTEST_SKIP() << "openssl is not here; deploy/setup --ci installs it";
    rsa_ = {"r1", openssl({"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"})};
    ed_ = {"e1", openssl({"genpkey", "-algorithm", "ed25519"})};
    rsa_record_ = record_of(rsa_, true);
    ed_record_ = record_of(ed_, false);
  }
  std::string verify(const std::string& mail) {
    outside("python3-dkim");
    return output_of({"/usr/bin/python3", "-c", kVerify, "r1._domainkey.example.com", rsa_record_,
                      "e1._domainkey.example.com", ed_record_},
                     mail);
  }
  DkimKey rsa_;
  DkimKey ed_;
  std::string rsa_record_;
  std::string ed_record_;
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST_F(DkimTest, BothAlgorithmsVerifyAndNoChangeDoes) {
  const auto signer = DkimSigner::make("example.com", {rsa_, ed_});
  ASSERT_TRUE(signer) << signer.error().detail;
  const auto message = sample_message();
  const auto built = build(message, sample_identity()).value();
  const auto signed_mail = signer.value().sign(built, message.date);
  ASSERT_TRUE(signed_mail) << signed_mail.error().detail;
  const auto& mail = signed_mail.value();
  EXPECT_TRUE(mail.ends_with(built));
  EXPECT_NE(mail.find("c=relaxed/relaxed"), std::string::npos);
  EXPECT_NE(mail.find("a=rsa-sha256"), std::string::npos);
  EXPECT_NE(mail.find("a=ed25519-sha256"), std::string::npos);
  EXPECT_EQ(verify(mail), "good good\n") << mail;

  const std::string both_bad = "bad bad\n";
  EXPECT_EQ(verify(replaced(mail, "/u/3fd9a1", "/u/3fd9a2")), both_bad);
  EXPECT_EQ(verify(replaced(mail, "One-Click", "Two-Click")), both_bad);
  EXPECT_EQ(verify(replaced(mail, "\r\nTo: ", "\r\nTo: x")), both_bad);
  EXPECT_EQ(verify(replaced(mail, "Date: Mon, 02", "Date: Mon, 03")), both_bad);
  EXPECT_EQ(verify(replaced(mail, "<p>Gr", "<p>gr")), both_bad);
  EXPECT_EQ(verify("Subject: another\r\n" + mail), both_bad);
  EXPECT_EQ(verify("List-Unsubscribe: <https://example.net/>\r\n" + mail), both_bad);
  // What relays do on the way: fold and add headers of their own.
  EXPECT_EQ(verify("Received: from a by b\r\n" + replaced(mail, "\r\nDate: ", "\r\nDate:  \r\n ")),
            "good good\n");
}

TEST_F(DkimTest, SigningAgainGivesTheSameBytes) {
  const auto signer = DkimSigner::make("example.com", {rsa_, ed_});
  ASSERT_TRUE(signer) << signer.error().detail;
  const auto message = sample_message();
  const auto built = build(message, sample_identity()).value();
  EXPECT_EQ(signer.value().sign(built, message.date).value(),
            signer.value().sign(built, message.date).value());
}

TEST_F(DkimTest, KeysAreTried) {
  const auto error = [](DkimKey key) {
    const auto made = DkimSigner::make("example.com", {std::move(key)});
    return made ? std::string{"made"} : made.error().detail;
  };
  EXPECT_EQ(error({"s", "none"}), "DKIM key s: no private key in PEM form without a pass phrase");
  EXPECT_EQ(error({"s", openssl({"genpkey", "-algorithm", "ed448"})}),
            "DKIM key s: it is neither an RSA nor an Ed25519 key");
  EXPECT_EQ(
      error({"s", openssl({"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"})}),
      "DKIM key s: an RSA key has at least 2048 bits");
  EXPECT_EQ(error({"s;x", rsa_.pem}),
            "DKIM key s;x: a selector is made of letters, digits, hyphens and dots");
  EXPECT_EQ(DkimSigner::make("example.com", {}).error().detail, "DKIM: no key is given");
}

}  // namespace
}  // namespace dealwright::smtp
