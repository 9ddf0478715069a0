// Steps 1 and 10, and the reference data that everything rests on.
#include "connectors/sample/story.h"

namespace dealwright::sample {
namespace {

Value weekdays(std::string_view from, std::string_view to) {
  List out;
  for (const std::string_view day : {"mon", "tue", "wed", "thu", "fri"}) {
    out.emplace_back(Map{{"day", day}, {"from", from}, {"to", to}});
  }
  return Value{std::move(out)};
}

Value stage(std::string_view id, std::string_view name, int order, int probability,
            std::string_view category) {
  return Value{Map{{"id", id},
                   {"name", name},
                   {"order", order},
                   {"probability", probability},
                   {"category", category}}};
}

std::string calendar_of(std::string_view zone) {
  if (zone == "Europe/Berlin") return "berlin";
  return zone == "Europe/London" ? "london" : "new-york";
}

Value text_date(int month, int day) {
  return Value{
      to_text(date_of({2026, static_cast<std::uint32_t>(month), static_cast<std::uint32_t>(day)}))};
}

void tell_calendars(Teller& teller) {
  teller.say(
      "calendar.updated", "calendar/berlin",
      {{"tz", "Europe/Berlin"},
       {"week", weekdays("09:00", "18:00")},
       {"holidays", List{text_date(1, 1), text_date(4, 3), text_date(5, 1), text_date(12, 25)}}});
  teller.say(
      "calendar.updated", "calendar/london",
      {{"tz", "Europe/London"},
       {"week", weekdays("09:00", "17:30")},
       {"holidays", List{text_date(1, 1), text_date(4, 3), text_date(12, 25), text_date(12, 28)}}});
  teller.say(
      "calendar.updated", "calendar/new-york",
      {{"tz", "America/New_York"},
       {"week", weekdays("08:30", "17:00")},
       {"holidays", List{text_date(1, 1), text_date(7, 3), text_date(11, 26), text_date(12, 25)}}});
}

void tell_people(Teller& teller) {
  teller.say("team.updated", "team/emea",
             {{"name", "EMEA"},
              {"tz", "Europe/Berlin"},
              {"calendar", "berlin"},
              {"manager", "anna"},
              {"region", "EMEA"}});
  teller.say("team.updated", "team/amer",
             {{"name", "Americas"},
              {"tz", "America/New_York"},
              {"calendar", "new-york"},
              {"manager", "elena"},
              {"region", "AMER"}});
  for (const auto& seller : sellers()) {
    teller.say("user.updated", "user/" + std::string{seller.id},
               {{"name", seller.name},
                {"tz", seller.zone},
                {"calendar", calendar_of(seller.zone)},
                {"team", seller.team}});
  }
}

Value eur(std::int64_t whole) {
  return Value{Money{whole * 100, Currency::unchecked('E', 'U', 'R')}};
}

void tell_quarter(Teller& teller, int quarter) {
  auto& random = teller.random();
  const auto from = text_date(quarter * 3 + 1, 1);
  const auto to = quarter == 3 ? Value{"2027-01-01"} : text_date(quarter * 3 + 4, 1);
  for (const std::string_view team : {"emea", "amer"}) {
    const std::string id{team};
    teller.say("target.set", "target/" + id + "-q" + std::to_string(quarter + 1),
               {{"who", "team/" + id},
                {"measure", "won_amount"},
                {"from", from},
                {"to", to},
                {"amount", eur(random.between(600, 1'200) * 1'000)},
                {"pipeline", "sales"}});
    teller.say("forecast.committed", "team/" + id,
               {{"from", from},
                {"to", to},
                {"category", "commit"},
                {"amount", eur(random.between(400, 1'000) * 1'000)}});
    teller.say("retro.noted", "team/" + id, {{"topic", "what the last quarter taught"}});
  }
  for (const auto& seller : sellers()) {
    const std::string id{seller.id};
    teller.say("target.set", "target/" + id + "-q" + std::to_string(quarter + 1),
               {{"who", "user/" + id},
                {"measure", "meetings"},
                {"from", from},
                {"to", to},
                {"count", random.between(20, 60)}});
    if (random.chance(30))
      teller.say("training.completed", "user/" + id, {{"topic", "objections"}});
  }
}

}  // namespace

std::vector<Told> reference_data() {
  Teller teller{"ref", "", kYearStart, Random{0}};
  teller.actor("system/ops");
  teller.say(
      "pipeline.updated", "pipeline/sales",
      {{"name", "Sales"},
       {"stages", List{stage("qualified", "Qualified", 1, 1'000, "open"),
                       stage("demo", "Demo", 2, 3'000, "open"),
                       stage("proposal", "Proposal", 3, 5'000, "open"),
                       stage("negotiation", "Negotiation", 4, 7'500, "open"),
                       stage("won", "Won", 5, 10'000, "won"), stage("lost", "Lost", 6, 0, "lost")}},
       {"moves", "any"},
       {"enforce", "flag"},
       {"qualified_from", "qualified"}});
  tell_calendars(teller);
  tell_people(teller);
  teller.say("product.updated", "product/suite",
             {{"name", "Suite"}, {"list", eur(24'000)}, {"delivery_template", "standard"}});
  teller.say("product.updated", "product/care", {{"name", "Care plan"}, {"list", eur(3'600)}});
  return teller.take();
}

std::vector<Told> tell_teams(std::uint64_t seed) {
  Teller teller{"teams", "", kYearStart + hours(7), Random{seed + 1}};
  teller.actor("system/ops");
  auto& random = teller.random();
  for (int month = 0; month < 12; ++month) {
    teller.go_to(start_of(date_of({2026, static_cast<std::uint32_t>(month + 1), 1})) + hours(6));
    teller.say("fx.rate_set", "fx/EUR-USD",
               {{"base", "EUR"},
                {"quote", "USD"},
                {"rate", "1." + std::to_string(random.between(1'040, 1'190)).substr(1)},
                {"on", text_date(month + 1, 1)}});
    if (month % 3 == 0) tell_quarter(teller, month / 3);
    if (month == 3) teller.say("experiment.started", "rule/not-now", {{"control_bp", 1'000}});
    if (month == 8) teller.say("experiment.stopped", "rule/not-now");
    teller.pass_days(10, 15);
    teller.say("org.sample.weather_noted", "team/emea", {{"rain", random.chance(50)}});
  }
  return teller.take();
}

}  // namespace dealwright::sample
