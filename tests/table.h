// Tests as text tables: the first line names the columns, each line below is a row, cells stand
// between bars. Blank lines and lines that begin with # are left out; an empty cell of a first
// column repeats nothing. What a row should come to stands in its column `then`.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dealwright {

class Row {
 public:
  Row(std::vector<std::string> names, std::vector<std::string> cells)
      : names_{std::move(names)}, cells_{std::move(cells)} {}
  // "" if the row ends before that column. A column that the table has not is a mistake.
  std::string operator[](std::string_view name) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return i < cells_.size() ? cells_[i] : std::string{};
    }
    ADD_FAILURE() << "the table has no column " << name;
    return {};
  }
  std::string text() const {
    std::string out;
    for (const auto& cell : cells_) out += (out.empty() ? "" : " | ") + cell;
    return out;
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::string> cells_;
};

inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> out;
  std::stringstream cells{line};
  for (std::string cell; std::getline(cells, cell, '|');) {
    const auto from = cell.find_first_not_of(' ');
    const auto to = cell.find_last_not_of(' ');
    out.push_back(from == std::string::npos ? "" : cell.substr(from, to - from + 1));
  }
  return out;
}

// Runs `come_to` on each row and holds what it says against the column `then`.
inline void expect_table(const std::string& table,
                         const std::function<std::string(const Row&)>& come_to) {
  std::stringstream lines{table};
  std::vector<std::string> names;
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find_first_not_of(' ');
    if (first == std::string::npos || line[first] == '#') continue;
    if (names.empty()) {
      names = cells_of(line);
      continue;
    }
    const Row row{names, cells_of(line)};
    ++rows;
    EXPECT_EQ(come_to(row), row["then"]) << "row: " << row.text();
  }
  EXPECT_GT(rows, 0) << "a table without rows tests nothing";
}

}  // namespace dealwright
