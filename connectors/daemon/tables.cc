#include "connectors/daemon/tables.h"

#include <algorithm>

#include "engine/base/bytes.h"
#include "rules/compile.h"

namespace dealwright::daemon {

Result<void> scan_all(Workspace& workspace, char letter, const Visit& visit) {
  Result<void> result = ok();
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      auto scanned =
          partition.state().scan(letter, [&](std::string_view key, std::string_view value) {
            visit(id, key, value);
            return true;
          });
      if (!scanned) result = scanned;
    }));
    DW_TRY(std::move(result));
  }
  return ok();
}

std::string hex_of(const Hash128& id) {
  std::string bytes;
  put_key64(bytes, id.high);
  put_key64(bytes, id.low);
  return hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

bool is_hex(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

Result<void> only_one(std::size_t found, std::string_view what, std::string_view prefix) {
  if (found == 1) return ok();
  const auto begins = " begins with '" + std::string{prefix} + "'";
  if (found == 0) return Error{Code::kNotFound, "no " + std::string{what} + begins};
  return Error{Code::kConflict,
               "more than one " + std::string{what} + begins + ": write more of it"};
}

Result<std::vector<PublishedRule>> published_rules(Workspace& workspace) {
  Result<std::vector<PublishedRule>> out = std::vector<PublishedRule>{};
  DW_TRY(workspace.engine().ask(workspace.first_served(),
                                [&](runtime::Partition& p) { out = p.state().published(); }));
  return out;
}

Result<StepNames> StepNames::load(Workspace& workspace) {
  StepNames out;
  DW_TRY(auto published, published_rules(workspace));
  for (const auto& rule : published) {
    const auto compiled = rules::compile(rule.text);
    if (compiled.plan == nullptr) continue;
    auto& names = out.steps_[{rule.rule, rule.version}];
    for (const auto& step : compiled.plan->steps) names.push_back(step.id);
  }
  return out;
}

std::string StepNames::name(const Enrolment& enrolment) const {
  if (enrolment.step == kBeforeFirst) return "entry";
  const auto it = steps_.find({enrolment.rule, enrolment.version});
  if (it == steps_.end() || enrolment.step >= it->second.size())
    return std::to_string(enrolment.step);
  return it->second[enrolment.step];
}

}  // namespace dealwright::daemon
