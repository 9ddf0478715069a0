// Types and names, found at load: an expression that passes reads only what exists and mixes no
// types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/cel/ast.h"

namespace dealwright::rules::cel {

enum class TypeKind : std::uint8_t {
  kDyn,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kMoney,
  kDate,
  kTimestamp,
  kDuration,
  kType,
  kList,
  kMap,
  kOptional,
  kRecord
};

struct Type {
  TypeKind kind = TypeKind::kDyn;
  std::vector<Type> of;                  // element; key and value; what an optional holds
  std::string name;                      // of kRecord: its kind
  std::vector<std::string_view> values;  // of kString: the set it is one of, if it is an enum
  static Type list(Type element) { return {TypeKind::kList, {std::move(element)}, {}, {}}; }
  static Type optional(Type held) { return {TypeKind::kOptional, {std::move(held)}, {}, {}}; }
};
std::string to_text(const Type& type);

// What a scope knows of a path.
struct Binding {
  int slot = -1;         // what Resolver::get is asked for
  std::size_t used = 0;  // words the path took; the rest are selects into its value
  Type type;
  bool maybe_absent = false;
};

// What is at hand where an expression stands.
class Scope {
 public:
  virtual ~Scope() = default;
  // Words of a dotted path, the variable first. A Problem: its code, message and hint.
  virtual std::variant<Binding, Problem> path(const std::vector<std::string>& words) = 0;
  // The result of a function beyond the language's own; none: there is no such function.
  virtual std::optional<Type> function(std::string_view name, bool member,
                                       const std::vector<Type>& args) {
    static_cast<void>(name), static_cast<void>(member), static_cast<void>(args);
    return std::nullopt;
  }
};

struct Checked {
  Type type;
  std::vector<Problem> problems;  // notes too
  std::vector<int> slots;         // of all paths, in order of first use
  bool failed() const;
};

struct CheckOptions {
  bool absent_is_note = true;  // DW2005: in `when` a note, elsewhere an error
};

// Resolves paths in place (kPath nodes), adapts int literals to doubles, reports what is wrong.
Checked check(Node& root, Scope& scope, const CheckOptions& options = {});

// The conjunctions of a condition: the operands of its outermost &&, left to right.
std::vector<const Node*> conjuncts(const Node& root);
// A comparison of one path with constants: what an index can answer.
struct Atom {
  int slot = -1;
  std::vector<Value> values;  // equal to one of them
};
// `path == constant`, `constant == path`, `path in [constants]`, a bool path, `!path`; none:
// another shape.
std::optional<Atom> equality(const Node& node);

}  // namespace dealwright::rules::cel
