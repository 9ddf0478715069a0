#include "engine/runtime/open_effects.h"

#include <algorithm>

#include "engine/runtime/keys.h"

namespace dealwright::runtime {
namespace {
const std::string kFirst(1, keys::kOpen);
const std::string kBehind(1, static_cast<char>(keys::kOpen + 1));
}  // namespace

void OpenEffects::set(Instant at, const EffectId& id) {
  auto key = keys::open_effect(at, id);
  if (key < cursor_) {
    head_.insert({at, id});
    if (head_.size() > 2 * head_max_) {  // let the far half go: it stands in the cache
      auto keep = head_.begin();
      std::advance(keep, static_cast<std::ptrdiff_t>(head_max_));
      cursor_ = keys::open_effect(keep->first, keep->second);
      head_.erase(keep, head_.end());
      at_end_ = false;
    }
  } else {
    at_end_ = false;
  }
  cache_.put(std::move(key), "");
}

void OpenEffects::cancel(Instant at, const EffectId& id) {
  head_.erase({at, id});
  cache_.erase(keys::open_effect(at, id));
}

void OpenEffects::give_back(Instant at, const EffectId& id) {
  if (keys::open_effect(at, id) < cursor_) head_.insert({at, id});
}

Result<void> OpenEffects::refill() {
  if (cursor_.empty()) cursor_ = kFirst;
  std::string last;
  DW_TRY(cache_.scan(cursor_, kBehind, [&](std::string_view key, std::string_view) {
    if (head_.size() == head_max_) {
      last = key;
      return false;
    }
    ByteReader in{key.substr(1)};
    Place place;
    place.first = Instant{in.key_signed()};
    const auto bytes = in.rest();
    std::copy_n(bytes.begin(), std::min(bytes.size(), place.second.size()), place.second.begin());
    head_.insert(head_.end(), place);
    return true;
  }));
  at_end_ = last.empty();
  cursor_ = at_end_ ? kBehind : last;
  return ok();
}

Result<std::optional<Instant>> OpenEffects::next_due() {
  if (head_.empty() && !at_end_) {
    DW_TRY(refill());
  }
  if (head_.empty()) return std::optional<Instant>{};
  return std::optional<Instant>{head_.begin()->first};
}

Result<std::optional<EffectId>> OpenEffects::take_due(Instant limit) {
  DW_TRY(auto due, next_due());
  if (!due || *due > limit) return std::optional<EffectId>{};
  const auto id = head_.begin()->second;
  head_.erase(head_.begin());
  return std::optional<EffectId>{id};
}

}  // namespace dealwright::runtime
