// Mails that come back, by POST /v1/hooks/mail: what each does to the person, the mail and the
// rules, and what does nothing.
#include <filesystem>
#include <fstream>

#include "connectors/smtp/bounce.h"
#include "engine/domain/event.h"
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

constexpr const char* kYaml = "application/yaml";
constexpr const char* kMail = "message/rfc822";

// A mail of ours as it was dropped.
struct Sent {
  std::string path;    // its return path
  std::string id;      // its Message-ID, without brackets
  std::string effect;  // 64 hex digits
};

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) return {};
  const auto begin = at + from.size();
  return text.substr(begin, text.find(to, begin) - begin);
}

class MailBed : public ServiceBed {
 public:
  MailBed() {
    for (const auto* name : {"rebook", "thanks"}) {
      append("template.published", std::string{"template/"} + name,
             R"({"text":"---\nsubject: Hello\n---\n<p>Hello</p>\n","version":1})", name);
    }
    publish("no-show",
            "trigger: meeting.no_show\nexit:\n"
            "  - { event: email.replied, when: event.auto == false, reason: replied }\n"
            "steps:\n  - send_email: { template: rebook, to: contact, purpose: service }\n"
            "  - wait: 30d\n");
    publish("held",
            "trigger: meeting.held\nsteps:\n"
            "  - send_email: { template: thanks, to: contact, purpose: service }\n");
    append("contact.updated", "contact/c1", R"({"set":{"emails":["ada@example.org"]}})", "c1");
  }

  void publish(const std::string& name, const std::string& rest) {
    const auto put = ask("PUT", "/v1/rules/" + name, kYaml,
                         "rule: " + name + "\nname: N\nowner: ops\nentry: each_time\n" + rest);
    EXPECT_EQ(put.status, 201) << put.body;
    EXPECT_EQ(post("/v1/rules/" + name + "/publish").status, 200);
  }
  std::string meet(const std::string& how, const std::string& id) {
    return append("meeting." + how, "contact/c1", R"({"meeting":")" + id + R"(","kind":"demo"})",
                  id);
  }
  // Effects once one of them is in that state.
  std::string effects_in(const std::string& state, const std::string& at) {
    for (;;) {
      auto body = get("/v1/effects?state=" + state + "&timeout=20000&wait_for=" + at).body;
      if (body != "[]") return body;
    }
  }
  // Has the rule send its mail, and fetches that.
  Sent send() { return sent_by(meet("no_show", "m1")); }
  // The one mail there is, sent because of what stands at `at`.
  Sent sent_by(const std::string& at) {
    effects_in("delivered", at);
    const auto mails = json(get("/v1/mails").body);
    EXPECT_EQ(mails.as_list()->size(), 1U);
    const auto& row = *mails.as_list()->front().as_map();
    const auto text = get("/v1/mails/" + std::string{find(row, "mail")->text_or_empty()}).body;
    return {between(text, "Return-Path: <", ">"), between(text, "Message-Id: <", ">"),
            std::string{find(row, "effect")->text_or_empty()}};
  }
  http::Answer hand_in(const std::string& mail, const std::string& to = {},
                       const std::string& name = "mta") {
    const auto field = to.empty() ? "" : "X-Envelope-To: " + to + "\r\n";
    return post("/v1/hooks/mail/" + name, kMail, mail, field);
  }
  // What it was taken for, or ignored as.
  std::string taken(const std::string& mail, const std::string& to = {}) {
    const auto answer = hand_in(mail, to);
    EXPECT_EQ(answer.status, 202) << answer.body;
    const auto event = text_in(answer.body, "event");
    last = text_in(answer.body, "position");
    return event.empty() ? "ignored " + text_in(answer.body, "ignored") : event;
  }
  std::string record() { return get("/v1/records/contact/c1?wait_for=" + last).body; }
  std::size_t count(const std::string& type) {
    return json(get("/v1/events?type=" + type).body).as_list()->size();
  }
  // How many enrolments go on, once what was said last is decided.
  std::size_t enrolments() {
    return json(get("/v1/enrolments?wait_for=" + last).body).as_list()->size();
  }

  std::string last;  // where the event of the last mail stands
};

std::string bounce(const std::string& to, const std::string& status,
                   const std::string& action = "failed") {
  return "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org\r\nTo: " + to +
         "\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "
         "report-type=delivery-status; boundary=XX\r\n\r\n--XX\r\nContent-Type: text/plain\r\n\r\n"
         "Sorry.\r\n--XX\r\nContent-Type: message/delivery-status\r\n\r\n"
         "Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; ada@example.org\r\n"
         "Action: " +
         action + "\r\nStatus: " + status +
         "\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n--XX--\r\n";
}

std::string complaint(const std::string& type, const std::string& fields,
                      const std::string& headers) {
  return "From: fbl@isp.example\r\nTo: abuse@example.com\r\nSubject: FW\r\nMIME-Version: 1.0\r\n"
         "Content-Type: multipart/report; report-type=feedback-report; boundary=XX\r\n\r\n"
         "--XX\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
         "--XX\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: " +
         type + "\r\nUser-Agent: FBL/1\r\nVersion: 1\r\n" + fields +
         "\r\n--XX\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: sales@example.com\r\n" +
         headers + "\r\n--XX--\r\n";
}

std::string reply(const std::string& fields, const std::string& id = "<r1@example.org>") {
  return "From: Ada <ada@example.org>\r\nTo: sales@example.com\r\nSubject: Re: Hello\r\n"
         "Message-ID: " +
         id + "\r\n" + fields + "\r\nYes, gladly.\r\n";
}

TEST(ApiMailHookTest, ABounceSuppressesTheAddressOnce) {
  MailBed bed;
  const auto sent = bed.send();
  ASSERT_EQ(sent.effect.size(), 64U);
  EXPECT_EQ(sent.id, sent.effect + "@example.com");
  EXPECT_TRUE(sent.path.starts_with("b+") && sent.path.ends_with("@example.com")) << sent.path;
  // As a mail server forwards it: the envelope names the return path, the head nobody.
  const auto mail = bounce("undisclosed-recipients:;", "5.1.1");
  const auto answer = bed.hand_in(mail, sent.path);
  EXPECT_EQ(answer.status, 202);
  bed.last = bed.text_in(answer.body, "position");
  EXPECT_EQ(answer.body, R"({"duplicates":0,"effect":")" + sent.effect +
                             R"(","event":"email.bounced","hard":true,"position":")" + bed.last +
                             R"("})");
  EXPECT_NE(bed.record().find(R"("suppressed":"hard_bounce")"), std::string::npos) << bed.record();
  const auto timeline = bed.get("/v1/records/contact/c1/timeline").body;
  EXPECT_NE(timeline.find("email.bounced"), std::string::npos) << timeline;
  const auto effect = bed.get("/v1/effects/" + sent.effect).body;
  EXPECT_EQ(bed.text_in(effect, "reason"), "email.bounced 5.1.1: 550 no such user");
  // The next mail stays here, and says why.
  const auto next = bed.effects_in("suppressed", bed.meet("held", "m2"));
  EXPECT_NE(next.find("hard_bounce: of contact/c1"), std::string::npos) << next;
  EXPECT_EQ(bed.json(bed.get("/v1/mails").body).as_list()->size(), 1U);

  // The same again: as this process remembers, and as the log does.
  EXPECT_NE(bed.hand_in(mail, sent.path).body.find(R"("duplicates":1)"), std::string::npos);
  EXPECT_EQ(bed.count("email.bounced"), 1U);
  bed.stop();
  bed.start();
  EXPECT_EQ(bed.taken(mail, sent.path), "email.bounced");
  const auto again = bed.get("/v1/events/" + bed.last + "?wait_for=" + bed.last).body;
  EXPECT_NE(again.find(R"("verdict":"duplicate")"), std::string::npos) << again;
}

TEST(ApiMailHookTest, WhomItCameToIsReadWhereverItStands) {
  MailBed bed;
  const auto sent = bed.send();
  EXPECT_EQ(bed.taken(bounce("<" + sent.path + ">", "5.2.2")), "email.bounced");
  EXPECT_EQ(bed.taken("Delivered-To: " + sent.path + "\r\n" + bounce("x@example.com", "5.2.2"),
                      "alias@example.com"),
            "email.bounced");
  auto loud = sent.path;  // some servers change the case
  for (auto& c : loud) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  EXPECT_EQ(bed.taken("From mta Mon Mar  2 09:00:00 2026\n" + bounce(loud, "5.2.2")),
            "email.bounced");
  // In the query, its plus escaped or not.
  for (const auto& to : {sent.path, "b%2B" + sent.path.substr(2)}) {
    const auto answer =
        bed.post("/v1/hooks/mail/mta?to=" + to, "application/octet-stream", bounce("x", "5.2.2"));
    EXPECT_EQ(bed.text_in(answer.body, "event"), "email.bounced") << answer.body;
  }
  EXPECT_EQ(bed.count("email.bounced"), 1U);  // all of them said the same
  // A full mailbox is nobody's end.
  EXPECT_EQ(bed.record().find("suppressed"), std::string::npos) << bed.record();
  // In words alone: soft.
  EXPECT_EQ(bed.taken("From: postmaster@mx.example.org\r\nTo: " + sent.path +
                      "\r\nSubject: failure notice\r\n\r\nHi. This is qmail.\r\n"),
            "email.bounced");
  EXPECT_EQ(bed.record().find("suppressed"), std::string::npos);
  EXPECT_EQ(bed.taken(bounce(sent.path, "4.4.7", "delayed")), "ignored delayed");
  EXPECT_EQ(bed.taken(bounce(sent.path, "2.0.0", "delivered")), "email.delivered");
  EXPECT_EQ(bed.count("email.bounced"), 2U);
}

TEST(ApiMailHookTest, ABounceOfAnAddressThatWasMendedStopsNothing) {
  MailBed bed;
  const auto sent = bed.send();
  bed.last = bed.append("contact.updated", "contact/c1",
                        R"({"set":{"emails":["ada@example.net","Ada@Example.org"]}})", "more");
  bed.record();  // it is folded
  EXPECT_NE(bed.hand_in(bounce(sent.path, "5.1.1")).body.find(R"("hard":true)"), std::string::npos);
  bed.last = bed.append("contact.updated", "contact/c1",
                        R"({"set":{"emails":["ada@example.net"]},"unset":["suppressed"]})", "new");
  EXPECT_EQ(bed.record().find("suppressed"), std::string::npos);
  EXPECT_NE(bed.hand_in(bounce(sent.path, "5.1.2")).body.find(R"("hard":false)"),
            std::string::npos);
  bed.last = bed.append("note.added", "contact/c1", R"({"text":"x"})", "note");
  EXPECT_EQ(bed.record().find("suppressed"), std::string::npos);
}

TEST(ApiMailHookTest, WhoDidNotGetTheMailReportsNothing) {
  MailBed bed;
  const auto sent = bed.send();
  auto forged = sent.path;
  auto& letter = forged[forged.find('@') - 1];
  letter = letter == 'a' ? 'b' : 'a';
  EXPECT_EQ(bed.taken(bounce(forged, "5.1.1")), "ignored wrong_mac");
  EXPECT_EQ(bed.taken(bounce("sales@example.com", "5.1.1"), forged), "ignored wrong_mac");
  EXPECT_EQ(bed.taken(reply("", "<x@y>"), forged), "ignored wrong_mac");
  // The Message-ID alone proves no bounce.
  auto named = bounce("sales@example.com", "5.1.1");
  named.replace(named.find("--XX--"), 6,
                "--XX\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <" + sent.id +
                    ">\r\n\r\n--XX--");
  EXPECT_EQ(bed.taken(named), "ignored not_to_return_path");
  const auto stranger = std::string(64, '7') + "@example.com";
  EXPECT_EQ(bed.taken(complaint("abuse", "", "Message-ID: <" + stranger + ">\r\n")),
            "ignored unknown_effect");
  EXPECT_EQ(bed.taken(reply("In-Reply-To: <" + stranger + ">\r\n")), "ignored unknown_effect");
  EXPECT_EQ(bed.taken(complaint("abuse", "", "Message-ID: <other@example.org>\r\n")),
            "ignored no_mail_of_ours");
  EXPECT_EQ(bed.taken(reply("In-Reply-To: <other@example.org>\r\n")), "ignored no_mail_of_ours");
  EXPECT_EQ(bed.count("email.bounced") + bed.count("email.complained") + bed.count("email.replied"),
            0U);
  const auto metrics = bed.get("/metrics").body;
  EXPECT_NE(metrics.find("dealwright_mails_in_total{result=\"wrong_mac\"} 3\n"), std::string::npos);
  EXPECT_NE(metrics.find("dealwright_mails_in_total{result=\"bounced_hard\"} 0\n"),
            std::string::npos);
}

TEST(ApiMailHookTest, AComplaintStopsEverythingForThatPerson) {
  MailBed bed;
  bed.append("consent.granted", "contact/c1",
             R"({"purpose":"nurture","channel":"email","source":"form"})", "consent");
  const auto sent = bed.send();
  // One that waits to leave when the complaint comes.
  EXPECT_EQ(bed.post("/v1/pause?reason=test").status, 200);
  const auto waits = bed.effects_in("retry_at", bed.meet("held", "m2"));
  EXPECT_NE(waits.find("workspace_paused"), std::string::npos) << waits;
  EXPECT_EQ(bed.taken(complaint("not-spam", "", "Message-ID: <" + sent.id + ">\r\n")),
            "ignored not_a_complaint");
  EXPECT_EQ(bed.taken(complaint("abuse", "", "Message-ID: <" + sent.id + ">\r\n")),
            "email.complained");
  const auto stopped = bed.effects_in("suppressed", bed.last);
  EXPECT_NE(stopped.find("complaint: of contact/c1 since "), std::string::npos) << stopped;
  EXPECT_NE(stopped.find("Z, by mail/mta "), std::string::npos) << stopped;
  const auto record = bed.record();
  EXPECT_NE(record.find(R"("suppressed":"complaint")"), std::string::npos) << record;
  EXPECT_EQ(bed.post("/v1/pause/resume?reason=test").status, 200);
  EXPECT_EQ(bed.json(bed.get("/v1/mails").body).as_list()->size(), 1U);
  // Where a provider takes the Message-ID out, the return path says it; it is the same complaint.
  const auto known = bed.hand_in(
      complaint("abuse", "Original-Mail-From: <" + sent.path + ">\r\n", "Subject: Hello\r\n"));
  EXPECT_NE(known.body.find(R"("duplicates":1)"), std::string::npos) << known.body;
}

TEST(ApiMailHookTest, APersonsAnswerEndsTheWaitAndAMachinesDoesNot) {
  MailBed bed;
  const auto sent = bed.send();
  bed.last = bed.append("note.added", "contact/c1", R"({"text":"x"})", "note");
  EXPECT_EQ(bed.enrolments(), 1U);
  const auto answers = "In-Reply-To: <" + sent.id + ">\r\n";
  EXPECT_EQ(bed.taken(reply(answers + "Auto-Submitted: auto-replied\r\n")), "email.replied");
  EXPECT_EQ(bed.enrolments(), 1U);
  // To the return path machines answer, whatever they leave out.
  EXPECT_EQ(bed.taken(reply("", "<away@example.org>"), sent.path), "email.replied");
  EXPECT_EQ(bed.enrolments(), 1U);
  EXPECT_EQ(bed.count("email.replied"), 2U);
  // What a mail server says of its own accord is no answer either, and no proof of a bounce.
  auto server = reply(answers + "Auto-Submitted: auto-replied\r\n", "<s1@example.org>");
  server.replace(server.find("Ada <ada"), 8, "Mail <MAILER-DAEMON");
  EXPECT_EQ(bed.taken(server), "ignored not_to_return_path");
  // One of us, in the same thread.
  auto own = reply(answers);
  own.replace(own.find("ada@example.org"), 15, "Sales@example.com");
  EXPECT_EQ(bed.taken(own), "ignored from_us");
  // The answer to a colleague's mail, further on in the thread.
  const auto answer = bed.hand_in(
      reply("In-Reply-To: <sam@example.com>\r\nReferences: <" + sent.id + "> <sam@example.com>\r\n",
            "<r2@example.org>"));
  EXPECT_NE(answer.body.find(R"("auto":false)"), std::string::npos) << answer.body;
  bed.last = bed.text_in(answer.body, "position");
  EXPECT_EQ(bed.enrolments(), 0U);
  const auto timeline = bed.get("/v1/records/contact/c1/timeline").body;
  EXPECT_NE(timeline.find("replied"), std::string::npos) << timeline;
}

// Facts of one customer lie in one partition, under one key: the mail's ledger and the person.
TEST(ApiMailHookTest, AFactGoesWhereTheMailWasSentFrom) {
  MailBed bed;
  std::string person = "contact/k0";  // whose own partition is the other one
  for (int i = 1; partition_of(person, 2) == partition_of("account/a1", 2); ++i)
    person = "contact/k" + std::to_string(i);
  const auto home = std::to_string(partition_of("account/a1", 2)) + ":";
  const auto say = [&](const std::string& type, const std::string& data) {
    const auto answer = bed.post("/v1/events", "application/cloudevents+json",
                                 R"({"specversion":"1.0","source":"test","id":")" + type +
                                     R"(","type":")" + type + R"(","subject":")" + person +
                                     R"(","partitionkey":"account/a1","data":)" + data + "}");
    EXPECT_EQ(answer.status, 202) << answer.body;
    return bed.text_in(answer.body, "position");
  };
  say("contact.updated", R"({"set":{"emails":["kim@example.org"]}})");
  const auto at = say("meeting.no_show", R"({"meeting":"m1","kind":"demo"})");
  EXPECT_TRUE(at.starts_with(home)) << at;
  const auto sent = bed.sent_by(at);
  EXPECT_EQ(bed.taken(bounce(sent.path, "5.1.1")), "email.bounced");
  EXPECT_TRUE(bed.last.starts_with(home)) << bed.last;
  const auto record = bed.get("/v1/records/" + person + "?wait_for=" + bed.last).body;
  EXPECT_NE(record.find(R"("suppressed":"hard_bounce")"), std::string::npos) << record;
  EXPECT_EQ(record.find("key_conflict"), std::string::npos) << record;
  EXPECT_TRUE(bed.text_in(bed.get("/v1/effects/" + sent.effect).body, "reason")
                  .starts_with("email.bounced"));
}

// A mail server keeps what is answered with 503, and drops what is answered with 202.
TEST(ApiMailHookTest, WhatAPartitionThatIsDownMayKnowIsAskedForLater) {
  MailBed bed;
  const auto sent = bed.send();
  const auto other = partition_of("contact/c1", 2) == 0 ? "1" : "0";
  bed.stop();
  const auto log = bed.config.data + "/log/" + other;
  for (const auto& file : std::filesystem::directory_iterator{log}) {
    std::fstream segment{file.path(), std::ios::in | std::ios::out | std::ios::binary};
    segment.seekp(0);
    segment << "no segment";
  }
  bed.start();
  const auto ready = bed.get("/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.fields.count("retry-after"), 1U);
  EXPECT_NE(ready.body.find(R"("partition":)" + std::string{other} + R"(,"reason":")"),
            std::string::npos)
      << ready.body;
  EXPECT_NE(ready.body.find("/log/" + std::string{other}), std::string::npos) << ready.body;
  EXPECT_NE(ready.body.find(R"("cure":"dealwright log verify tells where)"), std::string::npos);
  EXPECT_NE(ready.body.find(R"("ready":false)"), std::string::npos);
  const auto stranger = "In-Reply-To: <" + std::string(64, '7') + "@example.com>\r\n";
  const auto answer = bed.hand_in(reply(stranger));
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.fields.count("retry-after"), 1U);
  // The others go on.
  EXPECT_EQ(bed.taken(bounce(sent.path, "5.1.1")), "email.bounced");
  EXPECT_EQ(bed.taken(bounce("x@example.com", "5.1.1")), "ignored not_to_return_path");
}

TEST(ApiMailHookTest, AnyBytesAreAnsweredAndNoneAreRepeated) {
  MailBed bed;
  std::string noise;
  for (int i = 0; i < 4'096; ++i) noise += static_cast<char>(i * 37 % 256);
  EXPECT_TRUE(bed.taken(noise).starts_with("ignored no_mail"));
  EXPECT_EQ(bed.taken(""), "ignored no_mail");
  http::Client client{bed.port};
  const auto large = client.ask(
      "POST /v1/hooks/mail/mta HTTP/1.1\r\nHost: localhost\r\n"
      "Authorization: Bearer " +
      bed.key + "\r\nContent-Type: message/rfc822\r\nContent-Length: " +
      std::to_string(smtp::kIncomingBytesMax + 1) + "\r\n\r\n");
  EXPECT_EQ(large.status, 413) << large.body;
  EXPECT_EQ(bed.hand_in("x", "", "Post_Fix").code(), "bad_parameter");
  EXPECT_EQ(bed.post("/v1/hooks/mail/mta", "application/json", "{}").status, 415);
  // Who appends events hands mails in, and nobody else.
  for (const auto& [role, status] : {std::pair{"viewer", 403}, {"publisher", 202}}) {
    const auto made =
        bed.post("/v1/keys", "application/json",
                 std::string{R"({"name":"mta","scopes":["hooks"],"roles":[")"} + role + R"("]})");
    const auto admin = std::exchange(bed.key, bed.text_in(made.body, "key"));
    EXPECT_EQ(bed.hand_in("x").status, status) << role;
    bed.key = admin;
  }
  bed.key.clear();
  EXPECT_EQ(bed.hand_in("x").status, 401);
}

}  // namespace
}  // namespace dealwright::daemon
