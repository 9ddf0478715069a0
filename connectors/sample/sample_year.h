// A sales year made up from a seed: two teams of four, two currencies, three zones, and all that
// happens to their leads, deals and customers in 2026. To try things on, and for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

#include "connectors/sample/story.h"
#include "engine/domain/event.h"

namespace dealwright::sample {

inline constexpr std::uint64_t kCustomersPerScale = 600;  // some 16,000 events

// Events in the order in which they come in: reference data first, then by arrival through 2026.
// The same seed and scale give the same bytes everywhere. A few facts arrive late or without time,
// a few twice, some are of types that nobody knows. Memory: the customers at hand. One thread.
class SampleYear {
 public:
  // REQUIRES: scale >= 1
  explicit SampleYear(std::uint64_t seed, std::uint64_t scale = 1);
  // False at the end of the year.
  bool next(Event& event);

 private:
  struct Running {
    std::vector<Told> events;  // by arrival
    std::size_t at = 0;
    std::uint64_t number = 0;  // breaks ties
  };
  struct Later {
    bool operator()(const Running* a, const Running* b) const;
  };
  void start(std::vector<Told> events);
  Instant start_of_customer(std::uint64_t index) const;

  const std::uint64_t seed_;
  const std::uint64_t customers_;
  std::uint64_t customer_ = 0;  // the next to begin
  std::uint64_t stories_ = 0;
  std::vector<Told> first_;  // reference data
  std::size_t first_at_ = 0;
  std::vector<std::unique_ptr<Running>> running_;
  std::priority_queue<Running*, std::vector<Running*>, Later> queue_;
};

}  // namespace dealwright::sample
