#include "connectors/cli/dev_data.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "connectors/daemon/appender.h"
#include "connectors/daemon/workspace.h"
#include "connectors/daemon/zones.h"
#include "connectors/sample/ops_files.h"
#include "connectors/sample/sample_year.h"
#include "connectors/sample/shift.h"
#include "rules/compile.h"
#include "rules/file/schema_file.h"

namespace dealwright::cli {
namespace {

constexpr std::string_view kActor = "system/sample";
constexpr Duration kLeadTime = seconds(20);
constexpr std::int64_t kDayMs = 86'400'000;

// The year ends in the week before `now`.
std::int64_t days_to(Instant now) {
  const auto weeks = (now.ms - sample::kYearEnd.ms) / (7 * kDayMs);
  const bool ends_later = sample::kYearEnd + days(weeks * 7) > now;
  return (weeks - (ends_later ? 1 : 0)) * 7;
}

Event ops_event(TypeId type, RecordKey subject) {
  Event event;
  event.source = "dealwright/ops";
  event.type = type;
  event.subject = std::move(subject);
  event.actor = kActor;
  event.id = std::string{spec_of(type).name} + "-" + event.subject.id;
  event.data.set(Field::kAuthor, Value{kActor});
  event.data.set(Field::kVersion, Value{1});
  return event;
}

Error fault_of(const sample::OpsFile& file) {
  return {Code::kInvalid, std::string{file.name} + " has errors: a fault of this build"};
}

// The schema, then templates and rules that were checked against it.
Result<void> add_ops_files(daemon::Appender& appender, DevData& out) {
  SchemaPtr schema;
  for (const auto& file : sample::ops_files()) {
    if (!file.name.ends_with(".schema.yaml")) continue;
    const auto read = rules::read_schema_file(file.text, nullptr);
    if (read.schema == nullptr) return fault_of(file);
    schema = read.schema;
    auto event = ops_event(TypeId::kSchemaUpdated, {Kind::kWorkspace, "default"});
    for (const auto& [field, value] : read.data) event.data.set(field, value);
    DW_TRY(appender.add(event));
  }
  const auto zones = daemon::named_zones();
  for (const auto& file : sample::ops_files()) {
    Event event;
    if (file.name.ends_with(".rule.yaml")) {
      const auto compiled = rules::compile(file.text, {zones, schema});
      if (compiled.plan == nullptr) return fault_of(file);
      event = ops_event(TypeId::kRulePublished, {Kind::kRule, compiled.rule});
      ++out.rules;
    } else if (file.name.ends_with(".liquid")) {
      const auto name = file.name.substr(0, file.name.rfind('.'));
      event = ops_event(TypeId::kTemplatePublished, {Kind::kTemplate, std::string{name}});
    } else {
      continue;
    }
    event.data.set(Field::kText, Value{file.text});
    DW_TRY(appender.add(event));
  }
  return ok();
}

Result<void> append_year(daemon::Workspace& workspace, Instant now, DevData& out) {
  daemon::Appender appender{workspace};
  DW_TRY(add_ops_files(appender, out));
  sample::SampleYear year{1};
  const auto by = days_to(now);
  Event event;
  while (year.next(event)) {
    sample::shift(event, by);
    DW_TRY(appender.add(event));
    ++out.events;
  }
  DW_TRY(appender.flush());
  DW_TRY(workspace.engine().wait_idle());
  return workspace.engine().advance_together();
}

Result<void> go_on_by_the_wall(daemon::Workspace& workspace) {
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    Result<void> switched = ok();
    do {
      DW_TRY(workspace.engine().wait_idle());
      DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
        switched = partition.switch_to_wall(std::string{kActor});
      }));
    } while (!switched && switched.error().code == Code::kConflict);
    DW_TRY(std::move(switched));
  }
  return workspace.engine().wait_idle();
}

// The log goes last: a directory that has one has all that was made with it.
Result<void> move_in(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code failed;
  std::filesystem::create_directories(to, failed);
  std::vector<std::filesystem::path> names;
  for (auto entry = std::filesystem::directory_iterator{from, failed};
       !failed && entry != std::filesystem::directory_iterator{}; entry.increment(failed)) {
    if (entry->path().filename() != "log") names.push_back(entry->path().filename());
  }
  if (!failed && std::filesystem::exists(from / "log")) names.emplace_back("log");
  for (const auto& name : names) {
    if (failed) break;
    std::filesystem::rename(from / name, to / name, failed);
  }
  if (!failed) std::filesystem::remove_all(from, failed);
  if (!failed) return ok();
  return Error{Code::kIo, "cannot put the data in " + to.string() + ": " + failed.message()};
}

Result<bool> is_empty(Log& log) {
  for (PartitionId id = 0; id < log.partitions(); ++id) {
    DW_TRY(const auto end, log.end(Topic::kEvents, id));
    if (end > 0) return false;
  }
  return true;
}

// Beside its place, and moved there when it is whole: a start that was broken off leaves nothing
// behind that looks like data.
Result<DevData> make_at(const std::string& path, const daemon::Config& config, bool empty,
                        const Clock& clock) {
  DevData out;
  out.made = true;
  daemon::WorkspaceOptions options;
  options.path = path;
  options.create = true;
  options.event_clock = !empty;
  options.clock_witness = true;
  options.config = config;
  DW_TRY(const auto workspace, daemon::Workspace::open(std::move(options)));
  if (const auto* control = workspace->control(); control != nullptr && !empty) {
    // Topics that somebody has written into have a past of their own.
    DW_TRY(const auto fresh, is_empty(workspace->log()));
    if (!fresh) {
      DW_TRY(workspace->stop());
      return DevData{};
    }
    if (!control->wait_for_all(kLeadTime)) {
      return Error{Code::kOverload,
                   "other processes work on these topics: name another kafka.prefix"};
    }
  }
  DW_TRY(workspace->engine().wait_idle());
  if (!empty) {
    DW_TRY(append_year(*workspace, clock.wall(), out));
    DW_TRY(go_on_by_the_wall(*workspace));
  }
  DW_TRY(workspace->stop());
  return out;
}

}  // namespace

Result<DevData> make_dev_data(const daemon::Config& config, bool empty, const Clock& clock) {
  std::error_code failed;
  for (const auto* made : {"/log/meta", "/log/kafka"}) {
    if (std::filesystem::exists(config.data + made, failed)) return DevData{};
  }
  const auto draft = config.data + ".sample-draft";
  const auto whole = config.data + ".sample";  // a start was broken off while it was moved
  if (std::filesystem::exists(whole, failed)) {
    DW_TRY(move_in(whole, config.data));
    return DevData{};
  }
  std::filesystem::remove_all(draft, failed);
  DW_TRY(auto out, make_at(draft, config, empty, clock));
  std::filesystem::rename(draft, whole, failed);
  if (failed) return Error{Code::kIo, "cannot rename " + draft + ": " + failed.message()};
  DW_TRY(move_in(whole, config.data));
  return out;
}

}  // namespace dealwright::cli
