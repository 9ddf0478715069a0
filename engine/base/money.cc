#include "engine/base/money.h"

#include <algorithm>
#include <limits>
#include <span>

#include "engine/base/assert.h"

namespace dealwright {
namespace {

constexpr std::string_view kNoDecimals[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                            "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                            "VND", "VUV", "XAF", "XOF", "XPF"};
constexpr std::string_view kThreeDecimals[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};

bool contains(std::span<const std::string_view> list, std::string_view code) {
  return std::find(list.begin(), list.end(), code) != list.end();
}

Error bad_money(std::string_view text, std::string_view why) {
  return Error{Code::kInvalid, "'" + std::string{text.substr(0, 60)} +
                                   "' is no money: " + std::string{why} + "; write \"2500 EUR\""};
}

}  // namespace

Result<Currency> Currency::parse(std::string_view text) {
  const bool letters = text.size() == 3 && std::all_of(text.begin(), text.end(),
                                                       [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!letters) {
    return Error{Code::kInvalid, "'" + std::string{text.substr(0, 20)} +
                                     "' is no currency; write three capitals such as EUR"};
  }
  return unchecked(text[0], text[1], text[2]);
}

int Currency::exponent() const {
  if (contains(kNoDecimals, text())) return 0;
  if (contains(kThreeDecimals, text())) return 3;
  if (text() == "CLF" || text() == "UYW") return 4;
  return 2;
}

Result<Money> parse_money(std::string_view text) {
  const auto blank = text.rfind(' ');
  if (blank == std::string_view::npos) return bad_money(text, "no currency");
  auto currency = Currency::parse(text.substr(blank + 1));
  if (!currency) return bad_money(text, currency.error().detail);
  std::string_view number = text.substr(0, blank);
  const bool negative = !number.empty() && number.front() == '-';
  if (negative) number.remove_prefix(1);
  const int exponent = currency.value().exponent();
  std::int64_t minor = 0;
  int decimals = -1;  // -1: no point yet
  bool any = false;
  for (const char c : number) {
    if (c == '.' && decimals < 0 && any) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return bad_money(text, "not a number");
    any = true;
    if (decimals >= 0 && ++decimals > exponent)
      return bad_money(text, "more decimals than the currency has");
    if (__builtin_mul_overflow(minor, 10, &minor) ||
        __builtin_add_overflow(minor, c - '0', &minor)) {
      return bad_money(text, "too large");
    }
  }
  if (!any || decimals == 0) return bad_money(text, "not a number");
  for (int i = std::max(decimals, 0); i < exponent; ++i) {
    if (__builtin_mul_overflow(minor, 10, &minor)) return bad_money(text, "too large");
  }
  return Money{negative ? -minor : minor, currency.value()};
}

std::string amount_text(Money money) {
  const auto exponent = static_cast<std::size_t>(money.currency.exponent());
  const bool negative = money.minor < 0;
  auto digits = std::to_string(negative ? 0 - static_cast<std::uint64_t>(money.minor)
                                        : static_cast<std::uint64_t>(money.minor));
  if (exponent > 0) {
    if (digits.size() <= exponent) digits.insert(0, exponent + 1 - digits.size(), '0');
    digits.insert(digits.size() - exponent, ".");
  }
  return (negative ? "-" : "") + digits;
}

std::string to_text(Money money) {
  return amount_text(money) + " " + std::string{money.currency.text()};
}

Result<std::int64_t> scale_half_even(std::int64_t value, std::int64_t numerator,
                                     std::int64_t denominator) {
  DW_ASSERT(denominator > 0);
  __extension__ typedef __int128 Wide;
  const Wide product = static_cast<Wide>(value) * numerator;
  Wide quotient = product / denominator;
  Wide rest = product % denominator;
  if (rest < 0) rest = -rest;
  const Wide twice = rest * 2;
  if (twice > denominator || (twice == denominator && quotient % 2 != 0)) {
    quotient += product < 0 ? -1 : 1;
  }
  if (quotient > std::numeric_limits<std::int64_t>::max() ||
      quotient < std::numeric_limits<std::int64_t>::min()) {
    return Error{Code::kInvalid, "the amount is too large for 64 bits"};
  }
  return static_cast<std::int64_t>(quotient);
}

}  // namespace dealwright
