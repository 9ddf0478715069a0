// Imports of a server that a command asks: the file is sent to it piece by piece.
#pragma once

#include "connectors/cli/import_run.h"

namespace dealwright::cli {

// Sends file and mapping, waits for the end, brings the rows that were left out. REQUIRES:
// context.remote()
Result<void> run_import_there(Context& context, const ImportFlags& flags);
// pause, resume, cancel; `name`: of the import or its batch.
Result<void> order_import_there(Context& context, const std::string& name, const char* verb);

}  // namespace dealwright::cli
