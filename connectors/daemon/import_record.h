// What a server knows of an import that it was given: kept in `<data>/imports/<id>/import.json`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/import_run.h"
#include "connectors/import/row.h"
#include "engine/base/value.h"
#include "engine/domain/event.h"

namespace dealwright::daemon {

inline constexpr std::size_t kBadRowsShown = 20;

enum class ImportState : std::uint8_t {
  kUploading,  // the file is not whole yet
  kRunning,
  kPaused,
  kWhole,    // all of it was imported
  kChecked,  // of a dry run: all of it was read
  kFailed,   // resumed, it is tried again
  kCancelled
};
std::string_view import_state_name(ImportState state);
bool has_ended(ImportState state);  // whole, checked, failed, cancelled

// What somebody wants of one that runs: it stands, also behind a restart, until it is carried out.
enum class ImportOrder : std::uint8_t { kNone, kPause, kCancel };

struct ImportRecord {
  std::string id;
  ImportState state = ImportState::kUploading;
  std::string batch;
  Policy policy = Policy::kUnset;  // unset: the mapping's
  std::int64_t rate = 0;           // 0: the mapping's
  bool dry_run = false;
  std::string file;         // as its owner calls it
  std::uint64_t bytes = 0;  // of the file, as it comes
  std::uint64_t received = 0;
  std::string sha256;  // of the file; "": unsaid
  std::string actor;
  Instant created;
  std::optional<Instant> ended;
  ImportCounts counts;
  std::vector<import::BadRow> first_bad;  // kBadRowsShown at most
  std::optional<Error> error;             // of one that failed
  std::string asked;                      // a digest of the request that made it
  ImportOrder order = ImportOrder::kNone;
  std::string ordered_by;  // an actor; "" without an order
  bool may_resume =
      false;  // a batch that is paused: `actor` asked for that, and it is not yet done
};

// As the API shows it.
Map to_map(const ImportRecord& record);
// kDamaged: it is no such file.
Result<ImportRecord> read_import_record(std::string_view text);
// As the file keeps it.
std::string to_text(const ImportRecord& record);

}  // namespace dealwright::daemon
