#include "connectors/daemon/intake.h"

#include <memory>
#include <utility>

namespace dealwright::daemon {

std::optional<Placed> RecentEvents::find(const Hash128& id) {
  if (const auto it = young_.find(id); it != young_.end()) return it->second;
  const auto it = old_.find(id);
  if (it == old_.end()) return std::nullopt;
  const auto at = it->second;
  put(id, at);
  return at;
}

void RecentEvents::put(const Hash128& id, Placed at) {
  if (young_.size() >= half_) {
    std::swap(old_, young_);
    young_.clear();
  }
  young_.emplace(id, at);
}

void Intake::tell(std::int64_t since_us, const Error* failed, std::uint64_t known) const {
  if (on_append_) on_append_(workspace_.clock().steady_us() - since_us, failed, known);
}

void Intake::append(std::vector<Event> events, std::function<void(Result<Receipt>)> done) {
  struct Work {
    Receipt receipt;
    std::vector<std::pair<Hash128, std::size_t>> fresh;  // id, index among all
  };
  const auto since_us = workspace_.clock().steady_us();
  auto work = std::make_shared<Work>();
  work->receipt.at.resize(events.size());
  std::vector<Event> fresh;
  fresh.reserve(events.size());
  work->fresh.reserve(events.size());
  {
    const std::lock_guard lock{mutex_};
    for (std::size_t i = 0; i < events.size(); ++i) {
      const auto id = hash128(events[i].source, events[i].id);
      if (const auto at = recent_.find(id)) {
        work->receipt.at[i] = *at;
        ++work->receipt.duplicates;
        continue;
      }
      work->fresh.emplace_back(id, i);
      fresh.push_back(std::move(events[i]));
    }
  }
  const auto known = work->receipt.duplicates;
  if (fresh.empty()) {
    tell(since_us, nullptr, known);
    return done(std::move(work->receipt));
  }
  workspace_.append_async(fresh, [this, work, since_us, known,
                                  done = std::move(done)](Result<std::vector<Placed>> put) {
    tell(since_us, put ? nullptr : &put.error(), known);
    if (!put) return done(put.error());
    {
      const std::lock_guard lock{mutex_};
      for (std::size_t i = 0; i < work->fresh.size(); ++i) {
        const auto& [id, index] = work->fresh[i];
        work->receipt.at[index] = put.value()[i];
        recent_.put(id, put.value()[i]);
      }
    }
    done(std::move(work->receipt));
  });
}

}  // namespace dealwright::daemon
