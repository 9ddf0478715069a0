// From a rule and a template, as published, to what a mail channel is handed.
#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/codec/state_codec.h"
#include "engine/ports/fake/fake_channel.h"
#include "engine/runtime/keys.h"
#include "rules/decide/factory.h"
#include "tests/engine/runtime/office.h"
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
    event.traceparent = trace;
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
  // Of facts that rules made, as decision records have them.
  std::vector<std::string> traces_of(TypeId type) {
    std::vector<std::string> out;
    const auto end = world.log.end(Topic::kDecisions, 0).value();
    for (Position at = 0; at < end;) {
      const auto read = world.log.read(Topic::kDecisions, 0, at, 1 << 20).value();
      for (const auto& one : read.records) {
        DecisionRecord record;
        EXPECT_TRUE(codec::decode(one.bytes, record));
        const auto* batch = std::get_if<Batch>(&record.body);
        if (batch == nullptr) continue;
        for (const auto& turn : batch->turns) {
          for (const auto& change : turn.changes) {
            const auto* fact = std::get_if<FactDecided>(&change);
            if (fact != nullptr && fact->event.type == type) out.push_back(fact->event.traceparent);
          }
        }
      }
      at = read.next;
    }
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
  std::string trace;
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

// What a rule asks for bears the trace of what happened: at once, behind a wait, behind an event
// that has none; facts of its own too.
TEST(MailsTest, TheTraceGoesOnBehindATimer) {
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  Post post;
  post.add(TypeId::kRulePublished, {Kind::kRule, "later"}, {{"text", Value{R"(rule: later
name: Later
owner: sales
trigger: meeting.held
entry: { once_per: event.id }
steps:
  - notify: { to: user("u1"), text: "at once" }
  - wait: 1h
  - create_task: { kind: call, title: "Call", due: 1h, owner: user("u1") }
  - notify: { to: user("u1"), text: "behind a wait" }
  - wait_for: { event: note.added }
    within: 1d
    else:
      - notify: { to: user("u1"), text: "too late" }
  - notify: { to: user("u1"), text: "behind an event" }
)"}}});
  post.add(TypeId::kRulePublished, {Kind::kRule, "behind"}, {{"text", Value{R"(rule: behind
name: Behind a fact that a timer led to
owner: sales
trigger: task.created
entry: { once_per: event.id }
steps:
  - notify: { to: user("u1"), text: "a task" }
)"}}});
  post.trace = trace;
  post.demo("Ada");
  post.trace.clear();
  post.world.clock.advance(hours(1));
  post.world.run();
  post.add(TypeId::kNoteAdded, {Kind::kDeal, "d1"}, {{"text", Value{"a note"}}});
  int notices = 0, tasks = 0;
  for (const auto& [id, effect] : ledger(post.world.partition->state())) {
    if (effect.rule != "later" && effect.rule != "behind") continue;
    notices += effect.channel == "notify" ? 1 : 0;
    tasks += effect.channel == "task" ? 1 : 0;
    EXPECT_EQ(effect.traceparent, trace) << effect.step;
  }
  EXPECT_EQ(notices, 4);
  EXPECT_EQ(tasks, 1);
  // The task stands in its own record's history by a fact that bears it too.
  EXPECT_EQ(post.traces_of(TypeId::kTaskCreated), (std::vector<std::string>{trace}));
  EXPECT_EQ(post.world.dump(), post.world.dump_of_replay());
}

TEST(MailsTest, WithoutATemplateAMailWaitsForIt) {
  Post post;
  post.demo("Ada");
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kRetryAt);
  EXPECT_TRUE(post.only().reason.starts_with("incomplete: template thanks is not published"))
      << post.only().reason;
  post.publish("other", kThanks);
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kRetryAt);
  post.publish("thanks", kThanks);  // at once
  EXPECT_EQ(post.content("subject"), "Thanks, Ada");
  EXPECT_EQ(post.mail.sent, 1U);
  EXPECT_EQ(post.world.dump(), post.world.dump_of_replay());
}

TEST(MailsTest, ARetiredTemplateIsNone) {
  Post post;
  post.publish("thanks", kThanks);
  post.add(TypeId::kTemplateRetired, {Kind::kTemplate, "thanks"}, {});
  post.demo("Ada");
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kRetryAt);
}

// Past its check: what a loop gives is known only when it runs.
constexpr const char* kRoles =
    "---\nsubject: Thanks\nabout: deal\n---\n<p>Hello</p>\n"
    "{% for one in deal.contacts %}<p>{{ one.role }}</p>{% endfor %}\n";

TEST(MailsTest, AHoleIsHeldUntilTheRecordIsMended) {
  Post post;
  post.publish("thanks", kRoles);
  post.demo("Ada");
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kRetryAt);
  EXPECT_EQ(post.only().reason, "incomplete: template thanks, line 6: 'one.role' has no value");
  post.add(TypeId::kDealUpdated, {Kind::kDeal, "d1"},
           {{"set", Value{Map{{"contacts", Value{List{Value{Map{{"contact", Value{"c1"}},
                                                                {"role", Value{"buyer"}}}}}}}}}}});
  EXPECT_EQ(post.mail.sent, 0U);
  post.world.clock.advance(minutes(19));
  post.world.run();
  EXPECT_EQ(post.mail.sent, 1U);
  EXPECT_NE(post.content("html").find("<p>buyer</p>"), std::string::npos) << post.content("html");
  EXPECT_EQ(post.world.dump(), post.world.dump_of_replay());
}

// Whoever has mended it need not wait; nor does it wait in the way of what was resumed.
TEST(MailsTest, AnOperatorSendsAHeldMailAtOnce) {
  Post post;
  post.publish("thanks", kRoles);
  post.demo("Ada");
  post.add(TypeId::kRulePaused, {Kind::kRule, "thanks"}, {{"author", Value{"user/u1"}}});
  post.add(TypeId::kDealUpdated, {Kind::kDeal, "d1"},
           {{"set", Value{Map{{"contacts", Value{List{Value{Map{{"contact", Value{"c1"}},
                                                                {"role", Value{"buyer"}}}}}}}}}}});
  Event retry;
  retry.source = "ops";
  retry.id = "retry";
  retry.type = TypeId::kEffectRetryRequested;
  retry.subject = {Kind::kDeal, "d1"};
  retry.data.set(Field::kEffect, Value{hex(post.only().id)});
  retry.data.set(Field::kAuthor, Value{"user/u1"});
  retry.data.set(Field::kReason, Value{"mended"});
  post.world.key.sign(retry, 0);
  post.world.add(retry);
  post.world.run();
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_TRUE(post.only().reason.starts_with("rule_paused")) << post.only().reason;
  post.add(TypeId::kRuleResumed, {Kind::kRule, "thanks"}, {{"author", Value{"user/u1"}}});
  EXPECT_EQ(post.mail.sent, 1U);
  EXPECT_EQ(post.world.dump(), post.world.dump_of_replay());
}

// A change of anything else makes nobody render what cannot be made; a new leader neither.
TEST(MailsTest, OnlyATextThatChangedMakesItTriedAgain) {
  Post post;
  post.publish("thanks", kRoles);
  post.demo("Ada");
  const auto changed = post.only().changed;
  post.world.clock.advance(minutes(1));
  post.world.run();
  EXPECT_EQ(post.world.meter.incomplete, 1);
  post.add(TypeId::kUserUpdated, {Kind::kUser, "u1"}, {{"set", Value{Map{{"name", Value{"U"}}}}}});
  EXPECT_EQ(post.only().changed, changed);
  post.world.crash();
  post.world.start();
  post.world.run();
  EXPECT_EQ(post.only().changed, changed);
  EXPECT_TRUE(post.only().reason.starts_with("incomplete: ")) << post.only().reason;
  post.publish("thanks", kThanks);
  EXPECT_EQ(post.mail.sent, 1U);
}

TEST(MailsTest, AHoleThatNobodyMendsExpires) {
  Post post;
  post.publish("thanks", kRoles);
  post.demo("Ada");
  post.world.clock.advance(hours(23));
  post.world.run();
  EXPECT_EQ(post.only().state, EffectState::kRetryAt);
  post.world.clock.advance(hours(1));
  post.world.run();
  EXPECT_EQ(post.mail.sent, 0U);
  EXPECT_EQ(post.only().state, EffectState::kExpired);
  EXPECT_EQ(post.only().reason,
            "expired; incomplete: template thanks, line 6: 'one.role' has no value");
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
