#include "connectors/import/csv_reader.h"

#include <csv.h>

#include <algorithm>

#include "engine/base/utf8.h"

namespace dealwright::import {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

// Feeds libcsv a physical line at a time, so that every row knows where it starts. A row that does
// not parse costs its first line only: reading goes on at the second.
class CsvReader final : public RowReader {
 public:
  CsvReader(std::unique_ptr<Input> input, CsvOptions options)
      : input_{std::move(input)}, options_{std::move(options)} {
    start_parser();
  }
  ~CsvReader() override { csv_free(&parser_); }
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  Result<bool> next(Row& row, std::vector<BadRow>& bad) override {
    if (failed_) return false;
    if (columns_.size() == 0) {
      auto headed = read_header(row, bad);
      if (!headed) {
        failed_ = true;
        return headed.error();
      }
    }
    for (;;) {
      auto found = next_cells(row, bad);
      if (!found) failed_ = true;
      if (!found || !found.value()) return found;
      row.number = ++rows_;
      if (cells_ == columns_.size()) return true;
      report(bad, row.number, "bad_csv",
             "the row has " + std::to_string(cells_) + " values, the header " +
                 std::to_string(columns_.size()),
             "put quotes around values that hold the delimiter");
    }
  }
  const Columns& columns() const override { return columns_; }
  std::uint64_t bytes_read() const override { return input_->bytes_read(); }
  std::uint64_t bytes_total() const override { return input_->bytes_total(); }

 private:
  static void on_cell(void* text, std::size_t size, void* self) {
    auto& reader = *static_cast<CsvReader*>(self);
    reader.row_->set(reader.cells_++, {static_cast<const char*>(text), size});
  }
  static void on_row(int, void* self) { static_cast<CsvReader*>(self)->row_done_ = true; }

  void start_parser() {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser_, static_cast<unsigned char>(options_.delimiter));
    csv_set_quote(&parser_, static_cast<unsigned char>(options_.quote));
  }

  Result<void> read_header(Row& row, std::vector<BadRow>& bad) {
    DW_TRY(drop_mark());
    if (!options_.header.empty()) {
      for (const auto& name : options_.header) columns_.add(name);
      return ok();
    }
    std::vector<BadRow> broken;
    DW_TRY(auto found, next_cells(row, broken));
    if (!broken.empty()) {
      return Error{Code::kInvalid, "line " + std::to_string(broken.front().line) +
                                       ": the header is no CSV: " + broken.front().detail + "; " +
                                       broken.front().hint};
    }
    static_cast<void>(bad);
    if (!found) return Error{Code::kInvalid, "the file is empty; its first row names the columns"};
    if (cells_ > kColumnsMax)
      return Error{Code::kInvalid, "more than 4096 columns; split the table"};
    for (std::size_t i = 0; i < cells_; ++i) {
      std::string name{row.value(i)};
      if (name.empty()) name = "#" + std::to_string(i + 1);
      if (columns_.find(name)) {
        return Error{Code::kInvalid, "line " + std::to_string(row.line) +
                                         ": two columns are named '" + name + "'; rename one"};
      }
      columns_.add(name);
    }
    return ok();
  }

  Result<void> drop_mark() {
    do {  // an input may give two bytes first
      DW_TRY(fill());
    } while (buffer_.size() < 3 && !ended_);
    const auto head = std::string_view{buffer_}.substr(0, 3);
    if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) {
      return Error{Code::kInvalid, "the file is UTF-16; save it as CSV UTF-8"};
    }
    if (head == "\xef\xbb\xbf") at_ = row_start_ = 3;
    return ok();
  }

  // Appends a chunk behind what is kept: the row at hand and all that follows.
  Result<void> fill() {
    if (ended_) return ok();
    buffer_.erase(0, row_start_);
    at_ -= row_start_;
    row_start_ = 0;
    const auto have = buffer_.size();
    buffer_.resize(have + kChunk);
    auto got = input_->read(buffer_.data() + have, kChunk);
    if (!got) return got.error();
    buffer_.resize(have + got.value());
    ended_ = got.value() == 0;
    return ok();
  }

  // The next physical line with its end; empty at the end of the file. Valid until the next fill.
  Result<std::string_view> take_line() {
    std::size_t from = at_;
    for (;;) {
      auto end = buffer_.find_first_of("\r\n", from);
      if (end != std::string::npos && buffer_[end] == '\r') {
        if (end + 1 == buffer_.size() && !ended_)
          end = std::string::npos;  // perhaps \n comes
        else if (end + 1 < buffer_.size() && buffer_[end + 1] == '\n')
          ++end;
      }
      if (end == std::string::npos && !ended_) {
        if (buffer_.size() - at_ > kCsvRowBytesMax) {
          return Error{Code::kInvalid,
                       "line " + std::to_string(line_) + " is longer than 1 MiB; is the file CSV?"};
        }
        const auto scanned = buffer_.size() - row_start_;
        DW_TRY(fill());
        from = scanned == 0 ? at_ : std::max(at_, scanned - 1);
        continue;
      }
      const auto stop = end == std::string::npos ? buffer_.size() : end + 1;
      const auto line = std::string_view{buffer_}.substr(at_, stop - at_);
      at_ = stop;
      if (!line.empty()) ++line_;
      return line;
    }
  }

  // Cells of the next row that parses. Rows that do not go to `bad`.
  Result<bool> next_cells(Row& row, std::vector<BadRow>& bad) {
    for (;;) {
      row_start_ = at_;
      row_line_ = line_;
      first_end_ = 0;
      cells_ = 0;
      row_done_ = false;
      row.clear();
      row.line = row_line_;
      row_ = &row;
      DW_TRY(auto whole, parse_row(bad));
      if (whole) {
        if (is_utf8(row.text())) return true;
        report(bad, ++rows_, "bad_encoding", "the row is no UTF-8 text",
               "save the file as CSV UTF-8");
      } else if (at_ >= buffer_.size() && ended_) {
        return false;
      }
    }
  }

  // False: no row here (a blank line, a bad one, the end).
  Result<bool> parse_row(std::vector<BadRow>& bad) {
    while (!row_done_) {
      DW_TRY(auto line, take_line());
      const bool first = first_end_ == 0;
      if (first) {
        if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return false;
        first_end_ = line.size();
      } else if (line.empty() || at_ - row_start_ > kCsvRowBytesMax) {
        give_up(bad, "a quote that opens here is never closed", "close it, or write it twice");
        return false;
      }
      const auto taken = csv_parse(&parser_, line.data(), line.size(), &on_cell, &on_row, this);
      if (taken != line.size()) {
        give_up(bad,
                first ? "a quote stands inside a value at column " + std::to_string(taken)
                      : "a quote that opens here is closed inside a later value, in line " +
                            std::to_string(line_ - 1),
                "put the whole value in quotes and write the quote inside twice");
        return false;
      }
      if (!row_done_ && ended_ && at_ >= buffer_.size() && !line.ends_with('\n') &&
          !line.ends_with('\r')) {
        csv_parse(&parser_, "\n", 1, &on_cell, &on_row, this);  // a last line without an end
      }
    }
    return true;
  }

  // The row's first line is bad; what follows is read anew.
  void give_up(std::vector<BadRow>& bad, std::string detail, std::string hint) {
    csv_free(&parser_);
    start_parser();
    row_done_ = false;
    at_ = row_start_ + first_end_;
    line_ = row_line_ + 1;
    report(bad, ++rows_, "bad_csv", std::move(detail), std::move(hint));
  }

  void report(std::vector<BadRow>& bad, std::uint64_t number, std::string code, std::string detail,
              std::string hint) {
    auto raw =
        buffer_.substr(row_start_, std::min(kRawBytesMax, std::max(at_, row_start_) - row_start_));
    while (raw.ends_with('\n') || raw.ends_with('\r')) raw.pop_back();
    bad.push_back({number,
                   row_line_,
                   {},
                   std::move(code),
                   std::move(detail),
                   std::move(hint),
                   std::move(raw)});
  }

  std::unique_ptr<Input> input_;
  const CsvOptions options_;
  csv_parser parser_{};
  Columns columns_;
  std::string buffer_;  // from row_start_ on it is needed
  std::size_t at_ = 0;  // what is taken
  std::size_t row_start_ = 0;
  std::size_t first_end_ = 0;  // length of the row's first line
  std::uint64_t line_ = 1;     // the next one
  std::uint64_t row_line_ = 1;
  std::uint64_t rows_ = 0;
  std::size_t cells_ = 0;
  Row* row_ = nullptr;
  bool row_done_ = false;
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<RowReader> make_csv_reader(std::unique_ptr<Input> input, CsvOptions options) {
  return std::make_unique<CsvReader>(std::move(input), std::move(options));
}

}  // namespace dealwright::import
