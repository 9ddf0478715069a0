// Rows to events, as a mapping says. Deterministic: the same rows give the same events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "connectors/import/case_records.h"
#include "connectors/import/mapping.h"
#include "connectors/import/row.h"

namespace dealwright::import {

struct BatchOptions {
  std::string batch;                  // empty: the mapping's
  Policy policy = Policy::kUnset;     // unset: the mapping's
  std::int64_t rate = 0;              // of drip, entries an hour; 0: the mapping's
  std::optional<Instant> batch_time;  // what `undated: batch_time` gives
};

// An event that a row will give: by its time it is put in order.
struct Planned {
  Instant at;              // an undated one stands where its neighbours of the row do
  std::uint16_t emit = 0;  // index
  bool undated = false;
  bool takes_rest = false;
};

// One thread. REQUIRES: the mapping outlives it
class Mapper {
 public:
  Mapper(const Mapping& mapping, BatchOptions options);

  // Finds the mapping's columns among a file's. `complete`: all the file has; kInvalid names those
  // that are missing. To be called again when columns have been added.
  Result<void> bind(const Columns& columns, bool complete);

  // What the row gives, and whether it can: a value that does not fit makes the whole row bad, and
  // nothing of it is imported. Asks no state, so rows may be planned in any order.
  bool plan(const Row& row, std::vector<Planned>& out, std::vector<BadRow>& bad);
  // Makes one planned event, in the order of time; false: there is none (bad says why, or a
  // `once`, `unless`, `lacking: skip` said so). kOverload: a limit.
  Result<bool> make(const Row& row, const Planned& planned, Event& out, std::vector<BadRow>& bad);
  // Both, for rows that are emitted as they stand.
  Result<void> map(const Row& row, std::vector<Event>& out, std::vector<BadRow>& bad);
  // Events that go first, by the mapping.
  std::vector<Event> before() const;

  const std::string& batch() const { return options_.batch; }
  const std::string& source() const { return source_; }
  Policy policy() const { return options_.policy; }
  std::int64_t rate() const { return options_.rate; }

 private:
  void load(const Row& row);
  std::string_view mended(std::uint32_t column, std::string_view text) const;
  bool matches(const Emit& emit) const;
  bool plan_emit(const Emit& emit, std::vector<Planned>& out, std::vector<BadRow>& bad);
  bool check_values(const Emit& emit, std::vector<BadRow>& bad);
  bool read_time_of(const Emit& emit, Planned& planned, std::vector<BadRow>& bad);
  void place_undated(std::vector<Planned>& planned);
  Result<bool> take_record(const Emit& emit, std::vector<BadRow>& bad);
  bool fill_values(const Emit& emit, Event& out, std::vector<BadRow>& bad);
  void fill_envelope(const Emit& emit, const Planned& planned, Event& out);
  void fill_rest(Event& out) const;
  bool fail(std::vector<BadRow>& bad, std::string code, std::string text,
            std::optional<std::uint32_t> column = {});

  const Mapping& mapping_;
  BatchOptions options_;
  std::string source_;
  CaseTable cases_;
  std::unordered_set<std::string> seen_;           // subjects of `once`, with their emit
  std::vector<std::optional<std::size_t>> bound_;  // the file's column of each of the mapping's
  std::vector<std::size_t> rest_;                  // the file's columns that go to extra
  const Columns* columns_ = nullptr;
  std::size_t columns_seen_ = 0;
  bool complete_ = false;
  // Of the row at hand:
  const Row* row_ = nullptr;
  std::uint64_t loaded_ = 0;
  Scope scope_;
  std::string case_id_;
  std::string scratch_;
  std::string name_;
  Event trial_;
  std::vector<Planned> planned_;
};

}  // namespace dealwright::import
