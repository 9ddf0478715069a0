#include "engine/domain/dispatch_guard.h"

namespace dealwright {
namespace {

// A paused rule's effects keep their place; they are asked about again so often.
constexpr Duration kPausedFor = minutes(1);

std::string_view text_of(const Map& map, std::string_view key) {
  const auto* value = find(map, key);
  return value == nullptr ? std::string_view{} : value->text_or_empty();
}

Passage suppressed(std::string reason) { return {Passage::Say::kSuppress, std::move(reason), {}}; }

// Why nothing goes out about, or to, a record. Empty: it may.
std::string_view gone(const Record* record) {
  if (record == nullptr) return {};
  if (record->erased) return "erased";
  if (record->life.deleted) return "deleted";
  return {};
}

bool asks_consent(const Schema* schema, std::string_view purpose) {
  const auto* declared = schema == nullptr ? nullptr : schema->purpose(purpose);
  if (declared != nullptr) return declared->of == PurposeClass::kMarketing;
  return purpose != "service";
}

// The newest row for the purpose and the channel, or for all channels.
const ConsentRow* standing(const Record& person, std::string_view purpose,
                           std::string_view channel) {
  const ConsentRow* newest = nullptr;
  for (const auto& row : person.consents) {  // in history order
    if (row.purpose == purpose && (row.channel == channel || row.channel == "all")) newest = &row;
  }
  return newest;
}

Passage judge_person(const PassageCase& c) {
  const auto* person = c.recipient;
  if (person == nullptr) return suppressed("no_recipient");
  if (const auto why = gone(person); !why.empty())
    return suppressed("recipient_" + std::string{why});
  if (text_of(c.effect.payload, "address").empty()) return suppressed("no_address");
  if (const auto* why = person->find(Field::kSuppressed); why != nullptr) {
    return suppressed(std::string{why->text_or_empty()});
  }
  const auto purpose = text_of(c.effect.payload, "purpose");
  if (!asks_consent(c.schema, purpose)) return {};
  const auto* row = standing(*person, purpose, c.effect.channel);
  if (row == nullptr) return suppressed("no_consent: " + std::string{purpose});
  if (!row->granted) {
    return suppressed("consent_withdrawn: " + std::string{purpose} + " at " +
                      to_text(row->stamp.occurred));
  }
  if (row->until && *row->until <= c.now) {
    return suppressed("consent_lapsed: " + std::string{purpose} + " at " + to_text(*row->until));
  }
  return {};
}

}  // namespace

Passage judge_passage(const PassageCase& c) {
  if (c.effect.expires && *c.effect.expires <= c.now) {
    return {Passage::Say::kExpire, "expired", {}};
  }
  if (const auto why = gone(c.subject); !why.empty()) {
    return suppressed("record_" + std::string{why});
  }
  if (c.rule_status == "retired") return suppressed("rule_retired");
  if (c.rule_status == "paused") {
    return {Passage::Say::kWait, "rule_paused", c.now + kPausedFor};
  }
  return c.effect.channel == "email" ? judge_person(c) : Passage{};
}

}  // namespace dealwright
