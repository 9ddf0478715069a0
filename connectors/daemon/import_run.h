// One run of an import: a file, through a mapping, into a workspace. Broken off at any place it is
// run again and goes on where it was; a batch that is whole gains nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/workspace.h"
#include "engine/runtime/state.h"

namespace dealwright::import {
struct BadRow;
}

namespace dealwright::daemon {

inline constexpr std::size_t kBatchBytesMax = 100;

struct ImportAsked {
  std::string file;                   // where its bytes lie
  std::string file_name;              // what messages call it
  std::string mapping;                // the mapping's text
  std::string mapping_name;           // what messages call it
  Map about;                          // import.opened keeps it, beside the mapping's hash
  std::string batch;                  // "": the mapping's
  Policy policy = Policy::kUnset;     // unset: the mapping's
  std::int64_t rate = 0;              // of drip, entries an hour; 0: the mapping's
  std::optional<Instant> batch_time;  // what `undated: batch_time` gives
  bool first_in_time = false;         // on the clock of events: none may come behind its time
  std::string resume_by;              // a paused batch is resumed in this name; "": refused
  std::size_t rows_bytes = 0;         // what rows in order of time may take in memory
  std::size_t append_bytes = 0;       // on their way to the log
};

struct ImportCounts {
  std::uint64_t bytes_read = 0, bytes_total = 0;  // of the packed file
  std::uint64_t rows = 0, bad_rows = 0;
  std::uint64_t events = 0, events_planned = 0;  // planned: 0 until the file is read
  std::uint64_t appended = 0;                    // of a dry run: what it would append
  std::uint64_t already_there = 0;
};

// One thread.
class ImportRun {
 public:
  // `workspace` null: a dry run. kInvalid: the mapping (each fault a line of the detail), or what
  // was asked. kRefused: the batch is paused, or was made of another file, mapping or policy.
  // `stop`: asked while it waits for partitions; kClosed when it says so.
  static Result<std::unique_ptr<ImportRun>> open(Workspace* workspace, FileSystem& files,
                                                 ImportAsked asked,
                                                 std::function<bool()> stop = {});
  virtual ~ImportRun() = default;
  // Reads, maps and appends some more; rows that cannot be imported are appended to `bad`. False:
  // that was all. kInvalid: the file cannot be read through this mapping.
  virtual Result<bool> step(std::vector<import::BadRow>& bad) = 0;
  // All that was appended is durable and folded. kClosed: see `stop`.
  virtual Result<void> settle() = 0;
  virtual ImportCounts counts() const = 0;
  virtual const std::string& batch() const = 0;
  virtual bool begun() const = 0;  // something of the batch was passed on, or was there before
};

// SHA-256 in hex. kClosed: `stop` says so.
Result<std::string> hash_of_file(FileSystem& files, const std::string& path,
                                 const std::function<bool()>& stop = {});

// Waits until all that stands in the log now is folded. kClosed: `stop` says so.
Result<void> wait_all_folded(Workspace& workspace, const std::function<bool()>& stop);

// What the log knows of a batch.
struct KnownBatch {
  runtime::ImportBatch batch;   // as partition 0 has it: it judged the marks
  std::uint64_t rows = 0;       // the highest of any partition
  std::optional<Event> opened;  // import.opened, if the log still holds it
};
Result<KnownBatch> find_batch(Workspace& workspace, const std::string& batch);
Result<std::vector<std::string>> batch_names(Workspace& workspace);
std::string_view phase_name(runtime::ImportBatch::Phase phase);  // open, paused, closed

// Appends import.paused or import.resumed, said by `actor`, and waits until it is folded.
Result<void> mark_batch(Workspace& workspace, const std::string& batch, TypeId type,
                        const std::string& actor);

}  // namespace dealwright::daemon
