#include "connectors/import/row_store.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>

namespace dealwright::import {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

}  // namespace

const char* RowStore::keep(std::string_view text) {
  if (text.size() > block_left_) {
    const auto bytes = std::max(kBlockBytes, text.size());
    blocks_.emplace_back(new char[bytes]);
    block_at_ = blocks_.back().get();
    block_left_ = bytes;
  }
  if (!text.empty()) std::memcpy(block_at_, text.data(), text.size());
  const char* kept = block_at_;
  block_at_ += text.size();
  block_left_ -= text.size();
  return kept;
}

Result<void> RowStore::add(const Row& row, const std::vector<Planned>& planned) {
  if (planned.empty()) return ok();
  const auto text = row.text();
  bytes_ += text.size() + row.spans().size() * sizeof(Row::Span) + sizeof(Entry) +
            planned.size() * sizeof(Key);
  if (bytes_ > bytes_max_ || entries_.size() >= std::numeric_limits<std::uint32_t>::max()) {
    return Error{Code::kOverload, "the file takes more than " + std::to_string(bytes_max_ >> 20) +
                                      " MiB to put in order of time (after " +
                                      std::to_string(entries_.size()) +
                                      " rows); split it, or set order: file"};
  }
  const auto index = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back({row.number, row.line, keep(text), static_cast<std::uint32_t>(text.size()),
                      static_cast<std::uint32_t>(row.spans().size()), spans_.size()});
  spans_.insert(spans_.end(), row.spans().begin(), row.spans().end());
  for (const auto& one : planned) {
    keys_.push_back({one.at.ms, index, one.emit, one.undated, one.takes_rest});
  }
  return ok();
}

void RowStore::sort() {
  std::sort(keys_.begin(), keys_.end(), [](const Key& a, const Key& b) {
    return std::tie(a.at, a.row, a.emit) < std::tie(b.at, b.row, b.emit);
  });
}

Planned RowStore::planned(std::size_t index) const {
  const auto& key = keys_[index];
  return {Instant{key.at}, key.emit, key.undated, key.takes_rest};
}

void RowStore::load(std::uint32_t row_index, Row& row) const {
  const auto& entry = entries_[row_index];
  row.number = entry.number;
  row.line = entry.line;
  auto& spans = row.refer({entry.text, entry.size});
  const auto first = spans_.begin() + static_cast<std::ptrdiff_t>(entry.first_span);
  spans.assign(first, first + static_cast<std::ptrdiff_t>(entry.spans));
}

}  // namespace dealwright::import
