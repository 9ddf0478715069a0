#include <algorithm>
#include <bit>

#include "rules/match/index.h"

namespace dealwright::rules {

void PostingTable::add(std::uint64_t key, std::uint32_t posting) {
  added_.emplace_back(key, posting);
}

void PostingTable::seal() {
  std::sort(added_.begin(), added_.end());
  added_.erase(std::unique(added_.begin(), added_.end()), added_.end());
  std::size_t keys = 0;
  for (std::size_t i = 0; i < added_.size(); ++i) {
    keys += i == 0 || added_[i].first != added_[i - 1].first ? 1 : 0;
  }
  if (keys == 0) return;
  slots_.assign(std::bit_ceil(keys * 2), Slot{});
  mask_ = slots_.size() - 1;
  postings_.reserve(added_.size());
  for (std::size_t i = 0; i < added_.size();) {
    const auto key = added_[i].first;
    Slot slot{key, static_cast<std::uint32_t>(postings_.size()), 0};
    for (; i < added_.size() && added_[i].first == key; ++i) {
      postings_.push_back(added_[i].second);
      ++slot.count;
    }
    auto at = key & mask_;
    while (slots_[at].count != 0) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
  added_ = {};
}

}  // namespace dealwright::rules
