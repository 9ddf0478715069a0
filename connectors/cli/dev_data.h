// The data that `dealwright dev` begins with.
#pragma once

#include "connectors/daemon/config.h"
#include "engine/base/result.h"
#include "engine/ports/clock.h"

namespace dealwright::cli {

struct DevData {
  std::uint64_t events = 0;
  std::uint64_t rules = 0;
  bool made = false;  // else it was there, and is as it was
};
// Makes the data directory if it is not there yet: the sample's schema, rules and templates, and,
// unless `empty`, its sales year, moved by whole weeks so that it ends in the days before `now`. It
// is folded on the time of its events, nothing of it leaves, and from there on the log runs on the
// wall clock.
Result<DevData> make_dev_data(const daemon::Config& config, bool empty, const Clock& clock);

}  // namespace dealwright::cli
