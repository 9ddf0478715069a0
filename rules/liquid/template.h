// Liquid in titles and notices: text with `{{ path | filter: argument }}`. Output only; the values
// of paths come from the caller, a missing one prints "(none)". Values are never parsed as
// templates.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/value.h"
#include "rules/time/zone.h"

namespace dealwright::rules::liquid {

inline constexpr std::size_t kTextBytesMax = 64 * 1024;  // of one rendered text

// "text", 12, 1.5 or a path to ask the caller for.
struct Operand {
  std::optional<Value> literal;
  std::size_t path = 0;  // index into Template::paths
};
struct FilterCall {
  std::size_t filter = 0;  // index into the table of filters
  std::vector<Operand> arguments;
};
struct Output {
  Operand operand;
  std::vector<FilterCall> filters;
};
struct Part {
  std::string text;  // printed before the output
  std::optional<Output> output;
};
struct Path {
  std::string text;        // deal.owner.name
  std::size_t offset = 0;  // in the template's text
};
struct Template {
  std::vector<Part> parts;
  std::vector<Path> paths;
};

struct ParseError {
  std::size_t offset = 0;
  std::string message;
  std::string hint;
};
// The template, or what is wrong with it and where.
std::optional<ParseError> parse(std::string_view text, Template& out);

// What filters may ask beside the value.
struct Context {
  const Zone* zone = nullptr;  // the workspace's: local_date, local_time
  Instant now;
};
using Values = std::function<Value(std::size_t path)>;
// Deterministic; cut at kTextBytesMax.
std::string render(const Template& text, const Values& values, const Context& context);

// Inside liquid/: the table of filters.
struct Filter {
  std::string_view name;
  std::size_t arguments_min;
  std::size_t arguments_max;
  Value (*apply)(const Value& value, const std::vector<Value>& arguments, const Context& context);
};
const std::vector<Filter>& filters();
// As Liquid prints it: money "2500.50 EUR", absent "".
std::string print(const Value& value);

}  // namespace dealwright::rules::liquid
