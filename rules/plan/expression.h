// A compiled expression: checked CEL over the paths of a scope. The one place that joins the
// condition language to records and events.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/changes.h"
#include "rules/cel/check.h"
#include "rules/plan/reader.h"
#include "rules/yaml/tree.h"

namespace dealwright::rules {

// What an expression came to: a value, or why there is none.
struct Outcome {
  Value value;
  bool failed = false;
  bool absent = false;  // failed, as something read has no value: no fault of the rule
  std::string code;     // absent, overflow, currency_mismatch ...
  std::string detail;
  bool is_true() const { return !failed && value.as_bool() != nullptr && *value.as_bool(); }
};

// Functions beyond the language's own need a calendar, those of clock times a zone.
class CalendarSource {
 public:
  virtual ~CalendarSource() = default;
  virtual const class Calendar& calendar(Reader& reader) = 0;
  // Null: no such zone. It lives until the next call.
  virtual const Zone* named_zone(std::string_view name) = 0;
};

// A comparison of one path with a constant that can be answered without the tree.
enum class Compare : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn
};
enum class Truth : std::uint8_t { kTrue, kFalse, kAbsent, kUnknown };  // unknown: ask the tree
struct Atom {
  std::size_t path = 0;  // of the expression
  Compare compare = Compare::kEqual;
  std::vector<Value> values;  // one, or those of `in`
};
Truth decide(const Atom& atom, const Value* value);

class Expression {
 public:
  enum class Want : std::uint8_t { kAny, kBool, kRecord, kInstant };
  // What reading a value that may be absent is: a guess (2005), worth a note, or provided for.
  enum class Absent : std::uint8_t { kError, kNote, kFine };

  // Reports what is wrong (none then).
  static std::optional<Expression> compile(const yaml::Node& node, std::string_view source,
                                           const ScopeSpec& scope, Want want, Absent absent,
                                           Diagnostics& out);
  // The same for a text inside a scalar: `= expr` values, paths of templates. `offset`: where it
  // begins in node.text.
  static std::optional<Expression> compile_part(const yaml::Node& node, std::string_view text,
                                                std::size_t offset, std::string_view source,
                                                const ScopeSpec& scope, Want want, Absent absent,
                                                Diagnostics& out);

  const std::vector<PathSpec>& paths() const { return paths_; }
  const std::string& text() const { return text_; }
  cel::TypeKind type() const { return type_; }
  // The expression is one path and nothing else.
  const PathSpec* as_path() const;

  Outcome evaluate(Reader& reader, CalendarSource& calendars) const;
  // As evaluate, the value's truth; what is not a boolean is a failure.
  Outcome test(Reader& reader, CalendarSource& calendars) const;
  // The values of the paths it reads, as they are now.
  void used(Reader& reader, std::vector<UsedValue>& out) const;

  // The comparisons with constants among the operands of its outermost &&, and whether they are
  // all.
  const std::vector<Atom>& atoms() const { return atoms_; }
  bool only_atoms() const { return only_atoms_; }

 private:
  void find_atoms();
  std::string text_;
  std::shared_ptr<const cel::Node> root_;
  std::vector<PathSpec> paths_;
  cel::TypeKind type_ = cel::TypeKind::kDyn;
  std::vector<Atom> atoms_;
  bool only_atoms_ = false;
};

}  // namespace dealwright::rules
