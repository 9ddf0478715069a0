// Renders a parsed template.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "engine/base/overloaded.h"
#include "engine/base/utf8.h"
#include "rules/liquid/ast.h"
#include "rules/liquid/filters.h"
#include "rules/liquid/template.h"

namespace dealwright::rules::liquid {
namespace {

constexpr int kPartsMax = 8;  // templates in templates

enum class Way : std::uint8_t { kOn, kBreak, kContinue };

// What one rendering and its parts share.
struct Common {
  Environment& environment;
  const Context& context;
  Missing missing;
  std::string& out;
  Budget budget;
  std::optional<RenderError> error;
};

class Renderer {
 public:
  Renderer(const Template& text, Common& common, int parts)
      : text_{text}, common_{common}, out_{&common.out}, parts_{parts} {}

  bool run() { return body(*text_.body); }
  void set(std::string name, Datum value) { names_[std::move(name)] = std::move(value); }
  // A line: what fails or has no value is "(none)".
  void run_line();
  bool chain(const Chain& chain, Datum& out);

 private:
  bool fail(std::size_t offset, std::string message) {
    if (!common_.error) common_.error = RenderError{offset, std::move(message)};
    return false;
  }
  bool spend(std::size_t n, std::size_t offset) {
    return common_.budget.spend(n) ||
           fail(offset, fmt::format("it takes more than {} operations", kOperationsMax));
  }
  bool missing(const Operand& operand);
  bool put(std::string_view text, std::size_t offset);
  bool evaluate(const Operand& operand, Datum& out);
  bool evaluate(const Lookup& lookup, std::size_t offset, Datum& out);
  bool filter(const FilterCall& call, const Chain& chain, Datum& value);
  bool holds(const Condition& condition, std::size_t at, bool& out);
  bool holds(const Test& test, bool& out);
  bool body(const Body& body);
  bool node(const Node& node);
  bool output(const Output& node, std::size_t offset);
  bool capture(const Capture& node);
  bool choose(const If& node);
  bool choose(const Case& node);
  bool loop(const For& node, std::size_t offset);
  bool bound(const std::optional<Operand>& operand, std::int64_t otherwise, std::int64_t& out);
  bool part(const Render& node, std::size_t offset);
  bool part_once(const Render& node, const Template& part, const Datum* value,
                 const std::shared_ptr<Loop>& loop);

  const Template& text_;
  Common& common_;
  std::string* out_;
  const int parts_;
  Way way_ = Way::kOn;
  std::map<std::string, Datum, std::less<>> names_;  // assigned
  std::vector<std::pair<std::string_view, Datum>> loop_names_;
  std::map<std::string, std::size_t, std::less<>> continues_;
  std::shared_ptr<const Loop> loop_;
};

bool Renderer::put(std::string_view text, std::size_t offset) {
  *out_ += text;
  if (out_->size() <= kOutputBytesMax && common_.out.size() <= kOutputBytesMax) return true;
  return fail(offset, fmt::format("it grows past {} bytes", kOutputBytesMax));
}

bool Renderer::missing(const Operand& operand) {
  const auto* lookup = operand.lookup();
  return fail(operand.offset,
              fmt::format("'{}' has no value", lookup == nullptr ? "nil" : lookup->text));
}

// ---- values

bool Renderer::evaluate(const Operand& operand, Datum& out) {
  if (!spend(1, operand.offset)) return false;
  if (const auto* literal = std::get_if<Datum>(&operand.what)) {
    out = *literal;
    return true;
  }
  if (const auto* lookup = operand.lookup()) return evaluate(*lookup, operand.offset, out);
  const auto& range = std::get<RangeOf>(operand.what);
  Datum from, to;
  if (!evaluate(*range.from, from) || !evaluate(*range.to, to)) return false;
  const auto whole = [](const Datum& d) {
    const auto n = to_number(d);
    if (n.whole) return n.integer;
    return static_cast<std::int64_t>(std::clamp(n.real, -9e15, 9e15));
  };
  out = Range{whole(from), whole(to)};
  return true;
}

bool Renderer::evaluate(const Lookup& lookup, std::size_t offset, Datum& out) {
  std::string name = lookup.root;
  if (lookup.computed_root) {
    Datum key;
    if (!evaluate(*lookup.computed_root, key)) return false;
    name = print(key);
  }
  std::size_t from = 0;
  const auto loop_name = std::find_if(loop_names_.rbegin(), loop_names_.rend(),
                                      [&](const auto& n) { return n.first == name; });
  const auto assigned = names_.find(name);
  if (loop_name != loop_names_.rend()) {
    out = loop_name->second;
  } else if (assigned != names_.end()) {
    out = assigned->second;
  } else if (lookup.computed_root) {
    out = common_.environment.named(name);
  } else {
    out = common_.environment.value(text_.paths[lookup.path], lookup.path);
    from = lookup.names;
  }
  for (auto i = from; i < lookup.segments.size(); ++i) {
    const auto& segment = lookup.segments[i];
    if (!segment.computed) {
      out = member(out, segment.name);
      continue;
    }
    Datum key;
    if (!evaluate(*segment.computed, key)) return false;
    out = at(out, key);
  }
  if (const auto* text = text_of(out)) return spend(text->size() / kBytesAnOperation, offset);
  return true;
}

bool Renderer::filter(const FilterCall& call, const Chain& chain, Datum& value) {
  const bool asks = common_.missing == Missing::kError && call.filter->name != "default";
  if (asks && value.absent()) return missing(chain.operand);
  std::vector<Datum> arguments(call.arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!evaluate(call.arguments[i], arguments[i])) return false;
    if (asks && arguments[i].absent() && call.arguments[i].lookup() != nullptr)
      return missing(call.arguments[i]);
  }
  Datum allowed;
  if (call.allow_false && !evaluate(*call.allow_false, allowed)) return false;
  const bool html = text_.escape == Escape::kHtml;
  auto made = call.filter->apply(
      {value, arguments, truthy(allowed), html, common_.context, common_.budget});
  if (!made) return fail(call.offset, made.error().detail);
  value = std::move(made.value());
  const auto* text = text_of(value);
  return spend(1 + (text == nullptr ? 0 : text->size() / kBytesAnOperation), call.offset);
}

bool Renderer::chain(const Chain& chain, Datum& out) {
  if (!evaluate(chain.operand, out)) return false;
  return std::all_of(chain.filters.begin(), chain.filters.end(),
                     [&](const FilterCall& call) { return filter(call, chain, out); });
}

// ---- conditions

bool Renderer::holds(const Test& test, bool& out) {
  Datum left, right;
  if (!evaluate(test.left, left)) return false;
  if (test.compare == Compare::kTruth) {
    out = truthy(left);
    return true;
  }
  if (!evaluate(test.right, right)) return false;
  switch (test.compare) {
    case Compare::kTruth:
      return true;
    case Compare::kEqual:
    case Compare::kNotEqual:
      out = equal(left, right) == (test.compare == Compare::kEqual);
      return true;
    case Compare::kContains:
      out = contains(left, right);
      return true;
    case Compare::kLess:
    case Compare::kLessEqual:
    case Compare::kGreater:
    case Compare::kGreaterEqual:
      break;
  }
  out = false;
  if (left.absent() || right.absent()) return true;
  if (left.get<Special>() != nullptr || right.get<Special>() != nullptr) return true;
  const auto order = compare(left, right);
  if (!order) {
    return fail(test.left.offset,
                fmt::format("'{}' and '{}' cannot be compared", print(left).substr(0, 40),
                            print(right).substr(0, 40)));
  }
  out = test.compare == Compare::kLess        ? *order < 0
        : test.compare == Compare::kLessEqual ? *order <= 0
        : test.compare == Compare::kGreater   ? *order > 0
                                              : *order >= 0;
  return true;
}

// `a and b or c` is `a and (b or c)`.
bool Renderer::holds(const Condition& condition, std::size_t from, bool& out) {
  for (auto at = condition.size(); at-- > from;) {
    bool here = false;
    if (!holds(condition[at], here)) return false;
    if (at + 1 == condition.size()) {
      out = here;
    } else {
      out = condition[at].and_next ? here && out : here || out;
    }
  }
  return true;
}

// ---- nodes

bool Renderer::body(const Body& body) {
  for (const auto& n : body.nodes) {
    if (!spend(1, n.offset) || !node(n)) return false;
    if (way_ != Way::kOn) return true;
  }
  return true;
}

bool Renderer::node(const Node& node) {
  return std::visit(overloaded{
                        [&](const Text& n) { return put(n.text, node.offset); },
                        [&](const Output& n) { return output(n, node.offset); },
                        [&](const Assign& n) {
                          Datum value;
                          if (!chain(n.chain, value)) return false;
                          names_[n.name] = std::move(value);
                          return true;
                        },
                        [&](const Capture& n) { return capture(n); },
                        [&](const If& n) { return choose(n); },
                        [&](const Case& n) { return choose(n); },
                        [&](const For& n) { return loop(n, node.offset); },
                        [&](const Jump& n) {
                          way_ = n.breaks ? Way::kBreak : Way::kContinue;
                          return true;
                        },
                        [&](const Render& n) { return part(n, node.offset); },
                    },
                    node.what);
}

bool Renderer::output(const Output& node, std::size_t offset) {
  Datum value;
  if (!chain(node.chain, value)) return false;
  if (common_.missing == Missing::kError && value.absent()) return missing(node.chain.operand);
  std::string scratch;
  const auto* markup = value.get<Markup>();
  const auto text = markup == nullptr ? to_text(value, scratch) : std::string_view{markup->html};
  if (auto wrong = write_at(node.spot, text, markup != nullptr, *out_)) {
    const auto* lookup = node.chain.operand.lookup();
    return fail(node.chain.operand.offset,
                fmt::format("'{}': {}", lookup == nullptr ? "this value" : lookup->text, *wrong));
  }
  return put({}, offset);
}

bool Renderer::capture(const Capture& node) {
  std::string inside;
  auto* around = std::exchange(out_, &inside);
  const bool sound = body(node.body);
  out_ = around;
  if (!sound) return false;
  if (!spend(inside.size() / kBytesAnOperation, 0)) return false;
  names_[node.name] =
      node.markup ? Datum{Markup{std::move(inside)}} : Datum{Value{std::move(inside)}};
  return true;
}

bool Renderer::choose(const If& node) {
  for (std::size_t i = 0; i < node.branches.size(); ++i) {
    const auto& branch = node.branches[i];
    bool yes = true;
    if (!branch.condition.empty()) {
      if (!holds(branch.condition, 0, yes)) return false;
      if (i == 0 && node.unless) yes = !yes;
    }
    if (yes) return body(branch.body);
  }
  return true;
}

bool Renderer::choose(const Case& node) {
  Datum subject;
  if (!evaluate(node.subject, subject)) return false;
  bool matched = false;
  for (const auto& when : node.whens) {
    if (when.values.empty() && !matched && !body(when.body)) return false;
    for (const auto& operand : when.values) {
      Datum value;
      if (!evaluate(operand, value)) return false;
      if (!equal(subject, value)) continue;
      matched = true;
      if (!body(when.body)) return false;
      if (way_ != Way::kOn) return true;
    }
  }
  return true;
}

bool Renderer::bound(const std::optional<Operand>& operand, std::int64_t otherwise,
                     std::int64_t& out) {
  out = otherwise;
  if (!operand) return true;
  Datum value;
  if (!evaluate(*operand, value)) return false;
  if (value.absent()) return true;
  const auto number = to_integer(value);
  if (!number) return fail(operand->offset, "this is no whole number");
  out = std::max<std::int64_t>(0, *number);
  return true;
}

bool Renderer::loop(const For& node, std::size_t offset) {
  Datum over;
  std::int64_t from = 0, limit = 0;
  if (!evaluate(node.over, over) || !bound(node.offset, 0, from)) return false;
  if (node.goes_on) from = static_cast<std::int64_t>(continues_[node.name]);
  const auto size = static_cast<std::int64_t>(std::min(count(over), kOperationsMax * 2));
  if (!bound(node.limit, size, limit)) return false;
  from = std::min(from, size);
  const auto length = std::min(limit, size - from);
  continues_[node.name] = static_cast<std::size_t>(from + length);
  if (length == 0) return body(node.otherwise);
  auto state = std::make_shared<Loop>();
  state->name = node.name;
  state->length = static_cast<std::size_t>(length);
  state->parent = loop_;
  loop_ = state;
  loop_names_.emplace_back("forloop", loop_);
  loop_names_.emplace_back(node.variable, Datum{});
  const auto own = loop_names_.size() - 1;
  bool sound = true;
  for (std::int64_t i = 0; sound && i < length; ++i) {
    const auto at = from + (node.reversed ? length - 1 - i : i);
    loop_names_[own].second = element(over, static_cast<std::size_t>(at));
    state->index0 = static_cast<std::size_t>(i);
    sound = spend(1, offset) && body(node.body);
    const auto way = std::exchange(way_, Way::kOn);
    if (way == Way::kBreak) break;
  }
  loop_names_.resize(own - 1);
  loop_ = state->parent;
  return sound;
}

bool Renderer::part_once(const Render& node, const Template& part, const Datum* value,
                         const std::shared_ptr<Loop>& loop) {
  Renderer inner{part, common_, parts_ + 1};
  inner.out_ = out_;
  for (const auto& [name, operand] : node.arguments) {
    Datum argument;
    if (!evaluate(operand, argument)) return false;
    inner.set(name, std::move(argument));
  }
  if (value != nullptr) inner.set(node.variable, *value);
  if (loop != nullptr) inner.loop_names_.emplace_back("forloop", std::shared_ptr<const Loop>{loop});
  return inner.run();
}

bool Renderer::part(const Render& node, std::size_t offset) {
  const auto* part = common_.environment.part(node.name);
  if (part == nullptr) return fail(offset, fmt::format("there is no template '{}'", node.name));
  if (parts_ == kPartsMax) return fail(offset, "templates stand too deep in templates");
  Datum with;
  if (node.with && !evaluate(*node.with, with)) return false;
  if (!node.each || !is_list(with)) return part_once(node, *part, node.with ? &with : nullptr, {});
  auto state = std::make_shared<Loop>();
  state->name = node.name;
  state->length = count(with);
  for (; state->index0 < state->length; ++state->index0) {
    const auto value = element(with, state->index0);
    if (!spend(1, offset) || !part_once(node, *part, &value, state)) return false;
  }
  return true;
}

void Renderer::run_line() {
  for (const auto& n : text_.body->nodes) {
    if (const auto* text = std::get_if<Text>(&n.what)) {
      *out_ += text->text;
    } else if (const auto* output = std::get_if<Output>(&n.what)) {
      Datum value;
      bool sound = evaluate(output->chain.operand, value);
      for (const auto& call : output->chain.filters) {
        if (value.absent() && call.filter->name != "default") continue;
        sound = sound && filter(call, output->chain, value);
      }
      *out_ += !sound || value.absent() ? "(none)" : print(value);
      common_.error.reset();
    }
    if (out_->size() > kTextBytesMax) break;
  }
}

class Given : public Environment {
 public:
  explicit Given(const Values& values) : values_{values} {}
  Datum value(const Path&, std::size_t index) override { return values_(index); }

 private:
  const Values& values_;
};

}  // namespace

std::string render(const Template& text, const Values& values, const Context& context) {
  std::string out;
  if (text.body == nullptr) return out;
  Given given{values};
  Common common{given, context, Missing::kEmpty, out, {}, {}};
  Renderer{text, common, 0}.run_line();
  if (out.size() > kTextBytesMax) out.resize(utf8_end(out, kTextBytesMax));
  return out;
}

std::optional<RenderError> render(const Template& text, Environment& environment,
                                  const Context& context, Missing missing, std::string& out) {
  out.clear();
  Common common{environment, context, missing, out, {}, {}};
  Renderer{text, common, 0}.run();
  return common.error;
}

}  // namespace dealwright::rules::liquid
