#include "tests/rules/rule_bed.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/overloaded.h"
#include "engine/domain/form.h"
#include "rules/file/schema_file.h"

namespace dealwright::rules {

void RuleBed::publish(const std::string& id, const std::string& body, const std::string& status) {
  PublishedRule rule{id, 1, fmt::format("rule: {}\nname: R\nowner: o\n{}", id, body), status};
  for (auto& older : published_) {
    if (older.rule != id) continue;
    older.status.clear();
    rule.version = older.version + 1;
  }
  published_.push_back(std::move(rule));
  std::sort(published_.begin(), published_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.rule, a.version) < std::tie(b.rule, b.version);
  });
  make();
}

void RuleBed::set_status(const std::string& id, const std::string& status) {
  for (auto& rule : published_) {
    if (rule.rule == id && !rule.status.empty()) rule.status = status;
  }
  make();
}

void RuleBed::make() {
  auto made = make_decider_factory()->make(published_);
  ASSERT_TRUE(made) << made.error().detail;
  decider_.to = made.value();
}

TestWorld& RuleBed::world() {
  if (world_ == nullptr) {
    world_ = std::make_unique<TestWorld>(
        decider_, [this](Instant, const Change& change) { all_.push_back(change); });
    world_->give_schema(
        read_schema_file("custom:\n  deal: { a: text, w: text, x: int, y: int, z: int }\n").schema);
  }
  return *world_;
}

Event RuleBed::event(std::string_view type, std::string_view subject, std::string_view time,
                     Map data) {
  Event event;
  event.source = "crm";
  event.id = fmt::format("e{}", ++next_id_);
  event.subject = parse_record_key(subject);
  event.time = at(time);
  if (const auto* spec = event_spec(type)) {
    event.type = spec->type;
  } else {
    event.foreign_type = type;
  }
  for (const auto& error : fill_data(event, *Value{std::move(data)}.as_map())) {
    ADD_FAILURE() << type << error.pointer << ": " << error.detail;
  }
  return event;
}

std::string RuleBed::line(const Change& change) const {
  return std::visit(
      overloaded{
          [](const EnrolmentStarted& c) {
            const auto& e = c.enrolment;
            return fmt::format("started {} v{} {}{}{}", e.rule, e.version, to_text(e.subject),
                               e.due ? " until " + to_short_text(*e.due) : "",
                               e.shadow ? " shadow" : "");
          },
          [](const EnrolmentMoved& c) {
            return fmt::format("moved to {}{}{}", c.step,
                               c.due ? " until " + to_short_text(*c.due) : "",
                               c.held ? " held" : "");
          },
          [](const EnrolmentEnded& c) {
            return fmt::format("ended {}{}", c.reason, c.cancel_effects ? " cancelling" : "");
          },
          [](const EntryRefused& c) {
            return fmt::format("refused {} {} {}", c.rule, to_text(c.subject), c.reason);
          },
          [](const EffectRequested& c) {
            const auto state =
                c.effect.state == EffectState::kRequested
                    ? ""
                    : fmt::format(" {}({})", effect_state_name(c.effect.state), c.effect.reason);
            return fmt::format("effect {} {}{}", c.effect.step,
                               c.effect.recipient.empty() ? "-" : c.effect.recipient, state);
          },
          [](const EffectMoved& c) {
            return fmt::format("effect is {}", effect_state_name(c.state));
          },
          [](const FactDecided& c) {
            return fmt::format(
                "fact {}{}", c.event.type_name(),
                c.event.type == TypeId::kTaskCreated ? "" : " " + to_text(c.event.subject));
          },
          [](const RuleFailed& c) {
            return fmt::format("failed {} {} {}", c.rule, c.where, c.code);
          },
          [](const EventRedriven&) { return std::string{"redriven"}; },
      },
      change);
}

std::string RuleBed::decided() {
  std::string out;
  for (; shown_ < all_.size(); ++shown_) out += line(all_[shown_]) + "\n";
  return out;
}

}  // namespace dealwright::rules
