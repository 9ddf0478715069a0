#include "connectors/daemon/lag_marks.h"

#include <algorithm>

namespace dealwright::daemon {

void LagMarks::put(Position end, std::int64_t now_us) {
  const std::lock_guard lock{mutex_};
  if (!marks_.empty() && end <= marks_.back().end) return;
  if (marks_.empty()) apart_us_ = kApartUs;
  if (!marks_.empty() && now_us - marks_.back().first_us < apart_us_) {
    marks_.back().end = end;
    return;
  }
  marks_.push_back({end, now_us});
  if (marks_.size() > kMarksMax) thin_out();
}

// Marks take in those behind them, and are as old as they were.
void LagMarks::thin_out() {
  while (marks_.size() > kMarksMax / 2) {
    apart_us_ *= 2;
    std::vector<Mark> fewer;
    for (const auto& mark : marks_) {
      if (!fewer.empty() && mark.first_us - fewer.back().first_us < apart_us_) {
        fewer.back().end = mark.end;
      } else {
        fewer.push_back(mark);
      }
    }
    marks_.swap(fewer);
  }
}

std::int64_t LagMarks::age_us(Position folded, Position end, std::int64_t now_us) {
  const std::lock_guard lock{mutex_};
  const auto first = std::find_if(marks_.begin(), marks_.end(),
                                  [&](const Mark& mark) { return mark.end > folded; });
  marks_.erase(marks_.begin(), first);
  if (folded >= end || marks_.empty()) return 0;
  return std::max<std::int64_t>(0, now_us - marks_.front().first_us);
}

}  // namespace dealwright::daemon
