#include "rules/liquid/datum.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/base/overloaded.h"

namespace dealwright::rules::liquid {
namespace {

std::string plain(double v) {
  if (std::isfinite(v) && std::trunc(v) == v && std::abs(v) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(v)) + ".0";
  }
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  return {buffer, end};
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

void append_json(std::string& out, const Datum& d) {
  if (const auto* members = d.get<std::shared_ptr<const Members>>()) {
    out += '{';
    for (const auto& [key, value] : **members) {
      if (out.back() != '{') out += ',';
      append_json_string(out, key);
      out += ':';
      append_json(out, value);
    }
    out += '}';
  } else if (const auto* value = d.value(); value != nullptr) {
    dealwright::append_json(out, *value);
  } else if (is_list(d)) {
    out += '[';
    for (std::size_t i = 0; i < count(d); ++i) {
      if (i > 0) out += ',';
      append_json(out, element(d, i));
    }
    out += ']';
  } else {
    append_json_string(out, print(d));
  }
}

bool is_nothing(const Datum& d) {  // equals `empty`
  if (const auto* text = text_of(d)) return text->empty();
  if (const auto* markup = d.get<Markup>()) return markup->html.empty();
  const bool holds_items = (is_list(d) && d.get<Range>() == nullptr) || is_map(d);
  return holds_items && count(d) == 0;
}

bool is_blank(const Datum& d) {  // equals `blank`
  if (d.absent() || is_nothing(d)) return true;
  if (const auto* text = text_of(d)) return std::all_of(text->begin(), text->end(), is_space);
  return d.value() != nullptr && d.value()->as_bool() != nullptr && !*d.value()->as_bool();
}

std::optional<Number> as_number(const Datum& d) {
  const auto* v = d.value();
  if (v == nullptr) return std::nullopt;
  if (const auto* n = v->as_int()) return Number{true, *n, 0};
  if (const auto* n = v->as_double()) return Number{false, 0, *n};
  return std::nullopt;
}

int order(double a, double b) { return a < b ? -1 : a > b ? 1 : 0; }
template <class T>
int order_of(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

bool equal_lists(const Datum& a, const Datum& b) {
  if (count(a) != count(b)) return false;
  for (std::size_t i = 0; i < count(a); ++i) {
    if (!equal(element(a, i), element(b, i))) return false;
  }
  return true;
}

std::string_view words(const Datum& d) {  // of a text or of markup
  if (const auto* markup = d.get<Markup>()) return markup->html;
  const auto* text = text_of(d);
  return text == nullptr ? std::string_view{} : std::string_view{*text};
}

std::optional<Datum> found(const Datum& d, std::string_view name) {
  if (const auto* members = d.get<std::shared_ptr<const Members>>()) {
    for (const auto& [key, value] : **members) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
  const auto* map = d.value() == nullptr ? nullptr : d.value()->as_map();
  const auto* value = map == nullptr ? nullptr : find(*map, name);
  return value == nullptr ? std::nullopt : std::optional{Datum{*value}};
}

Datum member_of_loop(const Loop& loop, std::string_view name) {
  const auto number = [](std::size_t n) { return Datum{Value{static_cast<std::int64_t>(n)}}; };
  if (name == "name") return Value{loop.name};
  if (name == "length") return number(loop.length);
  if (name == "index") return number(loop.index0 + 1);
  if (name == "index0") return number(loop.index0);
  if (name == "rindex") return number(loop.length - loop.index0);
  if (name == "rindex0") return number(loop.length - loop.index0 - 1);
  if (name == "first") return Value{loop.index0 == 0};
  if (name == "last") return Value{loop.index0 + 1 == loop.length};
  if (name == "parentloop" && loop.parent != nullptr) return loop.parent;
  return {};
}

bool flatten_into(const Datum& d, std::size_t most, Items& out) {
  if (!is_list(d)) {
    if (out.size() >= most) return false;
    out.push_back(d);
    return true;
  }
  for (std::size_t i = 0; i < count(d); ++i) {
    if (!flatten_into(element(d, i), most, out)) return false;
  }
  return true;
}

}  // namespace

std::string print(const Value& value) {
  return std::visit(overloaded{
                        [](std::monostate) { return std::string{}; },
                        [](Null) { return std::string{}; },
                        [](bool v) { return std::string{v ? "true" : "false"}; },
                        [](std::int64_t v) { return std::to_string(v); },
                        [](double v) { return plain(v); },
                        [](const std::string& v) { return v; },
                        [](const Money& v) { return to_text(v); },
                        [](Instant v) { return to_short_text(v); },
                        [](LocalDate v) { return to_text(v); },
                        [](const std::shared_ptr<const List>& v) {
                          std::string out;
                          for (const auto& item : *v) out += print(item);
                          return out;
                        },
                        [&](const auto&) { return to_json(value); },
                    },
                    value.variant());
}

std::string print(const Datum& d) {
  return std::visit(overloaded{
                        [](const Value& v) { return print(v); },
                        [](Special) { return std::string{}; },
                        [](Range v) { return fmt::format("{}..{}", v.from, v.to); },
                        [](const Markup& v) { return v.html; },
                        [](const std::shared_ptr<const Items>& v) {
                          std::string out;
                          for (const auto& item : *v) out += print(item);
                          return out;
                        },
                        [&](const std::shared_ptr<const Members>&) {
                          std::string out;
                          append_json(out, d);
                          return out;
                        },
                        [](const std::shared_ptr<const Loop>&) { return std::string{}; },
                    },
                    d.variant());
}

bool truthy(const Datum& d) {
  if (d.absent()) return false;
  const auto* b = d.value() == nullptr ? nullptr : d.value()->as_bool();
  return b == nullptr || *b;
}

bool equal(const Datum& a, const Datum& b) {
  const auto* left = a.get<Special>();
  const auto* right = b.get<Special>();
  if (left != nullptr && right != nullptr) return *left == *right;
  if (left != nullptr) return equal(b, a);
  if (right != nullptr) return *right == Special::kEmpty ? is_nothing(a) : is_blank(a);
  if (a.absent() || b.absent()) return a.absent() && b.absent();
  const auto x = as_number(a);
  const auto y = as_number(b);
  if (x && y) {
    return x->whole && y->whole ? x->integer == y->integer : x->as_real() == y->as_real();
  }
  if (is_list(a) && is_list(b)) return equal_lists(a, b);
  if (is_map(a) && is_map(b)) return equal_lists(a, b);
  const bool texts = (text_of(a) != nullptr || a.get<Markup>() != nullptr) &&
                     (text_of(b) != nullptr || b.get<Markup>() != nullptr);
  if (texts) return words(a) == words(b);
  const auto* loop = a.get<std::shared_ptr<const Loop>>();
  if (loop != nullptr && b.get<std::shared_ptr<const Loop>>() != nullptr)
    return *loop == *b.get<std::shared_ptr<const Loop>>();
  return a.value() != nullptr && b.value() != nullptr && *a.value() == *b.value();
}

std::optional<int> compare(const Datum& a, const Datum& b) {
  const auto x = as_number(a);
  const auto y = as_number(b);
  if (x && y) {
    return x->whole && y->whole ? order_of(x->integer, y->integer)
                                : order(x->as_real(), y->as_real());
  }
  if (text_of(a) != nullptr && text_of(b) != nullptr) return order_of(words(a), words(b));
  const auto* left = a.value();
  const auto* right = b.value();
  if (left == nullptr || right == nullptr) return std::nullopt;
  const auto* money = left->as_money();
  if (money != nullptr && right->as_money() != nullptr &&
      money->currency == right->as_money()->currency) {
    return order_of(money->minor, right->as_money()->minor);
  }
  if (left->as_instant() != nullptr && right->as_instant() != nullptr)
    return order_of(*left->as_instant(), *right->as_instant());
  if (left->as_date() != nullptr && right->as_date() != nullptr)
    return order_of(*left->as_date(), *right->as_date());
  return std::nullopt;
}

bool contains(const Datum& whole, const Datum& part) {
  if (!truthy(part)) return false;
  if (text_of(whole) != nullptr || whole.get<Markup>() != nullptr)
    return words(whole).find(print(part)) != std::string_view::npos;
  if (is_map(whole)) return text_of(part) != nullptr && found(whole, *text_of(part)).has_value();
  if (!is_list(whole)) return false;
  for (std::size_t i = 0; i < count(whole); ++i) {
    if (equal(element(whole, i), part)) return true;
  }
  return false;
}

Datum member(const Datum& d, std::string_view name) {
  if (const auto* loop = d.get<std::shared_ptr<const Loop>>()) return member_of_loop(**loop, name);
  if (is_map(d)) {
    if (auto value = found(d, name)) return std::move(*value);
    if (name == "size") return Value{static_cast<std::int64_t>(count(d))};
    return name == "first" && count(d) > 0 ? element(d, 0) : Datum{};
  }
  if (const auto* text = text_of(d)) {
    if (name != "size") return {};
    return Value{std::int64_t{std::count_if(text->begin(), text->end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    })}};
  }
  if (!is_list(d)) return {};
  const auto size = count(d);
  if (name == "size") return Value{static_cast<std::int64_t>(size)};
  if (size == 0) return {};
  if (name == "first") return element(d, 0);
  return name == "last" ? element(d, size - 1) : Datum{};
}

Datum at(const Datum& d, const Datum& key) {
  if (const auto* name = text_of(key)) return member(d, *name);
  const auto number = as_number(key);
  if (!number || !number->whole || !is_list(d)) return {};
  const auto size = static_cast<std::int64_t>(count(d));
  const auto index = number->integer < 0 ? number->integer + size : number->integer;
  return index < 0 || index >= size ? Datum{} : element(d, static_cast<std::size_t>(index));
}

bool is_list(const Datum& d) {
  if (d.get<std::shared_ptr<const Items>>() != nullptr || d.get<Range>() != nullptr) return true;
  return d.value() != nullptr && d.value()->as_list() != nullptr;
}
bool is_map(const Datum& d) {
  if (d.get<std::shared_ptr<const Members>>() != nullptr) return true;
  return d.value() != nullptr && d.value()->as_map() != nullptr;
}
const std::string* text_of(const Datum& d) {
  return d.value() == nullptr ? nullptr : d.value()->as_text();
}

std::size_t count(const Datum& d) {
  if (const auto* items = d.get<std::shared_ptr<const Items>>()) return (*items)->size();
  if (const auto* members = d.get<std::shared_ptr<const Members>>()) return (*members)->size();
  if (const auto* range = d.get<Range>()) {
    if (range->to < range->from) return 0;
    return static_cast<std::size_t>(range->to) - static_cast<std::size_t>(range->from) + 1;
  }
  if (const auto* markup = d.get<Markup>()) return markup->html.empty() ? 0 : 1;
  const auto* v = d.value();
  if (v == nullptr) return 0;
  if (const auto* list = v->as_list()) return list->size();
  if (const auto* map = v->as_map()) return map->size();
  return v->text_or_empty().empty() ? 0 : 1;
}

Datum element(const Datum& d, std::size_t index) {
  if (const auto* items = d.get<std::shared_ptr<const Items>>()) return (**items)[index];
  if (const auto* members = d.get<std::shared_ptr<const Members>>()) {
    const auto& [key, value] = (**members)[index];
    return Items{Datum{Value{key}}, value};
  }
  if (const auto* range = d.get<Range>())
    return Value{range->from + static_cast<std::int64_t>(index)};
  const auto* v = d.value();
  if (v == nullptr) return d;
  if (const auto* list = v->as_list()) return (*list)[index];
  if (const auto* map = v->as_map())
    return Items{Datum{Value{(*map)[index].first}}, Datum{(*map)[index].second}};
  return d;
}

std::optional<Items> flatten(const Datum& d, std::size_t most) {
  Items out;
  if (d.absent() || d.get<Special>() != nullptr) return out;
  if (!flatten_into(d, most, out)) return std::nullopt;
  return out;
}

Number to_number(const Datum& d) {
  if (const auto number = as_number(d)) return *number;
  auto text = words(d);
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  const auto* begin = text.data();
  const auto* end = begin + text.size();
  Number out;
  const auto whole = std::from_chars(begin, end, out.integer);
  if (whole.ec == std::errc::result_out_of_range) return Number{false, 0, 0};
  if (whole.ec != std::errc{}) return Number{};
  const auto digits = static_cast<std::size_t>(end - whole.ptr);
  const bool fraction =
      digits > 1 && *whole.ptr == '.' &&
      std::all_of(whole.ptr + 1, end, [](char c) { return c >= '0' && c <= '9'; });
  if (!fraction) return out;
  out.whole = false;
  std::from_chars(begin, end, out.real);
  return out;
}

std::optional<std::int64_t> to_integer(const Datum& d) {
  const auto number = as_number(d);
  if (number) return number->whole ? std::optional{number->integer} : std::nullopt;
  const auto text = words(d);
  std::int64_t out = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return out;
}

Datum to_datum(const Number& n) { return n.whole ? Value{n.integer} : Value{n.real}; }

}  // namespace dealwright::rules::liquid
