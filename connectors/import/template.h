// Texts with references to a row: `deal/{Id}`, `{concept:name|lower}`.
//
//   text      = (literal | reference)*     `{{` and `}}` are braces themselves
//   reference = `{` (column | `@case` | `@row` | `@n` | `@` records) [`|` filter] `}`
//   filter    = lower | upper | slug
//
// A reference to an empty column makes the whole text empty: half an id is none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dealwright::import {

struct Template {
  enum class Kind : std::uint8_t { kLiteral, kColumn, kCase, kRow, kNumber, kRecord };
  enum class Filter : std::uint8_t { kNone, kLower, kUpper, kSlug };
  struct Part {
    Kind kind = Kind::kLiteral;
    Filter filter = Filter::kNone;
    std::uint32_t index = 0;  // of the mapping's columns or records
    std::string literal;
  };
  std::vector<Part> parts;
  bool empty() const { return parts.empty(); }
  bool constant() const {
    return parts.empty() || (parts.size() == 1 && parts[0].kind == Kind::kLiteral);
  }
  bool lone_column() const {
    return parts.size() == 1 && parts[0].kind == Kind::kColumn && parts[0].filter == Filter::kNone;
  }
};

// Where references find their names; new columns are added.
struct Names {
  std::vector<std::string> columns;
  std::vector<std::string> records;
};

// Empty: parsed. Else what is wrong.
std::string parse_template(std::string_view text, Names& names, Template& out);

// What a text is rendered with. Views stay valid while the row does.
struct Scope {
  std::vector<std::string_view> cells;  // by the mapping's columns; empty: no value
  std::string_view case_id;
  std::uint64_t row = 0;
  std::uint64_t number = 0;             // @n
  std::vector<std::string> record_ids;  // by the mapping's records, of the emit at hand
};

// Empty if a reference is. `out` is overwritten.
void render(const Template& text, const Scope& scope, std::string& out);

}  // namespace dealwright::import
