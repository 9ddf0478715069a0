// The file system of a POSIX machine.
#pragma once

#include <memory>

#include "engine/ports/file_system.h"

namespace dealwright::os {

// Thread-safe. Errors name the path and what the system said.
std::unique_ptr<FileSystem> make_posix_file_system();

}  // namespace dealwright::os
