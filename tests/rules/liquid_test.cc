// Titles and notices: output and filters.
#include <gtest/gtest.h>

#include "rules/liquid/template.h"

namespace dealwright::rules::liquid {
namespace {

Value value_of(std::string_view path) {
  if (path == "name") return Value{"ada lovelace"};
  if (path == "company") return Value{"Émile & Söhne"};
  if (path == "amount") return Value{Money{250050, Currency::unchecked('E', 'U', 'R')}};
  if (path == "count") return Value{7};
  if (path == "rate") return Value{2.345};
  if (path == "at") return Value{parse_instant("2026-03-02T23:30:00Z").value()};
  if (path == "day") return Value{date_of({2026, 3, 2})};
  if (path == "tags") return Value{List{Value{"a"}, Value{"b"}}};
  if (path == "empty") return Value{""};
  if (path == "nothing") return Value{Null{}};
  return {};
}

std::string run(std::string_view text) {
  Template parsed;
  if (const auto error = parse(text, parsed)) {
    return std::to_string(error->offset) + " " + error->message;
  }
  const Zone zone{"+01:00", 3600, {}};
  return render(parsed, [&](std::size_t i) { return value_of(parsed.paths[i].text); }, {&zone, {}});
}

TEST(LiquidTest, PrintsAndFilters) {
  const std::pair<const char*, const char*> rows[] = {
      {"plain", "plain"},
      {"", ""},
      {"Call {{ name }}!", "Call ada lovelace!"},
      {"{{name}}{{ count }}", "ada lovelace7"},
      {"a {{- name -}} b", "aada lovelaceb"},
      {"{{ gone }} and {{ nothing }}", "(none) and (none)"},
      {"{{ gone | default: 'x' }}", "x"},
      {"{{ empty | default: name }}", "ada lovelace"},
      {"{{ name | default: 'x' }}", "ada lovelace"},
      {"{{ gone | upcase }}", "(none)"},
      {"{{ name | upcase }}", "ADA LOVELACE"},
      {"{{ company | downcase }}", "émile & söhne"},
      {"{{ 'ärger' | capitalize }}", "Ärger"},
      {"{{ name | append: '!' | prepend: \">\" }}", ">ada lovelace!"},
      {"{{ '  x ' | strip }}", "x"},
      {"{{ name | replace: 'a', 'o' | remove: 'l' }}", "odo oveoce"},
      {"{{ company | size }}", "13"},
      {"{{ tags | size }} {{ tags | join: ', ' }} {{ tags | first }}{{ tags | last }}",
       "2 a, b ab"},
      {"{{ name | truncate: 7 }}", "ada ..."},
      {"{{ company | truncate: 4, '' }}", "Émil"},
      {"{{ rate | round }} {{ rate | round: 2 }} {{ rate | ceil }} {{ rate | floor }}",
       "2 2.35 3 2"},
      {"{{ count | plus: 3 }} {{ count | minus: 0.5 }} {{ count | times: 2 }}", "10 6.5 14"},
      {"{{ amount }} {{ amount | money }}", "2500.50 EUR 2500.50 EUR"},
      {"{{ at | date: '%Y-%m-%d %H:%M' }}", "2026-03-02 23:30"},
      {"{{ at | local_date }} {{ at | local_time }}", "2026-03-03 2026-03-03 00:30"},
      {"{{ at | local_time: '%-d %b, %A %%' }}", "3 Mar, Tuesday %"},
      {"{{ day | date: '%d.%m.%y' }} {{ day }}", "02.03.26 2026-03-02"},
      {"{{ '{{ name }}' }}", "{{ name }}"},  // values are never templates
      {"a } b }} c { d", "a } b }} c { d"},
      {"{{ name", "0 '{{' is not closed"},
      {"{{ }}", "3 a value is missing"},
      {"{{ name | shout }}", "10 unknown filter 'shout'"},
      {"{{ name | append }}", "10 'append' takes 1 argument(s), 0 given"},
      {"{{ name | truncate: 1, 2, 3 }}", "10 'truncate' takes 0 to 2 argument(s), 3 given"},
      {"{{ a..b }}", "3 a path such as contact.name is missing"},
      {"{{ name upcase }}", "8 expected '|' or '}}'"},
      {"{{ 'x }}", "0 '{{' is not closed"},
      {"x {% if a %}", "2 a tag '{%' is not part of titles and notices"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(run(text), expected) << text;
}

TEST(LiquidTest, IsCutWhereItGetsTooLong) {
  Template parsed;
  ASSERT_FALSE(parse("{{ x }}", parsed));
  const std::string big(kTextBytesMax - 1, 'x');
  const auto out = render(parsed, [&](std::size_t) { return Value{big + "é"}; }, {});
  EXPECT_EQ(out, big);  // never half a letter
}

}  // namespace
}  // namespace dealwright::rules::liquid
