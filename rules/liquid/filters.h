// The filters of templates. Inside liquid/.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "rules/liquid/datum.h"
#include "rules/liquid/template.h"

namespace dealwright::rules::liquid {

// What is left of one rendering's operations: a step costs one, a text one more for each
// kBytesAnOperation, a list one for each element.
struct Budget {
  std::size_t left = kOperationsMax;
  bool spend(std::size_t n) {
    const bool enough = n <= left;
    left = enough ? left - n : 0;
    return enough;
  }
};
inline constexpr std::size_t kBytesAnOperation = 256;

struct Call {
  const Datum& value;
  std::span<const Datum> arguments;
  bool allow_false;  // of `default`
  bool html;         // what it gives will stand in HTML
  const Context& context;
  Budget& budget;
};
struct Filter {
  std::string_view name;
  std::size_t arguments_min;
  std::size_t arguments_max;
  Result<Datum> (*apply)(const Call& call);  // kInvalid: what is wrong with value or arguments
};
const Filter* find_filter(std::string_view name);
std::vector<std::string_view> filter_names();

// The tables by what they are about.
std::span<const Filter> text_filters();    // texts.cc
std::span<const Filter> code_filters();    // codes.cc: HTML, URLs, base64
std::span<const Filter> number_filters();  // numbers.cc
std::span<const Filter> list_filters();    // lists.cc
std::span<const Filter> time_filters();    // times.cc

// ---- what they share
// The text as a value; kInvalid if it is longer than a template may make any.
Result<Datum> checked(std::string text);
Result<Datum> checked(Items items, const Call& call);
std::string_view to_text(const Datum& d, std::string& scratch);  // as printed
std::size_t code_points(std::string_view text);
// Where the code point number `count` of the text begins; its end if it has no more.
std::size_t point_at(std::string_view text, std::size_t count);

}  // namespace dealwright::rules::liquid
