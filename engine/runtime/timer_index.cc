#include "engine/runtime/timer_index.h"

#include "engine/runtime/keys.h"

namespace dealwright::runtime {
namespace {
constexpr std::string_view kFirst{"T", 1};
constexpr std::string_view kBehind{"U", 1};
}  // namespace

void TimerIndex::set(const TimerKey& key, std::string_view order) {
  auto text = keys::timer(key, order);
  ++pending_;
  if (text < cursor_) {  // an insert below the cursor would be overtaken: it joins the head
    head_.insert(text);
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
  cache_.put(std::move(text), "");
}

void TimerIndex::cancel(const TimerKey& key, std::string_view order) {
  auto text = keys::timer(key, order);
  head_.erase(text);
  --pending_;
  cache_.erase(std::move(text));
}

void TimerIndex::keep(const TimerKey& key, std::string_view order, std::string_view value) {
  cache_.put(keys::timer(key, order), std::string{value});
}

Result<void> TimerIndex::fill(std::size_t count, const KvCache::Visit& visit) {
  if (cursor_.empty()) cursor_ = kFirst;
  const std::string from = head_.empty() ? cursor_ : *head_.begin();
  std::string last;
  std::size_t seen = 0;
  DW_TRY(cache_.scan(from, kBehind, [&](std::string_view key, std::string_view value) {
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
    cursor_ = kBehind;
  } else if (last > cursor_) {
    cursor_ = last;
  }
  return ok();
}

Result<void> TimerIndex::look_ahead(Instant limit, std::size_t count, const Visit& visit) {
  return fill(count, [&](std::string_view key, std::string_view value) {
    return keys::due_of_timer(key) <= limit && visit(keys::enrolment_of_timer(key), value);
  });
}

Result<std::optional<Instant>> TimerIndex::next_due() {
  if (head_.empty() && !at_end_) {
    DW_TRY(fill(head_max_, [](std::string_view, std::string_view) { return true; }));
  }
  if (head_.empty()) return std::optional<Instant>{};
  return std::optional<Instant>{keys::due_of_timer(*head_.begin())};
}

Result<std::optional<TimerKey>> TimerIndex::take_due(Instant limit) {
  DW_TRY(auto due, next_due());
  if (!due || *due > limit) return std::optional<TimerKey>{};
  auto node = head_.extract(head_.begin());
  auto key = keys::read_timer(node.value());
  --pending_;
  cache_.erase(std::move(node.value()));
  return std::optional<TimerKey>{std::move(key)};
}

}  // namespace dealwright::runtime
