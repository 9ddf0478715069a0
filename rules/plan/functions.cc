#include "rules/plan/functions.h"

#include <algorithm>

#include "engine/domain/consent.h"
#include "rules/time/calendar.h"

namespace dealwright::rules {
namespace {

using cel::TypeKind;
using Args = std::vector<cel::Value>;

struct Context {
  Reader& reader;
  CalendarSource& calendars;
};

cel::Value invalid(std::string detail) {
  return cel::Value::fault(cel::Fault::kInvalidArgument, std::move(detail));
}

std::optional<Instant> instant(const cel::Value& v) {
  const auto* t = v.get<cel::Timestamp>();
  return t == nullptr ? std::nullopt : std::optional{cel::to_instant(*t)};
}
std::optional<LocalDate> date(const cel::Value& v, const Zone& zone) {
  if (const auto* d = v.get<LocalDate>()) return *d;
  const auto at = instant(v);
  return at ? std::optional{zone.date(*at)} : std::nullopt;
}
std::int64_t number(const cel::Value& v) {
  const auto* n = v.get<std::int64_t>();
  return n == nullptr ? 0 : *n;
}
cel::Value at(Instant i) {
  if (i == kAfterAll) return invalid("no business time within 20 years");
  return cel::Value{cel::to_timestamp(i)};
}

cel::Value business_days_between(const Args& a, Context& c) {
  const auto& calendar = c.calendars.calendar(c.reader);
  const auto from = date(a[0], calendar.zone());
  const auto to = date(a[1], calendar.zone());
  if (!from || !to) return invalid("business_days_between takes dates or instants");
  return cel::Value{calendar.days_between(*from, *to)};
}
cel::Value business_minutes_between(const Args& a, Context& c) {
  const auto from = instant(a[0]);
  const auto to = instant(a[1]);
  if (!from || !to) return invalid("business_minutes_between takes instants");
  return cel::Value{c.calendars.calendar(c.reader).open_ms(*from, *to) / 60'000};
}
template <std::int64_t kMinutes>
cel::Value add_business_time(const Args& a, Context& c) {
  const auto from = instant(a[0]);
  const auto n = number(a[1]);
  if (!from || n < 0 || n > 1'000'000)
    return invalid("takes an instant and a count from 0 to 1,000,000");
  const auto& calendar = c.calendars.calendar(c.reader);
  if constexpr (kMinutes == 0) {
    if (n > 4000) return invalid("takes up to 4,000 business days");
    return at(calendar.add_days(*from, n));
  } else {
    return at(calendar.add_minutes(*from, n * kMinutes));
  }
}
cel::Value is_business_time(const Args& a, Context& c) {
  const auto when = instant(a[0]);
  return when ? cel::Value{c.calendars.calendar(c.reader).is_open(*when)}
              : invalid("takes an instant");
}
cel::Value local(const Args& a, Context& c) {
  const auto when = instant(a[0]);
  return when ? cel::Value{c.calendars.calendar(c.reader).zone().date(*when)}
              : invalid("takes an instant");
}

template <Kind kKind>
cel::Value named(const Args& a, Context&) {
  const auto* id = a[0].as_text();
  if (id == nullptr || id->empty()) return invalid("an id is a text");
  return cel::Value{kKind == Kind::kUser ? *id : std::string{kind_name(kKind)} + "/" + *id};
}
cel::Value manager(const Args& a, Context& c) {
  const auto* id = a[0].as_text();
  const auto user = id == nullptr ? std::nullopt : who_of(*id);
  const auto found = user ? manager_of(c.reader.turn(), *user) : std::nullopt;
  if (!found) return cel::Value::fault(cel::Fault::kAbsent, "there is no manager");
  return cel::Value{found->id};
}

// The newest word of the purpose on that channel, or on all.
cel::Value consented(const Args& a, Context& c) {
  const auto* who = a[0].as_text();
  const auto* purpose = a[1].as_text();
  const auto* channel = a[2].as_text();
  if (who == nullptr || purpose == nullptr || channel == nullptr)
    return invalid("consented takes texts");
  const auto* record = c.reader.record(parse_record_key(*who));
  bool granted = false;
  if (record != nullptr) {
    const auto* row = standing_consent(*record, *purpose, *channel);
    granted = row != nullptr && row->granted && (!row->until || c.reader.now() < *row->until);
  }
  return cel::Value{granted};
}

struct Function {
  std::string_view name;
  bool member;
  std::vector<TypeKind> args;  // kDyn: any
  TypeKind result;
  cel::Value (*call)(const Args&, Context&);
};

const std::vector<Function>& table() {
  using K = TypeKind;
  static const std::vector<Function> rows = {
      {"user", false, {K::kString}, K::kString, named<Kind::kUser>},
      {"team", false, {K::kString}, K::kString, named<Kind::kTeam>},
      {"manager", false, {K::kString}, K::kString, manager},
      {"consented", true, {K::kString, K::kString, K::kString}, K::kBool, consented},
      {"business_days_between", false, {K::kDyn, K::kDyn}, K::kInt, business_days_between},
      {"business_minutes_between",
       false,
       {K::kTimestamp, K::kTimestamp},
       K::kInt,
       business_minutes_between},
      {"add_business_days", false, {K::kTimestamp, K::kInt}, K::kTimestamp, add_business_time<0>},
      {"add_business_hours", false, {K::kTimestamp, K::kInt}, K::kTimestamp, add_business_time<60>},
      {"add_business_minutes",
       false,
       {K::kTimestamp, K::kInt},
       K::kTimestamp,
       add_business_time<1>},
      {"is_business_time", false, {K::kTimestamp}, K::kBool, is_business_time},
      {"local", false, {K::kTimestamp}, K::kDate, local},
  };
  return rows;
}

constexpr std::string_view kLater[] = {"count_events",  "happened", "time_since",
                                       "last_event",    "was",      "ever",
                                       "unchanged_for", "changes",  "in_currency"};

}  // namespace

std::span<const std::string_view> later_functions() { return kLater; }

std::optional<cel::Type> function_type(std::string_view name, bool member,
                                       const std::vector<cel::Type>& args) {
  for (const auto& row : table()) {
    if (row.name != name || row.member != member || row.args.size() != args.size()) continue;
    bool fits = true;
    for (std::size_t i = 0; i < args.size(); ++i) {
      fits = fits && (row.args[i] == TypeKind::kDyn || args[i].kind == TypeKind::kDyn ||
                      args[i].kind == row.args[i]);
    }
    if (fits) return cel::Type{row.result, {}, {}, {}};
  }
  return std::nullopt;
}

cel::Value call_rule_function(std::string_view name, const Args& args, Reader& reader,
                              CalendarSource& calendars) {
  Context context{reader, calendars};
  for (const auto& row : table()) {
    if (row.name == name && row.args.size() == args.size()) return row.call(args, context);
  }
  return cel::Value::fault(cel::Fault::kNoSuchOverload, "no function " + std::string{name});
}

std::optional<RecordKey> who_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  auto key = parse_record_key(text);
  if (key.kind == Kind::kForeign) return RecordKey{Kind::kUser, std::string{text}};
  return key;
}

std::optional<RecordKey> manager_of(Turn& turn, const RecordKey& user) {
  std::optional<RecordKey> team;
  if (user.kind == Kind::kTeam) {
    team = user;
  } else {
    const auto* record = turn.record(user);
    const auto* value = record == nullptr ? nullptr : record->find(Field::kTeam);
    if (value != nullptr) team = RecordKey{Kind::kTeam, std::string{value->text_or_empty()}};
  }
  for (int level = 0; team && level < 8; ++level) {
    const auto* record = turn.record(*team);
    if (record == nullptr) return std::nullopt;
    const auto* manager = record->find(Field::kManager);
    if (manager != nullptr && manager->text_or_empty() != user.id) {
      return RecordKey{Kind::kUser, std::string{manager->text_or_empty()}};
    }
    const auto* parent = record->find(Field::kParent);
    team = parent == nullptr
               ? std::nullopt
               : std::optional{RecordKey{Kind::kTeam, std::string{parent->text_or_empty()}}};
  }
  return std::nullopt;
}

}  // namespace dealwright::rules
