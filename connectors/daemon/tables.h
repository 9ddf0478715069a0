// Reading a workspace's tables, for lists.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/workspace.h"
#include "engine/domain/enrolment.h"

namespace dealwright::daemon {

using Visit = std::function<void(PartitionId, std::string_view key, std::string_view value)>;

// Every entry of a table of each partition that is served: see engine/runtime/keys.h.
Result<void> scan_all(Workspace& workspace, char letter, const Visit& visit);

std::string hex_of(const Hash128& id);
bool is_hex(std::string_view text);
// kNotFound: none begins so; kConflict: several do.
Result<void> only_one(std::size_t found, std::string_view what, std::string_view prefix);

// The ids of steps, by rule and version: an enrolment knows a number.
class StepNames {
 public:
  static Result<StepNames> load(Workspace& workspace);
  std::string name(const Enrolment& enrolment) const;

 private:
  std::map<std::pair<std::string, std::uint32_t>, std::vector<std::string>> steps_;
};

// All versions of all rules, as the first partition that is served has them.
Result<std::vector<PublishedRule>> published_rules(Workspace& workspace);

}  // namespace dealwright::daemon
