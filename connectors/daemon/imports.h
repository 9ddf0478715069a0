// Imports of a running server: files that come over HTTP piece by piece, kept below
// `<data>/imports/<id>/`, and run beside all else, one at a time. A piece is a request like any
// other, bounded in bytes and time, so that a file may be larger than memory and an upload that
// broke off goes on where it was.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "connectors/daemon/import_files.h"
#include "connectors/daemon/import_record.h"
#include "connectors/daemon/workspace.h"

namespace dealwright::daemon {

class BadRowsFile;

struct ImportsOptions {
  std::size_t rows_bytes = 0, append_bytes = 0;  // see ImportAsked
  std::uint64_t file_bytes_max = 0;
  std::function<void(const ImportRecord&)> on_end;  // on the thread that imports
};

// What somebody wants imported.
struct NewImport {
  ImportRecord record;  // id, batch, policy, rate, dry_run, file, bytes, sha256, actor, asked
  std::string mapping;  // its text
  std::string file_of;  // an import whose file it is; "": it is sent
};

// Any thread. The workspace outlives it.
class Imports {
 public:
  Imports(Workspace& workspace, ImportsOptions options);
  ~Imports();  // breaks off what runs: the next start goes on with it

  // Reads what there is and goes on with what ran. To be called once, before all else.
  Result<void> open();

  // kConflict: another one is being sent or runs, or its batch is paused by one that can be
  // resumed. kInvalid: the mapping, or the file is too large. The same id asked for the same is the
  // same import; kRefused: asked for something else. kNotFound: no file of `file_of` is there.
  Result<ImportRecord> create(NewImport asked);
  // Appends a piece; the last one begins the import. kConflict: `offset` is not where the file
  // ends.
  Result<ImportRecord> put(const std::string& id, std::uint64_t offset, std::string_view bytes);
  // Pause and cancel are durable when they answer, and wait a few seconds until what runs has heard
  // of it; a state of running then says that it is on its way. kConflict: it is in no such state.
  Result<ImportRecord> pause(const std::string& name, const std::string& actor);
  // kConflict also: its file is gone, since two newer imports ended.
  Result<ImportRecord> resume(const std::string& name, const std::string& actor);
  // What was appended stays; the file goes.
  Result<ImportRecord> cancel(const std::string& name, const std::string& actor);

  std::vector<ImportRecord> list() const;                    // the newest first
  Result<ImportRecord> find(const std::string& name) const;  // by id, else the newest of a batch
  // Bytes of the CSV of rows that were left out, from `offset`; "": that was all. kNotFound.
  Result<std::string> bad_rows(const std::string& id, std::uint64_t offset) const;
  using Ticket = std::uint64_t;
  // Calls it once, when none runs: at once, or on the thread of the one that does. It waits for no
  // disk.
  Ticket when_idle(std::function<void()> call);
  // What was called already, or is being called, stays so.
  void forget(Ticket ticket);

 private:
  // REQUIRES of each down to order(): the lock is held.
  Result<void> may_begin(const ImportRecord& record) const;
  void begin(ImportRecord record);
  ImportRecord* named(const std::string& name);
  const ImportRecord* named(const std::string& name) const;
  void forget_oldest(const std::string& but);
  void sweep_data();
  Result<ImportRecord> order(std::unique_lock<std::mutex>& lock, const std::string& name,
                             ImportOrder what, const std::string& actor);
  void run(ImportRecord record);
  Result<ImportState> work(ImportRecord& record);
  Result<ImportState> attempt(ImportRecord& record, BadRowsFile& bad);
  Result<void> resumed(ImportRecord& record);
  Result<ImportState> pass_on(ImportRecord& record, ImportRun& run, BadRowsFile& bad);
  ImportRecord shown(const std::string& id) const;
  Result<ImportState> obey(const ImportRecord& ordered);
  void tell(const ImportRecord& record);
  void tell_idle();

  Workspace& workspace_;
  const ImportsOptions options_;
  ImportFiles files_;
  std::mutex uploads_;        // one piece at a time
  mutable std::mutex mutex_;  // held while a record is saved
  std::condition_variable changed_;
  std::map<std::string, ImportRecord> records_;  // by id
  std::string running_;                          // ""
  std::mutex idle_mutex_;                        // taken last, held for moments
  bool idle_ = true;
  std::map<Ticket, std::function<void()>> waiting_;
  Ticket last_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace dealwright::daemon
