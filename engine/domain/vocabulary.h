// The words of the sales process: kinds of records, fields, event types. One table each; forms,
// codecs, rules, documents and tests read the same rows. Numbers are in released bytes: never
// change or reuse one, append behind the last.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dealwright {

enum class Kind : std::uint8_t {
  kForeign = 0,  // a subject whose prefix is none of ours: the id holds the whole text
  kAccount = 1,
  kContact = 2,
  kLead = 3,
  kDeal = 4,
  kOffer = 5,
  kContract = 6,
  kTask = 7,
  kTicket = 8,
  kSurvey = 9,
  kProduct = 10,
  kUser = 11,
  kTeam = 12,
  kTarget = 13,
  kPipeline = 14,
  kCalendar = 15,
  kRule = 16,
  kImport = 17,
  kFx = 18,
  kWorkspace = 19,
  kEvent = 20,  // a log record of `events`: what operators' acts are about
  kTemplate = 21,
};
inline constexpr std::size_t kKinds = 22;

std::string_view kind_name(Kind kind);  // "deal"; kForeign: ""
std::optional<Kind> kind_of(std::string_view name);

// A field of records or of event data, by its name; one number per name, whatever the kind.
enum class Field : std::uint16_t {
  kNone = 0,
#define DW_FIELD(number, constant, name) constant = number,
#include "engine/domain/fields.def"
#undef DW_FIELD
};
std::string_view field_name(Field field);
std::optional<Field> field_of(std::string_view name);

enum class FieldType : std::uint8_t {
  kText,
  kInt,
  kBool,
  kMoney,
  kInstant,
  kDate,
  kZone,
  kDecimal,  // text with a checked form
  kRef,      // id of a record of `ref`
  kEnum,     // one of `values`
  kTexts,
  kRefs,
  kJson,  // free: a map or a list
};
std::string_view field_type_name(FieldType type);

struct FieldSpec {
  Field field = Field::kNone;
  FieldType type = FieldType::kText;
  Kind ref = Kind::kForeign;                  // of kRef, kRefs
  std::vector<std::string_view> values = {};  // of kEnum
  bool required = false;
  bool personal = false;         // sealed under the person's key once sealing is there
  std::int8_t digits = -1;       // of kDecimal: behind the point, padded; -1: as it came
  std::string_view custom = {};  // its name, of a field that ops declare (schema.h)
};
std::string_view name_of(const FieldSpec& spec);

struct KindSpec {
  Kind kind = Kind::kForeign;
  std::vector<FieldSpec> fields;  // own ones, then owner, team
  const FieldSpec* find(Field field) const;
};
const KindSpec& spec_of(Kind kind);

// An event type by number; kForeignType: its name stands in the event.
enum class TypeId : std::uint16_t {
  kForeignType = 0,
#define DW_EVENT(number, constant, name, subjects, group, data) constant = number,
#include "engine/domain/events.def"
#undef DW_EVENT
};

enum class EventGroup : std::uint8_t {
  kFact,       // from outside, about a record
  kActivity,   // the same, and a sign of activity by people
  kReference,  // pipelines, users, rules ...: in force in every partition
  kOwn,        // appended by the engine only: reserved_type from anyone else
};

struct EventSpec {
  TypeId type = TypeId::kForeignType;
  std::string_view name;
  std::uint32_t subjects = 0;  // bit per Kind; all bits: any
  EventGroup group = EventGroup::kFact;
  std::vector<FieldSpec> data;
  bool allows(Kind kind) const { return (subjects >> static_cast<unsigned>(kind)) & 1U; }
  const FieldSpec* find(Field field) const;
};
const EventSpec& spec_of(TypeId type);  // REQUIRES: not kForeignType
const EventSpec* event_spec(std::string_view name);
std::span<const EventSpec> all_event_specs();  // by number

// The known name nearest to `word`, or empty: for hints.
std::string_view nearest_event_type(std::string_view word);
std::string_view nearest_field(std::string_view word, std::span<const FieldSpec> among);
// Levenshtein distance, for the two above and the rule checker.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace dealwright
