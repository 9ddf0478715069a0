// Bytes to import, in order: a file or a text, unpacked on the way if it is gzip.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/ports/file_system.h"

namespace dealwright::import {

// One thread.
class Input {
 public:
  virtual ~Input() = default;
  // Fills `out`; 0 only at the end. kIo; kDamaged: the gzip stream is torn; kOverload: a limit.
  virtual Result<std::size_t> read(char* out, std::size_t count) = 0;
  // Of the packed file, for progress.
  virtual std::uint64_t bytes_read() const = 0;
  virtual std::uint64_t bytes_total() const = 0;
};

// What unpacking may come to: past either limit it is taken for an attack and refused.
struct UnpackLimits {
  std::uint64_t ratio_max = 200;                       // bytes out per byte in
  std::uint64_t free_bytes = std::uint64_t{64} << 20;  // no ratio is asked before that
  std::uint64_t bytes_max = std::uint64_t{8} << 30;
};

// Finds out itself whether the file is gzip.
Result<std::unique_ptr<Input>> open_input(std::unique_ptr<File> file, UnpackLimits limits = {});
Result<std::unique_ptr<Input>> open_text(std::string bytes, UnpackLimits limits = {});

}  // namespace dealwright::import
