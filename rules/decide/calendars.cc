#include "rules/decide/calendars.h"

#include <fmt/core.h>

namespace dealwright::rules {

Calendars::Calendars(Workspace workspace, ZoneProvider zones)
    : workspace_{std::move(workspace)}, provider_{std::move(zones)} {}

std::shared_ptr<const Zone> Calendars::find(const std::string& name) {
  auto& zone = zones_[name];
  if (zone == nullptr) zone = find_zone(name, provider_);
  if (zone == nullptr) zone = fixed_zone("UTC");  // unknown here: refused at publish
  return zone;
}

const Zone& Calendars::zone(const RulePlan& rule) {
  return *find(rule.zone.empty() ? workspace_.zone : rule.zone);
}

const Zone* Calendars::named_zone(std::string_view name) {
  if (asked_ == nullptr || asked_->name() != name) asked_ = find_zone(name, provider_);
  return asked_.get();
}

const Calendar& Calendars::of_record(const Record& record) {
  const auto* tz = record.find(Field::kTz);
  const std::string name{tz == nullptr ? std::string_view{workspace_.zone} : tz->text_or_empty()};
  const auto key = fmt::format("{}\n{}\n{}", record.key.id, record.newest.order, name);
  auto& calendar = calendars_[key];
  if (calendar == nullptr)
    calendar = std::make_unique<const Calendar>(read_calendar(record), find(name));
  return *calendar;
}

const Calendar& Calendars::calendar(Reader& reader) {
  const auto named = [&](std::string_view id) -> const Record* {
    return id.empty() ? nullptr : reader.record({Kind::kCalendar, std::string{id}});
  };
  const Record* found = rule_ == nullptr ? nullptr : named(rule_->calendar);
  for (const auto kind : {Kind::kUser, Kind::kTeam}) {
    if (found != nullptr) break;
    const auto key = reader.nearest(kind);
    const auto* record = key ? reader.record(*key) : nullptr;
    const auto* id = record == nullptr ? nullptr : record->find(Field::kCalendar);
    if (id != nullptr) found = named(id->text_or_empty());
  }
  if (found != nullptr) return of_record(*found);
  const auto zone = rule_ == nullptr || rule_->zone.empty() ? workspace_.zone : rule_->zone;
  auto& calendar = calendars_["\n" + zone];
  if (calendar == nullptr)
    calendar = std::make_unique<const Calendar>(default_calendar(), find(zone));
  return *calendar;
}

}  // namespace dealwright::rules
