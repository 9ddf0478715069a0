#include "connectors/daemon/bad_rows_file.h"

#include "connectors/http/csv.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

}  // namespace

Result<void> BadRowsFile::add(const import::BadRow& row) {
  if (file_ == nullptr) {
    DW_TRY(const bool there, files_.exists(path_));
    if (there) {
      DW_TRY(files_.remove(path_));
    }
    DW_TRY(file_, files_.open(path_, FileSystem::Mode::kCreate));
    buffer_ = "row,line,column,code,detail,hint,raw\r\n";
  }
  http::CsvWriter csv{buffer_};
  csv.cell(Value{static_cast<std::int64_t>(row.row)});
  csv.cell(Value{static_cast<std::int64_t>(row.line)});
  for (const auto* text : {&row.column, &row.code, &row.detail, &row.hint, &row.raw}) {
    csv.text(*text);
  }
  csv.end_row();
  return buffer_.size() < kBufferBytes ? Result<void>{ok()} : write();
}

Result<void> BadRowsFile::write() {
  DW_TRY(file_->write_at(written_, buffer_));
  written_ += buffer_.size();
  buffer_.clear();
  return ok();
}

Result<void> BadRowsFile::close() {
  if (file_ == nullptr) {
    DW_TRY(const bool there, files_.exists(path_));
    return there ? files_.remove(path_) : Result<void>{ok()};
  }
  DW_TRY(write());
  return file_->sync();
}

}  // namespace dealwright::daemon
