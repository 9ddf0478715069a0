// What has become of the records of each case so far: offers made, tasks open.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/import/mapping.h"

namespace dealwright::import {

inline constexpr std::size_t kCasesMax = 2'000'000;
inline constexpr std::size_t kLivingMax = 10'000;  // records of one case and list at a time

struct LivingRecord {
  std::uint64_t number = 0;  // the how-manieth of its case and list
  std::string name;
  std::uint8_t state = 0;
};

struct CaseRecords {
  std::uint64_t made = 0;
  std::vector<LivingRecord> living;  // by the order they were made in
  // The one that `take` speaks of; none: null. `name` counts only where a name is asked for.
  LivingRecord* find(const Take& take, std::string_view name);
  // Whether one lives in any of the states that `make` is not wanted beside.
  bool stands_against(const Make& make, std::string_view name) const;
  void remove(const LivingRecord* record);
};

class CaseTable {
 public:
  explicit CaseTable(std::size_t lists) : lists_{lists} {}
  // kOverload: more cases than fit.
  Result<CaseRecords*> at(const std::string& case_id, std::uint32_t list);

 private:
  const std::size_t lists_;
  std::unordered_map<std::string, std::vector<CaseRecords>> by_case_;
};

}  // namespace dealwright::import
