// Filters on lists, and those that ask whether there is anything at all.
#include <algorithm>

#include "rules/liquid/filters.h"

namespace dealwright::rules::liquid {
namespace {

Error no_property(const Call& c) {
  return Error{Code::kInvalid, "cannot take the property '" +
                                   (c.arguments.empty() ? std::string{} : print(c.arguments[0])) +
                                   "' of what is no object"};
}

Result<Items> items_of(const Call& c) {
  auto items = flatten(c.value, c.budget.left);
  if (!items || !c.budget.spend(items->size()))
    return Error{Code::kInvalid, "the list is too long"};
  return std::move(*items);
}

Result<Datum> join(const Call& c) {
  DW_TRY(const auto items, items_of(c));
  const auto between = c.arguments.empty() ? std::string{" "} : print(c.arguments[0]);
  std::string out;
  for (std::size_t i = 0; i < items.size() && out.size() <= kOutputBytesMax; ++i) {
    if (i > 0) out += between;
    out += print(items[i]);
  }
  return checked(std::move(out));
}

Result<Datum> first(const Call& c) {
  if (!is_list(c.value) && !is_map(c.value)) return Datum{};
  return count(c.value) == 0 ? Datum{} : element(c.value, 0);
}
Result<Datum> last(const Call& c) {
  return is_list(c.value) && count(c.value) > 0 ? element(c.value, count(c.value) - 1) : Datum{};
}

Result<Datum> size(const Call& c) {
  if (is_list(c.value) || is_map(c.value))
    return Datum{Value{static_cast<std::int64_t>(count(c.value))}};
  std::string scratch;
  return Datum{Value{static_cast<std::int64_t>(code_points(to_text(c.value, scratch)))}};
}

Result<Datum> reverse(const Call& c) {
  DW_TRY(auto items, items_of(c));
  std::reverse(items.begin(), items.end());
  return checked(std::move(items), c);
}

Result<Datum> concat(const Call& c) {
  if (!is_list(c.arguments[0])) return Error{Code::kInvalid, "concat: the argument is no list"};
  DW_TRY(auto items, items_of(c));
  const auto more = count(c.arguments[0]);
  if (!c.budget.spend(more)) return Error{Code::kInvalid, "the list is too long"};
  for (std::size_t i = 0; i < more; ++i) items.push_back(element(c.arguments[0], i));
  return checked(std::move(items), c);
}

// `item[property]` as Ruby has it: of a text the part that it contains, of a number a bit.
enum class Property : std::uint8_t { kThere, kNone, kWrong };  // wrong: nothing has properties here
struct Taken {
  Property what = Property::kThere;
  Datum value;
};
Taken property(const Datum& item, const Datum& name) {
  if (item.absent()) return {Property::kNone, {}};
  if (text_of(item) != nullptr) {
    if (name.absent()) return {Property::kNone, {}};
    return {Property::kThere, contains(item, name) ? Datum{Value{print(name)}} : Datum{}};
  }
  if (is_map(item))
    return {Property::kThere, text_of(name) == nullptr ? Datum{} : member(item, *text_of(name))};
  const auto* value = item.value();
  if (value != nullptr && value->as_bool() != nullptr) return {Property::kNone, {}};
  if (value != nullptr && value->as_int() != nullptr && name.value() != nullptr &&
      name.value()->as_int() != nullptr)
    return {Property::kThere, Value{0}};
  return {Property::kWrong, {}};
}

enum class Found : std::uint8_t { kYes, kNo, kNothing, kWrong };
Found matches(const Call& c, const Datum& item) {
  const auto taken = property(item, c.arguments[0]);
  if (taken.what == Property::kNone) return Found::kNothing;
  if (taken.what == Property::kWrong) return Found::kWrong;
  const bool asked = c.arguments.size() > 1 && !c.arguments[1].absent();
  const bool yes = asked ? equal(taken.value, c.arguments[1]) : truthy(taken.value);
  return yes ? Found::kYes : Found::kNo;
}

Result<Datum> selected(const Call& c, Found wanted) {
  DW_TRY(auto items, items_of(c));
  Items out;
  for (auto& item : items) {
    const auto found = matches(c, item);
    if (found == Found::kNothing) return Datum{};
    if (found == Found::kWrong) return no_property(c);
    if (found == wanted) out.push_back(std::move(item));
  }
  return checked(std::move(out), c);
}
Result<Datum> where(const Call& c) { return selected(c, Found::kYes); }
Result<Datum> reject(const Call& c) { return selected(c, Found::kNo); }

// The first that matches; `make`: what it gives of it.
template <class Make>
Result<Datum> first_match(const Call& c, Datum none, Make make) {
  DW_TRY(const auto items, items_of(c));
  for (std::size_t i = 0; i < items.size(); ++i) {
    switch (matches(c, items[i])) {
      case Found::kYes:
        return make(items[i], i);
      case Found::kNo:
        break;
      case Found::kNothing:
        return Datum{};
      case Found::kWrong:
        return no_property(c);
    }
  }
  return none;
}
Result<Datum> find_item(const Call& c) {
  return first_match(c, {}, [](const Datum& item, std::size_t) { return item; });
}
Result<Datum> find_index(const Call& c) {
  return first_match(c, {}, [](const Datum&, std::size_t i) {
    return Datum{Value{static_cast<std::int64_t>(i)}};
  });
}
Result<Datum> has(const Call& c) {
  return first_match(c, Value{false}, [](const Datum&, std::size_t) { return Datum{Value{true}}; });
}

Result<Datum> map(const Call& c) {
  DW_TRY(const auto items, items_of(c));
  Items out;
  for (const auto& item : items) {
    auto taken = property(item, c.arguments[0]);
    if (taken.what == Property::kWrong) return no_property(c);
    out.push_back(std::move(taken.value));
  }
  return checked(std::move(out), c);
}

Result<Datum> compact(const Call& c) {
  DW_TRY(auto items, items_of(c));
  Items out;
  for (auto& item : items) {
    if (c.arguments.empty() ? item.absent() : property(item, c.arguments[0]).value.absent())
      continue;
    out.push_back(std::move(item));
  }
  return checked(std::move(out), c);
}

Result<Datum> uniq(const Call& c) {
  DW_TRY(auto items, items_of(c));
  Items out, seen;
  for (auto& item : items) {
    auto key = c.arguments.empty() ? item : property(item, c.arguments[0]).value;
    if (!c.budget.spend(seen.size() / 16 + 1)) return Error{Code::kInvalid, "the list is too long"};
    const bool known =
        std::any_of(seen.begin(), seen.end(), [&](const Datum& d) { return equal(d, key); });
    if (known) continue;
    seen.push_back(std::move(key));
    out.push_back(std::move(item));
  }
  return checked(std::move(out), c);
}

Result<Datum> sum(const Call& c) {
  DW_TRY(const auto items, items_of(c));
  const auto* plus = find_filter("plus");
  Datum total{Value{0}};
  for (const auto& item : items) {
    auto taken =
        c.arguments.empty() ? Taken{Property::kThere, item} : property(item, c.arguments[0]);
    if (taken.what == Property::kWrong || (!c.arguments.empty() && text_of(item) != nullptr))
      return no_property(c);
    DW_TRY(auto more, plus->apply({total, {&taken.value, 1}, false, false, c.context, c.budget}));
    total = std::move(more);
  }
  return total;
}

// Elements with what they are sorted by; those without stand behind the others.
struct Sorted {
  Datum by;
  Datum item;
};
template <class Before>
Result<Datum> sorted(const Call& c, Before before) {
  DW_TRY(auto items, items_of(c));
  const bool named = !c.arguments.empty() && !c.arguments[0].absent();
  if (!c.budget.spend(items.size() * 4)) return Error{Code::kInvalid, "the list is too long"};
  std::vector<Sorted> all;
  for (auto& item : items) {
    auto by = item;
    if (named) {
      auto taken = property(item, c.arguments[0]);
      if (taken.what == Property::kWrong) return no_property(c);
      by = std::move(taken.value);
    }
    all.push_back({std::move(by), std::move(item)});
  }
  bool sound = true;
  std::stable_sort(all.begin(), all.end(), [&](const Sorted& a, const Sorted& b) {
    if (a.by.absent() || b.by.absent()) return !a.by.absent() && b.by.absent();
    return before(a.by, b.by, sound);
  });
  if (!sound) return Error{Code::kInvalid, "sort: the elements are of different kinds"};
  Items out;
  for (auto& one : all) out.push_back(std::move(one.item));
  return checked(std::move(out), c);
}
Result<Datum> sort(const Call& c) {
  return sorted(c, [](const Datum& a, const Datum& b, bool& sound) {
    const auto order = compare(a, b);
    if (!order) sound = false;
    return order.value_or(0) < 0;
  });
}
Result<Datum> sort_natural(const Call& c) {
  const auto* downcase = find_filter("downcase");
  const auto low = [&](const Datum& d) {
    const auto text = downcase->apply({d, {}, false, false, c.context, c.budget});
    return text ? print(text.value()) : std::string{};
  };
  return sorted(c, [&](const Datum& a, const Datum& b, bool&) { return low(a) < low(b); });
}

bool missing(const Datum& d, bool allow_false) {
  if (d.absent()) return true;
  if (const auto* value = d.value(); value != nullptr && value->as_bool() != nullptr)
    return !*value->as_bool() && !allow_false;
  return equal(d, Special::kEmpty);
}
Result<Datum> otherwise(const Call& c) {
  if (!missing(c.value, c.allow_false)) return c.value;
  return c.arguments.empty() ? Datum{} : c.arguments[0];
}

}  // namespace

std::span<const Filter> list_filters() {
  static constexpr Filter kTable[] = {
      {"compact", 0, 1, compact},
      {"concat", 1, 1, concat},
      {"default", 0, 1, otherwise},
      {"find", 1, 2, find_item},
      {"find_index", 1, 2, find_index},
      {"first", 0, 0, first},
      {"has", 1, 2, has},
      {"join", 0, 1, join},
      {"last", 0, 0, last},
      {"map", 1, 1, map},
      {"reject", 1, 2, reject},
      {"reverse", 0, 0, reverse},
      {"size", 0, 0, size},
      {"sort", 0, 1, sort},
      {"sort_natural", 0, 1, sort_natural},
      {"sum", 0, 1, sum},
      {"uniq", 0, 1, uniq},
      {"where", 1, 2, where},
  };
  return kTable;
}

}  // namespace dealwright::rules::liquid
