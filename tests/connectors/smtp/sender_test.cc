// Mails to a real server (npm smtp-server and mailparser) that answers by script and keeps a book:
// each outcome is held against what it took.
#include "connectors/smtp/sender.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "connectors/os/system_clock.h"
#include "connectors/smtp/mail_channel.h"
#include "engine/ports/fake/fake_clock.h"
#include "tests/attempt_ends.h"
#include "tests/child.h"
#include "tests/connectors/smtp/samples.h"
#include "tests/contract/temporary_directory.h"
#include "tests/outside.h"
#include "tests/table.h"

namespace dealwright::smtp {
namespace {

using What = AttemptResult::What;
namespace json = boost::json;

std::string name_of(What what) {
  const char* const names[] = {"delivered", "rejected", "retry", "unknown", "aborted"};
  return names[static_cast<int>(what)];
}

// The server, for a test.
class Sink {
 public:
  explicit Sink(const json::object& options) {
    if (!options.contains("raw")) outside("smtp-server with mailparser");
    ::setenv("DW_NODE_MODULES", npm_tools().folder.c_str(), 1);
    child_ = std::make_unique<Child>(std::vector<std::string>{
        "node", std::string{DW_SOURCE_DIR} + "/tests/npm/smtp_sink.js", json::serialize(options)});
    const auto said = child_->line();
    EXPECT_FALSE(said.empty()) << "the server did not start";
    if (!said.empty()) port_ = static_cast<std::uint16_t>(json::parse(said).at("port").as_int64());
  }
  std::uint16_t port() const { return port_; }
  json::object book() {
    child_->say("book\n");
    return json::parse(child_->line()).as_object();
  }
  std::size_t taken() { return book().at("mails").as_array().size(); }
  void release() {
    child_->say("release\n");
    child_->line();
  }

 private:
  std::unique_ptr<Child> child_;
  std::uint16_t port_ = 0;
};

// A gate that was reached, waited for.
class Gates {
 public:
  Sender::Ready keep() {
    return [this](Channel::Gate gate) {
      const std::scoped_lock lock{mutex_};
      gates_.push_back(std::move(gate));
      changed_.notify_all();
    };
  }
  Channel::Gate at(std::size_t index) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return gates_.size() > index; });
    return gates_[index];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Channel::Gate> gates_;
};

const Sender::Ready kGo = [](const Channel::Gate& gate) { gate(true); };
const Sender::Ready kStop = [](const Channel::Gate& gate) { gate(false); };

ServerSettings settings_for(const Sink& sink) {
  ServerSettings out;
  out.host = "127.0.0.1";
  out.port = sink.port();
  out.security = ServerSettings::Security::kPlainLoopback;
  out.reply_time = seconds(60);
  return out;
}

Transaction mail(const std::string& from, const std::string& to) {
  return {from + "@x.example", to + "@y.example", "Subject: x\r\n\r\nbody\r\n.\r\n..dots\r\n"};
}

class SenderTest : public testing::Test {
 protected:
  void SetUp() override {
    if (npm_tools().folder.empty()) outside("smtp-server with mailparser");
    if (npm_tools().folder.empty()) GTEST_SKIP() << npm_tools().reason;
  }
  std::unique_ptr<Sender> make(ServerSettings settings) {
    auto made = Sender::make(std::move(settings), *clock_);
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(made.value());
  }
  AttemptResult once(Sender& sender, Transaction transaction, Sender::Ready ready = kGo) {
    AttemptEnds ends;
    sender.send(std::move(transaction), std::move(ready), ends.done("it"));
    return ends.of("it");
  }
  const std::unique_ptr<Clock> clock_ = os::make_system_clock();
};

// The book counts what the server took over, whatever it said then.
TEST_F(SenderTest, OutcomesAgreeWithTheBook) {
  Sink sink{{}};
  const auto sender = make(settings_for(sink));
  std::size_t before = 0;
  expect_table(
      R"(
    from     | to        | ready | then
    b        | a         | go    | delivered, took 1: 250 taken as 1
    mail-550 | a         | go    | rejected, took 0: 550 as the script says
    mail-451 | a         | go    | retry, took 0: 451 as the script says
    mail-421 | a         | go    | retry, took 0: 421 as the script says
    mail-cut | a         | go    | retry, took 0: the connection was cut at MAIL FROM
    b        | rcpt-550  | go    | rejected, took 0: 550 as the script says
    b        | rcpt-450  | go    | retry, took 0: 450 as the script says
    b        | rcpt-cut  | go    | retry, took 0: the connection was cut at RCPT TO
    b        | data-554  | go    | rejected, took 0: 554 as the script says
    b        | data-452  | go    | retry, took 0: 452 as the script says
    b        | dot-550   | go    | rejected, took 1: 550 as the script says
    b        | dot-451   | go    | retry, took 1: 451 as the script says
    b        | dot-cut   | go    | unknown, took 1: the connection was cut at the dot
    b        | a         | stop  | aborted, took 0: stopped
    b        | dot-cut   | stop  | aborted, took 0: stopped
  )",
      [&](const Row& row) {
        const auto result =
            once(*sender, mail(row["from"], row["to"]), row["ready"] == "go" ? kGo : kStop);
        const auto now = sink.taken();
        const auto took = now - std::exchange(before, now);
        return name_of(result.what) + ", took " + std::to_string(took) + ": " + result.detail;
      });
}

TEST_F(SenderTest, ServersThatKeepNoRule) {
  expect_table(R"(
    mode         | then
    greet-cut    | retry, took 0
    greet-554    | retry, took 0
    ehlo-cut     | retry, took 0
    data-354-cut | retry, took 0
    held-cut     | retry, took 0
    held-421     | retry, took 0
    early-250    | retry, took 0
    dot-half     | unknown, took 1
    dot-garbage  | unknown, took 1
  )",
               [&](const Row& row) {
                 Sink sink{{{"raw", row["mode"]}}};
                 AttemptEnds ends;
                 Gates gates;
                 const auto sender = make(settings_for(sink));
                 const bool dot = row["mode"].starts_with("dot");
                 sender->send(mail("b", "a"), dot ? kGo : gates.keep(), ends.done("it"));
                 const auto result = ends.of("it");
                 const auto book = sink.book();
                 SCOPED_TRACE(result.detail + " " + json::serialize(book));
                 EXPECT_EQ(dot, !book.at("mails").as_array().empty());
                 return name_of(result.what) + ", took " +
                        std::to_string(book.at("mails").as_array().size());
               });
}

TEST_F(SenderTest, WhoSaysNothingIsNotWaitedForLong) {
  Sink sink{{}};
  FakeClock clock;
  const auto settings = settings_for(sink);
  auto made = Sender::make(settings, clock);
  ASSERT_TRUE(made);
  // Time goes by once the server has heard the verb that it does not answer.
  const auto silent_at = [&](const std::string& verb, Transaction transaction) {
    AttemptEnds ends;
    made.value()->send(std::move(transaction), kGo, ends.done("it"));
    while (sink.book().at("seen").as_array().empty() ||
           sink.book().at("seen").as_array().back().as_string() != verb) {
    }
    clock.advance(settings.reply_time);
    return ends.of("it");
  };
  EXPECT_EQ(silent_at("mail", mail("mail-hang", "a")).detail, "no answer in time at MAIL FROM");
  EXPECT_EQ(silent_at("rcpt", mail("b", "rcpt-hang")).what, What::kRetry);
  const auto dot = silent_at("dot", mail("b", "dot-hang"));
  EXPECT_EQ(dot.what, What::kUnknown);
  EXPECT_EQ(dot.detail, "no answer in time at the dot");
  EXPECT_EQ(sink.taken(), 1U);
}

// libcurl keeps the time of these.
TEST_F(SenderTest, NobodyThereIsARetry) {
  Sink mute{{{"raw", "greet-hang"}}};
  auto settings = settings_for(mute);
  settings.connect_time = milliseconds(300);
  EXPECT_EQ(once(*make(settings), mail("b", "a")).what, What::kRetry);
  settings.port = 1;
  EXPECT_EQ(once(*make(settings), mail("b", "a")).what, What::kRetry);
}

// The dot leaves only when it may: others come and go meanwhile on the same thread.
TEST_F(SenderTest, TheDotIsHeldUntilItMayGo) {
  Sink sink{{}};
  const auto sender = make(settings_for(sink));
  AttemptEnds ends;
  Gates gates;
  sender->send(mail("b", "held"), gates.keep(), ends.done("held"));
  const auto gate = gates.at(0);
  EXPECT_EQ(once(*sender, mail("b", "other")).what, What::kDelivered);
  EXPECT_EQ(sink.taken(), 1U);
  gate(true);
  EXPECT_EQ(ends.of("held").what, What::kDelivered);
  EXPECT_EQ(sink.taken(), 2U);
  gate(true);  // only the first word counts
  gate(false);
}

// One that waits for its answer to the dot does not keep the others waiting.
TEST_F(SenderTest, ASlowServerHoldsUpNobodyElse) {
  Sink sink{{}};
  const auto sender = make(settings_for(sink));
  AttemptEnds ends;
  sender->send(mail("b", "dot-hang"), kGo, ends.done("slow"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(once(*sender, mail("b", "a")).what, What::kDelivered);
  sink.release();
  EXPECT_EQ(ends.of("slow").what, What::kDelivered);
  EXPECT_EQ(sink.taken(), 4U);
}

TEST_F(SenderTest, LetGoTooLateItDoesNotLeave) {
  Sink sink{{}};
  FakeClock clock;
  auto made = Sender::make(settings_for(sink), clock);
  ASSERT_TRUE(made);
  AttemptEnds ends;
  Gates gates;
  made.value()->send(mail("b", "late"), gates.keep(), ends.done("late"));
  made.value()->send(mail("b", "never"), gates.keep(), ends.done("never"));
  made.value()->send(mail("b", "just"), gates.keep(), ends.done("just"));
  const auto third = gates.at(2);
  clock.advance(kAttemptSpan - milliseconds(1));
  // Which of the three it is depends on the network; one goes in time.
  third(true);
  std::set<std::string> names{"late", "never", "just"};
  while (sink.taken() == 0) {
  }
  clock.advance(milliseconds(1));
  gates.at(0)(true);
  int aborted = 0;
  int delivered = 0;
  for (const auto& name : names) {
    const auto result = ends.of(name);
    aborted += result.what == What::kAborted && result.detail == "let go too late" ? 1 : 0;
    delivered += result.what == What::kDelivered ? 1 : 0;
  }
  EXPECT_EQ(aborted, 2);
  EXPECT_EQ(delivered, 1);
  EXPECT_EQ(sink.taken(), 1U);
}

TEST_F(SenderTest, ShuttingDownLetsEndWhatIsPastTheDot) {
  Sink sink{{}};
  auto sender = make(settings_for(sink));
  AttemptEnds ends;
  Gates gates;
  sender->send(mail("b", "dot-hang"), kGo, ends.done("past"));
  sender->send(mail("b", "held"), gates.keep(), ends.done("held"));
  const auto gate = gates.at(0);
  while (sink.taken() == 0) {
  }
  std::thread ending{[&] { sender.reset(); }};
  EXPECT_EQ(ends.of("held").what, What::kAborted);
  sink.release();
  EXPECT_EQ(ends.of("past").what, What::kDelivered);
  ending.join();
  gate(true);  // the sender is gone
  EXPECT_EQ(sink.taken(), 1U);
}

TEST_F(SenderTest, WhatIsPastTheDotIsUnknownWhenTimeIsUp) {
  Sink sink{{}};
  auto settings = settings_for(sink);
  settings.drain_time = milliseconds(0);
  auto sender = make(settings);
  AttemptEnds ends;
  sender->send(mail("b", "dot-hang"), kGo, ends.done("past"));
  while (sink.taken() == 0) {
  }
  sender.reset();
  EXPECT_EQ(ends.of("past").what, What::kUnknown);
}

TEST_F(SenderTest, ManyAtOnceEachOnceInTheBook) {
  Sink sink{{}};
  auto settings = settings_for(sink);
  settings.parallel_max = 16;
  settings.waiting_max = 500;
  const auto sender = make(settings);
  AttemptEnds ends;
  std::map<std::string, std::size_t> results;
  for (int i = 0; i < 600; ++i)
    sender->send(mail("b", "m" + std::to_string(i)), i % 10 == 3 ? kStop : kGo,
                 ends.done(std::to_string(i)));
  std::set<std::string> delivered;
  for (int i = 0; i < 600; ++i) {
    const auto result = ends.of(std::to_string(i));
    if (result.what == What::kDelivered) delivered.insert("m" + std::to_string(i) + "@y.example");
    if (result.what == What::kRetry) {
      EXPECT_EQ(result.detail, "too many mails wait");
    }
  }
  std::multiset<std::string> taken;
  const auto book = sink.book();
  for (const auto& one : book.at("mails").as_array())
    taken.insert(std::string{one.at("to").as_array()[0].as_string()});
  EXPECT_EQ(taken, (std::multiset<std::string>{delivered.begin(), delivered.end()}));
  EXPECT_GE(delivered.size(), 400U);
}

TEST_F(SenderTest, AServerOfAnotherMachineGetsNothingInClear) {
  const auto error = [&](ServerSettings settings) {
    const auto made = Sender::make(std::move(settings), *clock_);
    return made ? std::string{"made"} : made.error().detail;
  };
  ServerSettings settings;
  settings.host = "mail.example.com";
  EXPECT_EQ(error(settings), "made");
  settings.security = ServerSettings::Security::kPlainLoopback;
  EXPECT_EQ(error(settings),
            "mail in clear goes to a server on this machine only: set mail.security: starttls");
  settings.host = "127.0.0.1";
  EXPECT_EQ(error(settings), "made");
  settings.user = "u";
  EXPECT_EQ(error(settings), "a password is not sent in clear: set mail.security: starttls");
  settings = {};
  settings.host = "x/y";
  EXPECT_EQ(error(settings), "mail.host is a name or a numeric address");
}

// A certificate authority and a certificate for `name`, signed by it.
void make_certificate(const std::string& folder, const std::string& name) {
  const auto made = output_of({"sh", "-c",
                               "cd \"$0\" && openssl req -x509 -newkey ec -pkeyopt "
                               "ec_paramgen_curve:P-256 -nodes -keyout ca.key "
                               "-out ca.pem -subj /CN=ca -days 2 2>&1 && openssl req -newkey ec "
                               "-pkeyopt ec_paramgen_curve:P-256 "
                               "-nodes -keyout key.pem -out req.pem -subj /CN=sink 2>&1 && printf "
                               "\"subjectAltName=$1\" > ext && "
                               "openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key "
                               "-CAcreateserial -extfile ext -days 2 "
                               "-out cert.pem 2>&1 && printf made",
                               folder, name});
  ASSERT_TRUE(made.ends_with("made")) << made;
}

TEST_F(SenderTest, StartTlsIsRequiredAndItsCertificateChecked) {
  const TemporaryDirectory good;
  const TemporaryDirectory other;
  make_certificate(good.path(), "IP:127.0.0.1");
  make_certificate(other.path(), "DNS:other.example");
  const auto tls = [](const std::string& folder) {
    return json::object{{"tls", {{"key", folder + "/key.pem"}, {"cert", folder + "/cert.pem"}}},
                        {"auth", {{"user", "u"}, {"password", "right"}}}};
  };
  Sink sink{tls(good.path())};
  auto settings = settings_for(sink);
  settings.security = ServerSettings::Security::kStartTls;
  settings.ca_file = good.path() + "/ca.pem";
  settings.user = "u";
  settings.password = "right";
  const auto result = once(*make(settings), mail("b", "a"));
  EXPECT_EQ(result.what, What::kDelivered) << result.detail;
  const auto book = sink.book();
  ASSERT_EQ(book.at("mails").as_array().size(), 1U);
  EXPECT_TRUE(book.at("mails").as_array()[0].at("tls").as_bool());
  EXPECT_EQ(book.at("mails").as_array()[0].at("user").as_string(), "u");

  const auto refused = [&](const ServerSettings& tried, Sink& at) {
    const auto before = at.taken();
    const auto attempt = once(*make(tried), mail("b", "a"));
    EXPECT_EQ(at.taken(), before);
    EXPECT_EQ(attempt.what, What::kRetry) << attempt.detail;
    return attempt.detail;
  };
  auto wrong = settings;
  wrong.password = "wrong";
  EXPECT_NE(refused(wrong, sink).find("535"), std::string::npos);
  wrong = settings;
  wrong.ca_file = other.path() + "/ca.pem";
  EXPECT_NE(refused(wrong, sink).find("certificate"), std::string::npos);
  Sink named{tls(other.path())};
  wrong.port = named.port();
  refused(wrong, named);
  // A server, or someone between, that offers no STARTTLS.
  Sink plain{{}};
  wrong = settings;
  wrong.port = plain.port();
  refused(wrong, plain);
}

TEST_F(SenderTest, TheChannelsMailIsWhatAParserReads) {
  Sink sink{{}};
  MailSettings mail_settings{sample_identity(),
                             {"Sales", "sales@example.com"},
                             "anna@example.com",
                             "bounce.example.com",
                             std::string(32, 'k')};
  auto channel = make_mail_channel(mail_settings, settings_for(sink), {}, *clock_);
  ASSERT_TRUE(channel) << channel.error().detail;
  Attempt attempt;
  attempt.effect.id = sha256("one");
  attempt.effect.requested = Instant{1'772'442'000'000};
  attempt.effect.payload = {{"address", Value{"juergen@example.org"}},
                            {"name", Value{"Jürgen Müller"}}};
  attempt.content = {
      {"html", Value{"<p>Grüße =20</p>"}},
      {"subject", Value{"Ihr Angebot über 2 500 €, das noch bis zum Ende des Monats gilt und "
                        "verlängert werden kann"}},
      {"text", Value{"Grüße\n.\n..dots\nFrom here =20 on " + std::string(2000, 'x') + "\n"}},
      {"unsubscribe_url", Value{"https://example.com/u/" + std::string(300, 'a')}}};
  std::string raw;
  for (const int again : {0, 1}) {
    AttemptEnds ends;
    channel.value()->send(attempt, kGo, ends.done("it"));
    const auto result = ends.of("it");
    ASSERT_EQ(result.what, What::kDelivered) << result.detail;
    const auto book = sink.book();
    const auto& taken = book.at("mails").as_array().at(static_cast<std::size_t>(again)).as_object();
    const auto text = [&](const char* key) { return std::string{taken.at(key).as_string()}; };
    EXPECT_EQ(text("subject"),
              "Ihr Angebot über 2 500 €, das noch bis zum Ende des Monats gilt und verlängert "
              "werden kann");
    EXPECT_EQ(text("text"), "Grüße\n.\n..dots\nFrom here =20 on " + std::string(2000, 'x') + "\n");
    EXPECT_EQ(text("html"), "<p>Grüße =20</p>\n");
    EXPECT_EQ(text("message_id"), "<" + hex(sha256("one")) + "@mail.example.com>");
    EXPECT_EQ(text("date"), "2026-03-02T09:00:00.000Z");
    EXPECT_EQ(text("unsubscribe"), "https://example.com/u/" + std::string(300, 'a'));
    EXPECT_EQ(text("auto"), "auto-generated");
    EXPECT_EQ(json::serialize(taken.at("mail_to")),
              R"([{"address":"juergen@example.org","name":"Jürgen Müller"}])");
    EXPECT_EQ(json::serialize(taken.at("reply_to")),
              R"([{"address":"anna@example.com","name":""}])");
    EXPECT_EQ(json::serialize(taken.at("to")), R"(["juergen@example.org"])");
    EXPECT_TRUE(text("from").starts_with("b+")) << text("from");
    if (again == 1) {
      EXPECT_EQ(text("raw"), raw) << "sent again, the bytes are the same";
    }
    raw = text("raw");
  }
  // What can never be sent is told as such, on another thread than the caller's.
  attempt.effect.payload = {{"address", Value{"nobody"}}};
  AttemptEnds ends;
  channel.value()->send(attempt, kGo, ends.done("it"));
  EXPECT_EQ(ends.of("it").detail, "to.address: an address has an @");
  EXPECT_EQ(sink.taken(), 2U);
}

}  // namespace
}  // namespace dealwright::smtp
