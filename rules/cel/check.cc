#include "rules/cel/check.h"

#include <algorithm>

#include "engine/domain/vocabulary.h"
#include "rules/cel/builtins.h"
#include "rules/cel/eval.h"
#include "rules/cel/signatures.h"

namespace dealwright::rules::cel {
namespace {

using K = TypeKind;

Type type_of_literal(const Value& value) {
  const auto name = type_name(value);
  static constexpr std::pair<std::string_view, K> kTypes[] = {
      {"null_type", K::kNull}, {"bool", K::kBool},     {"int", K::kInt},    {"uint", K::kUint},
      {"double", K::kDouble},  {"string", K::kString}, {"bytes", K::kBytes}};
  for (const auto& [text, kind] : kTypes) {
    if (name == text) return {kind, {}, {}, {}};
  }
  return {};
}

bool fits(const Type& a, const Type& b) {
  if (a.kind == K::kDyn || b.kind == K::kDyn) return true;
  if (a.kind != b.kind) return false;
  for (std::size_t i = 0; i < std::min(a.of.size(), b.of.size()); ++i) {
    if (!fits(a.of[i], b.of[i])) return false;
  }
  return true;
}

bool is_type_name(std::string_view word) {
  static constexpr std::string_view kNames[] = {"bool",
                                                "int",
                                                "uint",
                                                "double",
                                                "string",
                                                "bytes",
                                                "list",
                                                "map",
                                                "type",
                                                "null_type",
                                                "money",
                                                "date",
                                                "optional_type",
                                                "google.protobuf.Timestamp",
                                                "google.protobuf.Duration"};
  return std::find(std::begin(kNames), std::end(kNames), word) != std::end(kNames);
}

// What selecting a field of a value of that type gives; none: it has no such field.
std::optional<Type> field_type(const Type& of, const std::string& name) {
  if (of.kind == K::kDyn) return Type{};
  if (of.kind == K::kMap) return of.of.size() == 2 ? of.of[1] : Type{};
  if (of.kind == K::kMoney && name == "currency") return Type{K::kString, {}, {}, {}};
  if (of.kind == K::kMoney && name == "minor") return Type{K::kInt, {}, {}, {}};
  if (of.kind != K::kOptional) return std::nullopt;
  auto inner = field_type(of.of.empty() ? Type{} : of.of[0], name);
  return inner ? std::optional{Type::optional(std::move(*inner))} : std::nullopt;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ".") + word;
  return out;
}

class Checker {
 public:
  Checker(Scope& scope, const CheckOptions& options) : scope_{scope}, options_{options} {}

  Checked run(Node& root) {
    result_.type = visit(root);
    if (const auto cost = cost_of(root); cost > kCostMax && !result_.failed()) {
      report("DW6001", root, "costs " + std::to_string(cost) + " units, more than 100,000",
             "a list of unknown length counts 1,000; nest no macros over such lists");
    }
    return std::move(result_);
  }

 private:
  void report(const char* code, const Node& node, std::string message, std::string hint = {},
              bool note = false) {
    result_.problems.push_back(
        {code, node.begin, node.end, std::move(message), std::move(hint), note});
  }

  Type visit(Node& node) {
    switch (node.kind) {
      case NodeKind::kLiteral:
        return type_of_literal(node.literal);
      case NodeKind::kPath:
        return {};
      case NodeKind::kIdent:
        if (const auto* bound = node.rooted ? nullptr : bound_type(node.name)) return *bound;
        return path(node, false);
      case NodeKind::kSelect:
      case NodeKind::kOptSelect:
        return select(node);
      case NodeKind::kIndex:
      case NodeKind::kOptIndex:
        return index(node);
      case NodeKind::kCall:
        return call(node);
      case NodeKind::kMember:
        return member(node);
      case NodeKind::kList:
        return list(node);
      case NodeKind::kMap: {
        for (auto& arg : node.args) visit(*arg);
        return {K::kMap, {{}, {}}, {}, {}};
      }
      case NodeKind::kMacro:
        return macro(node);
    }
    return {};
  }

  const Type* bound_type(const std::string& name) const {
    for (auto it = bound_.rbegin(); it != bound_.rend(); ++it) {
      if (it->first == name) return &it->second;
    }
    return nullptr;
  }

  // The words of a chain of selects that begins with a variable of the scope; empty: it does not.
  bool words_of(const Node& node, std::vector<std::string>& words) const {
    if (node.kind == NodeKind::kIdent) {
      if (!node.rooted && bound_type(node.name) != nullptr) return false;
      words.push_back(node.name);
      return true;
    }
    if (node.kind != NodeKind::kSelect || node.test_only || !words_of(*node.args[0], words))
      return false;
    words.push_back(node.name);
    return true;
  }

  Type path(Node& node, bool mended) {
    std::vector<std::string> words;
    const bool test = node.test_only;
    node.test_only = false;
    const bool chain = words_of(node, words);
    node.test_only = test;
    if (!chain) return dynamic_select(node);
    auto found = find_path(words);
    if (auto name = joined(words); std::holds_alternative<Problem>(found) && is_type_name(name)) {
      node.kind = NodeKind::kLiteral;
      node.args.clear();
      node.literal = TypeName{std::move(name)};
      return {K::kType, {}, {}, {}};
    }
    if (auto* problem = std::get_if<Problem>(&found)) {
      problem->begin = node.begin;
      problem->end = node.end;
      result_.problems.push_back(std::move(*problem));
      return {};
    }
    auto& binding = std::get<Binding>(found);
    // Words that the path did not take stay selects into its value.
    Node* at = &node;
    for (auto i = words.size(); i > binding.used; --i) at = at->args[0].get();
    const bool whole = at == &node;
    at->kind = NodeKind::kPath;
    at->path.assign(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(binding.used));
    at->slot = binding.slot;
    at->args.clear();
    at->test_only = whole && test;
    if (std::find(result_.slots.begin(), result_.slots.end(), binding.slot) == result_.slots.end())
      result_.slots.push_back(binding.slot);
    if (test) return {K::kBool, {}, {}, {}};
    if (binding.maybe_absent && whole && !mended) {
      const auto text = joined(words);
      report("DW2005", node, "'" + text + "' may have no value",
             "ask has(" + text + "), or mend it with orValue()", options_.absent_is_note);
    }
    return whole ? binding.type : rest_type(binding, words, node);
  }

  // The path, or that of a sum of money whose part is asked.
  std::variant<Binding, Problem> find_path(const std::vector<std::string>& words) {
    auto found = scope_.path(words);
    const bool part = words.size() > 1 && (words.back() == "currency" || words.back() == "minor");
    if (!part || std::holds_alternative<Binding>(found)) return found;
    auto outer = scope_.path({words.begin(), words.end() - 1});
    const auto* binding = std::get_if<Binding>(&outer);
    return binding != nullptr && binding->type.kind == K::kMoney ? outer : found;
  }

  // The type behind the selects that the path did not take.
  Type rest_type(const Binding& binding, const std::vector<std::string>& words, const Node& node) {
    auto type = binding.type;
    for (auto i = binding.used; i < words.size(); ++i) {
      auto next = field_type(type, words[i]);
      if (!next) {
        report("DW2001", node, "a " + to_text(type) + " has no field '" + words[i] + "'");
        return {};
      }
      type = std::move(*next);
    }
    return type;
  }

  Type dynamic_select(Node& node) {
    const auto of = visit(*node.args[0]);
    if (node.test_only) return {K::kBool, {}, {}, {}};
    if (auto type = field_type(of, node.name)) return *type;
    report("DW2001", node, "a " + to_text(of) + " has no field '" + node.name + "'");
    return {};
  }

  Type select(Node& node) {
    if (node.kind == NodeKind::kSelect) return path(node, mended_);
    // a.?b: the whole of a.b as one path, if it is one; none where it has no value.
    std::vector<std::string> words;
    if (words_of(*node.args[0], words)) {
      auto inner = std::make_unique<Node>();
      inner->kind = NodeKind::kSelect;
      inner->name = node.name;
      inner->begin = node.begin;
      inner->end = node.end;
      inner->args.push_back(std::move(node.args[0]));
      const auto type = path(*inner, true);
      node.args[0] = std::move(inner);
      node.name.clear();
      return Type::optional(type);
    }
    const auto of = visit(*node.args[0]);
    const auto type = field_type(of, node.name);
    if (!type) report("DW2001", node, "a " + to_text(of) + " has no field '" + node.name + "'");
    if (type && type->kind == K::kOptional) return *type;
    return Type::optional(type ? *type : Type{});
  }

  Type index(Node& node) {
    const auto of = visit(*node.args[0]);
    const auto key = visit(*node.args[1]);
    const bool whole = key.kind == K::kInt || key.kind == K::kUint || key.kind == K::kDyn;
    if (of.kind == K::kList && !whole) mismatch(node, key, {K::kInt, {}, {}, {}});
    Type element;
    if (of.kind == K::kList && !of.of.empty()) element = of.of[0];
    if (of.kind == K::kMap && of.of.size() == 2) element = of.of[1];
    if (of.kind == K::kOptional) return of.of[0].kind == K::kDyn ? of : Type::optional({});
    const bool indexed = of.kind == K::kList || of.kind == K::kMap || of.kind == K::kDyn;
    if (!indexed) report("DW2003", node, "a " + to_text(of) + " has no elements");
    return node.kind == NodeKind::kOptIndex ? Type::optional(element) : element;
  }

  Type list(Node& node) {
    Type element;
    for (std::size_t i = 0; i < node.args.size(); ++i) {
      const auto type = visit(*node.args[i]);
      element = i == 0 ? type : fits(element, type) ? element : Type{};
      element.values.clear();
    }
    return Type::list(element);
  }

  Type macro(Node& node) {
    const auto range = visit(*node.args[0]);
    if (++macros_ > 2) report("DW6002", node, "macros nested deeper than 2");
    if (range.kind != K::kList && range.kind != K::kMap && range.kind != K::kDyn)
      report("DW2003", node, node.name + "() goes over a list or a map, not a " + to_text(range));
    Type element;
    if (range.kind == K::kList && !range.of.empty()) element = range.of[0];
    if (range.kind == K::kMap && !range.of.empty()) element = range.of[0];
    bound_.emplace_back(node.variable, element);
    Type body;
    for (std::size_t i = 1; i < node.args.size(); ++i) body = visit(*node.args[i]);
    bound_.pop_back();
    --macros_;
    const bool asks = node.name != "map" || node.args.size() == 3;
    if (asks && node.args.size() == 2 && body.kind != K::kBool && body.kind != K::kDyn)
      report("DW2003", *node.args[1], node.name + "() asks for a bool, not a " + to_text(body));
    if (node.name == "map") return Type::list(body);
    if (node.name == "filter") return Type::list(element);
    return {K::kBool, {}, {}, {}};
  }

  // An int literal stands for a double where one is wanted.
  static void adapt(Node& node, Type& type, const Type& other) {
    const auto* value =
        node.kind == NodeKind::kLiteral ? node.literal.get<std::int64_t>() : nullptr;
    if (value == nullptr || other.kind != K::kDouble) return;
    node.literal = static_cast<double>(*value);
    type = other;
  }

  void check_enum(const Type& type, const Node& literal) {
    const auto* text = literal.kind == NodeKind::kLiteral ? literal.literal.as_text() : nullptr;
    if (text == nullptr || type.values.empty()) return;
    if (std::find(type.values.begin(), type.values.end(), *text) != type.values.end()) return;
    std::string set;
    for (const auto value : type.values) set += (set.empty() ? "" : ", ") + std::string{value};
    report("DW2004", literal, "no such value '" + *text + "'", "one of " + set);
  }

  void mismatch(const Node& node, const Type& a, const Type& b) {
    std::string hint;
    const bool money = (a.kind == K::kMoney) != (b.kind == K::kMoney);
    if (money) hint = "write money(\"1000 EUR\")";
    report("DW2003", node, to_text(a) + " against " + to_text(b), hint);
  }

  Type equality_call(Node& node, Type a, Type b) {
    if (!fits(a, b) && a.kind != K::kNull && b.kind != K::kNull) mismatch(node, a, b);
    check_enum(a, *node.args[1]);
    check_enum(b, *node.args[0]);
    return {K::kBool, {}, {}, {}};
  }

  Type call(Node& node) {
    std::vector<Type> types;
    for (auto& arg : node.args) types.push_back(visit(*arg));
    if (const auto* function = find_function(node.name); function != nullptr) {
      node.builtin = function->arity == node.args.size() ? function->call : nullptr;
    }
    if (node.args.size() == 2) {
      adapt(*node.args[0], types[0], types[1]);
      adapt(*node.args[1], types[1], types[0]);
    }
    if (node.name == "_==_" || node.name == "_!=_") return equality_call(node, types[0], types[1]);
    if (node.name == "@in" && node.args[1]->kind == NodeKind::kList) adapt_list(node, types);
    if (node.name == "@in" && types[1].kind == K::kList && !types[1].of.empty()) {
      if (!fits(types[0], types[1].of[0])) mismatch(node, types[0], types[1].of[0]);
      if (node.args[1]->kind == NodeKind::kList) {
        for (const auto& entry : node.args[1]->args) check_enum(types[0], *entry);
      }
    }
    if (node.name == "_?_:_") {
      if (!fits(types[0], {K::kBool, {}, {}, {}})) mismatch(node, types[0], {K::kBool, {}, {}, {}});
      if (!fits(types[1], types[2])) mismatch(node, types[1], types[2]);
      return types[1];
    }
    return by_signature(node, types, false);
  }

  // x in [1, 2] over doubles.
  static void adapt_list(Node& node, std::vector<Type>& types) {
    if (types[0].kind != K::kDouble || types[1].of.empty() || types[1].of[0].kind != K::kInt)
      return;
    bool all = true;
    for (auto& entry : node.args[1]->args) {
      Type type{K::kInt, {}, {}, {}};
      adapt(*entry, type, types[0]);
      all = all && type.kind == K::kDouble;
    }
    if (all) types[1] = Type::list(types[0]);
  }

  Type optional_call(Node& node) {
    Type held;
    for (std::size_t i = 1; i < node.args.size(); ++i) held = visit(*node.args[i]);
    const std::size_t count = node.name == "of" ? 2 : 1;
    if (node.name != "of" && node.name != "none")
      report("DW2006", node, "unknown function 'optional." + node.name + "'",
             "there are optional.of(x) and optional.none()");
    else if (node.args.size() != count)
      report("DW2003", node,
             "optional." + node.name + "() takes " + (count == 2 ? "one value" : "nothing"));
    return Type::optional(held);
  }

  Type member(Node& node) {
    if (node.args[0]->kind == NodeKind::kIdent && node.args[0]->name == "optional")
      return optional_call(node);
    std::vector<Type> types;
    for (auto& arg : node.args) types.push_back(visit(*arg));
    node.builtin = find_member(node.name);
    if (types[0].kind == K::kOptional && node.name == "orValue" && types.size() == 2)
      adapt(*node.args[1], types[1], types[0].of[0]);
    if (types[0].kind == K::kOptional && (node.name == "orValue" || node.name == "value")) {
      if (types.size() > 1 && !fits(types[0].of[0], types[1]))
        mismatch(node, types[0].of[0], types[1]);
      return types[0].of[0].kind == K::kDyn && types.size() > 1 ? types[1] : types[0].of[0];
    }
    return by_signature(node, types, true);
  }

  Type by_signature(Node& node, const std::vector<Type>& types, bool member) {
    if (const auto type = scope_.function(node.name, member, types)) {
      node.builtin = nullptr;
      return *type;
    }
    const bool known = member
                           ? is_member(node.name)
                           : is_function(node.name) || node.name == "_&&_" || node.name == "_||_";
    if (!known) {
      auto near = nearest_function(node.name, member);
      if (near.empty()) near = nearest_function(node.name, !member);
      report("DW2006", node, "unknown function '" + node.name + "'",
             near.empty() ? "" : "did you mean " + near + "?");
      return {};
    }
    constant_text(node);
    if (auto type = result_type(node.name, member, types)) return *type;
    std::string got;
    for (const auto& type : types) got += (got.empty() ? "" : ", ") + to_text(type);
    const bool money =
        std::any_of(types.begin(), types.end(), [](const Type& t) { return t.kind == K::kMoney; });
    report("DW2003", node, "'" + shown(node.name) + "' does not take " + got,
           money ? "write money(\"1000 EUR\")" : "");
    return {};
  }

  // A constant that cannot be read is found at load: money("12"), matches("(").
  void constant_text(Node& node) {
    if (node.args.empty()) return;
    const auto& last = *node.args.back();
    const auto* text = last.kind == NodeKind::kLiteral ? last.literal.as_text() : nullptr;
    if (text == nullptr) return;
    std::string problem;
    if (node.name == "matches" && node.args.size() == 2) {
      node.pattern = read_pattern(*text, problem);
    } else if (node.kind == NodeKind::kCall && node.args.size() == 1 && node.builtin != nullptr &&
               node.name != "size") {
      const auto value = node.builtin({&last.literal, 1});
      if (const auto* error = value.error();
          error != nullptr && error->fault != Fault::kNoSuchOverload)
        problem = error->detail;
    }
    if (problem.empty()) return;
    const bool days = node.name == "duration" && (text->ends_with("d") || text->ends_with("w"));
    if (days)
      report("DW2006", node, "duration() knows no days or weeks", "write days(3), weeks(2)");
    else
      report("DW2003", node, problem);
  }

  static std::string shown(const std::string& name) {
    std::string out;
    for (const char c : name) {
      if (c != '_' && c != '@') out += c;
    }
    return out.empty() || out.size() + 2 < name.size() ? name
           : name[0] == '_' || name[0] == '@'          ? out
                                                       : name;
  }

  Scope& scope_;
  const CheckOptions& options_;
  Checked result_;
  std::vector<std::pair<std::string, Type>> bound_;
  int macros_ = 0;
  bool mended_ = false;
};

bool constant(const Node& node) { return node.kind == NodeKind::kLiteral; }

}  // namespace

bool Checked::failed() const {
  return std::any_of(problems.begin(), problems.end(), [](const Problem& p) { return !p.note; });
}

Checked check(Node& root, Scope& scope, const CheckOptions& options) {
  return Checker{scope, options}.run(root);
}

std::vector<const Node*> conjuncts(const Node& root) {
  if (root.kind != NodeKind::kCall || root.name != "_&&_") return {&root};
  auto out = conjuncts(*root.args[0]);
  const auto right = conjuncts(*root.args[1]);
  out.insert(out.end(), right.begin(), right.end());
  return out;
}

std::optional<Atom> equality(const Node& node) {
  const auto is_path = [](const Node& n) { return n.kind == NodeKind::kPath && !n.test_only; };
  if (is_path(node)) return Atom{node.slot, {Value{true}}};
  if (node.kind != NodeKind::kCall) return std::nullopt;
  if (node.name == "!_" && is_path(*node.args[0])) return Atom{node.args[0]->slot, {Value{false}}};
  if (node.name == "_==_") {
    if (is_path(*node.args[0]) && constant(*node.args[1]))
      return Atom{node.args[0]->slot, {node.args[1]->literal}};
    if (is_path(*node.args[1]) && constant(*node.args[0]))
      return Atom{node.args[1]->slot, {node.args[0]->literal}};
  }
  if (node.name == "@in" && is_path(*node.args[0]) && node.args[1]->kind == NodeKind::kList) {
    Atom atom{node.args[0]->slot, {}};
    for (const auto& entry : node.args[1]->args) {
      if (!constant(*entry)) return std::nullopt;
      atom.values.push_back(entry->literal);
    }
    return atom;
  }
  return std::nullopt;
}

}  // namespace dealwright::rules::cel
