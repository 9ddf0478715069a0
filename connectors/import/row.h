// A line of a table, or an event of a process log with what its trace says: values by column.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace dealwright::import {

// Column names by index; grows while a process log shows new attributes, never shrinks.
class Columns {
 public:
  std::optional<std::size_t> find(std::string_view name) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {  // a dozen or two: shorter than a hash
      if (names_[i] == name) return i;
    }
    return std::nullopt;
  }
  std::size_t add(std::string_view name) {
    names_.emplace_back(name);
    return names_.size() - 1;
  }
  std::size_t size() const { return names_.size(); }
  const std::string& name(std::size_t index) const { return names_[index]; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};
inline constexpr std::size_t kColumnsMax = 4'096;

// Texts one behind the other; a column without value is empty.
class Row {
 public:
  struct Span {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  std::uint64_t number = 0;  // 1 is the first row that holds data; bad ones count
  std::uint64_t line = 0;    // of the unpacked file, where it starts

  std::string_view value(std::size_t column) const {
    if (column >= spans_.size()) return {};
    return text().substr(spans_[column].offset, spans_[column].size);
  }
  void set(std::size_t column, std::string_view value) {
    if (column >= spans_.size()) spans_.resize(column + 1);
    spans_[column] = {static_cast<std::uint32_t>(own_.size()),
                      static_cast<std::uint32_t>(value.size())};
    own_.append(value);
  }
  void clear() {
    number = line = 0;
    own_.clear();
    elsewhere_ = {};
    spans_.clear();
  }
  std::string_view text() const { return elsewhere_.data() == nullptr ? own_ : elsewhere_; }
  const std::vector<Span>& spans() const { return spans_; }
  // Texts that stay where they are: `text` must outlive the row's use.
  void refer(std::string_view text, std::vector<Span> spans) {
    elsewhere_ = text;
    spans_ = std::move(spans);
  }
  std::vector<Span>& refer(std::string_view text) {
    elsewhere_ = text;
    spans_.clear();
    return spans_;
  }

 private:
  std::string own_;
  std::string_view elsewhere_;
  std::vector<Span> spans_;
};

// A row, or an event of it, that cannot be imported: what, where, how to mend it.
struct BadRow {
  std::uint64_t row = 0;
  std::uint64_t line = 0;
  std::string column;  // its name; empty: the row as a whole
  std::string
      code;  // bad_csv, bad_xes, bad_time, bad_money, bad_data, bad_envelope, no_record: stable
  std::string detail;
  std::string hint;
  std::string raw;  // the row or value, cut at 1 KiB
};
inline constexpr std::size_t kRawBytesMax = 1'024;

// Rows of a file, in file order. One thread.
class RowReader {
 public:
  virtual ~RowReader() = default;
  // Fills `row`, valid until the next call; false at the end. An error is final: the file cannot be
  // read on. Rows that cannot be read alone go to `bad`.
  virtual Result<bool> next(Row& row, std::vector<BadRow>& bad) = 0;
  // Complete after the first next() for tables, growing for process logs.
  virtual const Columns& columns() const = 0;
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
};

}  // namespace dealwright::import
