// From a rule and a template, as published, to what a mail channel is handed.
#include <gtest/gtest.h>

#include "engine/codec/state_codec.h"
#include "engine/ports/fake/fake_channel.h"
#include "engine/runtime/keys.h"
#include "rules/decide/factory.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

constexpr std::string_view kRule = R"(rule: thanks
name: Thank for a demo
owner: sales
trigger: meeting.held
entry: { once_per: event.id }
steps:
  - send_email: { template: thanks, to: contact, purpose: PURPOSE }
)";

struct Post {
  explicit Post(std::string_view purpose = "service", bool links = true) {
    rules::DeciderOptions options;
    if (links) {
      options.unsubscribe_url = [](std::uint32_t partition, const Effect& effect) {
        return "https://example.com/u/" + std::to_string(partition) + hex(effect.id).substr(0, 4);
      };
    }
    deciders = rules::make_decider_factory(std::move(options));
    world.other_deciders = deciders.get();
    world.channels = {&mail};
    world.start();
    std::string rule{kRule};
    rule.replace(rule.find("PURPOSE"), 7, purpose);
    add(TypeId::kRulePublished, {Kind::kRule, "thanks"}, {{"text", Value{rule}}});
    world.add(world.pipeline());
  }
  void add(TypeId type, const RecordKey& subject, const Map& data) {
    Event event;
    event.source = "ops";
    event.id = "e" + std::to_string(++events);
    event.type = type;
    event.subject = subject;
    for (const auto& [name, value] : data) event.data.set(*field_of(name), value);
    world.add(event);
    world.run();
  }
  void publish(const std::string& id, const std::string& text) {
    add(TypeId::kTemplatePublished, {Kind::kTemplate, id}, {{"text", Value{text}}});
  }
  // A held demo of a deal with one contact.
  void demo(const std::string& name, const std::string& language = "") {
    Map contact{{"emails", Value{List{Value{"ada@example.com"}}}}};
    if (!name.empty()) contact.emplace_back("name", Value{name});
    if (!language.empty()) contact.emplace_back("language", Value{language});
    add(TypeId::kContactUpdated, {Kind::kContact, "c1"}, {{"set", Value{std::move(contact)}}});
    add(TypeId::kDealOpened, {Kind::kDeal, "d1"},
        {{"pipeline", Value{"p"}},
         {"name", Value{"Acme & Sons"}},
         {"contacts", Value{List{Value{Map{{"contact", Value{"c1"}}}}}}}});
    if (consent) {
      add(TypeId::kConsentGranted, {Kind::kContact, "c1"},
          {{"purpose", Value{"news"}}, {"channel", Value{"email"}}, {"source", Value{"form"}}});
    }
    add(TypeId::kMeetingHeld, {Kind::kDeal, "d1"},
        {{"meeting", Value{"m1"}}, {"kind", Value{"demo"}}});
  }
  Effect only() {
    Effect out;
    world.partition->state().write_back();
    EXPECT_TRUE(
        world.partition->state().scan(keys::kEffect, [&](std::string_view, std::string_view value) {
          EXPECT_TRUE(codec::decode(value, out));
          return true;
        }));
    return out;
  }
  std::string content(std::string_view key) {
    if (mail.contents.empty()) return "(nothing was sent)";
    const auto* value = find(mail.contents.begin()->second, key);
    return value == nullptr ? "(none)" : std::string{value->text_or_empty()};
  }

  World world{1};
  FakeChannel mail{"email", true};
  std::unique_ptr<DeciderFactory> deciders;
  bool consent = false;
  int events = 0;
};

constexpr const char* kThanks =
    "---\nsubject: 'Thanks, {{ recipient.name | default: \"all\" }}'\nabout: deal\n---\n"
    "<p>It was about {{ deal.name | default: \"you\" }}.</p>\n";

TEST(MailsTest, ARuleAndATemplateMakeAMail) {
  Post post;
  post.publish("thanks", kThanks);
  post.demo("Ada");
  EXPECT_EQ(post.content("subject"), "Thanks, Ada");
  EXPECT_EQ(post.content("html"), "<p>It was about Acme &amp; Sons.</p>\n");
  EXPECT_EQ(post.content("text"), "It was about Acme & Sons.\n");
  EXPECT_EQ(post.content("name"), "Ada");
  EXPECT_EQ(post.content("unsubscribe_url"), "(none)");  // nobody opts out of service
  EXPECT_TRUE(post.mail.go_on(FakeChannel::Fate::kTaken));
  post.world.run();
  EXPECT_TRUE(post.mail.go_on(FakeChannel::Fate::kTaken));
  post.world.run();
  EXPECT_EQ(post.only().state, EffectState::kDelivered);
  EXPECT_EQ(post.world.dump(), post.world.dump_of_replay());
}

TEST(MailsTest, WithoutATemplateNothingLeaves) {
  Post post;
  post.demo("Ada");
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kRejected);
  EXPECT_NE(post.only().reason.find("template thanks is not published"), std::string::npos)
      << post.only().reason;
}

TEST(MailsTest, ARetiredTemplateIsNone) {
  Post post;
  post.publish("thanks", kThanks);
  post.add(TypeId::kTemplateRetired, {Kind::kTemplate, "thanks"}, {});
  post.demo("Ada");
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kRejected);
}

TEST(MailsTest, AHoleIsNeverSent) {
  Post post;
  // Past its check: what a loop gives is known only when it runs.
  post.publish("thanks",
               "---\nsubject: Thanks\nabout: deal\n---\n<p>Hello</p>\n"
               "{% for one in deal.contacts %}<p>{{ one.role }}</p>{% endfor %}\n");
  post.demo("Ada");
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kRejected);
  EXPECT_EQ(post.only().reason, "template thanks, line 6: 'one.role' has no value");
}

TEST(MailsTest, TheRecipientsLanguageIsTakenIfThereIsOne) {
  Post post;
  post.publish("thanks", kThanks);
  post.publish("thanks.de", "---\nsubject: Danke\n---\n<p>Gern.</p>\n");
  post.demo("Ada", "de-AT");
  EXPECT_EQ(post.content("subject"), "Danke");
  Post other;
  other.publish("thanks", kThanks);
  other.publish("thanks.de", "---\nsubject: Danke\n---\n<p>Gern.</p>\n");
  other.demo("Ada", "fr");
  EXPECT_EQ(other.content("subject"), "Thanks, Ada");
}

TEST(MailsTest, MarketingHoldsAWayOut) {
  Post post{"news"};
  post.consent = true;
  post.publish("thanks", kThanks);
  post.demo("Ada");
  const auto url = "https://example.com/u/0" + hex(post.only().id).substr(0, 4);
  EXPECT_EQ(post.content("unsubscribe_url"), url);
  EXPECT_NE(post.content("html").find("<a href=\"" + url + "\">Unsubscribe</a>"),
            std::string::npos);
  EXPECT_NE(post.content("text").find("Unsubscribe: " + url), std::string::npos);
  Post own{"news"};
  own.consent = true;
  own.publish("thanks",
              "---\nsubject: Thanks\n---\n<p><a href=\"{{ unsubscribe_url }}\">Out</a></p>\n");
  own.demo("Ada");
  EXPECT_EQ(own.content("html"), "<p><a href=\"" + url + "\">Out</a></p>\n");
  EXPECT_EQ(own.content("text"), "Out (" + url + ")\n");
  Post none{"news", false};
  none.consent = true;
  none.publish("thanks", kThanks);
  none.demo("Ada");
  EXPECT_EQ(none.mail.sent, 0U);
  EXPECT_NE(none.only().reason.find("place to unsubscribe"), std::string::npos);
}

TEST(MailsTest, ANewVersionIsInForceForLaterMails) {
  Post post;
  post.publish("thanks", kThanks);
  post.publish("thanks", "---\nsubject: Second\n---\n<p>Two</p>\n");
  post.demo("Ada");
  EXPECT_EQ(post.content("subject"), "Second");
}

}  // namespace
}  // namespace dealwright::runtime
