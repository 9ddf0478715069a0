#include "connectors/import/case_records.h"

#include <algorithm>

namespace dealwright::import {
namespace {

bool named_so(const Template& asked, const LivingRecord& record, std::string_view name) {
  return asked.empty() || record.name == name;
}

LivingRecord* find_in(std::vector<LivingRecord>& living, const Take& take,
                      const std::uint8_t* state, std::string_view name) {
  const auto fits = [&](const LivingRecord& record) {
    return (state == nullptr || record.state == *state) && named_so(take.named, record, name);
  };
  if (take.newest) {
    const auto it = std::find_if(living.rbegin(), living.rend(), fits);
    return it == living.rend() ? nullptr : &*it;
  }
  const auto it = std::find_if(living.begin(), living.end(), fits);
  return it == living.end() ? nullptr : &*it;
}

}  // namespace

LivingRecord* CaseRecords::find(const Take& take, std::string_view name) {
  if (take.states.empty()) return find_in(living, take, nullptr, name);
  for (const auto state : take.states) {
    if (auto* found = find_in(living, take, &state, name)) return found;
  }
  return nullptr;
}

bool CaseRecords::stands_against(const Make& make, std::string_view name) const {
  if (!make.unless) return false;
  const auto& states = *make.unless;
  return std::any_of(living.begin(), living.end(), [&](const LivingRecord& record) {
    return named_so(make.named, record, name) &&
           (states.empty() ||
            std::find(states.begin(), states.end(), record.state) != states.end());
  });
}

void CaseRecords::remove(const LivingRecord* record) {
  living.erase(living.begin() + (record - living.data()));
}

Result<CaseRecords*> CaseTable::at(const std::string& case_id, std::uint32_t list) {
  if (by_case_.size() >= kCasesMax && by_case_.find(case_id) == by_case_.end()) {
    return Error{Code::kOverload, "more than 2000000 cases; split the log by case"};
  }
  auto& lists = by_case_[case_id];
  if (lists.empty()) lists.resize(lists_);
  return &lists[list];
}

}  // namespace dealwright::import
