#include "connectors/daemon/lag_marks.h"

#include <algorithm>

namespace dealwright::daemon {

void LagMarks::put(Position end, std::int64_t now_us) {
  const std::lock_guard lock{mutex_};
  if (!marks_.empty() && end <= marks_.back().end) return;
  if (!marks_.empty() && now_us - marks_.back().first_us < kApartUs) {
    marks_.back().end = end;
    return;
  }
  marks_.push_back({end, now_us});
  if (marks_.size() <= kMarksMax) return;
  // Each takes in the one behind it, and is as old as it was.
  std::vector<Mark> fewer;
  for (std::size_t i = 0; i < marks_.size(); i += 2) {
    const auto last = std::min(i + 1, marks_.size() - 1);
    fewer.push_back({marks_[last].end, marks_[i].first_us});
  }
  marks_.swap(fewer);
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
