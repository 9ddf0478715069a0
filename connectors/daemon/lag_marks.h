// When a partition's log reached where: what tells how old the oldest event is that waits.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "engine/ports/log.h"

namespace dealwright::daemon {

// Thread-safe. Holds at most kMarksMax marks: past that they stand twice as far apart, and an age
// may come out older by as much (a thousandth of what waits), never younger.
class LagMarks {
 public:
  static constexpr std::size_t kMarksMax = 2'048;
  static constexpr std::int64_t kApartUs = 10'000;

  // Events before `end` were there at `now_us`.
  void put(Position end, std::int64_t now_us);
  // For how long the event at `folded` has been waiting, in microseconds; 0: there is none.
  std::int64_t age_us(Position folded, Position end, std::int64_t now_us);

 private:
  struct Mark {
    Position end = 0;
    std::int64_t first_us = 0;  // when the first event behind the mark before it came
  };
  void thin_out();
  std::mutex mutex_;
  std::int64_t apart_us_ = kApartUs;
  std::vector<Mark> marks_;
};

}  // namespace dealwright::daemon
