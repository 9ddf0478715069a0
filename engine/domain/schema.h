// What ops declare beside our own vocabulary: fields of their own per kind of record, and purposes
// of consent. One schema is in force in a workspace; each version takes the place of the last, and
// a fact is read by the one in force when it comes in.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/domain/event.h"
#include "engine/domain/record.h"

namespace dealwright {

inline constexpr std::size_t kCustomFieldsMax = 500;  // of one kind
inline constexpr std::size_t kEnumValuesMax = 200;
inline constexpr int kDecimalDigitsMax = 18;

// `spec` looks into `name` and `values`: movable only with the list that holds it.
struct CustomField {
  std::string name;
  std::vector<std::string> values;  // of an enum
  FieldSpec spec;
  bool dimension = false;  // views may be grouped by it
};

enum class PurposeClass : std::uint8_t { kMarketing, kService };
struct Purpose {
  std::string name;
  PurposeClass of = PurposeClass::kMarketing;  // marketing needs a granted consent, service none
};

// Immutable once read.
class Schema {
 public:
  Schema() = default;
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  Sha256 id{};       // of the data it was read from
  std::string text;  // of the file
  const CustomField* find(Kind kind, std::string_view name) const;
  const std::vector<CustomField>& fields(Kind kind) const {  // sorted by name
    return by_kind_[static_cast<std::size_t>(kind)];
  }
  const std::vector<Purpose>& purposes() const { return purposes_; }  // none: any will do
  const Purpose* purpose(std::string_view name) const;

 private:
  friend Result<std::shared_ptr<const Schema>> read_schema(const Fields& data);
  std::array<std::vector<CustomField>, kKinds> by_kind_;
  std::vector<Purpose> purposes_;  // sorted by name
};
using SchemaPtr = std::shared_ptr<const Schema>;

// Reads a schema.updated's data: fields {deal: {tier: {type: enum, values: [...], required, pii,
// dimension}}}, purposes {newsletter: marketing}. kInvalid: what is wrong.
Result<SchemaPtr> read_schema(const Fields& data);
// "int", "decimal(2)", "ref(user)": sets type, digits and ref. kInvalid names those there are.
Result<void> read_custom_type(std::string_view text, FieldSpec& spec);
std::string custom_type_text(const FieldSpec& spec);
// Types without an argument, and `decimal(2)`, `ref(user)`: for hints.
std::string custom_types();
// [A-Za-z_][A-Za-z0-9_]{0,63} and no word of CEL's: it has to stand in a path.
bool is_custom_name(std::string_view name);
// Whether records of that kind come with `custom`.
bool has_custom(Kind kind);

// The versions that were ever in force.
class Schemas {
 public:
  // In force for the fact of that order; none: nothing was declared yet.
  const Schema* at(std::uint64_t order) const;
  const Schema* current() const { return versions_.empty() ? nullptr : &*versions_.back().second; }
  SchemaPtr share_current() const { return versions_.empty() ? nullptr : versions_.back().second; }
  // As it was declared last; none: never.
  const CustomField* ever(Kind kind, std::string_view name) const;
  void put(SchemaPtr schema, std::uint64_t order);
  std::size_t revision() const { return versions_.size(); }  // dense, from 1
  Sha256 id() const { return versions_.empty() ? Sha256{} : versions_.back().second->id; }
  const std::vector<std::pair<std::uint64_t, SchemaPtr>>& versions() const { return versions_; }

 private:
  std::vector<std::pair<std::uint64_t, SchemaPtr>> versions_;  // by order
};

// What a version would take back: a field that was ever declared keeps its type (a decimal its
// digits, or more), an enum its values; else rules and records would mean something else.
struct SchemaConflict {
  Kind kind = Kind::kForeign;
  std::string field;
  std::string what;  // "was int, is text"
};
std::vector<SchemaConflict> conflicts(const Schemas& before, const Schema& next);

// A custom value as the schema has it, else why it goes to `extra`.
struct CustomFault {
  std::string field;
  std::string detail;
};
// What the flag `bad_custom_value` of a fact is about: values that are not of their type.
// `schema`: in force for it, or none.
std::vector<CustomFault> custom_faults(const Event& event, const Schema* schema);
// The same of a record as it stands: a newer value that went to `extra`, a required one missing.
std::vector<CustomFault> custom_faults(const Record& record, const Schema* schema);

}  // namespace dealwright
