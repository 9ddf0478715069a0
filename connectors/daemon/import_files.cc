#include "connectors/daemon/import_files.h"

#include <filesystem>
#include <utility>

namespace dealwright::daemon {
namespace {

constexpr std::string_view kRecordFile = "/import.json";
constexpr std::string_view kMappingFile = "/mapping.yaml";
constexpr std::size_t kRecordBytesMax = std::size_t{1} << 20;
constexpr std::size_t kMappingBytesMax = std::size_t{1} << 20;
constexpr std::size_t kBadBytesAtOnce = std::size_t{256} << 10;

std::string path_in(const std::string& folder, std::string_view name) {
  return folder + std::string{name};
}

}  // namespace

Result<std::vector<ImportRecord>> ImportFiles::open() {
  DW_TRY(create_durable(files_, folder_));
  DW_TRY(const auto names, files_.list(folder_));
  std::vector<ImportRecord> out;
  for (const auto& name : names) {
    if (!name.starts_with("imp-")) continue;  // an order of the command line to pause
    DW_TRY(const bool there, files_.exists(path_in(folder_of(name), kRecordFile)));
    if (there) {
      out.push_back(read(name));
    } else {
      remove(name);
    }
  }
  return out;
}

ImportRecord ImportFiles::read(const std::string& id) const {
  const auto path = path_in(folder_of(id), kRecordFile);
  const auto text = read_whole(files_, path, kRecordBytesMax);
  auto record = text ? read_import_record(text.value()) : Result<ImportRecord>{text.error()};
  if (record && record.value().id == id) return std::move(record.value());
  ImportRecord damaged;
  damaged.id = id;
  damaged.state = ImportState::kFailed;
  damaged.error = Error{Code::kDamaged,
                        path + ": " + (record ? "it is of another import" : record.error().detail)};
  return damaged;
}

// The record comes last: a folder that has one is whole.
Result<void> ImportFiles::make(const ImportRecord& record, const std::string& mapping,
                               const std::string& file_of) {
  const auto folder = folder_of(record.id);
  DW_TRY(create_durable(files_, folder));
  DW_TRY(write_durable(files_, path_in(folder, kMappingFile), mapping));
  if (file_of.empty()) {
    DW_TRY(const auto made, files_.open(data(record.id), FileSystem::Mode::kCreate));
    DW_TRY(made->sync());
  } else {
    std::error_code failed;
    std::filesystem::create_hard_link(data(file_of), data(record.id), failed);
    if (failed) {
      return Error{Code::kIo, "cannot take the file of " + file_of + ": " + failed.message()};
    }
  }
  DW_TRY(files_.sync_directory(folder));
  return save(record);
}

Result<void> ImportFiles::save(const ImportRecord& record) {
  return write_durable(files_, path_in(folder_of(record.id), kRecordFile), to_text(record));
}

// The record first: what a crash leaves of the folder then goes at the next start.
void ImportFiles::remove(const std::string& id) {
  std::error_code ignored;
  std::filesystem::remove(path_in(folder_of(id), kRecordFile), ignored);
  std::filesystem::remove_all(folder_of(id), ignored);
}

Result<std::string> ImportFiles::mapping(const std::string& id) const {
  return read_whole(files_, path_in(folder_of(id), kMappingFile), kMappingBytesMax);
}

void ImportFiles::remove_data(const std::string& id) {
  std::error_code ignored;
  std::filesystem::remove(data(id), ignored);
}

Result<std::string> ImportFiles::read_bad_rows(const std::string& id, std::uint64_t offset) const {
  const auto path = bad_rows(id);
  DW_TRY(const bool there, files_.exists(path));
  if (!there) return std::string{};
  DW_TRY(const auto file, files_.open(path, FileSystem::Mode::kRead));
  std::string out(kBadBytesAtOnce, '\0');
  DW_TRY(const auto got, file->read_at(offset, out.size(), out.data()));
  out.resize(got);
  return out;
}

}  // namespace dealwright::daemon
