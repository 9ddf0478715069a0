#include "connectors/import/conversion.h"

#include <gtest/gtest.h>

namespace dealwright::import {
namespace {

std::string amount(std::string_view text, std::string_view currency, char decimal,
                   std::int64_t scale = 1, bool minor = false) {
  Notation notation;
  notation.decimal = decimal;
  notation.scale = scale;
  notation.minor = minor;
  auto money = read_amount(text, currency, notation);
  return money ? to_text(money.value()) : "bad: " + money.error().detail;
}

TEST(ConversionTest, ReadsMoney) {
  EXPECT_EQ(amount("20000", "EUR", '.'), "20000.00 EUR");
  EXPECT_EQ(amount("1,234.5", "EUR", '.'), "1234.50 EUR");
  EXPECT_EQ(amount("1.234.567,89", "EUR", ','), "1234567.89 EUR");
  EXPECT_EQ(amount("1 234,5", "EUR", ','), "1234.50 EUR");
  EXPECT_EQ(amount("12'000", "CHF", '.'), "12000.00 CHF");
  EXPECT_EQ(amount("-5", "JPY", '.'), "-5 JPY");
  EXPECT_EQ(amount("5.000", "EUR", '.'), "5.00 EUR");
  EXPECT_EQ(amount("7 USD", "EUR", '.'), "7.00 USD");
  EXPECT_EQ(amount("12.5", "EUR", '.', 1000), "12500.00 EUR");
  EXPECT_EQ(amount("12345", "EUR", '.', 1, true), "123.45 EUR");
}

TEST(ConversionTest, RefusesWhatIsNoMoney) {
  EXPECT_EQ(amount("1,5", "EUR", '.'), "bad: '1,5' is no amount; digits, or set `decimal`");
  EXPECT_EQ(amount("1.2.3", "EUR", '.'), "bad: '1.2.3' is no amount; digits, or set `decimal`");
  EXPECT_EQ(amount("12,34,567", "EUR", '.'),
            "bad: '12,34,567' is no amount; digits, or set `decimal`");
  EXPECT_EQ(amount("", "EUR", '.'), "bad: '' is no amount; digits, or set `decimal`");
  EXPECT_EQ(amount("-", "EUR", '.'), "bad: '-' is no amount; digits, or set `decimal`");
  EXPECT_EQ(amount("about 5", "EUR", '.'), "bad: 'about 5' is no amount; digits, or set `decimal`");
  EXPECT_EQ(amount("5", "", '.'), "bad: '5' has no currency; give `currency: EUR`");
  EXPECT_EQ(
      amount("1.234", "EUR", '.'),
      "bad: '1.234 EUR' is no money: more decimals than the currency has; write \"2500 EUR\"");
  EXPECT_EQ(amount("99999999999999999999", "EUR", '.').substr(0, 4), "bad:");
}

std::string time(std::string_view text, std::string_view format, std::string_view zone) {
  auto at = read_time(text, format, Zone::find(zone).value());
  return at ? to_text(at.value()) : "bad: " + at.error().detail;
}

TEST(ConversionTest, ReadsTimes) {
  EXPECT_EQ(time("2011-10-01T00:38:44.546+02:00", "", "UTC"), "2011-09-30T22:38:44.546Z");
  EXPECT_EQ(time("2026-03-02", "", "UTC"), "2026-03-02T00:00:00.000Z");
  EXPECT_EQ(time("2026-03-02", "", "Europe/Berlin"), "2026-03-01T23:00:00.000Z");
  EXPECT_EQ(time("2026-07-02 10:15", "", "America/New_York"), "2026-07-02T14:15:00.000Z");
  EXPECT_EQ(time("2026-07-02T10:15:00Z", "", "America/New_York"), "2026-07-02T10:15:00.000Z");
  EXPECT_EQ(time("2026-03-29 02:30", "", "Europe/Berlin"), "2026-03-29T01:00:00.000Z") << "skipped";
  EXPECT_EQ(time("2026-10-25 02:30", "", "Europe/Berlin"), "2026-10-25T00:30:00.000Z")
      << "twice: the first";
  // Behind the years that the tz database lists.
  EXPECT_EQ(time("2040-03-25 01:59", "", "Europe/Berlin"), "2040-03-25T00:59:00.000Z");
  EXPECT_EQ(time("2040-03-25 03:00", "", "Europe/Berlin"), "2040-03-25T01:00:00.000Z");
  EXPECT_EQ(time("2041-07-02 10:15", "", "America/New_York"), "2041-07-02T14:15:00.000Z");
  EXPECT_EQ(time("2300-12-01", "", "Europe/Berlin"), "2300-11-30T23:00:00.000Z");
  EXPECT_EQ(time("2/3/2026", "%d/%m/%Y", "UTC"), "2026-03-02T00:00:00.000Z");
  EXPECT_EQ(time("03-Feb-26 1:05 PM", "%d-%b-%y %I:%M %p", "UTC"), "2026-02-03T13:05:00.000Z");
}

TEST(ConversionTest, RefusesWhatIsNoTime) {
  EXPECT_EQ(time("31/02/2026", "%d/%m/%Y", "UTC"),
            "bad: '31/02/2026' is no time of the form %d/%m/%Y; mend the value or the format");
  EXPECT_EQ(time("1/2/2026 x", "%d/%m/%Y", "UTC").substr(0, 4), "bad:");
  EXPECT_EQ(time("tomorrow", "", "UTC").substr(0, 4), "bad:");
  EXPECT_EQ(time("2026-13-01", "", "Europe/Berlin").substr(0, 4), "bad:");
  EXPECT_FALSE(Zone::find("Mars/Base").has_value());
  EXPECT_EQ(check_time_format("%d.%m.%Y"), "");
  EXPECT_NE(check_time_format("%d.%m"), "");
  EXPECT_NE(check_time_format("%d.%m.%Y %Q"), "");
}

TEST(ConversionTest, RendersTexts) {
  Names names{{"A", "B:c"}, {"offers"}};
  Scope scope;
  scope.cells = {"Blue Harbor, Inc.", ""};
  scope.case_id = "17";
  scope.row = 5;
  scope.number = 2;
  scope.record_ids = {"17-2"};
  const auto shown = [&](const char* text) {
    Template parsed;
    auto wrong = parse_template(text, names, parsed);
    if (!wrong.empty()) return "wrong: " + wrong;
    std::string out;
    scope.cells.resize(names.columns.size());
    render(parsed, scope, out);
    return out;
  };
  EXPECT_EQ(shown("deal/{A|slug}"), "deal/blue-harbor-inc");
  EXPECT_EQ(shown("{A|upper} {@row}"), "BLUE HARBOR, INC. 5");
  EXPECT_EQ(shown("{@case}-{@n} {@offers}"), "17-2 17-2");
  EXPECT_EQ(shown("{{x}}"), "{x}");
  EXPECT_EQ(shown("x {B:c}"), "") << "half a text is none";
  EXPECT_EQ(shown("x {New}"), "");
  EXPECT_EQ(names.columns.size(), 3U);
  EXPECT_EQ(shown("{A"), "wrong: a '{' without '}'; write {{ for a brace");
  EXPECT_EQ(shown("A}"), "wrong: a '}' without '{'; write }} for a brace");
  EXPECT_EQ(shown("{A|loud}"), "wrong: unknown filter 'loud'; lower, upper or slug");
  EXPECT_EQ(shown("{@tasks}").substr(0, 33), "wrong: unknown reference '@tasks'");
}

}  // namespace
}  // namespace dealwright::import
