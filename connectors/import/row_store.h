// The rows of a file, kept in memory in little space, and what they give in order of time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "connectors/import/mapper.h"
#include "connectors/import/row.h"

namespace dealwright::import {

class RowStore {
 public:
  explicit RowStore(std::size_t bytes_max) : bytes_max_{bytes_max} {}
  // kOverload: the limit is reached.
  Result<void> add(const Row& row, const std::vector<Planned>& planned);
  // Puts all that was planned in order: (time, row, entry of the mapping).
  void sort();
  std::size_t size() const { return keys_.size(); }
  Planned planned(std::size_t index) const;
  std::uint32_t row_of(std::size_t index) const { return keys_[index].row; }
  // `row` then points into the store.
  void load(std::uint32_t row_index, Row& row) const;

 private:
  struct Key {
    std::int64_t at;
    std::uint32_t row;
    std::uint16_t emit;
    bool undated;
    bool takes_rest;
  };
  struct Entry {
    std::uint64_t number;
    std::uint64_t line;
    const char* text;
    std::uint32_t size;
    std::uint32_t spans;
    std::size_t first_span;
  };
  const char* keep(std::string_view text);

  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_left_ = 0;
  char* block_at_ = nullptr;
  std::vector<Row::Span> spans_;
  std::vector<Entry> entries_;
  std::vector<Key> keys_;
};

}  // namespace dealwright::import
