// A small data directory of a real engine, on a disk in memory.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "connectors/daemon/backup/backup.h"
#include "connectors/daemon/workspace.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "tests/contract/log_driver.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright::daemon {

inline constexpr std::uint64_t kSmallSegment = std::uint64_t{16} << 10;

inline Event small_note(int i) {
  Event event;
  event.source = "crm";
  event.id = "n" + std::to_string(i);
  event.type = TypeId::kNoteAdded;
  event.subject = {Kind::kDeal, "d" + std::to_string(i % 11)};
  event.data.set(Field::kText, Value{std::string(300, 'x')});
  return event;
}

// Files of a stopped data directory with two partitions and a few segments each, by path from
// `data`; without its state.
inline const std::map<std::string, std::string>& small_data() {
  static const auto kFiles = [] {
    const TemporaryDirectory folder;
    WorkspaceOptions options;
    options.path = folder.path() + "/data";
    options.create = true;
    options.partitions = 2;
    options.segment_bytes = kSmallSegment;
    auto opened = Workspace::open(std::move(options));
    EXPECT_TRUE(opened) << opened.error().detail;
    for (int i = 0; i < 200; i += 10) {
      std::vector<Event> some;
      for (int n = i; n < i + 10; ++n) some.push_back(small_note(n));
      EXPECT_TRUE(opened.value()->append(some));
    }
    EXPECT_TRUE(opened.value()->engine().wait_idle());
    EXPECT_TRUE(opened.value()->stop());
    opened.value().reset();
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder.path()}) {
      const auto path = entry.path().string().substr(folder.path().size() + 1);
      const bool kept = path.starts_with("data/log/") || path.starts_with("data/keys/");
      if (!kept || !entry.is_regular_file()) continue;
      std::ifstream in{entry.path(), std::ios::binary};
      std::ostringstream bytes;
      bytes << in.rdbuf();
      out[path] = bytes.str();
    }
    out["data/drafts/thanks.rule.yaml"] = "rule: thanks\n";
    out["data/keys/api-keys.json"] = "{\"format\":1,\"keys\":[]}";
    return out;
  }();
  return kFiles;
}

struct BackupBed {
  explicit BackupBed(std::uint64_t seed = 1) : files{seed} { files.restore(small_data()); }

  std::unique_ptr<embedded_log::EmbeddedLog> open(const std::string& data = "data") {
    embedded_log::Options options;
    options.partitions = 2;
    options.segment_bytes = kSmallSegment;
    auto log = embedded_log::open(files, clock, data, options);
    EXPECT_TRUE(log) << log.error().detail;
    return log ? std::move(log.value()) : nullptr;
  }
  Result<Manifest> create(embedded_log::EmbeddedLog& log, const BackupOptions& options = {},
                          const std::string& to = "out") {
    return create_backup({files, clock, "data", log}, to, options);
  }
  Manifest created(const BackupOptions& options = {}) {
    const auto log = open();
    auto made = create(*log, options);
    EXPECT_TRUE(made) << made.error().detail;
    return made ? made.value() : Manifest{};
  }
  Result<Manifest> restore(const RestoreOptions& options = {}, const std::string& from = "out",
                           const std::string& to = "new") {
    return restore_backup(files, clock, from, to, options);
  }
  bool there(const std::string& path) { return files.exists(path).value(); }

  FakeFileSystem files;
  FakeClock clock;
};

// All records of a log, of both partitions and topics.
inline std::vector<std::vector<std::string>> records_of(embedded_log::EmbeddedLog& log) {
  std::vector<std::vector<std::string>> out;
  for (PartitionId id = 0; id < log.partitions(); ++id) {
    for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
      auto read = read_all(log, topic, id, 0, 1 << 20);
      EXPECT_FALSE(read.error);
      out.push_back(read.bytes());
    }
  }
  return out;
}

}  // namespace dealwright::daemon
