// The Store over RocksDB: one database per path, write-ahead log off (the two logs are the truth).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/ports/store.h"

namespace dealwright::projections {

// The memory that all stores of a process share: one block cache, one write-buffer manager.
class StoreBudget {
 public:
  static StoreBudget from_bytes(std::size_t bytes);
  struct Shared;
  const std::shared_ptr<Shared>& shared() const { return shared_; }

 private:
  std::shared_ptr<Shared> shared_;
};

// Opens or creates. kDamaged: the store is broken; delete its folder to rebuild it from the log.
// kNoSpace, kIo as the Store says; after one of them close it and open it again.
Result<std::unique_ptr<Store>> open_rocks_store(const std::string& path, const StoreBudget& budget);

}  // namespace dealwright::projections
