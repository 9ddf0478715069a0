#include "projections/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>

namespace dealwright::projections {

struct StoreBudget::Shared {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> buffers;
  std::size_t bytes = 0;
};

StoreBudget StoreBudget::from_bytes(std::size_t bytes) {
  StoreBudget out;
  out.shared_ = std::make_shared<Shared>();
  out.shared_->bytes = bytes;
  out.shared_->cache = rocksdb::NewLRUCache(bytes / 2, 4, false, 0.1);
  out.shared_->buffers =
      std::make_shared<rocksdb::WriteBufferManager>(bytes / 2, nullptr, /*allow_stall=*/false);
  return out;
}

namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

Error translate(const rocksdb::Status& status, const std::string& path) {
  const auto text = path + ": " + status.ToString();
  if (status.IsNoSpace()) return Error{Code::kNoSpace, text, true};
  if (status.IsCorruption()) {
    return Error{Code::kDamaged, text + "; delete the state folder to rebuild it from the log"};
  }
  if (status.IsShutdownInProgress()) return Error{Code::kClosed, text};
  return Error{Code::kIo, text};
}

// A batch past this goes in as a table file, written at once: no copy in a batch, none in a table
// in memory, and no wait for that to be flushed.
constexpr std::size_t kTableFileBytesMin = std::size_t{256} << 10;

class RocksStore : public Store {
 public:
  RocksStore(std::string path, std::unique_ptr<rocksdb::DB> db, StoreBudget budget)
      : path_{std::move(path)}, budget_{std::move(budget)}, db_{std::move(db)} {}
  ~RocksStore() override {
    rocksdb::CancelAllBackgroundWork(db_.get(), true);
    db_->Close().PermitUncheckedError();
  }

  Result<std::optional<std::string>> get(std::string_view key) const override {
    std::string value;
    const auto status = db_->Get(rocksdb::ReadOptions{}, slice(key), &value);
    if (status.IsNotFound()) return std::optional<std::string>{};
    if (!status.ok()) return translate(status, path_);
    return std::optional<std::string>{std::move(value)};
  }

  Result<void> get_sorted(
      std::span<const std::string> keys,
      const std::function<void(std::size_t, std::string_view)>& visit) const override {
    constexpr std::size_t kAtOnce = 64;  // its limit is 32 a round; more only takes memory
    rocksdb::Slice wanted[kAtOnce];
    rocksdb::PinnableSlice values[kAtOnce];
    rocksdb::Status statuses[kAtOnce];
    for (std::size_t from = 0; from < keys.size(); from += kAtOnce) {
      const auto count = std::min(kAtOnce, keys.size() - from);
      for (std::size_t i = 0; i < count; ++i) wanted[i] = slice(keys[from + i]);
      db_->MultiGet(rocksdb::ReadOptions{}, db_->DefaultColumnFamily(), count, wanted, values,
                    statuses, /*sorted_input=*/true);
      for (std::size_t i = 0; i < count; ++i) {
        if (statuses[i].ok()) visit(from + i, view(values[i]));
        if (!statuses[i].ok() && !statuses[i].IsNotFound()) return translate(statuses[i], path_);
        values[i].Reset();
      }
    }
    return ok();
  }

  using Store::write;
  Result<void> write(std::span<const StoreEntry> batch) override {
    std::size_t bytes = 64;
    for (const auto& entry : batch) {
      bytes += entry.key.size() + (entry.value ? entry.value->size() : 0) + 12;
    }
    const auto status = bytes < kTableFileBytesMin ? write_batch(batch, bytes) : write_table(batch);
    if (!status.ok()) return translate(status, path_);
    return ok();
  }

  Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    rocksdb::ReadOptions options;
    const auto upper = slice(to);
    if (!to.empty()) options.iterate_upper_bound = &upper;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> it{db_->NewIterator(options)};
    for (it->Seek(slice(from)); it->Valid(); it->Next()) {
      if (!visit(view(it->key()), view(it->value()))) break;
    }
    if (!it->status().ok()) return translate(it->status(), path_);
    return ok();
  }

  Result<void> erase_range(std::string_view from, std::string_view to) override {
    const auto status =
        db_->DeleteRange(without_wal(), db_->DefaultColumnFamily(), slice(from), slice(to));
    in_memory_ = true;
    if (!status.ok()) return translate(status, path_);
    return ok();
  }

  Result<void> flush() override {
    const auto status = flush_memory();
    if (!status.ok()) return translate(status, path_);
    return ok();
  }

  std::uint64_t approximate_bytes() const override {
    std::uint64_t bytes = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
    return bytes;
  }

 private:
  rocksdb::Status write_batch(std::span<const StoreEntry> batch, std::size_t bytes) {
    rocksdb::WriteBatch writes{bytes};
    for (const auto& entry : batch) {
      const auto status = entry.value ? writes.Put(slice(entry.key), slice(*entry.value))
                                      : writes.Delete(slice(entry.key));
      if (!status.ok()) return status;
    }
    in_memory_ = true;
    return db_->Write(without_wal(), &writes);
  }

  rocksdb::Status write_table(std::span<const StoreEntry> batch) {
    // What was written before comes first; and an empty batch waits while compaction is behind.
    rocksdb::WriteBatch nothing;
    if (auto status = flush_memory(); !status.ok()) return status;
    if (auto status = db_->Write(without_wal(), &nothing); !status.ok()) return status;
    const auto file = path_ + "/batch.sst";  // left over by a crash: written over
    auto options = db_->GetOptions();
    options.compression_per_level.clear();  // it is read at once by the first compaction
    options.compression = rocksdb::kNoCompression;
    rocksdb::SstFileWriter writer{rocksdb::EnvOptions{}, options, nullptr,
                                  /*invalidate_page_cache=*/false};
    if (auto status = writer.Open(file); !status.ok()) return status;
    for (const auto& entry : batch) {
      auto status = entry.value ? writer.Put(slice(entry.key), slice(*entry.value))
                                : writer.Delete(slice(entry.key));
      if (!status.ok()) return status;
    }
    rocksdb::ExternalSstFileInfo info;
    if (auto status = writer.Finish(&info); !status.ok()) return status;
    rocksdb::IngestExternalFileArg arg;
    arg.column_family = db_->DefaultColumnFamily();
    arg.external_files = {file};
    arg.files_checksums = {info.file_checksum};
    arg.files_checksum_func_names = {info.file_checksum_func_name};
    arg.options.move_files = true;
    arg.options.write_global_seqno = false;
    arg.options.verify_file_checksum = false;  // it was made just now
    return db_->IngestExternalFiles({arg});
  }

  rocksdb::Status flush_memory() {
    if (!in_memory_) return rocksdb::Status::OK();
    in_memory_ = false;
    return db_->Flush(rocksdb::FlushOptions{});
  }

  static rocksdb::WriteOptions without_wal() {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return options;
  }

  const std::string path_;
  const StoreBudget budget_;
  std::unique_ptr<rocksdb::DB> db_;
  bool in_memory_ = false;  // something is written and not flushed; the writer's
};

// What RocksDB warns of, in `LOG` beside its files and the one before in `LOG.old`. Unlike its own
// logger it bears a disk that is full: what cannot be written is left.
class WarningLog : public rocksdb::Logger {
 public:
  explicit WarningLog(const std::string& path) : Logger{rocksdb::WARN_LEVEL}, path_{path + "/LOG"} {
    std::error_code none;
    std::filesystem::create_directories(path, none);
    begin();
  }
  ~WarningLog() override { Close().PermitUncheckedError(); }
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 2048> line{};
    const auto now = std::time(nullptr);
    std::tm utc{};
    const auto dated =
        std::strftime(line.data(), line.size(), "%Y-%m-%dT%H:%M:%SZ ", ::gmtime_r(&now, &utc));
    const auto room = line.size() - dated;
    const auto length = std::vsnprintf(line.data() + dated, room, format, arguments);
    if (length <= 0) return;
    const auto kept = dated + std::min(static_cast<std::size_t>(length), room - 1);
    const std::lock_guard lock{mutex_};
    out_.clear();
    if (!out_.is_open()) out_.open(path_, std::ios::app);
    out_.write(line.data(), static_cast<std::streamsize>(kept)).put('\n').flush();
    if (!out_.good()) return;
    bytes_ += kept + 1;
    if (bytes_ > kBytesMax) begin();
  }

 protected:
  rocksdb::Status CloseImpl() override {
    const std::lock_guard lock{mutex_};
    out_.close();
    return rocksdb::Status::OK();
  }

 private:
  void begin() {
    std::error_code none;
    out_.close();
    std::filesystem::rename(path_, path_ + ".old", none);
    out_.open(path_, std::ios::trunc);
    bytes_ = 0;
  }

  static constexpr std::size_t kBytesMax = std::size_t{1} << 20;
  const std::string path_;
  std::mutex mutex_;
  std::ofstream out_;
  std::size_t bytes_ = 0;
};

rocksdb::Options make_options(const StoreBudget::Shared& shared) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = shared.cache;
  table.block_size = 16 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_manager = shared.buffers;
  options.write_buffer_size = std::max<std::size_t>(shared.bytes / 8, std::size_t{8} << 20);
  options.arena_block_size = 256 << 10;
  // Batches come sorted: an insert begins where the last one of its table ended.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  options.max_write_buffer_number = 4;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression,
                                   rocksdb::kLZ4Compression};
  // Most look-ups are for what is not there: new effects, entries, enrolments.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  options.stats_dump_period_sec = 0;
  options.avoid_unnecessary_blocking_io = true;
  return options;
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocks_store(const std::string& path,
                                                const StoreBudget& budget) {
  rocksdb::DB* raw = nullptr;
  auto options = make_options(*budget.shared());
  options.info_log = std::make_shared<WarningLog>(path);
  const auto status = rocksdb::DB::Open(options, path, &raw);
  if (!status.ok()) return translate(status, path);
  return std::unique_ptr<Store>{new RocksStore{path, std::unique_ptr<rocksdb::DB>{raw}, budget}};
}

}  // namespace dealwright::projections
