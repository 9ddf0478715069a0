#include "rules/plan/expression.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "rules/cel/eval.h"
#include "rules/plan/functions.h"

namespace dealwright::rules {
namespace {

using cel::TypeKind;

cel::Type type_of(const PathSpec& path) {
  using T = cel::Type;
  if (!path.names.empty() && path.leaf == Leaf::kField) return {};
  if (path.leaf == Leaf::kCustom && path.spec == nullptr) return {};
  if (path.leaf == Leaf::kExtra) return {};
  switch (path.type) {
    case FieldType::kText:
    case FieldType::kZone:
    case FieldType::kDecimal:
    case FieldType::kRef:
      return T{TypeKind::kString, {}, {}, {}};
    case FieldType::kEnum:
      return T{TypeKind::kString,
               {},
               {},
               path.spec == nullptr ? std::vector<std::string_view>{} : path.spec->values};
    case FieldType::kInt:
      return T{TypeKind::kInt, {}, {}, {}};
    case FieldType::kBool:
      return T{TypeKind::kBool, {}, {}, {}};
    case FieldType::kMoney:
      return T{TypeKind::kMoney, {}, {}, {}};
    case FieldType::kInstant:
      return T{TypeKind::kTimestamp, {}, {}, {}};
    case FieldType::kDate:
      return T{TypeKind::kDate, {}, {}, {}};
    case FieldType::kTexts:
    case FieldType::kRefs:
      return T::list(T{TypeKind::kString, {}, {}, {}});
    case FieldType::kJson:
      return {};
  }
  return {};
}

std::string code_text(std::uint16_t code) { return fmt::format("DW{}", code); }

// What is at hand, for the checker; gathers the paths that the expression reads.
class CelScope : public cel::Scope {
 public:
  CelScope(const ScopeSpec& scope, std::vector<PathSpec>& paths) : scope_{scope}, paths_{paths} {}

  std::variant<cel::Binding, cel::Problem> path(const std::vector<std::string>& words) override {
    PathSpec found;
    if (auto problem = resolve(words, scope_, found)) {
      return cel::Problem{code_text(problem->code), 0,    0, std::move(problem->message),
                          std::move(problem->hint), false};
    }
    cel::Binding binding;
    binding.used = words.size();
    binding.type = type_of(found);
    binding.maybe_absent = found.optional;
    const auto same = std::find_if(paths_.begin(), paths_.end(),
                                   [&](const PathSpec& p) { return p.text == found.text; });
    binding.slot = static_cast<int>(same - paths_.begin());
    if (same == paths_.end()) paths_.push_back(std::move(found));
    return binding;
  }
  std::optional<cel::Type> function(std::string_view name, bool member,
                                    const std::vector<cel::Type>& args) override {
    return function_type(name, member, args);
  }

 private:
  const ScopeSpec& scope_;
  std::vector<PathSpec>& paths_;
};

class CelResolver : public cel::Resolver {
 public:
  CelResolver(const std::vector<PathSpec>& paths, Reader& reader, CalendarSource& calendars)
      : paths_{paths}, reader_{reader}, calendars_{calendars} {}

  cel::Value get(int slot) override {
    const auto& path = paths_[static_cast<std::size_t>(slot)];
    Value scratch;
    const auto* value = reader_.find(path, scratch);
    if (value == nullptr)
      return cel::Value::fault(cel::Fault::kAbsent, path.text + " has no value");
    return cel::from_base(*value, path.text);
  }
  std::optional<std::int32_t> zone_offset_s(std::string_view zone, Instant at) override {
    const auto* found = calendars_.named_zone(zone);
    return found == nullptr ? std::nullopt : std::optional{found->offset_s(at)};
  }
  cel::Value call(std::string_view name, const std::vector<cel::Value>& args) override {
    return call_rule_function(name, args, reader_, calendars_);
  }

 private:
  const std::vector<PathSpec>& paths_;
  Reader& reader_;
  CalendarSource& calendars_;
};

// A fold of constants has nothing to ask.
class NoResolver : public cel::Resolver {
 public:
  cel::Value get(int) override { return cel::Value::fault(cel::Fault::kAbsent, {}); }
};

// The value of a subtree without paths, macros' variables and functions of ours; none otherwise.
std::optional<Value> constant(const cel::Node& node) {
  if (node.kind == cel::NodeKind::kLiteral) return cel::to_base(node.literal);
  if (node.kind != cel::NodeKind::kCall || (node.name != "money" && node.name != "date"))
    return std::nullopt;
  if (node.args.size() != 1 || node.args[0]->kind != cel::NodeKind::kLiteral) return std::nullopt;
  NoResolver none;
  cel::Evaluation evaluation{none};
  const auto value = cel::evaluate(node, evaluation);
  return value.failed() ? std::nullopt : std::optional{cel::to_base(value)};
}

// Types whose comparison here and in the tree are the same.
bool plain(const Value& v) {
  return v.as_text() != nullptr || v.as_int() != nullptr || v.as_bool() != nullptr ||
         v.as_money() != nullptr || v.as_date() != nullptr;
}

bool is_path(const cel::Node& node) { return node.kind == cel::NodeKind::kPath && !node.test_only; }

struct Operator {
  std::string_view name;
  Compare compare;
  Compare turned;  // with the constant in front
};
constexpr Operator kOperators[] = {{"_==_", Compare::kEqual, Compare::kEqual},
                                   {"_!=_", Compare::kNotEqual, Compare::kNotEqual},
                                   {"_<_", Compare::kLess, Compare::kGreater},
                                   {"_<=_", Compare::kLessEqual, Compare::kGreaterEqual},
                                   {"_>_", Compare::kGreater, Compare::kLess},
                                   {"_>=_", Compare::kGreaterEqual, Compare::kLessEqual}};

std::optional<Atom> atom_of(const cel::Node& node) {
  if (is_path(node))
    return Atom{static_cast<std::size_t>(node.slot), Compare::kEqual, {Value{true}}};
  if (node.kind != cel::NodeKind::kCall) return std::nullopt;
  if (node.name == "!_" && is_path(*node.args[0])) {
    return Atom{static_cast<std::size_t>(node.args[0]->slot), Compare::kEqual, {Value{false}}};
  }
  if (node.name == "@in" && is_path(*node.args[0])) {
    const auto found = cel::equality(node);
    if (!found) return std::nullopt;
    Atom atom{static_cast<std::size_t>(found->slot), Compare::kIn, {}};
    for (const auto& value : found->values) atom.values.push_back(cel::to_base(value));
    const bool sound = std::all_of(atom.values.begin(), atom.values.end(), plain);
    return sound ? std::optional{std::move(atom)} : std::nullopt;
  }
  for (const auto& op : kOperators) {
    if (op.name != node.name) continue;
    const bool turned = is_path(*node.args[1]);
    const auto& path = *node.args[turned ? 1 : 0];
    if (!is_path(path)) return std::nullopt;
    auto value = constant(*node.args[turned ? 0 : 1]);
    if (!value || !plain(*value)) return std::nullopt;
    return Atom{
        static_cast<std::size_t>(path.slot), turned ? op.turned : op.compare, {std::move(*value)}};
  }
  return std::nullopt;
}

Truth truth(bool b) { return b ? Truth::kTrue : Truth::kFalse; }

template <class T>
Truth ordered(Compare compare, const T& a, const T& b) {
  switch (compare) {
    case Compare::kEqual:
      return truth(a == b);
    case Compare::kNotEqual:
      return truth(!(a == b));
    case Compare::kLess:
      return truth(a < b);
    case Compare::kLessEqual:
      return truth(!(b < a));
    case Compare::kGreater:
      return truth(b < a);
    case Compare::kGreaterEqual:
      return truth(!(a < b));
    case Compare::kIn:
      return Truth::kUnknown;
  }
  return Truth::kUnknown;
}

Truth compare_values(Compare compare, const Value& a, const Value& b) {
  const bool equality = compare == Compare::kEqual || compare == Compare::kNotEqual;
  if (const auto* t = a.as_text()) {
    const auto* u = b.as_text();
    return u == nullptr || !equality ? Truth::kUnknown : ordered(compare, *t, *u);
  }
  if (const auto* m = a.as_money()) {
    const auto* n = b.as_money();
    if (n == nullptr || m->currency != n->currency) return Truth::kUnknown;
    return ordered(compare, m->minor, n->minor);
  }
  if (const auto* i = a.as_int()) {
    const auto* j = b.as_int();
    return j == nullptr ? Truth::kUnknown : ordered(compare, *i, *j);
  }
  if (const auto* p = a.as_bool()) {
    const auto* q = b.as_bool();
    return q == nullptr || !equality ? Truth::kUnknown : ordered(compare, *p, *q);
  }
  if (const auto* d = a.as_date()) {
    const auto* e = b.as_date();
    return e == nullptr ? Truth::kUnknown : ordered(compare, *d, *e);
  }
  return Truth::kUnknown;
}

// has(x) anywhere mends the reading of x: a guess in favour of who asked.
void collect_tests(const cel::Node& node, std::vector<std::vector<std::string>>& out) {
  if (node.kind == cel::NodeKind::kPath && node.test_only) out.push_back(node.path);
  for (const auto& arg : node.args) collect_tests(*arg, out);
}
const cel::Node* path_at(const cel::Node& node, std::size_t begin, std::size_t end) {
  if (node.kind == cel::NodeKind::kPath && node.begin == begin && node.end == end) return &node;
  for (const auto& arg : node.args) {
    if (const auto* found = path_at(*arg, begin, end)) return found;
  }
  return nullptr;
}

// A comment that took part of the condition with it.
bool cut_by_comment(std::string_view source, const yaml::Node& node) {
  if (node.quoted) return false;
  const auto end = yaml::place_in(source, node, node.text.size());
  std::size_t p = 0;
  for (std::uint32_t line = 1; line < end.line; ++line) p = source.find('\n', p) + 1;
  const auto line = source.substr(p, source.find('\n', p) - p);
  const auto hash = line.find(" #");
  return hash != std::string_view::npos && hash + 1 >= end.column - 1;
}

class Reporter {
 public:
  Reporter(const yaml::Node& node, std::size_t offset, std::string_view source, Diagnostics& out)
      : node_{node}, offset_{offset}, source_{source}, out_{out} {}
  Place place(std::size_t at) const { return yaml::place_in(source_, node_, offset_ + at); }

  void report(const cel::Problem& problem) const {
    std::uint16_t code = 0;
    const auto digits = std::string_view{problem.code}.substr(2);
    std::from_chars(digits.data(), digits.data() + digits.size(), code);
    auto hint = problem.hint;
    if (!hint.empty() && hint[0] >= 'a' && hint[0] <= 'z')
      hint[0] = static_cast<char>(hint[0] - 32);
    if (problem.note) return out_.note(code, place(problem.begin), problem.message, hint);
    if (code == 2008 && cut_by_comment(source_, node_)) {
      return out_.error(1007, place(problem.begin), "YAML cut the condition at ' #'",
                        "Put the condition in quotes");
    }
    if (code == 2006) {
      for (const auto name : later_functions()) {
        if (problem.message != fmt::format("unknown function '{}'", name)) continue;
        return out_.error(1010, place(problem.begin),
                          fmt::format("'{}' comes with a later version of the language", name));
      }
    }
    out_.error(code, place(problem.begin), problem.message, hint);
  }

 private:
  const yaml::Node& node_;
  std::size_t offset_;
  std::string_view source_;
  Diagnostics& out_;
};

bool wanted(TypeKind type, Expression::Want want) {
  if (type == TypeKind::kDyn) return true;
  switch (want) {
    case Expression::Want::kAny:
      return true;
    case Expression::Want::kBool:
      return type == TypeKind::kBool;
    case Expression::Want::kRecord:
      return type == TypeKind::kString;
    case Expression::Want::kInstant:
      return type == TypeKind::kTimestamp || type == TypeKind::kDate;
  }
  return false;
}
constexpr std::string_view kWanted[] = {"any value", "a bool", "a record", "an instant or a date"};

}  // namespace

Truth decide(const Atom& atom, const Value* value) {
  if (value == nullptr) return Truth::kAbsent;
  if (atom.compare != Compare::kIn) return compare_values(atom.compare, *value, atom.values[0]);
  for (const auto& one : atom.values) {
    const auto found = compare_values(Compare::kEqual, *value, one);
    if (found != Truth::kFalse) return found;
  }
  return Truth::kFalse;
}

std::optional<Expression> Expression::compile(const yaml::Node& node, std::string_view source,
                                              const ScopeSpec& scope, Want want, Absent absent,
                                              Diagnostics& out) {
  if (!node.is_scalar()) return std::nullopt;  // reported when the form was read
  return compile_part(node, node.text, 0, source, scope, want, absent, out);
}

std::optional<Expression> Expression::compile_part(const yaml::Node& node, std::string_view text,
                                                   std::size_t offset, std::string_view source,
                                                   const ScopeSpec& scope, Want want, Absent absent,
                                                   Diagnostics& out) {
  const Reporter reporter{node, offset, source, out};
  auto parsed = cel::parse(text);
  if (parsed.problem) {
    reporter.report(*parsed.problem);
    return std::nullopt;
  }
  Expression expression;
  expression.text_ = text;
  CelScope cel_scope{scope, expression.paths_};
  const auto checked = cel::check(*parsed.root, cel_scope, {absent != Absent::kError});
  std::vector<std::vector<std::string>> tested;
  collect_tests(*parsed.root, tested);
  bool failed = false;
  for (const auto& problem : checked.problems) {
    if (problem.code == "DW2005") {
      const auto* path = path_at(*parsed.root, problem.begin, problem.end);
      const bool mended =
          path != nullptr && std::find(tested.begin(), tested.end(), path->path) != tested.end();
      if (mended || absent == Absent::kFine) continue;
    }
    failed = failed || !problem.note;
    reporter.report(problem);
  }
  if (failed) return std::nullopt;
  expression.type_ = checked.type.kind;
  if (!wanted(checked.type.kind, want)) {
    out.error(2003, reporter.place(0),
              fmt::format("this gives a {}, {} is needed", cel::to_text(checked.type),
                          kWanted[static_cast<std::size_t>(want)]));
    return std::nullopt;
  }
  expression.root_ = std::move(parsed.root);
  expression.find_atoms();
  return expression;
}

void Expression::find_atoms() {
  if (type_ != TypeKind::kBool && type_ != TypeKind::kDyn) return;
  only_atoms_ = true;
  for (const auto* operand : cel::conjuncts(*root_)) {
    auto atom = atom_of(*operand);
    if (atom) {
      atoms_.push_back(std::move(*atom));
    } else {
      only_atoms_ = false;
    }
  }
}

const PathSpec* Expression::as_path() const {
  return root_->kind == cel::NodeKind::kPath && !root_->test_only
             ? &paths_[static_cast<std::size_t>(root_->slot)]
             : nullptr;
}

Outcome Expression::evaluate(Reader& reader, CalendarSource& calendars) const {
  CelResolver resolver{paths_, reader, calendars};
  cel::Evaluation evaluation{resolver};
  const auto value = cel::evaluate(*root_, evaluation);
  Outcome out;
  if (const auto* error = value.error()) {
    out.failed = true;
    out.absent = error->fault == cel::Fault::kAbsent;
    out.code = cel::fault_name(error->fault);
    out.detail = error->detail;
    return out;
  }
  out.value = cel::to_base(value);
  return out;
}

Outcome Expression::test(Reader& reader, CalendarSource& calendars) const {
  auto out = evaluate(reader, calendars);
  if (!out.failed && out.value.as_bool() == nullptr) {
    out.failed = true;
    out.code = "no_such_overload";
    out.detail = "the condition gives no bool";
  }
  return out;
}

void Expression::used(Reader& reader, std::vector<UsedValue>& out) const {
  for (const auto& path : paths_) {
    Value scratch;
    const auto* value = reader.find(path, scratch);
    if (value != nullptr) out.push_back({path.text, *value});
  }
}

}  // namespace dealwright::rules
