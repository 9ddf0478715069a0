#include "rules/cel/eval.h"

#include <algorithm>
#include <array>

#include "rules/cel/builtins.h"

namespace dealwright::rules::cel {
namespace {

// Variables that macros bind, innermost last.
struct Frame {
  Evaluation& evaluation;
  std::vector<std::pair<std::string_view, Value>> bound;
};

Value run(const Node& node, Frame& frame);

Value logic(const Node& node, Frame& frame, bool deciding) {
  auto left = run(*node.args[0], frame);
  const auto* l = left.as_bool();
  if (l != nullptr && *l == deciding) return left;
  auto right = run(*node.args[1], frame);
  const auto* r = right.as_bool();
  if (r != nullptr && *r == deciding) return right;
  if (left.failed()) return left;
  if (right.failed()) return right;
  if (l == nullptr || r == nullptr) return no_overload(node.name);
  return Value{!deciding};
}

Value ternary(const Node& node, Frame& frame) {
  auto condition = run(*node.args[0], frame);
  if (condition.failed()) return condition;
  const auto* v = condition.as_bool();
  if (v == nullptr) return no_overload("_?_:_");
  return run(*node.args[*v ? 1 : 2], frame);
}

Value money_part(const Money& money, const std::string& name) {
  if (name == "currency") return Value{std::string{money.currency.text()}};
  if (name == "minor") return Value{money.minor};
  return no_overload("." + name);
}

// field of a map, of an optional map; test: has().
Value field_of(const Value& of, const std::string& name, bool test) {
  if (of.failed()) return of;
  if (const auto* optional = of.get<Optional>()) {
    if (optional->value == nullptr) return of;
    auto inner = field_of(*optional->value, name, false);
    if (inner.failed())
      return inner.error()->fault == Fault::kNoSuchKey || inner.error()->fault == Fault::kAbsent
                 ? Value{Optional{}}
                 : inner;
    return Value{Optional{std::make_shared<const Value>(std::move(inner))}};
  }
  if (const auto* money = of.get<Money>(); money != nullptr && !test)
    return money_part(*money, name);
  const auto* map = of.as_map();
  if (map == nullptr) return no_overload("." + name);
  for (const auto& [key, value] : *map) {
    const auto* text = key.as_text();
    if (text != nullptr && *text == name) return test ? Value{true} : value;
  }
  return test ? Value{false} : Value::fault(Fault::kNoSuchKey, "no such key: " + name);
}

Value index_of(const Value& of, const Value& key) {
  if (of.failed()) return of;
  if (key.failed()) return key;
  if (const auto* optional = of.get<Optional>()) {
    if (optional->value == nullptr) return of;
    auto inner = index_of(*optional->value, key);
    if (inner.failed()) return Value{Optional{}};
    return Value{Optional{std::make_shared<const Value>(std::move(inner))}};
  }
  if (const auto* list = of.as_list()) {
    std::int64_t at = -1;
    if (const auto* i = key.get<std::int64_t>()) {
      at = *i;
    } else if (const auto* u = key.get<std::uint64_t>()) {
      at = static_cast<std::int64_t>(std::min<std::uint64_t>(*u, list->size()));
    } else if (const auto* d = key.get<double>()) {
      const bool whole = *d >= 0 && *d <= 1e9 &&  // not so for NaN
                         static_cast<double>(static_cast<std::int64_t>(*d)) == *d;
      if (!whole) {
        return Value::fault(Fault::kInvalidArgument, "an index is a whole number");
      }
      at = static_cast<std::int64_t>(*d);
    } else {
      return no_overload("_[_]");
    }
    if (at < 0 || static_cast<std::size_t>(at) >= list->size()) {
      return Value::fault(Fault::kInvalidArgument,
                          "index " + std::to_string(at) + " out of bounds");
    }
    return (*list)[static_cast<std::size_t>(at)];
  }
  const auto* map = of.as_map();
  if (map == nullptr) return no_overload("_[_]");
  for (const auto& [k, value] : *map) {
    if (equal(k, key)) return value;
  }
  return Value::fault(Fault::kNoSuchKey, "no such key");
}

// A missing field or key turns into none; every other fault stays.
Value optionally(Value value) {
  if (const auto* error = value.error()) {
    const bool missing = error->fault == Fault::kAbsent || error->fault == Fault::kNoSuchKey ||
                         error->fault == Fault::kInvalidArgument;
    return missing ? Value{Optional{}} : value;
  }
  if (value.get<Optional>() != nullptr) return value;
  return Value{Optional{std::make_shared<const Value>(std::move(value))}};
}

struct MacroState {
  List list;
  int hits = 0;
  Value failed{Null{}};
  bool any_failed = false;
};

// One element; true: the answer is known.
bool macro_step(const Node& node, Frame& frame, const Value& element, MacroState& state,
                Value& answer) {
  auto value = run(*node.args[1], frame);
  const auto* v = value.as_bool();
  if (node.name == "map" && node.args.size() == 2) {
    if (value.failed()) {
      answer = std::move(value);
      return true;
    }
    state.list.push_back(std::move(value));
    return false;
  }
  if (value.failed() || v == nullptr) {
    if (!value.failed()) value = no_overload(node.name);
    if (node.name == "all" || node.name == "exists") {
      if (!state.any_failed) state.failed = std::move(value);
      state.any_failed = true;
      return false;
    }
    answer = std::move(value);
    return true;
  }
  if (node.name == "all" && !*v) {
    answer = Value{false};
    return true;
  }
  if (node.name == "exists" && *v) {
    answer = Value{true};
    return true;
  }
  if (*v) ++state.hits;
  if (*v && node.name == "filter") state.list.push_back(element);
  if (*v && node.name == "map") {
    auto mapped = run(*node.args[2], frame);
    if (mapped.failed()) {
      answer = std::move(mapped);
      return true;
    }
    state.list.push_back(std::move(mapped));
  }
  return false;
}

Value macro(const Node& node, Frame& frame) {
  auto range = run(*node.args[0], frame);
  if (range.failed()) return range;
  List elements;
  if (const auto* list = range.as_list()) {
    elements = *list;
  } else if (const auto* map = range.as_map()) {
    for (const auto& entry : *map) elements.push_back(entry.first);
  } else {
    return no_overload(node.name);
  }
  MacroState state;
  Value answer{Null{}};
  for (const auto& element : elements) {
    frame.bound.emplace_back(node.variable, element);
    const bool known = macro_step(node, frame, element, state, answer);
    frame.bound.pop_back();
    if (known) return answer;
  }
  if (state.any_failed) return state.failed;
  if (node.name == "all") return Value{true};
  if (node.name == "exists") return Value{false};
  if (node.name == "exists_one") return Value{state.hits == 1};
  return Value::list(std::move(state.list));
}

Value make_map(const Node& node, Frame& frame) {
  Map map;
  for (std::size_t i = 0; i + 1 < node.args.size(); i += 2) {
    auto key = run(*node.args[i], frame);
    if (key.failed()) return key;
    auto value = run(*node.args[i + 1], frame);
    if (value.failed()) return value;
    for (const auto& entry : map) {
      if (equal(entry.first, key))
        return Value::fault(Fault::kInvalidArgument, "a key stands there twice");
    }
    const bool good = key.as_text() != nullptr || key.as_bool() != nullptr ||
                      key.get<std::int64_t>() != nullptr || key.get<std::uint64_t>() != nullptr;
    if (!good)
      return Value::fault(Fault::kInvalidArgument, "a key is a string, an integer or a bool");
    map.emplace_back(std::move(key), std::move(value));
  }
  return Value::map(std::move(map));
}

// What an operation on the value costs beside its node: texts and lists are not free.
std::uint32_t weight(const Value& value) {
  if (const auto* list = value.as_list()) return static_cast<std::uint32_t>(list->size());
  if (const auto* map = value.as_map()) return static_cast<std::uint32_t>(map->size());
  if (const auto* text = value.as_text()) return static_cast<std::uint32_t>(text->size() / 64);
  if (const auto* bytes = value.get<Bytes>())
    return static_cast<std::uint32_t>(bytes->bytes.size() / 64);
  return 0;
}

// The operand, a literal without a copy.
const Value& operand(const Node& node, Frame& frame, Value& scratch) {
  if (node.kind == NodeKind::kLiteral) return node.literal;
  scratch = run(node, frame);
  return scratch;
}

Value comparison(const Node& node, Frame& frame) {
  Value scratch[2];
  const auto& a = operand(*node.args[0], frame, scratch[0]);
  if (a.failed()) return a;
  const auto& b = operand(*node.args[1], frame, scratch[1]);
  if (b.failed()) return b;
  frame.evaluation.cost += std::min(weight(a), weight(b));
  switch (node.form) {
    case Form::kEqual:
      return equals(a, b, true);
    case Form::kNotEqual:
      return equals(a, b, false);
    case Form::kLess:
      return ordered(a, b, Order::kLess);
    case Form::kLessEqual:
      return ordered(a, b, Order::kLessEqual);
    case Form::kGreater:
      return ordered(a, b, Order::kGreater);
    default:
      return ordered(a, b, Order::kGreaterEqual);
  }
}

// Clock times of a named zone: the instant moved to what its clocks show, and no zone any more.
std::size_t move_to_zone(std::span<Value> args, Frame& frame) {
  const auto* at = args[0].get<Timestamp>();
  const auto* zone = args[1].as_text();
  if (at == nullptr || zone == nullptr || is_fixed_zone(*zone)) return 2;
  const auto east = frame.evaluation.resolver.zone_offset_s(*zone, to_instant(*at));
  if (!east) return 2;
  args[0] = Timestamp{at->seconds + *east, at->nanos};
  return 1;
}

Value apply(const Node& node, std::span<Value> args, Frame& frame) {
  for (const auto& arg : args) frame.evaluation.cost += weight(arg);
  if (node.pattern != nullptr && args[0].as_text() != nullptr)
    return Value{found_in(*args[0].as_text(), *node.pattern)};
  const bool member = node.kind == NodeKind::kMember;
  if (member && args.size() == 2) args = args.first(move_to_zone(args, frame));
  if (node.builtin != nullptr) return node.builtin(args);
  std::vector<Value> list{args.begin(), args.end()};
  if (member ? is_member(node.name) : is_function(node.name))
    return member ? call_member(node.name, list) : call_function(node.name, list);
  return frame.evaluation.resolver.call(node.name, list);
}

// optional.of(x), optional.none(): a namespace, not a variable.
Value optional_call(const Node& node, Frame& frame) {
  if (node.name == "none" && node.args.size() == 1) return Value{Optional{}};
  if (node.name != "of" || node.args.size() != 2) return no_overload("optional." + node.name);
  auto value = run(*node.args[1], frame);
  if (value.failed()) return value;
  return Value{Optional{std::make_shared<const Value>(std::move(value))}};
}

Value call(const Node& node, Frame& frame) {
  switch (node.form) {
    case Form::kOther:
      break;
    case Form::kAnd:
      return logic(node, frame, false);
    case Form::kOr:
      return logic(node, frame, true);
    case Form::kTernary:
      return ternary(node, frame);
    default:
      return comparison(node, frame);
  }
  if (node.kind == NodeKind::kMember && node.args[0]->kind == NodeKind::kIdent &&
      node.args[0]->name == "optional") {
    return optional_call(node, frame);
  }
  const auto count = node.args.size();
  std::array<Value, 3> few;
  std::vector<Value> many(count > few.size() ? count : 0);
  const auto args = count > few.size() ? std::span<Value>{many} : std::span{few}.first(count);
  for (std::size_t i = 0; i < count; ++i) {
    args[i] = run(*node.args[i], frame);
    if (args[i].failed()) return args[i];
  }
  return apply(node, args, frame);
}

Value path(const Node& node, Frame& frame) {
  auto value = frame.evaluation.resolver.get(node.slot);
  if (frame.evaluation.watch) frame.evaluation.watch(node, value);
  if (!node.test_only) return value;
  if (const auto* error = value.error()) {
    const bool missing = error->fault == Fault::kAbsent || error->fault == Fault::kNoSuchKey;
    return missing ? Value{false} : value;
  }
  return Value{true};
}

Value run_node(const Node& node, Frame& frame) {
  switch (node.kind) {
    case NodeKind::kLiteral:
      frame.evaluation.cost += weight(node.literal);
      return node.literal;
    case NodeKind::kIdent:
      for (auto it = frame.bound.rbegin(); it != frame.bound.rend() && !node.rooted; ++it) {
        if (it->first == node.name) return it->second;
      }
      return Value::fault(Fault::kNoSuchField, "no variable " + node.name);
    case NodeKind::kPath:
      return path(node, frame);
    case NodeKind::kSelect:
      return field_of(run(*node.args[0], frame), node.name, node.test_only);
    case NodeKind::kOptSelect: {
      auto of = run(*node.args[0], frame);
      if (node.name.empty() || of.failed()) return optionally(std::move(of));
      return optionally(field_of(of, node.name, false));
    }
    case NodeKind::kIndex:
      return index_of(run(*node.args[0], frame), run(*node.args[1], frame));
    case NodeKind::kOptIndex:
      return optionally(index_of(run(*node.args[0], frame), run(*node.args[1], frame)));
    case NodeKind::kCall:
    case NodeKind::kMember:
      return call(node, frame);
    case NodeKind::kList: {
      List list;
      for (const auto& arg : node.args) {
        list.push_back(run(*arg, frame));
        if (list.back().failed()) return list.back();
      }
      return Value::list(std::move(list));
    }
    case NodeKind::kMap:
      return make_map(node, frame);
    case NodeKind::kMacro:
      return macro(node, frame);
  }
  return Value{};
}

Value run(const Node& node, Frame& frame) {
  if (++frame.evaluation.cost > kCostMax)
    return Value::fault(Fault::kBudget, "more than 100,000 operations");
  auto value = run_node(node, frame);
  if (frame.evaluation.terms && node.kind != NodeKind::kLiteral)
    frame.evaluation.terms(node, value);
  return value;
}

}  // namespace

Value evaluate(const Node& node, Evaluation& evaluation) {
  Frame frame{evaluation, {}};
  return run(node, frame);
}

}  // namespace dealwright::rules::cel
