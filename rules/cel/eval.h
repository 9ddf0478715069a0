// Evaluation: a walk over the checked tree. Errors are values; && and || forgive an error on either
// side if the other decides. Pure: the same resolver, the same value.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/ast.h"

namespace dealwright::rules::cel {

inline constexpr std::uint32_t kCostMax = 100'000;

// Where paths get their values, and functions their meaning beyond the language's own.
class Resolver {
 public:
  virtual ~Resolver() = default;
  // A path of the scope, by the slot the checker gave it. kAbsent if it has no value.
  virtual Value get(int slot) = 0;
  // A function that the language does not have; receiver first if it is a member. kNoSuchOverload.
  virtual Value call(std::string_view name, const std::vector<Value>& args) {
    static_cast<void>(args);
    return Value::fault(Fault::kNoSuchOverload, "no function " + std::string{name});
  }
  // What a named zone's clocks showed beside UTC; none: no such zone here. Fixed offsets never ask.
  virtual std::optional<std::int32_t> zone_offset_s(std::string_view zone, Instant at) {
    static_cast<void>(zone), static_cast<void>(at);
    return std::nullopt;
  }
};

// One evaluation's limits, and who watches.
struct Evaluation {
  Resolver& resolver;
  std::uint32_t cost = 0;
  // Told every path that was read, with its value: what explanations and fires show.
  std::function<void(const Node&, const Value&)> watch = {};
  // Told every term that was evaluated, operands first; literals are not told.
  std::function<void(const Node&, const Value&)> terms = {};
};

Value evaluate(const Node& node, Evaluation& evaluation);

// The language's own functions and operators on values; used by evaluate and for constants.
Value call_function(std::string_view name, const std::vector<Value>& args);
Value call_member(std::string_view name, const std::vector<Value>& args);
bool is_function(std::string_view name);
bool is_member(std::string_view name);

}  // namespace dealwright::rules::cel
