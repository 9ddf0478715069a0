// The transaction as a table: what the server says, what we write, how it ends.
#include "connectors/smtp/dialogue.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/table.h"

namespace dealwright::smtp {
namespace {

std::string name_of(AttemptResult::What what) {
  switch (what) {
    case AttemptResult::What::kDelivered:
      return "delivered";
    case AttemptResult::What::kRejected:
      return "rejected";
    case AttemptResult::What::kRetry:
      return "retry";
    case AttemptResult::What::kUnknown:
      return "unknown";
    case AttemptResult::What::kAborted:
      return "aborted";
  }
  return "";
}

// Words: `go`, `stop`, `cut`, `dot1` (one byte of the dot goes out); else a reply, `_` for a blank,
// `~` for a line's end. What we have to say goes out whole before each word, but the dot's first
// byte.
std::string play(const std::string& script) {
  Dialogue dialogue{{"b@x.example", "a@y.example", "Subject: x\r\n\r\n.dot\r\n"}};
  std::stringstream words{script};
  for (std::string word; words >> word;) {
    if (word == "dot1") {
      dialogue.wrote(1);
      continue;
    }
    if (dialogue.step() != Dialogue::Step::kDot || !dialogue.past_the_dot())
      dialogue.wrote(dialogue.output().size());
    if (word == "go") {
      dialogue.go();
    } else if (word == "stop") {
      dialogue.stop("stopped");
    } else if (word == "cut") {
      dialogue.cut("cut");
    } else {
      for (auto& c : word) c = c == '_' ? ' ' : c == '~' ? '\n' : c;
      dialogue.received(word + "\r\n");
    }
  }
  if (dialogue.step() != Dialogue::Step::kEnded) return "goes on";
  return name_of(dialogue.result().what) + " " + dialogue.result().detail;
}

TEST(DialogueTest, Ends) {
  expect_table(R"(
    words                                  | then
    250_ok 250_ok 354_go                   | goes on
    250_ok 250_ok 354_go go 250_2.0.0_yes  | delivered 250 2.0.0 yes
    250_ok 250_ok 354_go go 250-a~250_b    | delivered 250 a b
    250_ok 251_fwd 354_go go 250           | delivered 250
    550_no                                 | rejected 550 no
    451_no                                 | retry 451 no
    530_login_first                        | retry 530 login first
    250_ok 538_tls_first                   | retry 538 tls first
    539_no                                 | rejected 539 no
    250_ok 550_5.1.1_no                    | rejected 550 5.1.1 no
    250_ok 450_later                       | retry 450 later
    250_ok 250_ok 554_no                   | rejected 554 no
    250_ok 250_ok 421_no                   | retry 421 no
    250_ok 250_ok 354_go 421_bye           | retry 421 bye
    250_ok 250_ok 354_go 250_early         | retry an unexpected 250 early at the body, the dot held back
    250_ok 250_ok 354_go stop              | aborted stopped
    250_ok stop                            | aborted stopped
    250_ok 250_ok 354_go cut               | retry cut at the body, the dot held back
    250_ok 250_ok 250_what                 | retry an unexpected 250 what at DATA
    cut                                    | retry cut at MAIL FROM
    250_ok cut                             | retry cut at RCPT TO
    250_ok 250_ok 354_go go cut            | unknown cut at the dot
    250_ok 250_ok 354_go go dot1 cut       | unknown cut at the dot
    250_ok 250_ok 354_go go dot1 stop      | unknown stopped
    250_ok 250_ok 354_go go stop           | unknown stopped
    250_ok 250_ok 354_go go dot1 250_ok    | unknown an unexpected 250 ok at the dot
    250_ok 250_ok 354_go go 552_full       | rejected 552 full
    250_ok 250_ok 354_go go 452_later      | retry 452 later
    250_ok 250_ok 354_go go 354_what       | unknown an unexpected 354 what at the dot
    250_ok 250_ok 354_go go hello          | unknown a reply that is none at the dot
    250_ok 250_ok 354_go go 250-a~251_b    | unknown a reply that is none at the dot
    250_ok 250_ok 354_go go 650_x          | unknown a reply that is none at the dot
    250x                                   | retry a reply that is none at MAIL FROM
    99                                     | retry a reply that is none at MAIL FROM
  )",
               [](const Row& row) { return play(row["words"]); });
}

TEST(DialogueTest, TheDotIsStuffedAndHeld) {
  Dialogue dialogue{{"b@x.example", "a@y.example", ".\r\n..two\r\nx.\r\n.\r\n"}};
  std::string written;
  const auto write = [&] {
    written += dialogue.output();
    dialogue.wrote(dialogue.output().size());
  };
  for (const auto* reply : {"", "250 ok\r\n", "250 ok\r\n", "354 ok\r\n"}) {
    dialogue.received(reply);
    write();
  }
  EXPECT_EQ(
      written,
      "MAIL FROM:<b@x.example>\r\nRCPT TO:<a@y.example>\r\nDATA\r\n..\r\n...two\r\nx.\r\n..\r\n");
  EXPECT_EQ(dialogue.step(), Dialogue::Step::kHeld);
  EXPECT_TRUE(dialogue.output().empty());
  dialogue.go();
  EXPECT_EQ(dialogue.output(), ".\r\n");
}

TEST(DialogueTest, RepliesAreBounded) {
  Dialogue dialogue{{"b@x.example", "a@y.example", "\r\n"}};
  dialogue.wrote(dialogue.output().size());
  dialogue.received("250 " + std::string(5000, 'x'));
  EXPECT_EQ(name_of(dialogue.result().what), "retry");
  Dialogue many{{"b@x.example", "a@y.example", "\r\n"}};
  many.wrote(many.output().size());
  for (int i = 0; i < 1000 && many.step() != Dialogue::Step::kEnded; ++i)
    many.received("550-" + std::string(100, '\x01') + "\r\n");
  EXPECT_EQ(many.result().detail, "a reply that is none at MAIL FROM");
}

}  // namespace
}  // namespace dealwright::smtp
