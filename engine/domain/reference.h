// Reference data in force: pipelines and the schema; calendars, users and teams are plain records.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/record.h"
#include "engine/domain/schema.h"

namespace dealwright {

struct Stage {
  std::string id;
  std::string name;
  StageMeaning meaning;
  std::optional<Duration> rot_after;
  std::vector<std::string> required;  // fields that must be filled to enter
  std::vector<std::string> next;      // allowed moves, where moves are listed
  bool retired = false;
};

struct Pipeline {
  std::string id;
  std::vector<Stage> stages;  // by order
  bool moves_listed = false;
  bool refuse = false;  // enforce: refuse (else flag)
  std::string qualified_from;
  const Stage* find(std::string_view stage) const;
  const Stage* first(DealStatus category) const;  // each category occurs at least once
};

// Reads a pipeline.updated's data. kInvalid with code words "bad_data ...": what is missing.
Result<Pipeline> read_pipeline(std::string_view id, const Fields& data);

inline constexpr std::uint64_t kAnyOrder = ~std::uint64_t{0};

// Pipelines by id; each with its versions by the instant they came into force.
class Pipelines {
 public:
  // The one in force at `at` of those folded before `order`, else the oldest of them (a fact may be
  // older than the pipeline); if there was none yet, the first that came. None: unknown. A fact
  // that is folded anew finds what it found first.
  const Pipeline* find(std::string_view id, Instant at, std::uint64_t order = kAnyOrder) const;
  void put(Pipeline pipeline, Stamp in_force);
  bool empty() const { return by_id_.empty(); }

 private:
  std::map<std::string, std::vector<std::pair<Stamp, Pipeline>>, std::less<>> by_id_;
};

// What judging and folding a fact looks up beside records.
struct Reference {
  Pipelines pipelines;
  Schemas schemas;
  std::uint64_t mail_texts = 0;  // changes of what mails are made of, since the state was opened
};

}  // namespace dealwright
