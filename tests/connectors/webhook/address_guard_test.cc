// The guard against every spelling that others have fallen for, and names that lead inside.
#include "connectors/webhook/address_guard.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/table.h"

namespace dealwright::webhook {
namespace {

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\x") == 0) {
      out.push_back(static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string verdict(const Result<Target>& target) {
  if (target) return "ok";
  return target.error().code == Code::kRefused ? "refused" : "invalid";
}

TEST(AddressGuardTest, Spellings) {
  std::ifstream lines{std::string{DW_SOURCE_DIR} + "/tests/connectors/webhook/spellings.txt"};
  int counted = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++counted;
    const auto blank = line.find(' ');
    const auto target = parse_target(unescaped(line.substr(blank + 1)), {});
    EXPECT_EQ(verdict(target), line.substr(0, blank))
        << line << (target ? " -> " + target.value().url() : " -> " + target.error().detail);
    if (!target) continue;
    // What we ask for is one spelling, and it reads back as itself.
    const auto again = parse_target(target.value().url(), {});
    ASSERT_TRUE(again) << target.value().url();
    EXPECT_EQ(again.value().url(), target.value().url());
  }
  EXPECT_GE(counted, 350);
  EXPECT_EQ(verdict(parse_target("https://example.com/" + std::string(2000, 'x'), {})), "invalid");
  EXPECT_EQ(verdict(parse_target(std::string{"https://example.com\0.x.com/", 26}, {})), "invalid");
}

// What a name resolved to: one bad address among good ones is enough.
TEST(AddressGuardTest, OneBadAddressIsEnough) {
  expect_table(R"(
    addresses                     | then
    8.8.8.8                       | ok
    8.8.8.8 2a00:1450::1          | ok
                                  | hook.example has no address
    127.0.0.1                     | hook.example leads to 127.0.0.1, which is loopback
    8.8.8.8 10.0.0.1              | hook.example leads to 10.0.0.1, which is private
    10.0.0.1 8.8.8.8              | hook.example leads to 10.0.0.1, which is private
    2a00:1450::1 ::1              | hook.example leads to ::1, which is loopback
    ::ffff:8.8.8.8                | hook.example leads to ::ffff:8.8.8.8, which is IPv4-mapped
    169.254.169.254               | hook.example leads to 169.254.169.254, which is link-local
    64:ff9b::a00:1                | hook.example leads to 64:ff9b::a00:1, which is NAT64
    2002:a00:1::                  | hook.example leads to 2002:a00:1::, which is 6to4
    2001:0:4136:e378::1           | hook.example leads to 2001:0:4136:e378::1, which is Teredo
    fd00::1                       | hook.example leads to fd00::1, which is private
    100.64.0.1                    | hook.example leads to 100.64.0.1, which is shared by a carrier
    8.8.4.4                       | hook.example leads to 8.8.4.4, which is ours
  )",
               [](const Row& row) -> std::string {
                 GuardRules rules;
                 rules.own = {*parse_address("8.8.4.4")};
                 std::vector<IpAddress> addresses;
                 std::stringstream words{row["addresses"]};
                 for (std::string word; words >> word;) addresses.push_back(*parse_address(word));
                 const auto target = parse_target("https://hook.example/", rules).value();
                 const auto checked = check_addresses(target, addresses, rules);
                 return checked ? "ok" : checked.error().detail;
               });
}

TEST(AddressGuardTest, LoopbackOnlyWhereASettingSaysSo) {
  GuardRules dev;
  dev.loopback_http = true;
  EXPECT_TRUE(parse_target("http://127.0.0.1:8080/x", dev));
  EXPECT_TRUE(parse_target("http://localhost:8080/x", dev));
  EXPECT_TRUE(parse_target("https://[::1]:8080/x", dev));
  EXPECT_EQ(verdict(parse_target("http://10.0.0.1:8080/x", dev)), "refused");
  EXPECT_EQ(verdict(parse_target("http://example.com/x", dev)), "refused");
  EXPECT_EQ(verdict(parse_target("https://10.0.0.1/x", dev)), "refused");
  EXPECT_EQ(verdict(parse_target("http://localhost.example.com/x", dev)), "refused");
  // A name that leads to another machine does not become one of ours by it.
  const auto local = parse_target("http://localhost/x", dev).value();
  const std::vector<IpAddress> outside{*parse_address("8.8.8.8")};
  EXPECT_EQ(check_addresses(local, outside, dev).error().detail,
            "without TLS webhooks go to loopback only");
}

TEST(AddressGuardTest, EveryFirstByteOfIPv4) {
  // The blocks against the plainest reading of the registry.
  int global = 0;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      IpAddress address;
      address.bytes = {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b), 77, 1};
      const bool special = a == 0 || a == 10 || a == 127 || a >= 224 ||
                           (a == 100 && b >= 64 && b < 128) || (a == 169 && b == 254) ||
                           (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) ||
                           (a == 198 && (b == 18 || b == 19));
      EXPECT_EQ(why_not_global(address, {}).empty(), !special) << a << "." << b;
      global += special ? 0 : 1;
    }
  }
  EXPECT_GT(global, 50'000);
}

}  // namespace
}  // namespace dealwright::webhook
