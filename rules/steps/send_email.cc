#include "rules/steps/send_email.h"

#include <fmt/core.h>

#include "engine/domain/consent.h"
#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

struct Mail {
  std::string template_name;
  std::string purpose;
  Expression to;
  Map fixed;  // from, reply_to, thread
};

// The address of a contact or lead (its first), or of a user (as ops noted it).
std::string address_of(const Record& record) {
  const auto first = [](const Value* list) -> std::string {
    const auto* items = list == nullptr ? nullptr : list->as_list();
    if (items != nullptr && !items->empty()) return std::string{items->front().text_or_empty()};
    return list == nullptr ? "" : std::string{list->text_or_empty()};
  };
  if (auto found = first(record.find(Field::kEmails)); !found.empty()) return found;
  if (const auto* person = record.find(Field::kPerson)) {
    if (const auto* map = person->as_map()) {
      if (auto found = first(find(*map, "emails")); !found.empty()) return found;
      if (auto found = first(find(*map, "email")); !found.empty()) return found;
    }
  }
  for (const auto* name : {"email", "emails"}) {
    if (auto found = first(record.find_custom(name)); !found.empty()) return found;
    if (auto found = first(record.find_extra(name)); !found.empty()) return found;
  }
  return {};
}

class SendEmail : public Step {
 public:
  explicit SendEmail(Mail mail) : mail_{std::move(mail)} {}

  StepResult run(StepRun& run) const override {
    const auto [to, failure] = evaluate_who(mail_.to, run);
    if (failure) return *failure;
    Map payload = mail_payload(run.reader.turn(), run.enrolment.subject, to);
    payload.insert(payload.end(), mail_.fixed.begin(), mail_.fixed.end());
    payload.emplace_back("template", Value{mail_.template_name});
    payload.emplace_back("purpose", Value{mail_.purpose});
    run.request("email", to ? to_text(*to) : "", std::move(payload));
    return StepResult::go();
  }

 private:
  Mail mail_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  using Need = KeySpec::Need;
  static constexpr KeySpec kKeys[] = {{"template", Need::kNeeded},
                                      {"to", Need::kNeeded},
                                      {"purpose"},
                                      {"from"},
                                      {"reply_to"},
                                      {"thread"}};
  if (!check_keys(value, kKeys, "'send_email'", c.out())) return std::nullopt;
  const auto* name = value.find("template");
  const auto* to = value.find("to");
  const auto* purpose = value.find("purpose");
  if (purpose == nullptr) {
    c.out().error(
        5001, value.at, "a mail without a purpose",
        "Name a purpose that is declared as marketing or service, such as purpose: service");
  }
  if (name == nullptr || to == nullptr) return std::nullopt;
  const auto* template_name = read_text(*name, "template", c.out());
  const auto* purpose_text = purpose == nullptr ? nullptr : read_text(*purpose, "purpose", c.out());
  const auto* schema = c.scope().schema;
  if (purpose_text != nullptr && schema != nullptr && !schema->purposes().empty() &&
      schema->purpose(*purpose_text) == nullptr) {
    std::vector<std::string_view> known;
    for (const auto& declared : schema->purposes()) known.push_back(declared.name);
    auto hint = did_you_mean(*purpose_text, known);
    c.out().error(2004, purpose->at, fmt::format("purpose '{}' is not declared", *purpose_text),
                  hint.empty() ? "Declared are " + listed(known) : std::move(hint));
  }
  const auto* quiet = find(c.plan().limits.payload, "quiet_hours");
  const bool none = quiet != nullptr && quiet->text_or_empty() == "none";
  if (none && purpose_text != nullptr && is_marketing(schema, *purpose_text)) {
    c.out().warning(
        5011, purpose->at, "marketing keeps to its hours, whatever quiet_hours says",
        "Leave quiet_hours: none out, or write the hours: { send: Mon-Sun 08:00-20:00 }");
  }
  auto who = c.who(*to);
  Map fixed;
  for (const auto* key : {"from", "reply_to", "thread"}) {
    const auto* node = value.find(key);
    const auto* text = node == nullptr ? nullptr : read_text(*node, key, c.out());
    if (text != nullptr) fixed.emplace_back(key, Value{*text});
  }
  if (template_name == nullptr || purpose_text == nullptr || !who) return std::nullopt;
  return Built{std::make_unique<SendEmail>(
                   Mail{*template_name, *purpose_text, std::move(*who), std::move(fixed)}),
               *template_name,
               true,
               {}};
}

}  // namespace

Map mail_payload(Turn& turn, const RecordKey& about, const std::optional<RecordKey>& to) {
  Map payload;
  const auto* record = to ? turn.record(*to) : nullptr;
  if (record != nullptr) {
    payload.emplace_back("to", Value{to_text(record->key)});
    if (auto address = address_of(*record); !address.empty())
      payload.emplace_back("address", Value{address});
    if (const auto* language = record->find(Field::kLanguage))
      payload.emplace_back("language", *language);
  }
  Map records;
  for (const auto& key : closure(turn, about))
    records.emplace_back(std::string{kind_name(key.kind)}, Value{to_text(key)});
  payload.emplace_back("records", Value{std::move(records)});
  return payload;
}

StepKind send_email_step() { return {"send_email", {}, false, compile}; }

}  // namespace dealwright::rules
