#include "engine/runtime/due_keys.h"

#include <iterator>
#include <utility>

#include "engine/base/planted.h"
#include "engine/runtime/keys.h"

namespace dealwright::runtime {

DueKeys::DueKeys(KvCache& cache, char letter, std::size_t head_max)
    : cache_{cache},
      first_(1, letter),
      behind_(1, static_cast<char>(letter + 1)),
      head_max_{head_max},
      cursor_{first_} {}

void DueKeys::set(std::string key) {
  // An insert below the cursor would be overtaken: it joins the head. (Planted bug 11: it does
  // not.)
  if (key < cursor_ && !DW_PLANTED(11)) {
    head_.insert(key);
    if (head_.size() > 2 * head_max_) {  // let the far half go: it stands in the cache
      auto keep = head_.begin();
      std::advance(keep, static_cast<std::ptrdiff_t>(head_max_));
      cursor_ = *keep;
      head_.erase(keep, head_.end());
      at_end_ = false;
    }
  } else {
    at_end_ = false;
  }
  cache_.put(std::move(key), "");
}

void DueKeys::erase(std::string key) {
  if (!DW_PLANTED(12)) head_.erase(key);  // planted: what was cancelled fires all the same
  cache_.erase(std::move(key));
}

void DueKeys::give_back(std::string key) {
  if (key < cursor_) head_.insert(std::move(key));
}

Result<void> DueKeys::scan(std::size_t count, const KvCache::Visit& visit) {
  const std::string from = head_.empty() ? cursor_ : *head_.begin();
  std::string last;
  std::size_t seen = 0;
  DW_TRY(cache_.scan(from, behind_, [&](std::string_view key, std::string_view value) {
    if (seen == count || !visit(key, value)) {
      last = key;
      return false;
    }
    ++seen;
    if (key >= cursor_) head_.emplace_hint(head_.end(), key);
    return true;
  }));
  if (last.empty()) {
    at_end_ = true;
    cursor_ = behind_;
  } else if (last > cursor_) {
    cursor_ = last;
  }
  return ok();
}

Result<std::optional<Instant>> DueKeys::next_due() {
  if (head_.empty() && !at_end_) {
    DW_TRY(scan(head_max_, [](std::string_view, std::string_view) { return true; }));
  }
  if (head_.empty()) return std::optional<Instant>{};
  return std::optional<Instant>{keys::due_of(*head_.begin())};
}

Result<std::optional<std::string>> DueKeys::take_due(Instant limit) {
  DW_TRY(auto due, next_due());
  if (!due || *due > limit) return std::optional<std::string>{};
  auto node = head_.extract(head_.begin());
  return std::optional<std::string>{std::move(node.value())};
}

}  // namespace dealwright::runtime
