// A parsed template. Inside liquid/, and for those that check what templates ask for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rules/liquid/datum.h"
#include "rules/liquid/escape.h"

namespace dealwright::rules::liquid {

struct Filter;
struct Operand;

struct Segment {  // .name, ["name"] or [expression]
  std::string name;
  std::shared_ptr<const Operand> computed;
};
struct Lookup {
  std::string text;      // as written
  std::string root;      // first name; "" if it is computed
  std::size_t path = 0;  // in Template::paths, if it is not
  std::shared_ptr<const Operand> computed_root;
  std::vector<Segment> segments;
  std::size_t names = 0;  // of the segments: those that the path holds already
};
struct RangeOf {
  std::shared_ptr<const Operand> from;
  std::shared_ptr<const Operand> to;
};
struct Operand {
  std::variant<Datum, Lookup, RangeOf> what;
  std::size_t offset = 0;
  const Lookup* lookup() const { return std::get_if<Lookup>(&what); }
};
struct FilterCall {
  const Filter* filter = nullptr;
  std::vector<Operand> arguments;
  std::optional<Operand> allow_false;
  std::size_t offset = 0;
};
struct Chain {  // a value and its filters
  Operand operand;
  std::vector<FilterCall> filters;
};

enum class Compare : std::uint8_t {
  kTruth,  // of the left side alone
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kContains
};
struct Test {
  Operand left;
  Compare compare = Compare::kTruth;
  Operand right;
  bool and_next = false;  // how the test behind it is joined; the joins bind from the right
};
using Condition = std::vector<Test>;

struct Node;
struct Body {
  std::vector<Node> nodes;
  bool blank = true;  // prints nothing but white space: then not even that
};

struct Text {
  std::string text;
};
struct Output {
  Chain chain;
  Spot spot = Spot::kPlain;
};
struct Assign {
  std::string name;
  Chain chain;
};
struct Capture {
  std::string name;
  Body body;
  bool markup = false;
};
struct Branch {
  Condition condition;  // empty: else
  Body body;
};
struct If {
  bool unless = false;  // the first condition is turned
  std::vector<Branch> branches;
};
struct When {
  std::vector<Operand> values;  // empty: else
  Body body;
};
struct Case {
  Operand subject;
  std::vector<When> whens;
};
struct For {
  std::string variable;
  std::string name;  // of forloop, and of `offset: continue`
  Operand over;
  std::optional<Operand> limit;
  std::optional<Operand> offset;
  bool goes_on = false;  // offset: continue
  bool reversed = false;
  Body body;
  Body otherwise;
};
struct Jump {
  bool breaks = true;  // else it continues
};
struct Render {
  std::string name;
  std::string variable;  // of `with` and `for`
  std::optional<Operand> with;
  bool each = false;  // `for`
  std::vector<std::pair<std::string, Operand>> arguments;
};
struct Node {
  std::variant<Text, Output, Assign, Capture, If, Case, For, Jump, Render> what;
  std::size_t offset = 0;
};

}  // namespace dealwright::rules::liquid
