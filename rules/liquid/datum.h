// What templates compute with: values of ours, and what only a template can make (ranges, lists of
// such, maps in a given order, markup that is escaped already).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/value.h"

namespace dealwright::rules::liquid {

class Datum;
using Items = std::vector<Datum>;
using Members = std::vector<std::pair<std::string, Datum>>;  // in the order they were given

enum class Special : std::uint8_t { kEmpty, kBlank };  // the words `empty` and `blank`
struct Range {
  std::int64_t from = 0;
  std::int64_t to = 0;  // included; below `from`: nothing
};
struct Markup {  // HTML that stands as it is
  std::string html;
};
struct Loop {  // `forloop`
  std::string name;
  std::size_t length = 0;
  std::size_t index0 = 0;
  std::shared_ptr<const Loop> parent;
};

class Datum {
 public:
  using Variant = std::variant<Value, Special, Range, Markup, std::shared_ptr<const Items>,
                               std::shared_ptr<const Members>, std::shared_ptr<const Loop>>;
  Datum() = default;  // no value
  Datum(Value v) : data_{std::move(v)} {}
  Datum(Special v) : data_{v} {}
  Datum(Range v) : data_{v} {}
  Datum(Markup v) : data_{std::move(v)} {}
  Datum(Items v) : data_{std::make_shared<const Items>(std::move(v))} {}
  Datum(Members v) : data_{std::make_shared<const Members>(std::move(v))} {}
  Datum(std::shared_ptr<const Loop> v) : data_{std::move(v)} {}

  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  const Value* value() const { return get<Value>(); }
  const Variant& variant() const { return data_; }
  bool absent() const {  // or null: Liquid knows one nil
    const auto* v = value();
    return v != nullptr && (v->absent() || v->null());
  }

 private:
  Variant data_;
};

bool truthy(const Datum& d);  // all but nil and false
// As Liquid prints it: money "2500.50 EUR", nil "", a list its elements one behind the other.
std::string print(const Datum& d);
std::string print(const Value& value);
bool equal(const Datum& a, const Datum& b);
// Below 0, 0, above 0; none: they have no order (a text and a number).
std::optional<int> compare(const Datum& a, const Datum& b);
bool contains(const Datum& whole, const Datum& part);

// `d.name` and `d[key]`; nil if there is none. Lists and maps know size, first and last.
Datum member(const Datum& d, std::string_view name);
Datum at(const Datum& d, const Datum& key);

// What a loop goes through: elements of lists and ranges, pairs of maps; a text is one element.
std::size_t count(const Datum& d);
Datum element(const Datum& d, std::size_t index);  // REQUIRES: index < count(d)
bool is_list(const Datum& d);                      // or a range
bool is_map(const Datum& d);
const std::string* text_of(const Datum& d);  // of a text value
// What filters on lists go through: nested lists laid flat, anything else a list of one, nil none.
// None: more than `most`.
std::optional<Items> flatten(const Datum& d, std::size_t most);

struct Number {
  bool whole = true;
  std::int64_t integer = 0;
  double real = 0;
  double as_real() const { return whole ? static_cast<double>(integer) : real; }
};
// As Liquid reads them: texts by their leading digits, what is no number as 0.
Number to_number(const Datum& d);
std::optional<std::int64_t> to_integer(const Datum& d);  // whole numbers and texts of such only
Datum to_datum(const Number& n);

}  // namespace dealwright::rules::liquid
