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

Result<void> TimerIndex::refill() {
  if (cursor_.empty()) cursor_ = kFirst;
  std::string last;
  DW_TRY(cache_.scan(cursor_, kBehind, [&](std::string_view key, std::string_view) {
    if (head_.size() == head_max_) {
      last = key;
      return false;
    }
    head_.emplace_hint(head_.end(), key);
    return true;
  }));
  at_end_ = last.empty();
  cursor_ = at_end_ ? std::string{kBehind} : last;
  return ok();
}

Result<std::optional<Instant>> TimerIndex::next_due() {
  if (head_.empty() && !at_end_) {
    DW_TRY(refill());
  }
  if (head_.empty()) return std::optional<Instant>{};
  ByteReader in{std::string_view{*head_.begin()}.substr(1)};
  return std::optional<Instant>{Instant{in.key_signed()}};
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
