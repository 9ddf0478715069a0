// Mails as files, whole or not at all; and the channel that writes them.
#include "connectors/smtp/drop.h"

#include <gtest/gtest.h>

#include <deque>

#include "connectors/os/posix_file_system.h"
#include "connectors/smtp/mail_channel.h"
#include "connectors/smtp/return_path.h"
#include "engine/ports/fake/fake_file_system.h"
#include "tests/connectors/smtp/samples.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright::smtp {
namespace {

TEST(DropTest, WritesAndListsTheNewestFirst) {
  const TemporaryDirectory folder;
  const auto files = os::make_posix_file_system();
  MailDrop drop{*files, folder.path() + "/mail"};
  EXPECT_TRUE(drop.list().value().empty());
  ASSERT_TRUE(drop.write(sha256("one"), Instant{1'772'442'000'000}, "Subject: 1\r\n\r\n"));
  ASSERT_TRUE(drop.write(sha256("two"), Instant{1'772'442'000'001}, "Subject: 2\r\n\r\n"));
  ASSERT_TRUE(drop.write(sha256("two"), Instant{1'772'442'000'001}, "Subject: 2 again\r\n\r\n"));
  ASSERT_TRUE(files->open(folder.path() + "/mail/other.eml", FileSystem::Mode::kCreate));
  const auto mails = drop.list();
  ASSERT_TRUE(mails);
  ASSERT_EQ(mails.value().size(), 2U);
  EXPECT_EQ(mails.value()[0].name, "20260302T090000.001Z-" + hex(sha256("two")) + ".eml");
  EXPECT_EQ(mails.value()[0].at, Instant{1'772'442'000'001});
  EXPECT_EQ(mails.value()[1].effect, sha256("one"));
  EXPECT_EQ(drop.read(mails.value()[0].name).value(), "Subject: 2 again\r\n\r\n");
  EXPECT_EQ(drop.read("../mail/other.eml").error().code, Code::kInvalid);
  EXPECT_EQ(drop.read("20260302T090000.001Z-" + hex(sha256("no")) + ".eml").error().code,
            Code::kNotFound);
}

TEST(DropTest, WhatAFailureLeavesIsNoMail) {
  using Fault = FakeFileSystem::Fault;
  const std::string mail_bytes = "Subject: 1\r\n\r\n";
  int failed = 0;
  // At each change in turn: the mail is there whole or not at all, and the next write goes through.
  for (const auto fault :
       {Fault::kIo, Fault::kNoSpace, Fault::kShortIo, Fault::kDoneButIo, Fault::kPowerCut}) {
    for (std::uint64_t n = 1; n < 15; ++n) {
      FakeFileSystem files{n};
      MailDrop drop{files, "/data/mail"};
      files.fail_change(n, fault);
      const auto written = drop.write(sha256("one"), Instant{0}, mail_bytes);
      failed += written ? 0 : 1;
      files.fail_nothing();
      if (fault == Fault::kPowerCut && !written) files.reboot();
      const auto there = drop.list();
      ASSERT_TRUE(there) << there.error().detail;
      for (const auto& mail : there.value()) EXPECT_EQ(drop.read(mail.name).value(), mail_bytes);
      if (written) {
        EXPECT_EQ(there.value().size(), 1U);
      }
      const auto again = drop.write(sha256("one"), Instant{0}, mail_bytes);
      EXPECT_TRUE(again) << again.error().detail << " after fault " << static_cast<int>(fault)
                         << " at " << n;
      EXPECT_EQ(drop.list().value().size(), 1U);
    }
  }
  EXPECT_GT(failed, 20);
}

class LaterWorker final : public Worker {
 public:
  void post(std::function<void()> job) override { jobs_.push_back(std::move(job)); }
  void run() {
    for (; !jobs_.empty(); jobs_.pop_front()) jobs_.front()();
  }

 private:
  std::deque<std::function<void()>> jobs_;
};

TEST(DropTest, TheChannelWritesWhatWouldLeave) {
  const TemporaryDirectory folder;
  const auto files = os::make_posix_file_system();
  MailDrop drop{*files, folder.path()};
  LaterWorker worker;
  MailSettings settings{sample_identity(),
                        {"Sales", "sales@example.com"},
                        {},
                        "bounce.example.com",
                        std::string(32, 'k')};
  const auto channel = make_drop_channel(
      settings,
      [&](const Effect& effect, std::string_view bytes) {
        return drop.write(effect.id, effect.requested, bytes);
      },
      worker);
  EXPECT_EQ(channel->name(), "email");
  EXPECT_FALSE(channel->waits_at_gate());
  std::vector<AttemptResult> results;
  Attempt attempt;
  attempt.effect.id = sha256("one");
  attempt.effect.requested = Instant{1'772'442'000'000};
  attempt.effect.payload = {{"address", Value{"j@example.org"}}};
  attempt.content = {{"subject", Value{"Hello"}}, {"text", Value{"Hi"}}};
  channel->send(attempt, {}, [&](AttemptResult result) { results.push_back(std::move(result)); });
  attempt.content = {{"subject", Value{"Hello\r\nBcc: x@example.org"}}, {"text", Value{"Hi"}}};
  channel->send(attempt, {}, [&](AttemptResult result) { results.push_back(std::move(result)); });
  EXPECT_TRUE(results.empty());
  worker.run();
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].what, AttemptResult::What::kDelivered);
  EXPECT_EQ(results[1].what, AttemptResult::What::kRejected);
  EXPECT_EQ(results[1].detail, "subject holds CR, which a mail's header may not");
  ASSERT_EQ(drop.list().value().size(), 1U);
  const auto bytes = drop.read(drop.list().value()[0].name).value();
  EXPECT_TRUE(bytes.starts_with(
      "Return-Path: <" + return_path(sha256("one"), settings.bounce_key, "bounce.example.com") +
      ">\r\n"))
      << bytes;
  EXPECT_NE(bytes.find("From: Sales <sales@example.com>\r\n"), std::string::npos) << bytes;
  EXPECT_NE(bytes.find("Subject: Hello\r\n"), std::string::npos);
}

}  // namespace
}  // namespace dealwright::smtp
