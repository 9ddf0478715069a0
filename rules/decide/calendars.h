// Calendars in use, built once from their records. A memo: the same record, the same calendar.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "rules/plan/expression.h"
#include "rules/plan/plan.h"
#include "rules/time/calendar.h"

namespace dealwright::rules {

// One thread.
class Calendars : public CalendarSource {
 public:
  Calendars(Workspace workspace, ZoneProvider zones);

  // Whose calendar is asked for from now on.
  void use(const RulePlan& rule) { rule_ = &rule; }
  const Calendar& calendar(Reader& reader) override;
  const Zone* named_zone(std::string_view name) override;
  // The rule's zone, else the workspace's.
  const Zone& zone(const RulePlan& rule);
  const Zone& workspace_zone() { return *find(workspace_.zone); }
  const Workspace& workspace() const { return workspace_; }

 private:
  const Calendar& of_record(const Record& record);
  std::shared_ptr<const Zone> find(const std::string& name);

  Workspace workspace_;
  ZoneProvider provider_;
  const RulePlan* rule_ = nullptr;
  std::map<std::string, std::shared_ptr<const Zone>> zones_;
  std::shared_ptr<const Zone> asked_;  // of named_zone(), the last one
  std::map<std::string, std::unique_ptr<const Calendar>> calendars_;  // id, revision, zone
};

}  // namespace dealwright::rules
