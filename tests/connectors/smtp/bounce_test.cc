// What comes back: reports, complaints, replies; and the return path that names the effect.
#include "connectors/smtp/bounce.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "connectors/smtp/return_path.h"
#include "tests/connectors/smtp/samples.h"
#include "tests/table.h"

namespace dealwright::smtp {
namespace {

std::string print(const Result<Incoming>& read) {
  if (!read) return "error " + read.error().detail;
  if (const auto* report = std::get_if<Report>(&read.value())) {
    std::string out = "report of " + report->message_id;
    for (const auto& bounce : report->bounces) {
      const char* const kinds[] = {"hard", "soft", "delayed", "arrived"};
      out += std::string{"; "} + kinds[static_cast<int>(bounce.kind)] + " " + bounce.recipient +
             " " + bounce.status + " " + bounce.diagnostic;
    }
    return out;
  }
  if (const auto* complaint = std::get_if<Complaint>(&read.value()))
    return "complaint " + complaint->feedback_type + " " + complaint->recipient + " of " +
           complaint->message_id + " by " + complaint->mail_from;
  const auto& reply = std::get<Reply>(read.value());
  return std::string{reply.automatic ? "automatic" : "reply"} + " from " + reply.from + " to " +
         reply.in_reply_to + ": " + reply.subject;
}

std::string crlf(std::string text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string{"\r\n"} : std::string(1, c);
  return out;
}

std::string delivery_report(const std::string& per_recipient, const std::string& original) {
  return crlf(R"(Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.org>
To: b+aaaa.bbbb@bounce.example.com
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="XX"

--XX
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you ...

--XX
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Mon, 2 Mar 2026 09:00:01 +0000

)" + per_recipient +
              "\n--XX\n" + original + "\n--XX--\n");
}

const char* const kWholeMail = R"(Content-Type: message/rfc822

From: sales@example.com
To: juergen@example.org
Message-ID: <abc@mail.example.com>
Subject: x

text
)";
const char* const kHeadersOnly = R"(Content-Type: text/rfc822-headers

From: sales@example.com
Message-ID: <abc@mail.example.com>
Subject: x
)";

TEST(BounceTest, ReadsDeliveryReports) {
  EXPECT_EQ(print(read_incoming(delivery_report(R"(Final-Recipient: rfc822; juergen@example.org
Original-Recipient: rfc822;juergen@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.1.1 <juergen@example.org>: Recipient address
    rejected: User unknown
)",
                                                kWholeMail))),
            "report of abc@mail.example.com; hard juergen@example.org 5.1.1 550 5.1.1 "
            "<juergen@example.org>: Recipient address rejected: User unknown");
  EXPECT_EQ(print(read_incoming(delivery_report(
                "Final-Recipient: rfc822; a@example.org\nAction: delayed\nStatus: 4.4.7\n",
                kHeadersOnly))),
            "report of abc@mail.example.com; delayed a@example.org 4.4.7 ");
  // Two recipients of one report.
  EXPECT_EQ(
      print(read_incoming(delivery_report(
          "Final-Recipient: RFC822; a@example.org\nACTION: Failed\nStatus: 5.2.2 (full)\n\n"
          "Final-Recipient: rfc822;b@example.org\nAction: relayed\nStatus: 2.0.0\n",
          kHeadersOnly))),
      "report of abc@mail.example.com; soft a@example.org 5.2.2 ; arrived b@example.org 2.0.0 ");
}

TEST(BounceTest, HardOrSoft) {
  expect_table(R"(
    action  | status | then
    failed  | 5.1.1  | hard
    failed  | 5.1.2  | hard
    failed  | 5.1.10 | hard
    failed  | 5.2.1  | hard
    failed  | 5.0.0  | hard
    failed  | 5.4.4  | hard
    failed  | 5.2.2  | soft
    failed  | 5.3.4  | soft
    failed  | 5.7.1  | soft
    failed  | 5.7.26 | soft
    failed  | 4.2.2  | soft
    failed  | 4.4.7  | soft
    failed  |        | soft
    failed  | none   | soft
    delayed | 4.0.0  | delayed
    delivered | 2.0.0 | arrived
    expanded | 2.0.0 | arrived
  )",
               [](const Row& row) {
                 const auto text = print(read_incoming(delivery_report(
                     "Final-Recipient: rfc822; a@example.org\nAction: " + row["action"] +
                         "\nStatus: " + row["status"] + "\n",
                     kHeadersOnly)));
                 const auto from = text.find("; ") + 2;
                 return text.substr(from, text.find(' ', from) - from);
               });
}

TEST(BounceTest, ReadsComplaints) {
  EXPECT_EQ(
      print(read_incoming(crlf(R"(From: <abusedesk@isp.example>
To: <fbl@example.com>
Subject: FW: x
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.
--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <b+x@bounce.example.com>
Original-Rcpt-To: <juergen@example.org>

--part
Content-Type: message/rfc822
Content-Disposition: inline

From: <sales@example.com>
Message-ID: <abc@mail.example.com>
Subject: x

text
--part--
)"))),
      "complaint abuse juergen@example.org of abc@mail.example.com by b+x@bounce.example.com");
}

TEST(BounceTest, AComplaintNamesTheReturnPathWhereverItStands) {
  EXPECT_EQ(print(read_incoming(crlf(R"(From: <abusedesk@isp.example>
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: message/feedback-report

Feedback-Type: Abuse

--part
Content-Type: text/rfc822-headers

Return-Path: <b+x@bounce.example.com>
Message-ID: <abc@mail.example.com>

--part--
)"))),
            "complaint abuse  of abc@mail.example.com by b+x@bounce.example.com");
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

TEST(BounceTest, AReplyNamesItsThreadTheNewestFirst) {
  const auto thread = [](const std::string& fields) {
    const auto read = read_incoming(crlf("From: j@example.org\n" + fields + "\nyes\n"));
    return listed(std::get<Reply>(read.value()).references);
  };
  EXPECT_EQ(thread(""), "");
  EXPECT_EQ(thread("In-Reply-To: <c@x>\nReferences: <a@x> <b@x>\n <c@x>\n"), "c@x b@x a@x");
  EXPECT_EQ(thread("References: <a@x> <b@x>\n"), "a@x b@x");
  EXPECT_EQ(thread("References: " + std::string(500'000, '<') + "a@x>\n"), "a@x") << "in one pass";
  std::string many = "References:";
  for (int i = 0; i < 1000; ++i) many += " <" + std::to_string(i) + "@x>\n";
  EXPECT_TRUE(thread(many).starts_with("0@x 999@x 998@x"));
  EXPECT_TRUE(thread(many).ends_with(" 901@x"));
}

TEST(BounceTest, WhomItCameToStandsInItsHead) {
  expect_table(R"(
    head                                                    | then
    To: a@x                                                 | a@x
    To: "Ada, Dr." <a@x>, b@x (b)                           | a@x b@x
    TO: undisclosed-recipients:;                            |
    To: a@x~Delivered-To: b+1.2@y~Subject: c@x              | b+1.2@y a@x
    X-Original-To: b@x~Envelope-To: <c@x>~X-Envelope-To: d@x | b@x c@x d@x
    To: a@x,~ b@x                                           | a@x b@x
    Subject: none~~To: a@x                                  |
    From mta Mon Mar  2 09:00:00 2026~To: a@x               | a@x
  )",
               [](const Row& row) {
                 auto head = row["head"];
                 std::replace(head.begin(), head.end(), '~', '\n');
                 const auto lf = listed(addressed_to(head + "\n\nTo: body@x\n"));
                 EXPECT_EQ(listed(addressed_to(crlf(head + "\n\nTo: body@x\n"))), lf);
                 return lf;
               });
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "To: a" + std::to_string(i) + "@x, b@x\n";
  EXPECT_EQ(addressed_to(many).size(), 100U);
  EXPECT_TRUE(addressed_to("").empty());
  EXPECT_TRUE(addressed_to("From x").empty());
}

TEST(BounceTest, ALineOfAMailboxFileIsNoPartOfTheMail) {
  EXPECT_EQ(print(read_incoming("From mta Mon Mar  2 09:00:00 2026\nFrom: a@example.org\n"
                                "Subject: x\nIn-Reply-To: <abc@x>\n\nyes\n")),
            "reply from a@example.org to abc@x: x");
}

TEST(BounceTest, TellsRepliesOfPeopleFromThoseOfMachines) {
  expect_table(
      R"(
    header                                | then
    X-Nothing: 1                          | reply from j@example.org to abc@mail.example.com: Re: Grüße
    Auto-Submitted: no                    | reply from j@example.org to abc@mail.example.com: Re: Grüße
    Auto-Submitted: auto-replied          | automatic from j@example.org to abc@mail.example.com: Re: Grüße
    Auto-Submitted: Auto-Generated; x=y   | automatic from j@example.org to abc@mail.example.com: Re: Grüße
    Precedence: auto_reply                | automatic from j@example.org to abc@mail.example.com: Re: Grüße
    Precedence: bulk                      | automatic from j@example.org to abc@mail.example.com: Re: Grüße
    X-Autoreply: yes                      | automatic from j@example.org to abc@mail.example.com: Re: Grüße
    X-Auto-Response-Suppress: All         | automatic from j@example.org to abc@mail.example.com: Re: Grüße
    Return-Path: <>                       | automatic from j@example.org to abc@mail.example.com: Re: Grüße
  )",
      [](const Row& row) {
        return print(read_incoming(
            crlf(row["header"] + "\nFrom: J <j@example.org>\nTo: sales@example.com\nSubject: "
                                 "=?utf-8?q?Re:_Gr=C3=BC=C3=9Fe?=\n"
                                 "In-Reply-To: <abc@mail.example.com>\nReferences: <first@x> "
                                 "<abc@mail.example.com>\n\nyes\n")));
      });
}

TEST(BounceTest, AnyBytesAreRead) {
  EXPECT_EQ(print(read_incoming("")), "error what came in is no mail");
  EXPECT_EQ(print(read_incoming(std::string(kIncomingBytesMax + 1, 'x'))),
            "error a mail that came in is larger than 10 MiB");
  std::string deep = "From: a@example.org\r\nSubject: x\r\n";
  for (int i = 0; i < 200; ++i)
    deep += "Content-Type: multipart/mixed; boundary=\"b" + std::to_string(i) + "\"\r\n\r\n--b" +
            std::to_string(i) + "\r\n";
  EXPECT_EQ(print(read_incoming(deep)), "reply from a@example.org to : x");
  std::string many;
  for (int i = 0; i < 5000; ++i)
    many += "Final-Recipient: rfc822; a" + std::to_string(i) +
            "@example.org\nAction: failed\nStatus: 5.1.1\n\n";
  const auto read = read_incoming(delivery_report(many, kHeadersOnly));
  EXPECT_LE(std::get<Report>(read.value()).bounces.size(), 100U);
}

TEST(ReturnPathTest, NamesItsEffectAndNobodyElseCanMakeIt) {
  const std::string key(32, 'k');
  for (const auto* what : {"one", "two", "three"}) {
    const auto effect = sha256(what);
    const auto address = return_path(effect, key, "bounce.example.com");
    EXPECT_LE(address.find('@'), 64U) << address;
    EXPECT_TRUE(check_address(address)) << address;
    EXPECT_EQ(effect_of_return_path(address, key, "bounce.example.com"), prefix_of(effect));
    auto loud = address;
    for (auto& c : loud) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    EXPECT_EQ(effect_of_return_path(loud, key, "bounce.example.com"), prefix_of(effect));
    EXPECT_FALSE(effect_of_return_path(address, std::string(32, 'l'), "bounce.example.com"));
    EXPECT_FALSE(effect_of_return_path(address, key, "other.example.com"));
    EXPECT_TRUE(looks_like_return_path(loud, "bounce.example.com"));
    EXPECT_FALSE(looks_like_return_path(address, "other.example.com"));
    EXPECT_FALSE(looks_like_return_path("sales@bounce.example.com", "bounce.example.com"));
    for (std::size_t i = 0; i < address.size(); ++i) {
      auto changed = address;
      changed[i] = changed[i] == 'q' ? 'r' : 'q';
      EXPECT_FALSE(effect_of_return_path(changed, key, "bounce.example.com")) << changed;
      EXPECT_FALSE(effect_of_return_path(address.substr(0, i), key, "bounce.example.com"));
    }
  }
  // RFC 4648: fixed, so that what was sent before an upgrade still comes home.
  EXPECT_EQ(return_path(sha256("one"), key, "bounce.example.com"),
            "b+o2jmhljvic5yapacbm5o4zwnrcdremru.v2jjbvq64ayqerme@bounce.example.com");
}

}  // namespace
}  // namespace dealwright::smtp
