#include "connectors/daemon/zones.h"

#include <date/tz.h>

#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

#include "rules/time/zone_rule.h"

namespace dealwright::daemon {
namespace {

using Seconds = date::sys_seconds;

constexpr int kListedMax = 2100;  // the library goes on for ever
constexpr const char* kDatabase = "/usr/share/zoneinfo/";

// The last line of the zone's file; "" if there is none. REQUIRES: the database has that zone
std::string footer_of(const std::string& name) {
  std::ifstream file{kDatabase + name, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  if (!bytes.starts_with("TZif") || !bytes.ends_with('\n')) return {};
  bytes.pop_back();
  return bytes.substr(bytes.rfind('\n') + 1);
}

int year_of(Instant at) {
  const date::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{at.ms}};
  return static_cast<int>(date::year_month_day{date::floor<date::days>(time)}.year());
}

std::shared_ptr<const rules::Zone> read_zone(const std::string& name) {
  const date::time_zone* found = nullptr;
  try {
    found = date::locate_zone(name);
  } catch (const std::exception&) {  // the library's way to say that there is no such zone
    return nullptr;
  }
  const Seconds end{date::sys_days{date::year{kListedMax} / 1 / 1}};
  auto info = found->get_info(Seconds{});
  const auto first = static_cast<std::int32_t>(info.offset.count());
  std::vector<rules::Zone::Transition> transitions;
  while (info.end < end) {
    const auto at = info.end;
    info = found->get_info(at);
    transitions.push_back({Instant{at.time_since_epoch().count() * 1000},
                           static_cast<std::int32_t>(info.offset.count())});
  }
  const auto rule = rules::ZoneRule::parse(footer_of(name));
  const bool repeats = rule && rule->changes();
  if (repeats) {
    const auto last = transitions.empty() ? kBeforeAll : transitions.back().at;
    // The year after the last listed transition may hold one that is not listed.
    const auto year = transitions.empty() ? 1970 : year_of(last);
    for (const auto& more : rule->transitions(year, year + 405)) {
      if (more.at > last) transitions.push_back(more);
    }
  }
  return std::make_shared<const rules::Zone>(name, first, std::move(transitions), repeats);
}

struct Known {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const rules::Zone>, std::less<>> zones;
};

}  // namespace

rules::ZoneProvider named_zones() {
  return [known = std::make_shared<Known>()](
             std::string_view name) -> std::shared_ptr<const rules::Zone> {
    const std::lock_guard lock{known->mutex};
    const auto it = known->zones.find(name);
    if (it != known->zones.end()) return it->second;
    auto zone = read_zone(std::string{name});
    if (zone != nullptr) known->zones.emplace(name, zone);  // wrong names are not kept: no bound
    return zone;
  };
}

std::string zones_version() { return date::get_tzdb().version; }

}  // namespace dealwright::daemon
