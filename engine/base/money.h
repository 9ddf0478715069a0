// Money: integer minor units with an ISO 4217 currency. No floating point anywhere.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace dealwright {

// Three capital letters. Any such code is accepted; the exponent is ISO's, 2 where ISO knows none.
class Currency {
 public:
  constexpr Currency() = default;
  static Result<Currency> parse(std::string_view text);
  // REQUIRES: is a code (used by decoders after their own check).
  static constexpr Currency unchecked(char a, char b, char c) {
    Currency out;
    out.code_ = {a, b, c};
    return out;
  }
  std::string_view text() const { return {code_.data(), code_.size()}; }
  int exponent() const;  // digits after the point: EUR 2, JPY 0, KWD 3
  friend auto operator<=>(const Currency&, const Currency&) = default;

 private:
  std::array<char, 3> code_{'X', 'X', 'X'};
};

struct Money {
  std::int64_t minor = 0;
  Currency currency;
  friend auto operator<=>(const Money&, const Money&) = default;
};

// "2500 EUR", "2500.50 EUR", "-1 JPY": at most the currency's digits after the point. kInvalid.
Result<Money> parse_money(std::string_view text);
// "2500.50 EUR"
std::string to_text(Money money);
// "2500.50"
std::string amount_text(Money money);

// value * numerator / denominator, rounded half to even; exact in 128 bits. kInvalid on overflow.
// REQUIRES: denominator > 0
Result<std::int64_t> scale_half_even(std::int64_t value, std::int64_t numerator,
                                     std::int64_t denominator);

}  // namespace dealwright
