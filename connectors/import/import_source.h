// A file as a stream of events, in the order in which they are to be appended: a batch. The same
// file, mapping and options give the same events with the same numbers, so a batch that broke off
// is resumed, and one imported twice adds nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/import/input.h"
#include "connectors/import/mapper.h"
#include "connectors/import/mapping.h"
#include "connectors/import/row.h"
#include "connectors/import/row_store.h"

namespace dealwright::import {

struct ImportOptions {
  BatchOptions batch;
  std::uint64_t skip_to = 0;  // events up to this import_row are in already
  std::string hash;           // of the file's bytes; import.opened keeps it
  Map about;                  // and this, as it is
  std::size_t events_per_call = 512;
  // What rows may take in memory where they are put in order of time: about 130 bytes for an event
  // of a process log, so the default holds some 4 million.
  std::size_t rows_bytes_max = std::size_t{512} << 20;
};

struct ImportProgress {
  std::uint64_t bytes_read = 0;  // of the packed file
  std::uint64_t bytes_total = 0;
  std::uint64_t rows = 0;  // read
  std::uint64_t bad_rows = 0;
  std::uint64_t events = 0;          // emitted, skipped ones too: the import_row of the last
  std::uint64_t events_planned = 0;  // 0 until the file is read
};

// One thread. The batch begins with import.opened and the mapping's `before`, and ends with
// import.closed. Every event has source import/<batch>, id <batch>:<row>:<n>, import_batch, and
// import_row: 1, 2, 3 ... in this order.
class ImportSource {
 public:
  // kInvalid: `undated: batch_time` without one.
  static Result<std::unique_ptr<ImportSource>> open(std::unique_ptr<Input> input, Mapping mapping,
                                                    ImportOptions options);
  // Appends the next events to `out` and what could not be imported to `bad`; false: that was all.
  // Either may get nothing: a file in order of time is read first, in many calls. An error is
  // final.
  Result<bool> next(std::vector<Event>& out, std::vector<BadRow>& bad);
  ImportProgress progress() const;
  const Mapping& mapping() const { return mapping_; }
  const std::string& batch() const { return mapper_.batch(); }

 private:
  enum class Phase : std::uint8_t { kLoad, kOpen, kRows, kClose, kEnd };
  ImportSource(std::unique_ptr<Input> input, Mapping mapping, ImportOptions options);
  Result<bool> step(std::vector<Event>& out, std::vector<BadRow>& bad);
  Result<bool> read_row(std::vector<BadRow>& bad);
  Result<void> load_rows(std::vector<BadRow>& bad);
  void announce(std::vector<Event>& out);
  Result<void> emit_sorted(std::vector<Event>& out, std::vector<BadRow>& bad);
  Result<void> emit_rows(std::vector<Event>& out, std::vector<BadRow>& bad);
  void push(Event event, std::vector<Event>& out);
  Event marker(TypeId type, std::uint64_t row) const;

  const Mapping mapping_;
  const ImportOptions options_;
  Mapper mapper_;
  std::unique_ptr<RowReader> reader_;
  RowStore store_;
  Phase phase_;
  bool bound_ = false;
  Row row_;
  std::uint32_t stored_row_;
  std::size_t at_ = 0;  // in the store
  std::vector<Planned> planned_;
  std::vector<Event> made_;
  std::optional<Instant> last_time_;
  ImportProgress progress_;
};

}  // namespace dealwright::import
