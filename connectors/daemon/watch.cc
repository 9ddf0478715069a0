#include "connectors/daemon/watch.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace dealwright::daemon {

void Watch::moved(PartitionId partition, Progress to) {
  std::vector<std::function<void()>> ready;
  {
    const std::lock_guard lock{mutex_};
    auto& at = progress_[partition];
    // A partition that was opened again folds once more what it had folded: nobody saw less.
    const Progress further{std::max(at.events, to.events), std::max(at.decisions, to.decisions)};
    if (further == at) return;
    at = further;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      auto& one = it->second;
      const bool met = one.any || (one.partition == partition && one.events <= at.events);
      if (met) ready.push_back(std::move(one.then));
      it = met ? waiting_.erase(it) : std::next(it);
    }
  }
  for (const auto& then : ready) then();
}

std::vector<Progress> Watch::now() const {
  const std::lock_guard lock{mutex_};
  return progress_;
}

Watch::Ticket Watch::when(PartitionId partition, Position events, std::function<void()> then) {
  {
    const std::lock_guard lock{mutex_};
    if (progress_[partition].events < events) {
      waiting_[++last_] = {partition, events, false, std::move(then)};
      return last_;
    }
  }
  then();
  return 0;
}

Watch::Ticket Watch::when_other(const std::vector<Progress>& seen, std::function<void()> then) {
  {
    const std::lock_guard lock{mutex_};
    if (progress_ == seen) {
      waiting_[++last_] = {0, 0, true, std::move(then)};
      return last_;
    }
  }
  then();
  return 0;
}

void Watch::forget(Ticket ticket) {
  std::function<void()> gone;  // let go of outside of the lock
  const std::lock_guard lock{mutex_};
  const auto it = waiting_.find(ticket);
  if (it == waiting_.end()) return;
  gone = std::move(it->second.then);
  waiting_.erase(it);
}

Result<std::vector<std::pair<PartitionId, Position>>> parse_positions(std::string_view text,
                                                                      std::uint32_t partitions) {
  const Error bad{Code::kInvalid, "'" + std::string{text} +
                                      "' is no position; write partition:position, such as "
                                      "3:8112, with a comma between several"};
  std::vector<std::pair<PartitionId, Position>> out;
  const auto* at = text.data();
  const auto* end = at + text.size();
  for (;;) {
    std::pair<PartitionId, Position> one;
    const auto [colon, no_partition] = std::from_chars(at, end, one.first);
    if (no_partition != std::errc{} || colon == end || *colon != ':') return bad;
    const auto [next, no_position] = std::from_chars(colon + 1, end, one.second);
    if (no_position != std::errc{}) return bad;
    if (one.first >= partitions) {
      return Error{Code::kNotFound, "'" + std::string{text} + "' names partition " +
                                        std::to_string(one.first) +
                                        ", and there is none of that number"};
    }
    const bool again = std::any_of(out.begin(), out.end(),
                                   [&](const auto& other) { return other.first == one.first; });
    if (again) {
      return Error{Code::kInvalid, "'" + std::string{text} + "' names partition " +
                                       std::to_string(one.first) + " twice"};
    }
    out.push_back(one);
    if (next == end) return out;
    if (*next != ',') return bad;
    at = next + 1;
  }
}

std::string positions_text(const std::vector<Progress>& progress) {
  std::string out;
  for (std::size_t i = 0; i < progress.size(); ++i) {
    if (i > 0) out += ',';
    out += std::to_string(i) + ':' + std::to_string(progress[i].events);
  }
  return out;
}

}  // namespace dealwright::daemon
