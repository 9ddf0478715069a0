// From the text of a row to a value of the type that a field asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/import/template.h"
#include "connectors/import/zone.h"
#include "engine/base/value.h"
#include "engine/domain/vocabulary.h"

namespace dealwright::import {

// How texts of a file are written; a value may say otherwise.
struct Notation {
  std::string dates;  // format of times and dates; empty: ISO 8601
  char decimal = '.';
  Template currency;       // of money without one
  std::int64_t scale = 1;  // money: 1000 for a column in thousands
  bool minor = false;      // money: in minor units already
};

struct Conversion {
  Template from;
  FieldType as = FieldType::kText;
  Notation notation;
  std::vector<std::pair<std::string, std::string>> recode;  // texts for texts, before converting
  std::optional<std::string> otherwise;                     // for a text that recode lacks
  std::string split;                                        // of a list of texts: its separator
};

// A value of event data: a constant, one text of the row, or maps and lists of such.
struct ValueSpec {
  enum class Kind : std::uint8_t { kConstant, kConversion, kMap, kList };
  Kind kind = Kind::kConstant;
  Value constant;
  Conversion conversion;
  std::vector<ValueSpec> members;
  std::vector<std::string> names;  // of a map's members
  // True if no row can make it fail: plain text.
  bool infallible() const;
};

// What did not fit, and in which column (of the mapping's names; none: several).
struct Misfit {
  std::string code;  // bad_money, bad_time, bad_data
  std::string text;
  std::optional<std::uint32_t> column;
};

// What evaluating needs of the mapping; `scratch` saves allocations.
struct Evaluation {
  const Scope& scope;
  const Zone& zone;
  std::string& scratch;
  Misfit& misfit;
};

// False: `misfit` says why. Absent if the text is empty; a map or list loses absent members, and is
// absent if none is left. `field` (if any) has the last word on type, reference and set of values.
bool evaluate(const ValueSpec& spec, const FieldSpec* field, const Evaluation& with, Value& out);

// "1234.5" with the decimal sign of `notation`, groups of ' or blank or the other sign allowed.
Result<Money> read_amount(std::string_view text, std::string_view currency,
                          const Notation& notation);

}  // namespace dealwright::import
