#include "tests/sim/workload.h"

#include <iterator>

#include "engine/domain/schema.h"

namespace dealwright::sim {
namespace {

struct Rule {
  const char* name;
  const char* body;  // behind the line with its name
};
// They mail, call hooks, make tasks that start other rules, wait, and are left.
constexpr Rule kRules[] = {
    {"note-hook", R"(
owner: ops
trigger: note.added
entry: each_time
steps:
  - send_webhook: { endpoint: notes }
)"},
    {"contact-mail", R"(
owner: marketing
trigger: contact.updated
entry: each_time
steps:
  - send_email: { template: hello, to: contact, purpose: service }
)"},
    {"chase", R"(
owner: sales
trigger: content.viewed
entry: each_time
misfire: { messages: 700d }
exit: { event: consent.withdrawn, reason: no }
steps:
  - wait: 2h
  - send_email: { template: nudge, to: contact, purpose: service }
  - wait_for: email.replied
    within: 5h
    then: [{ send_webhook: { endpoint: replied } }]
    else: [{ notify: { to: user("u1"), text: silent } }]
  - wait: 40min
  - send_webhook: { endpoint: chased }
)"},
    {"stage", R"(
owner: sales
trigger: deal.stage_changed
when: deal.stage == "offer"
entry: each_time
misfire: { messages: 700d }
exit: { event: [deal.won, deal.lost], reason: closed }
steps:
  - create_task: { kind: call, title: "Call", due: 3h }
  - wait: 6h
  - send_webhook: { endpoint: stage }
  - wait: 20h
  - notify: { to: user("u2"), text: late }
)"},
    {"chained", R"(
owner: sales
trigger: task.created
entry: each_time
steps:
  - send_webhook: { endpoint: tasks }
  - wait: 90min
  - notify: { to: user("u1"), text: task }
)"},
    {"idle", R"(
owner: sales
trigger: [deal.opened, deal.amount_changed]
entry: while_not_active
exit: { event: [deal.stage_changed, note.added], reason: moves }
steps:
  - wait: 1d
  - update: { deal.custom.idle: large }
  - wait: 30min
  - send_webhook: { endpoint: idle }
)"},
    {"slow", R"(
owner: sales
trigger: lead.captured
entry: once
misfire: { messages: 700d }
steps:
  - wait: 9d
  - send_webhook: { endpoint: slow }
  - wait: 20d
  - notify: { to: user("u1"), text: slow }
)"},
};
constexpr std::uint32_t kVersions = 3;

std::string text_of(const Rule& rule, std::uint32_t version) {
  auto out = std::string{"rule: "} + rule.name + "\nname: " + rule.name + " " +
             std::to_string(version) + rule.body;
  if (version % 2 == 0) out += "  - notify: { to: user(\"u3\"), text: more }\n";
  return out;
}

constexpr const char* kTemplate =
    "---\nsubject: Hello\nabout: contact\n---\n<p>Hello {{ recipient.name | default: \"there\" "
    "}}</p>\n";

}  // namespace

std::vector<std::string> Workload::all_texts() {
  std::vector<std::string> out;
  for (const auto& rule : kRules) {
    for (std::uint32_t version = 1; version <= kVersions; ++version) {
      out.push_back(text_of(rule, version));
    }
  }
  return out;
}

Event Workload::of(TypeId type, RecordKey subject, Instant now) {
  Event event;
  event.source = "crm";
  event.id = "e" + std::to_string(next_id_++);
  event.type = type;
  event.subject = std::move(subject);
  event.time = now;
  return event;
}

Event Workload::publish(std::size_t rule, std::uint32_t version, Instant now) {
  auto event = of(TypeId::kRulePublished, {Kind::kRule, kRules[rule].name}, now);
  event.data.set(Field::kText, Value{text_of(kRules[rule], version)});
  event.data.set(Field::kVersion, Value{std::int64_t{version}});
  return event;
}

std::vector<Event> Workload::begin(Instant now) {
  std::vector<Event> out;
  auto pipeline = of(TypeId::kPipelineUpdated, {Kind::kPipeline, "p"}, now - days(90));
  List stages;
  for (const auto& [id, category] :
       {std::pair{"lead", "open"}, std::pair{"demo", "open"}, std::pair{"offer", "open"},
        std::pair{"won", "won"}, std::pair{"lost", "lost"}}) {
    stages.emplace_back(Map{{"id", Value{id}}, {"category", Value{category}}});
  }
  pipeline.data.set(Field::kStages, Value{std::move(stages)});
  out.push_back(std::move(pipeline));
  for (const auto* name : {"hello", "nudge"}) {
    out.push_back(of(TypeId::kTemplatePublished, {Kind::kTemplate, name}, now));
    out.back().data.set(Field::kText, Value{kTemplate});
  }
  for (std::size_t i = 0; i < std::size(kRules); ++i) {
    out.push_back(publish(i, 1, now));
    versions_.push_back(1);
  }
  return out;
}

Event Workload::fact(Instant now) {
  const auto minutes_ago = static_cast<std::int64_t>(random_.below(random_.chance(90) ? 5 : 3000));
  const auto at = now - minutes(minutes_ago);
  const RecordKey of_deal{Kind::kDeal, deal()};
  const RecordKey of_contact{Kind::kContact, contact()};
  static constexpr const char* kStages[] = {"lead", "demo", "offer", "offer", "nowhere"};
  auto event = of(TypeId::kNoteAdded, of_deal, at);
  const auto amount = [&] {
    return Value{Money{static_cast<std::int64_t>(random_.below(99'999)),
                       Currency::unchecked('E', 'U', 'R')}};
  };
  switch (random_.below(20)) {
    case 0:
    case 1:
    case 2:
      event.type = TypeId::kDealOpened;
      event.data.set(Field::kPipeline, Value{"p"});
      event.data.set(Field::kAmount, amount());
      break;
    case 3:
    case 4:
    case 5:
      event.type = TypeId::kDealStageChanged;
      event.data.set(Field::kTo, Value{kStages[random_.below(5)]});
      break;
    case 6:
      event.type = TypeId::kDealAmountChanged;
      event.data.set(Field::kAmount, amount());
      break;
    case 7:
      event.type = random_.chance(50) ? TypeId::kDealWon : TypeId::kDealReopened;
      if (event.type == TypeId::kDealReopened) event.data.set(Field::kTo, Value{"demo"});
      break;
    case 8:
      event.type = TypeId::kForeignType;
      event.foreign_type = "com.example.seen";
      event.extra = {{"cart", Value{7}}};
      break;
    case 9:
    case 10:
    case 11:
      event.type = TypeId::kContactUpdated;
      event.subject = of_contact;
      event.data.set(Field::kSet,
                     Value{Map{{"emails", Value{List{Value{of_contact.id + "@x.de"}}}}}});
      break;
    case 12:
    case 13:
    case 14:
      event.type = TypeId::kContentViewed;
      event.subject = of_contact;
      event.data.set(Field::kUrl, Value{"/"});
      break;
    case 15:
      event.type = TypeId::kEmailReplied;
      event.subject = of_contact;
      event.data.set(Field::kMessage, Value{"m"});
      break;
    case 16:
      event.type = TypeId::kLeadCaptured;
      event.subject = {Kind::kLead, "l" + std::to_string(random_.below(30))};
      break;
    default:
      event.data.set(Field::kText, Value{"a note"});
  }
  return event;
}

Event Workload::forged(Instant now) {
  auto event = of(TypeId::kEffectOutcome, {Kind::kDeal, deal()}, now);
  event.data.set(Field::kEffect, Value{std::string(64, 'a')});
  event.data.set(Field::kAttempt, Value{1});
  event.data.set(Field::kOutcome, Value{"delivered"});
  return event;
}

std::string Workload::poison() {
  std::string out(1 + random_.below(40), '\0');
  for (auto& c : out) c = static_cast<char>(random_.below(256));
  return out;
}

Event Workload::rule_edit(Instant now) {
  const auto rule = random_.below(std::size(kRules));
  const auto draw = random_.below(10);
  if (draw < 6) {
    versions_[rule] = std::min(versions_[rule] + 1, kVersions);
    return publish(rule, versions_[rule], now);
  }
  auto event = of(draw < 8 ? TypeId::kRulePaused : TypeId::kRuleResumed,
                  {Kind::kRule, kRules[rule].name}, now);
  event.data.set(Field::kAuthor, Value{"user/u1"});
  event.data.set(Field::kReason, Value{"a drill"});
  return event;
}

Event Workload::pause(Instant now, bool on) {
  auto event = of(on ? TypeId::kWorkspacePaused : TypeId::kWorkspaceResumed,
                  {Kind::kWorkspace, "default"}, now);
  event.data.set(Field::kAuthor, Value{"user/u1"});
  event.data.set(Field::kReason, Value{"a drill"});
  return event;
}

std::vector<Event> Workload::resume_all(Instant now) {
  std::vector<Event> out{pause(now, false)};
  for (const auto& rule : kRules) {
    out.push_back(of(TypeId::kRuleResumed, {Kind::kRule, rule.name}, now));
    out.back().data.set(Field::kAuthor, Value{"user/u1"});
    out.back().data.set(Field::kReason, Value{"healed"});
  }
  return out;
}

std::uint32_t Workload::partition_of(const Event& event) const {
  if (plan_.partitions == 1) return 0;
  const bool reference =
      event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kReference;
  return reference ? 0 : dealwright::partition_of(placement_key(event), plan_.partitions);
}

}  // namespace dealwright::sim
