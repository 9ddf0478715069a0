// One run of an import: a file, through a mapping, into the log. Broken off at any place it is run
// again and goes on where it was; a batch that is whole gains nothing.
#pragma once

#include <string>

#include "connectors/cli/context.h"
#include "connectors/daemon/import_run.h"

namespace dealwright::cli {

struct ImportFlags {
  std::string file, mapping, batch, policy, clock, bad_file;
  std::int64_t rate = 0;
  bool dry_run = false;
};

Result<void> run_import(Context& context, ImportFlags flags);

// How `import pause` asks a process that is importing the batch just now: by a file in the data
// directory that names the process, so that no later one takes it for its own.
class PauseOrder {
 public:
  PauseOrder(const std::string& data, const std::string& batch);
  bool stands() const;        // for this process
  Result<void> give() const;  // to the process that holds the data directory
  Result<void> take_back() const;

 private:
  std::string data_;
  std::string path_;
};

}  // namespace dealwright::cli
