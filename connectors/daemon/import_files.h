// What a server's imports keep on the disk: `<data>/imports/<id>/` with import.json (its record),
// mapping.yaml, data (its file, as far as it came) and bad.csv.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/daemon/import_record.h"
#include "engine/ports/file_system.h"

namespace dealwright::daemon {

// It holds no state: any thread, but one at a time for an import. `files` outlives it.
class ImportFiles {
 public:
  ImportFiles(FileSystem& files, std::string folder) : files_{files}, folder_{std::move(folder)} {}

  // All records. A damaged one has failed with kDamaged; a folder without one goes: a crash came
  // before its import was answered.
  Result<std::vector<ImportRecord>> open();
  // An import's folder, durable, with an empty file or the file of `file_of`, if that is not "".
  Result<void> make(const ImportRecord& record, const std::string& mapping,
                    const std::string& file_of);
  Result<void> save(const ImportRecord& record);  // durable, whole or not at all
  void remove(const std::string& id);             // all of it; what cannot be, stays

  std::string data(const std::string& id) const { return folder_ + "/" + id + "/data"; }
  std::string bad_rows(const std::string& id) const { return folder_ + "/" + id + "/bad.csv"; }
  Result<std::string> mapping(const std::string& id) const;
  Result<bool> has_data(const std::string& id) const { return files_.exists(data(id)); }
  void remove_data(const std::string& id);
  // A piece of bad.csv from `offset`; "": that was all, or there is none.
  Result<std::string> read_bad_rows(const std::string& id, std::uint64_t offset) const;

 private:
  std::string folder_of(const std::string& id) const { return folder_ + "/" + id; }
  ImportRecord read(const std::string& id) const;

  FileSystem& files_;
  const std::string folder_;
};

}  // namespace dealwright::daemon
