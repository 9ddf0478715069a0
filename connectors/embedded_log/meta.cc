#include "connectors/embedded_log/meta.h"

#include <fmt/format.h>

#include <charconv>

namespace dealwright::embedded_log {
namespace {

constexpr std::string_view kTitle = "dealwright-log";
constexpr std::size_t kMetaBytesMax = 4096;
constexpr std::uint32_t kPartitionsMax = 4096;

// Takes `key value\n` off the front.
bool take_line(std::string_view& text, std::string_view key, std::string_view& value) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || text.substr(0, key.size()) != key || key.size() + 1 > end ||
      text[key.size()] != ' ') {
    return false;
  }
  value = text.substr(key.size() + 1, end - key.size() - 1);
  text.remove_prefix(end + 1);
  return true;
}

template <class T>
bool parse_number(std::string_view text, T& value, int base = 10) {
  const auto* end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, value, base);
  return ec == std::errc{} && stop == end;
}

}  // namespace

std::string partition_directory(const std::string& data, PartitionId partition) {
  return fmt::format("{}/{}", log_directory(data), partition);
}

std::string to_text(const Meta& meta) {
  auto text =
      fmt::format("{} {}\nlog_id {:016x}{:016x}\npartitions {}\nworkspace {}\n", kTitle,
                  meta.format, meta.log_id.high, meta.log_id.low, meta.partitions, meta.workspace);
  return text + fmt::format("checksum {:08x}\n", crc32c(text));
}

Result<Meta> parse_meta(std::string_view text) {
  const Error damaged{Code::kDamaged, "not as Dealwright wrote it"};
  const auto whole = text;
  Meta meta;
  std::string_view value;
  if (!take_line(text, kTitle, value) || !parse_number(value, meta.format)) return damaged;
  if (meta.format != 1) {
    return Error{Code::kUnsupported, fmt::format("log format {}, this build reads 1", meta.format)};
  }
  if (!take_line(text, "log_id", value) || value.size() != 32 ||
      !parse_number(value.substr(0, 16), meta.log_id.high, 16) ||
      !parse_number(value.substr(16), meta.log_id.low, 16)) {
    return damaged;
  }
  if (!take_line(text, "partitions", value) || !parse_number(value, meta.partitions)) {
    return damaged;
  }
  if (!take_line(text, "workspace", value)) return damaged;
  meta.workspace = value;
  const auto before = whole.substr(0, whole.size() - text.size());
  std::uint32_t checksum = 0;
  if (!take_line(text, "checksum", value) || !parse_number(value, checksum, 16) || !text.empty()) {
    return damaged;
  }
  if (checksum != crc32c(before)) return Error{Code::kDamaged, "bad checksum"};
  if (meta.partitions == 0 || meta.partitions > kPartitionsMax) return damaged;
  return meta;
}

Result<std::optional<Meta>> read_meta(FileSystem& files, const std::string& data) {
  const auto path = meta_path(data);
  DW_TRY(const auto there, files.exists(path));
  if (!there) return std::optional<Meta>{};
  DW_TRY(const auto file, files.open(path, FileSystem::Mode::kRead));
  std::string text(kMetaBytesMax, '\0');
  DW_TRY(const auto count, file->read_at(0, text.size(), text.data()));
  text.resize(count);
  auto meta = parse_meta(text);
  if (!meta) {
    return Error{meta.error().code, fmt::format("{}: {}; restore it from a backup of this log",
                                                path, meta.error().detail)};
  }
  return std::optional<Meta>{std::move(meta).value()};
}

Result<void> write_meta(FileSystem& files, const std::string& data, const Meta& meta) {
  const auto path = meta_path(data);
  const auto draft = path + ".tmp";
  DW_TRY(const auto left_over, files.exists(draft));
  if (left_over) {
    DW_TRY(files.remove(draft));
  }
  DW_TRY(auto file, files.open(draft, FileSystem::Mode::kCreate));
  DW_TRY(file->write_at(0, to_text(meta)));
  DW_TRY(file->sync());
  DW_TRY(files.rename(draft, path));
  return files.sync_directory(log_directory(data));
}

}  // namespace dealwright::embedded_log
