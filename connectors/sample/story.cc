#include "connectors/sample/story.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/domain/form.h"

namespace dealwright::sample {
namespace {

constexpr Seller kSellers[] = {
    {"anna", "Anna Reuter", "emea", "Europe/Berlin", "EUR", true},
    {"ben", "Ben Hollis", "emea", "Europe/London", "EUR", false},
    {"clara", "Clara Voss", "emea", "Europe/Berlin", "EUR", false},
    {"david", "David Amadi", "emea", "Europe/London", "EUR", false},
    {"elena", "Elena Ruiz", "amer", "America/New_York", "USD", true},
    {"frank", "Frank Mercer", "amer", "America/New_York", "USD", false},
    {"grace", "Grace Lindqvist", "amer", "America/New_York", "USD", false},
    {"hugo", "Hugo Tran", "amer", "America/New_York", "USD", false},
};
constexpr std::string_view kFirst[] = {"Mira", "Tom",   "Ana",  "Jae",  "Noor", "Otto",
                                       "Lena", "Sam",   "Ines", "Paul", "Rosa", "Yuki",
                                       "Adam", "Freya", "Igor", "Zoe"};
constexpr std::string_view kLast[] = {"Sandvik", "Okoye",  "Duarte", "Kim",   "Aziz",
                                      "Krause",  "Moreau", "Becker", "Rossi", "Novak",
                                      "Walsh",   "Tanaka", "Silva",  "Berg"};
constexpr std::string_view kFirm[] = {"Fjord", "Lagoon", "Hanok",   "Cedar",  "Alpen",   "Harbor",
                                      "Maple", "Orchid", "Granite", "Beacon", "Juniper", "Copper"};
constexpr std::string_view kTrade[] = {"Tek",    "Print",  "Design", "Foods", "Logistics",
                                       "Optics", "Energy", "Care",   "Works", "Labs"};
constexpr std::string_view kEmea[] = {"DE", "GB", "FR", "NL", "SE"};
constexpr std::string_view kAmer[] = {"US", "CA", "MX"};

// Saturdays, Sundays and the hours from 17 to 08 UTC are over when work goes on.
Instant at_work(Instant at, Random& random) {
  auto date = utc_date(at);
  auto minute = (at.ms - start_of(date).ms) / 60'000;
  if (minute >= 17 * 60) {
    ++date.days;
    minute = 0;
  }
  const auto weekday = ((date.days + 3) % 7 + 7) % 7;  // 0 is Monday
  if (weekday > 4) {
    date.days += 7 - weekday;
    minute = 0;
  }
  if (minute >= 8 * 60 && date == utc_date(at)) return at;
  const auto opened =
      random.between(8 * 60, 16 * 60);  // one draw a statement: operands have no order
  return start_of(date) + minutes(opened) + seconds(random.between(0, 59));
}

}  // namespace

std::span<const Seller> sellers() { return kSellers; }

void Teller::pass(std::int64_t minutes_min, std::int64_t minutes_max, bool working) {
  now_ = now_ + minutes(random_.between(minutes_min, minutes_max));
  now_ = now_ + milliseconds(random_.between(0, 59'999));
  if (working) now_ = at_work(now_, random_);
}

void Teller::pass_days(std::int64_t days_min, std::int64_t days_max) {
  pass(days_min * 1440, days_max * 1440);
}

Told& Teller::say(std::string_view type, std::string_view subject, Map data) {
  Event event;
  event.source = "sample";
  event.id = name_ + "-" + std::to_string(++said_);
  if (const auto* spec = event_spec(type))
    event.type = spec->type;
  else
    event.foreign_type = type;
  event.subject = parse_record_key(subject);
  event.time = now_;
  event.partition_key = key_;
  event.actor = actor_;
  Map sorted = *Value{std::move(data)}.as_map();
  DW_ASSERT(fill_data(event, sorted).empty());
  DW_ASSERT(check_envelope(event).empty());
  told_.push_back({now_, std::move(event)});
  return told_.back();
}

void Teller::come_late(std::int64_t late_hours) {
  told_.back().arrives = told_.back().arrives + hours(late_hours);
}

void Teller::come_undated() { told_.back().event.time.reset(); }

void Teller::come_twice() {
  auto again = told_.back();
  again.arrives = again.arrives + minutes(5);
  told_.push_back(std::move(again));
}

std::vector<Told> Teller::take() {
  std::stable_sort(told_.begin(), told_.end(),
                   [](const Told& a, const Told& b) { return a.arrives < b.arrives; });
  return std::move(told_);
}

Value Customer::money(std::int64_t minor) const {
  return Value{Money{minor, Currency::parse(owner->currency).value()}};
}

Customer make_customer(std::uint64_t index, Random& random) {
  Customer out;
  out.tag = "c" + std::to_string(index);
  out.lead = "lead/" + out.tag;
  out.account = "account/" + out.tag;
  out.contact = "contact/" + out.tag;
  out.deal = "deal/" + out.tag;
  const std::string first{random.pick(kFirst)};
  const std::string last{random.pick(kLast)};
  out.person = first + " " + last;
  out.company = random.pick(kFirm);
  out.company += ' ';
  out.company += random.pick(kTrade);
  out.email = first + "." + last + "." + out.tag + "@example.com";
  out.owner = &random.pick(sellers());
  out.country = out.owner->team == "emea" ? random.pick(kEmea) : random.pick(kAmer);
  out.zone = out.owner->zone;
  out.amount_minor = random.between(20, 900) * 10'000;  // 2,000 to 90,000
  out.consents = random.chance(60);
  return out;
}

std::vector<Told> tell_customer(std::uint64_t seed, std::uint64_t index, Instant at) {
  Random random{Random{seed ^ (index * 0x2545f4914f6cdd1dULL)}.next()};
  const auto customer = make_customer(index, random);
  Teller teller{customer.tag, customer.lead, at, random};
  if (tell_lead(teller, customer) && tell_deal(teller, customer)) tell_delivery(teller, customer);
  return teller.take();
}

}  // namespace dealwright::sample
