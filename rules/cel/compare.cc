// == and < over values. Numbers compare by what they mean, exactly: an int beside a double is never
// rounded to one.
#include <algorithm>
#include <cmath>
#include <compare>

#include "rules/cel/val.h"

namespace dealwright::rules::cel {
namespace {

bool numeric(Tag tag) { return tag == Tag::kInt || tag == Tag::kUint || tag == Tag::kDouble; }

std::partial_ordering compare_real(std::int64_t a, double b) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= kTwo63) return std::partial_ordering::less;
  if (b < -kTwo63) return std::partial_ordering::greater;
  const double whole = std::trunc(b);
  const auto whole_int = static_cast<std::int64_t>(whole);
  if (a != whole_int) return a <=> whole_int;
  return whole <=> b;
}

std::partial_ordering compare_real(std::uint64_t a, double b) {
  constexpr double kTwo64 = 18446744073709551616.0;
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= kTwo64) return std::partial_ordering::less;
  if (b < 0) return std::partial_ordering::greater;
  const double whole = std::trunc(b);
  const auto whole_int = static_cast<std::uint64_t>(whole);
  if (a != whole_int) return a <=> whole_int;
  return whole <=> b;
}

std::partial_ordering reversed(std::partial_ordering order) { return 0 <=> order; }

// REQUIRES: both numeric.
std::partial_ordering compare_numbers(const Val& a, const Val& b) {
  if (a.tag() == b.tag()) {
    if (a.is(Tag::kInt)) return a.as_int() <=> b.as_int();
    if (a.is(Tag::kUint)) return a.as_uint() <=> b.as_uint();
    return a.as_double() <=> b.as_double();
  }
  if (a.is(Tag::kDouble)) {
    return reversed(b.is(Tag::kInt) ? compare_real(b.as_int(), a.as_double())
                                    : compare_real(b.as_uint(), a.as_double()));
  }
  if (b.is(Tag::kDouble)) {
    return a.is(Tag::kInt) ? compare_real(a.as_int(), b.as_double())
                           : compare_real(a.as_uint(), b.as_double());
  }
  if (a.is(Tag::kInt)) {
    if (a.as_int() < 0) return std::partial_ordering::less;
    return a.as_uint() <=> b.as_uint();
  }
  if (b.as_int() < 0) return std::partial_ordering::greater;
  return a.as_uint() <=> b.as_uint();
}

std::partial_ordering compare_moments(const Val& a, const Val& b) {
  if (a.seconds() != b.seconds()) return a.seconds() <=> b.seconds();
  return a.nanos() <=> b.nanos();
}

// The rank of a key's type: booleans, numbers, texts.
int key_rank(const Val& key) { return key.is(Tag::kBool) ? 0 : key.is(Tag::kString) ? 2 : 1; }

std::weak_ordering compare_keys(const Val& a, const Val& b) {
  if (key_rank(a) != key_rank(b)) return key_rank(a) <=> key_rank(b);
  if (a.is(Tag::kBool)) return a.as_int() <=> b.as_int();
  if (a.is(Tag::kString)) return a.as_text().compare(b.as_text()) <=> 0;
  const auto order = compare_numbers(a, b);
  if (order < 0) return std::weak_ordering::less;
  return order > 0 ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

const Val kTrue = Val::boolean(true);
const Val kFalse = Val::boolean(false);

// False wins over an error, as in &&: one unlike element decides.
Val equal_lists(std::span<const Val> a, std::span<const Val> b) {
  if (a.size() != b.size()) return kFalse;
  auto out = kTrue;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto same = equal(a[i], b[i]);
    if (same.is_false()) return same;
    if (same.is_error()) out = same;
  }
  return out;
}

Val equal_maps(std::span<const Entry> a, std::span<const Entry> b) {
  if (a.size() != b.size()) return kFalse;
  auto out = kTrue;
  for (std::size_t i = 0; i < a.size(); ++i) {  // both sorted by key
    if (compare_keys(a[i].key, b[i].key) != 0) return kFalse;
    const auto same = equal(a[i].value, b[i].value);
    if (same.is_false()) return same;
    if (same.is_error()) out = same;
  }
  return out;
}

Val equal_alike(const Val& a, const Val& b) {
  switch (a.tag()) {
    case Tag::kNull: return kTrue;
    case Tag::kBool: case Tag::kDate: return Val::boolean(a.as_int() == b.as_int());
    case Tag::kString: case Tag::kBytes: case Tag::kType:
      return Val::boolean(a.as_text() == b.as_text());
    case Tag::kMoney:
      if (a.currency_bits() != b.currency_bits()) return Val::error(Fault::kCurrencyMismatch);
      return Val::boolean(a.as_int() == b.as_int());
    case Tag::kTimestamp: case Tag::kDuration: return Val::boolean(compare_moments(a, b) == 0);
    case Tag::kList: return equal_lists(a.as_list(), b.as_list());
    case Tag::kMap: return equal_maps(a.as_map(), b.as_map());
    case Tag::kRecord:
      return Val::boolean(a.as_record().kind() == b.as_record().kind() &&
                          a.as_record().id() == b.as_record().id());
    case Tag::kOptional: {
      const auto* x = a.as_optional();
      const auto* y = b.as_optional();
      if (x == nullptr || y == nullptr) return Val::boolean(x == y);
      return equal(*x, *y);
    }
    case Tag::kInt: case Tag::kUint: case Tag::kDouble:
      return Val::boolean(compare_numbers(a, b) == 0);
    case Tag::kError: break;
  }
  return a;
}

Val answer(Order order, std::partial_ordering found) {
  switch (order) {
    case Order::kLess: return Val::boolean(found < 0);
    case Order::kLessEqual: return Val::boolean(found <= 0);
    case Order::kGreater: return Val::boolean(found > 0);
    case Order::kGreaterEqual: return Val::boolean(found >= 0);
  }
  return kFalse;
}

}  // namespace

Val equal(const Val& a, const Val& b) {
  if (a.is_error()) return a;
  if (b.is_error()) return b;
  if (a.tag() == b.tag()) return equal_alike(a, b);
  if (numeric(a.tag()) && numeric(b.tag())) return Val::boolean(compare_numbers(a, b) == 0);
  return kFalse;
}

Val ordered(Order order, const Val& a, const Val& b) {
  if (numeric(a.tag()) && numeric(b.tag())) return answer(order, compare_numbers(a, b));
  if (a.tag() != b.tag()) return Val::error(Fault::kNoSuchOverload, "values of unlike types have no order");
  switch (a.tag()) {
    case Tag::kBool: case Tag::kDate: return answer(order, a.as_int() <=> b.as_int());
    case Tag::kString: case Tag::kBytes: return answer(order, a.as_text().compare(b.as_text()) <=> 0);
    case Tag::kTimestamp: case Tag::kDuration: return answer(order, compare_moments(a, b));
    case Tag::kMoney:
      if (a.currency_bits() != b.currency_bits()) return Val::error(Fault::kCurrencyMismatch);
      return answer(order, a.as_int() <=> b.as_int());
    default: return Val::error(Fault::kNoSuchOverload, "values of this type have no order");
  }
}

bool is_key(const Val& key) {
  return key.is(Tag::kBool) || key.is(Tag::kInt) || key.is(Tag::kUint) || key.is(Tag::kString);
}

const Val* find_key(const Val& map, const Val& key) {
  if (!is_key(key) && !(key.is(Tag::kDouble) && !std::isnan(key.as_double()))) return nullptr;
  const auto entries = map.as_map();
  const auto at = std::lower_bound(
      entries.begin(), entries.end(), key,
      [](const Entry& entry, const Val& wanted) { return compare_keys(entry.key, wanted) < 0; });
  if (at == entries.end() || compare_keys(at->key, key) != 0) return nullptr;
  return &at->value;
}

Val make_map(std::span<Entry> entries) {
  for (const auto& entry : entries) {
    if (!is_key(entry.key)) return Val::error(Fault::kInvalid, "a key is a bool, int, uint or string");
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return compare_keys(a.key, b.key) < 0;
  });
  const auto twice = std::adjacent_find(
      entries.begin(), entries.end(),
      [](const Entry& a, const Entry& b) { return compare_keys(a.key, b.key) == 0; });
  if (twice != entries.end()) return Val::error(Fault::kInvalid, "a key occurs twice");
  return Val::map(entries);
}

}  // namespace dealwright::rules::cel
