// Typed parts to bytes: what is refused, and what comes out.
#include "connectors/smtp/message.h"

#include <gtest/gtest.h>

#include "tests/connectors/smtp/samples.h"
#include "tests/table.h"

namespace dealwright::smtp {
namespace {

std::string header(const std::string& bytes, const std::string& name) {
  const auto from = bytes.find("\r\n" + name + ": ");
  if (from == std::string::npos) return "(none)";
  const auto begin = from + name.size() + 4;
  auto end = bytes.find("\r\n", begin);
  while (bytes[end + 2] == ' ' || bytes[end + 2] == '\t') end = bytes.find("\r\n", end + 2);
  return bytes.substr(begin, end - begin);
}

TEST(MessageTest, HasItsHeaders) {
  const auto built = build(sample_message(), sample_identity());
  ASSERT_TRUE(built) << built.error().detail;
  const auto bytes = "\r\n" + built.value();
  EXPECT_EQ(header(bytes, "Message-Id"), "<" + hex(sha256("one")) + "@mail.example.com>") << bytes;
  EXPECT_EQ(header(bytes, "Date"), "Mon, 02 Mar 2026 09:00:00 +0000");
  EXPECT_EQ(header(bytes, "Reply-To"), "anna@example.com");
  EXPECT_EQ(header(bytes, "List-Unsubscribe"), "<https://example.com/u/3fd9a1>");
  EXPECT_EQ(header(bytes, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
  EXPECT_EQ(header(bytes, "Auto-Submitted"), "auto-generated");
  EXPECT_EQ(header(bytes, "From").substr(0, 13), "Anna =?UTF-8?");
  EXPECT_TRUE(header(bytes, "Content-Type").starts_with("multipart/alternative;"));
}

TEST(MessageTest, OnlyWholeLineEndsLeave) {
  auto message = sample_message();
  message.text = "one\rtwo\nthree\r\nfour\n\r\n\r" + std::string(5000, 'x') + "\r";
  message.html = "<p>a\rb\nc</p>";
  const auto built = build(message, sample_identity());
  ASSERT_TRUE(built) << built.error().detail;
  const auto& bytes = built.value();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    ASSERT_LT(static_cast<unsigned char>(bytes[i]), 0x80);
    if (bytes[i] == '\r') {
      ASSERT_EQ(bytes.at(i + 1), '\n') << i;
    }
    if (bytes[i] == '\n') {
      ASSERT_EQ(bytes.at(i - 1), '\r') << i;
    }
  }
  EXPECT_TRUE(bytes.ends_with("\r\n"));
}

TEST(MessageTest, TheSameMessageGivesTheSameBytes) {
  EXPECT_EQ(build(sample_message(), sample_identity()).value(),
            build(sample_message(), sample_identity()).value());
  EXPECT_NE(build(sample_message("two"), sample_identity()).value(),
            build(sample_message(), sample_identity()).value());
}

// Each header part with each of the characters that could begin another header.
TEST(MessageTest, NoPartCanBecomeAHeader) {
  const std::vector<std::pair<std::string, std::string Message::*>> plain{
      {"reply_to", &Message::reply_to},
      {"subject", &Message::subject},
      {"unsubscribe_url", &Message::unsubscribe_url}};
  const std::vector<std::pair<std::string, std::string>> evils{{"CR", "\r"},
                                                               {"LF", "\n"},
                                                               {"CR", "\r\nBcc: x@example.org"},
                                                               {"NUL", std::string(1, '\0')},
                                                               {"0x0b", "\v"}};
  const auto refused = [](const Message& message, const std::string& part,
                          const std::string& evil) {
    const auto built = build(message, sample_identity());
    ASSERT_FALSE(built) << part;
    EXPECT_EQ(built.error().code, Code::kInvalid);
    EXPECT_NE(built.error().detail.find(part), std::string::npos) << built.error().detail;
    EXPECT_NE(built.error().detail.find(evil), std::string::npos) << built.error().detail;
  };
  for (const auto& [evil, text] : evils) {
    for (const auto& [name, part] : plain) {
      auto message = sample_message();
      (message.*part).insert(5, text);
      refused(message, name, evil);
    }
    for (const std::string side : {"from", "to"}) {
      auto message = sample_message();
      (side == "from" ? message.from : message.to).name += text;
      refused(message, side + ".name", evil);
      message = sample_message();
      (side == "from" ? message.from : message.to).address += text;
      refused(message, side + ".address", evil);
    }
  }
}

TEST(MessageTest, RefusesByName) {
  expect_table(R"(
    part        | value                  | then
    from        | other@example.com      | refused other@example.com is not among the addresses that mail may come from (mail.from)
    to          |                        | invalid to.address: an address has an @
    to          | a b@example.com        | invalid to.address: an address holds a character that it may not hold (0x20)
    to          | ü@example.com          | invalid to.address: an address holds a character that it may not hold (0xc3)
    to          | .a@example.com         | invalid to.address: the part of an address before @ has no dot at its ends and no two in a row
    to          | a..b@example.com       | invalid to.address: the part of an address before @ has no dot at its ends and no two in a row
    to          | "a"@example.com        | invalid to.address: an address holds a character that it may not hold (0x22)
    to          | a@[127.0.0.1]          | invalid to.address: a domain holds letters, digits, hyphens and dots; in another script, its xn-- form
    to          | a@müller.example       | invalid to.address: a domain holds letters, digits, hyphens and dots; in another script, its xn-- form
    to          | a@localhost            | invalid to.address: a domain has at least two labels
    to          | a@-x.example           | invalid to.address: a label of a domain has no hyphen at its ends
    to          | a@example.com.         | invalid to.address: a domain is made of labels of 1 to 63 bytes with a dot between them
    to          | a@b@example.com        | invalid to.address: an address holds a character that it may not hold (0x40)
    to          | a,b@example.com        | invalid to.address: an address holds a character that it may not hold (0x2c)
    to          | a>@example.com         | invalid to.address: an address holds a character that it may not hold (0x3e)
    to          | a.b+c=d@xn--mller-kva.example | built
    unsubscribe | http://example.com/u   | invalid unsubscribe_url begins with https:// (RFC 8058)
    unsubscribe | https://example.com/>x | invalid unsubscribe_url holds a character that has to be percent-encoded
    unsubscribe | https://example.com/a b | invalid unsubscribe_url holds a character that has to be percent-encoded
    unsubscribe |                        | built
    text        |                        | invalid text is empty: a mail without it is taken for junk
    html        |                        | built
  )",
               [](const Row& row) -> std::string {
                 auto message = sample_message();
                 const auto value = row["value"];
                 if (row["part"] == "from") message.from.address = value;
                 if (row["part"] == "to") message.to.address = value;
                 if (row["part"] == "unsubscribe") message.unsubscribe_url = value;
                 if (row["part"] == "text") message.text = value;
                 if (row["part"] == "html") message.html = value;
                 const auto built = build(message, sample_identity());
                 return built ? "built"
                              : std::string{code_name(built.error().code)} + " " +
                                    built.error().detail;
               });
}

TEST(MessageTest, LengthsAreBounded) {
  auto message = sample_message();
  message.subject = std::string(401, 'x');
  EXPECT_EQ(build(message, sample_identity()).error().detail, "subject is longer than 400 bytes");
  message = sample_message();
  message.unsubscribe_url = "https://example.com/" + std::string(880, 'u');
  EXPECT_TRUE(build(message, sample_identity()));
  message.unsubscribe_url.push_back('u');
  EXPECT_EQ(build(message, sample_identity()).error().detail,
            "unsubscribe_url is longer than 900 bytes");
  message = sample_message();
  message.html = std::string((256 << 10) + 1, 'x');
  EXPECT_EQ(build(message, sample_identity()).error().detail, "html is longer than 262144 bytes");
  message = sample_message();
  message.text = "\xff";
  EXPECT_EQ(build(message, sample_identity()).error().detail, "text is no UTF-8");
  message = sample_message();
  message.subject = "\xc3";
  EXPECT_EQ(build(message, sample_identity()).error().detail, "subject is no UTF-8");
}

TEST(MessageTest, AMessageIdNamesItsEffect) {
  const auto effect = sha256("one");
  const auto id = message_id(effect, "mail.example.com");
  EXPECT_EQ(effect_of_message_id(id, "mail.example.com"), effect);
  EXPECT_EQ(effect_of_message_id("<" + id + ">", "MAIL.example.com"), effect);
  EXPECT_FALSE(effect_of_message_id(id, "other.example.com"));
  EXPECT_FALSE(effect_of_message_id("x" + id.substr(1), "mail.example.com"));
  EXPECT_FALSE(effect_of_message_id("", "mail.example.com"));
}

}  // namespace
}  // namespace dealwright::smtp
