#include "engine/domain/record.h"

#include <algorithm>

namespace dealwright {
namespace {

const Value* find_named(const std::vector<NamedRegister>& registers, std::string_view name) {
  const auto it = std::lower_bound(registers.begin(), registers.end(), name,
                                   [](const auto& r, std::string_view n) { return r.name < n; });
  return it == registers.end() || it->name != name || it->value.absent() ? nullptr : &it->value;
}

constexpr Field kLifeFields[] = {Field::kDeleted,    Field::kState,       Field::kPipeline,
                                 Field::kStage,      Field::kStatus,      Field::kAmount,
                                 Field::kOwner,      Field::kProbability, Field::kDue,
                                 Field::kLostReason, Field::kNoDecision,  Field::kFirstDue};

Value text_or_absent(const std::string& text) { return text.empty() ? Value{} : Value{text}; }
Value instant_or_absent(const std::optional<Instant>& at) { return at ? Value{*at} : Value{}; }

// REQUIRES: of_life()
Value life_value(const Record& record, Field field) {
  const auto& life = record.life;
  switch (field) {
    case Field::kDeleted:
      return life.deleted ? Value{true} : Value{};
    case Field::kState:
      return record.key.kind == Kind::kDeal ? Value{} : text_or_absent(life.state);
    case Field::kPipeline:
      return text_or_absent(life.pipeline);
    case Field::kStage:
      return text_or_absent(life.stage);
    case Field::kStatus:
      return record.has_life() ? Value{status_name(life.status())} : Value{};
    case Field::kAmount:
      return life.amount ? Value{*life.amount} : Value{};
    case Field::kOwner:
      return text_or_absent(life.owner);
    case Field::kProbability:
      return life.probability_bp ? Value{std::int64_t{*life.probability_bp}} : Value{};
    case Field::kLostReason:
      return text_or_absent(life.lost_reason);
    case Field::kNoDecision:
      return life.status() == DealStatus::kLost ? Value{life.no_decision} : Value{};
    case Field::kDue:
      return instant_or_absent(life.due);
    case Field::kFirstDue:
      return instant_or_absent(life.first_due);
    default:
      return {};
  }
}

}  // namespace

bool of_life(Kind kind, Field field) {
  switch (field) {
    case Field::kState:
    case Field::kMergedInto:
    case Field::kDeleted:
      return true;
    case Field::kPipeline:
    case Field::kStage:
    case Field::kStatus:
    case Field::kAmount:
    case Field::kProbability:
    case Field::kLostReason:
    case Field::kNoDecision:
      return kind == Kind::kDeal;
    case Field::kDue:
    case Field::kFirstDue:
      return kind == Kind::kTask;
    case Field::kOwner:
      return kind == Kind::kDeal || kind == Kind::kTask;
    default:
      return false;
  }
}

std::string_view status_name(DealStatus status) {
  static constexpr std::string_view kNames[] = {"open", "won", "lost"};
  return kNames[static_cast<std::size_t>(status)];
}

const Value* Record::find(Field field) const {
  for (const auto& r : fields) {  // sorted, a dozen
    if (r.field == field) return r.value.absent() ? nullptr : &r.value;
    if (r.field > field) break;
  }
  return nullptr;
}
const Value* Record::value(Field field, Value& scratch) const {
  if (!of_life(key.kind, field)) return find(field);
  scratch = life_value(*this, field);
  return scratch.absent() ? nullptr : &scratch;
}

std::vector<std::pair<Field, Value>> current_values(const Record& record) {
  std::vector<std::pair<Field, Value>> out;
  for (const auto& r : record.fields) {
    if (!r.value.absent()) out.emplace_back(r.field, r.value);
  }
  for (const auto field : kLifeFields) {
    if (!of_life(record.key.kind, field)) continue;
    if (auto value = life_value(record, field); !value.absent()) {
      out.emplace_back(field, std::move(value));
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

const Value* Record::find_custom(std::string_view name) const { return find_named(custom, name); }
const Value* Record::find_extra(std::string_view name) const { return find_named(extra, name); }

void give_value(Record& record, Field field, const Value& value) {
  auto& life = record.life;
  const auto text = std::string{value.text_or_empty()};
  life.opened = true;
  if (!of_life(record.key.kind, field)) {
    const auto at = std::lower_bound(record.fields.begin(), record.fields.end(), field,
                                     [](const Register& r, Field f) { return r.field < f; });
    record.fields.insert(at, {field, value, {}});
  } else if (field == Field::kDeleted) {
    life.deleted = value.as_bool() != nullptr && *value.as_bool();
  } else if (field == Field::kState) {
    life.state = text;
  } else if (field == Field::kPipeline) {
    life.pipeline = text;
  } else if (field == Field::kStage) {
    life.stage = text;
  } else if (field == Field::kOwner) {
    life.owner = text;
  } else if (field == Field::kLostReason) {
    life.lost_reason = text;
  } else if (field == Field::kStatus) {
    const auto is = [&](DealStatus status) { return status_name(status) == text; };
    life.meaning.category = is(DealStatus::kWon)    ? DealStatus::kWon
                            : is(DealStatus::kLost) ? DealStatus::kLost
                                                    : DealStatus::kOpen;
  } else if (const auto* flag = value.as_bool(); flag != nullptr && field == Field::kNoDecision) {
    life.no_decision = *flag;
  } else if (const auto* money = value.as_money()) {
    life.amount = *money;
  } else if (const auto* number = value.as_int()) {
    life.probability_bp = static_cast<std::int32_t>(std::clamp<std::int64_t>(*number, 0, 10'000));
  } else if (const auto* at = value.as_instant()) {
    (field == Field::kDue ? life.due : life.first_due) = *at;
  }
}

std::uint32_t Record::count(TypeId type) const {
  for (const auto& [t, n] : counts) {
    if (t == type) return n;
  }
  return 0;
}

}  // namespace dealwright
