// Hook files: all that is wrong with them, with its place and a cure; secrets; folders of them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "connectors/hooks/config.h"
#include "tests/connectors/hooks/bed.h"

namespace dealwright::hooks {
namespace {

std::string faults(const std::string& text) {
  const auto config = parse_hook(text, "t.hook.yaml");
  return config ? "sound" : config.error().detail;
}

TEST(HookFileTest, EveryConnectorsOwnMappingIsSound) {
  for (const auto name : connector_names()) {
    const std::string verify = name == "pipedrive" ? "verify: { user: p }\n"
                               : name == "generic" || name == "salesforce_cdc"
                                   ? "verify: { scheme: standard_webhooks }\n"
                                   : "";
    EXPECT_EQ(
        faults("hook: t\nconnector: " + std::string{name} + "\nsecrets: [{ env: A }]\n" + verify),
        "sound")
        << name;
  }
}

TEST(HookFileTest, WhatIsWrong) {
  const std::string head = "hook: t\nconnector: generic\nsecrets: [{ env: A }]\n";
  const std::string sound = head + "verify: { scheme: standard_webhooks }\n";
  const std::pair<std::string, std::string> rows[] = {
      {"", "t.hook.yaml:1:1 error HK1001 the file is empty"},
      {"[]", "t.hook.yaml:1:1 error HK1006 a hook file is a map; key: value, a line each"},
      {"hook: t\n", "t.hook.yaml:1:1 error HK1005 key 'connector' is missing"},
      {"hook: T\nconnector: hubspot\nsecrets: [{ env: A }]\n",
       "t.hook.yaml:1:7 error HK1006 a hook's name has a-z, 0-9 and -, 64 at most; it stands in "
       "its "
       "route"},
      {"hook: t\nconnector: zoho\n",
       "t.hook.yaml:2:12 error HK1006 unknown connector 'zoho'; one of generic, hubspot, "
       "pipedrive, "
       "salesforce_cdc, salesforce_outbound"},
      {"hook: t\nconnector: mail\n",
       "t.hook.yaml:2:12 error HK1006 bounces need no hook file; post them to /v1/hooks/mail/NAME"},
      {"hook: t\nconnector: hubspot\n", "t.hook.yaml:1:1 error HK1005 key 'secrets' is missing"},
      {"hook: t\nconnector: hubspot\nsecrets: [abcdef]\n",
       "t.hook.yaml:3:11 error HK2006 a secret does not stand in this file; - { env: NAME } or - { "
       "file: PATH }, which hold it"},
      {"hook: t\nconnector: hubspot\nsecrets: [{ env: A }, { env: B }, { env: C }]\n",
       "t.hook.yaml:3:10 error HK1006 secrets is a list of one, or of two while one takes the "
       "other's "
       "place; - env: NAME"},
      {"hook: t\nconnector: hubspot\nsecrets: [{ env: A }]\nverify: { scheme: query }\n",
       "t.hook.yaml:4:9 error HK2007 hubspot does not sign by query; scheme: one of hubspot"},
      {"hook: t\nconnector: hubspot\nsecrets: [{ env: A }]\nnotices: { id: x }\n",
       "t.hook.yaml:4:10 error HK1004 `notices` is for the generic connector; leave it out"},
      {"hook: t\nconnector: pipedrive\nsecrets: [{ env: A }]\n",
       "t.hook.yaml:1:1 error HK1005 key 'user' is missing"},
      {head, "t.hook.yaml:1:1 error HK1005 key 'header' is missing"},
      {head + "verify: { scheme: hmac, header: X, signed: \"{timestamp}\" }\n",
       "t.hook.yaml:4:9 error HK2008 signed holds {timestamp}, and nothing says where it stands; "
       "timestamp: { header: NAME }\n"
       "t.hook.yaml:4:44 error HK1006 a signature that leaves out {body} proves nothing of it; add "
       "{body}"},
      {head + "verify: { scheme: hmac, header: X, timestamp: { header: Y } }\n",
       "t.hook.yaml:4:9 error HK2008 a timestamp that is not signed proves nothing; signed: "
       "\"{timestamp}.{body}\""},
      {head + "verify: { scheme: header, header: X, signed: \"{body}\" }\n",
       "t.hook.yaml:4:46 error HK1004 `signed` has no meaning for scheme header; leave it out"},
      {head + "verify: { scheme: hmac, header: X, tolerance_s: 9999 }\n",
       "t.hook.yaml:4:49 error HK1006 tolerance_s is 1 to 3600 seconds"},
      {sound + "url: hooks.example.com\n",
       "t.hook.yaml:5:6 error HK1006 url is what the sender calls, whole; "
       "https://host/v1/hooks/..."},
      {sound + "settings: { currency: euro }\n",
       "t.hook.yaml:5:23 error HK1006 'euro' is no currency; such as EUR"},
      {sound + "emmit: []\n",
       "t.hook.yaml:5:1 error HK1004 unknown key 'emmit'; did you mean 'emit'?"},
      {sound + "emit: []\n",
       "t.hook.yaml:5:7 error HK1006 emit is a list of events; - { type: .., subject: .. }"},
      {sound + "emit: [{ type: deal.won }]\n",
       "t.hook.yaml:5:8 error HK1005 key 'subject' is missing"},
      {sound + "emit: [{ type: deal.wun, subject: deal/1 }]\n",
       "t.hook.yaml:5:16 error HK2002 unknown event type 'deal.wun'; did you mean 'deal.won'? A "
       "foreign "
       "one is written com.example.cart_left"},
      {sound + "emit: [{ type: effect.outcome, subject: deal/1 }]\n",
       "t.hook.yaml:5:16 error HK2002 only the engine itself says effect.outcome"},
      {sound + "emit: [{ type: deal.won, subject: lead/1 }]\n",
       "t.hook.yaml:5:35 error HK2004 deal.won is not about that; the subject's kind has to fit "
       "the type"},
      {sound + "emit: [{ type: deal.won, subject: deal/1, data: { amout: 1 } }]\n",
       "t.hook.yaml:5:51 error HK2001 unknown field 'amout' of deal.won; did you mean 'amount'?"},
      {sound + "emit: [{ type: deal.stage_changed, subject: deal/1 }]\n",
       "t.hook.yaml:5:8 error HK1005 deal.stage_changed needs data.to"},
      {sound + "emit: [{ type: deal.lost, subject: deal/1, data: { no_decision: maybe } }]\n",
       "t.hook.yaml:5:65 error HK2003 \"maybe\" is no boolean; write true or false"},
      {sound + "emit: [{ type: deal.won, subject: \"deal/{id\" }]\n",
       "t.hook.yaml:5:35 error HK2005 a '{' without '}'; write {{ for a brace"},
      {sound + "emit: [{ drop: noise }]\n",
       "t.hook.yaml:5:8 error HK1005 an entry that drops notices says which; when: { place: text "
       "}"},
      {sound + "emit: [{ when: { a: { like: b } }, type: deal.won, subject: deal/1 }]\n",
       "t.hook.yaml:5:23 error HK1004 unknown key 'like'; one of not, filled, present, prefix, "
       "has, lacks"},
  };
  for (const auto& [text, wanted] : rows) EXPECT_EQ(faults(text), wanted) << text;
}

TEST(HookFileTest, SecretsComeFromTheEnvironmentOrAFile) {
  const auto folder = std::filesystem::path{testing::TempDir()} / "dw_hooks_secrets";
  std::filesystem::create_directories(folder);
  std::ofstream{folder / "secret"} << kSecret << "\n";
  std::ofstream{folder / "short"} << "short\n";
  std::ofstream{folder / "empty"} << "\n";
  const auto reader = secrets_from(folder.string());
  using From = SecretRef::From;
  EXPECT_EQ(reader({From::kFile, "secret"}).value(), kSecret);
  EXPECT_EQ(reader({From::kFile, "none"}).error().code, Code::kNotFound);
  EXPECT_NE(reader({From::kFile, "empty"}).error().detail.find("is empty"), std::string::npos);
  EXPECT_NE(reader({From::kEnvironment, "DW_NO_SUCH_SECRET"}).error().detail.find("is not set"),
            std::string::npos);
  ::setenv("DW_HOOK_TEST_SECRET", kSecret, 1);
  EXPECT_EQ(reader({From::kEnvironment, "DW_HOOK_TEST_SECRET"}).value(), kSecret);
  const auto with = [&](const std::string& secret, const std::string& verify) {
    const auto hook = Hook::make("hook: t\nconnector: generic\nsecrets: [{ file: " + secret +
                                     " }]\nverify: " + verify + "\n",
                                 "t.hook.yaml", reader);
    return hook ? std::string{"sound"} : hook.error().detail;
  };
  EXPECT_EQ(with("secret", "{ scheme: query }"), "sound");
  EXPECT_EQ(
      with("short", "{ scheme: query }"),
      "t.hook.yaml: secret short holds less than 16 bytes; a secret that short can be guessed");
  EXPECT_EQ(with("secret", "{ scheme: standard_webhooks }"),
            "t.hook.yaml: secret secret holds no whsec_ and base64 of 24 to 64 bytes");
  EXPECT_EQ(with("secret", "{ scheme: standard_webhooks }").find(kSecret), std::string::npos);
}

TEST(HookFileTest, AFolderOfThem) {
  const auto folder = std::filesystem::path{testing::TempDir()} / "dw_hooks_folder";
  std::filesystem::remove_all(folder);
  EXPECT_EQ(HookSet::load(folder.string(), test_secrets()).value().size(), 0U);
  std::filesystem::create_directories(folder);
  const std::string text = "hook: eu\nconnector: hubspot\nsecrets: [{ env: NEW }]\n";
  std::ofstream{folder / "a.hook.yaml"} << text;
  std::ofstream{folder / "notes.txt"} << "not a hook";
  const auto hooks = HookSet::load(folder.string(), test_secrets());
  ASSERT_TRUE(hooks) << hooks.error().detail;
  EXPECT_NE(hooks.value().find("hubspot", "eu"), nullptr);
  EXPECT_EQ(hooks.value().find("hubspot", "us"), nullptr);
  EXPECT_EQ(hooks.value().find("generic", "eu"), nullptr);
  std::ofstream{folder / "b.hook.yaml"} << text;
  std::ofstream{folder / "c.hook.yaml"} << "hook: c\nconnector: none\n";
  const auto wrong = HookSet::load(folder.string(), test_secrets());
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().detail.find("b.hook.yaml: another file of this folder is hubspot/eu too"),
            std::string::npos);
  EXPECT_NE(wrong.error().detail.find("c.hook.yaml:2:12 error HK1006"), std::string::npos);
}

}  // namespace
}  // namespace dealwright::hooks
