// Sums by cell that answer any past instant (design.md 7.8): each change of a contribution is a
// delta (cell, occurred, ingested, +-values); a sum is all deltas with occurred <= T and ingested
// <= K. Kept as current sums, as sums by (occurred day, ingested day) and by month, and as the
// deltas of each day.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/ports/view.h"

namespace dealwright::projections {

inline constexpr std::size_t kMeasures = 3;
using Sums = std::array<std::int64_t, kMeasures>;

// One thread. Bytes depend on the deltas and their order alone, not on when take_dirty was called.
class CellHistory {
 public:
  // `reader` outlives it; every key it reads and writes begins with `prefix`.
  static Result<CellHistory> open(const ViewReader& reader, std::string prefix);

  // `cell`: any bytes; equal bytes, equal cell.
  void add(std::string_view cell, Instant occurred, Instant ingested, const Sums& delta);
  // Adds up to each cell; REQUIRES (for any past instant): take_dirty was called and written since
  // the last add. Cells whose sums are all 0 are left out; in order of their bytes.
  Result<void> sum(Instant as_of, Instant known_by,
                   const std::function<void(std::string_view cell, const Sums&)>& visit) const;
  void take_dirty(std::vector<StoreWrite>& out);
  std::size_t memory_bytes() const;

 private:
  struct Cell {
    std::string key;
    Sums current{};
    bool dirty = false;
  };
  struct DayKey {  // days, or months
    std::int32_t occurred = 0;
    std::int32_t ingested = 0;
    std::uint32_t cell = 0;
    friend bool operator==(const DayKey&, const DayKey&) = default;
  };
  struct DayHash {
    using is_avalanching = void;
    std::size_t operator()(const DayKey& at) const {
      return hash64({reinterpret_cast<const char*>(&at), sizeof at});
    }
  };
  struct Sum {
    Sums values{};
    Sums since{};        // what of it no month has yet
    bool known = false;  // values hold what is stored
    bool dirty = false;
  };
  struct Day {
    std::uint64_t count = 0;       // deltas, stored ones too
    std::string chunk;             // the open one
    std::vector<StoreWrite> full;  // closed since the last take_dirty
  };
  struct Delta {
    Instant occurred;
    Instant ingested;
    std::uint32_t cell = 0;
    Sums values{};
  };
  struct TextHash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(std::string_view text) const { return hash64(text); }
  };
  CellHistory(const ViewReader& reader, std::string prefix)
      : reader_{&reader}, prefix_{std::move(prefix)} {}
  std::uint32_t cell_of(std::string_view key);
  Sum& sum_of(char table, const DayKey& at);
  std::string key_of(char table, const DayKey& at) const;
  std::string chunk_key(char table, std::int32_t day, std::uint64_t number) const;
  Day& day_at(char table, std::int32_t day);
  void append(char table, std::int32_t day);
  void write_sums(std::vector<StoreWrite>& out);
  void write_days(char table, std::vector<StoreWrite>& out);
  Result<void> add_stored(char table, std::string_view from, std::string_view to,
                          std::vector<Sums>& sums,
                          const std::function<bool(std::int64_t, std::int64_t)>& take) const;
  Result<void> add_boundary_months(
      std::int32_t month_t, std::int32_t month_k, std::vector<Sums>& sums,
      const std::function<bool(std::int64_t, std::int64_t)>& take) const;
  Result<void> add_day_deltas(char table, std::int32_t day, std::vector<Sums>& sums,
                              const std::function<bool(const Delta&)>& take) const;

  const ViewReader* reader_;
  std::string prefix_;
  boost::unordered_flat_map<std::string, std::uint32_t, TextHash, std::equal_to<>> ids_;
  std::vector<Cell> cells_;
  std::vector<std::uint32_t> dirty_;
  boost::unordered_flat_map<DayKey, Sum, DayHash> days_;
  boost::unordered_flat_map<DayKey, Sum, DayHash> months_;
  // Days with deltas since the last take_dirty.
  boost::unordered_flat_map<std::int32_t, std::unique_ptr<Day>> by_occurred_;
  boost::unordered_flat_map<std::int32_t, std::unique_ptr<Day>> by_ingested_;
  // The newest ingested day with sums that are stored and may not be in days_.
  std::int32_t stored_until_ = std::numeric_limits<std::int32_t>::min();
  std::string encoded_;  // the delta under way
};

}  // namespace dealwright::projections
