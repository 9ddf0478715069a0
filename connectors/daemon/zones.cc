#include "connectors/daemon/zones.h"

#include <date/tz.h>

#include <map>
#include <mutex>

namespace dealwright::daemon {
namespace {

using Seconds = date::sys_seconds;

std::shared_ptr<const rules::Zone> read_zone(const std::string& name) {
  const date::time_zone* found = nullptr;
  try {
    found = date::locate_zone(name);
  } catch (const std::exception&) {  // the library's way to say that there is no such zone
    return nullptr;
  }
  const Seconds end{date::sys_days{date::year{2100} / 1 / 1}};
  auto info = found->get_info(Seconds{});
  const auto first = static_cast<std::int32_t>(info.offset.count());
  std::vector<rules::Zone::Transition> transitions;
  while (info.end < end) {
    const auto at = info.end;
    info = found->get_info(at);
    transitions.push_back({Instant{at.time_since_epoch().count() * 1000},
                           static_cast<std::int32_t>(info.offset.count())});
  }
  return std::make_shared<const rules::Zone>(name, first, std::move(transitions));
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
