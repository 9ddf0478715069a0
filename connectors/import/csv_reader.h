// Tables in CSV (RFC 4180): a header, then a row a line; quoted values may hold delimiters, quotes
// and line ends. UTF-8, with or without a byte order mark.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/import/input.h"
#include "connectors/import/row.h"

namespace dealwright::import {

struct CsvOptions {
  char delimiter = ',';
  char quote = '"';
  std::vector<std::string> header;  // column names of a file without a header row
};
inline constexpr std::size_t kCsvRowBytesMax = std::size_t{1} << 20;

std::unique_ptr<RowReader> make_csv_reader(std::unique_ptr<Input> input, CsvOptions options);

}  // namespace dealwright::import
