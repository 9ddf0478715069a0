// Records that were not asked for lately, as bytes: a third of what they take unpacked, and much
// nearer than the store.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/domain/record.h"

namespace dealwright::runtime {

// A cache in two halves: what is put joins the young; when those are full they become the old, and
// the old go. One thread.
class PackedRecords {
 public:
  explicit PackedRecords(std::size_t bytes_max) : half_max_{bytes_max / 2} {}

  // `hash`: of the key; `bytes`: the record, encoded. Replaces what stands there.
  void put(std::uint64_t hash, const RecordKey& key, std::string_view bytes);
  // Takes it out and unpacks it. False: not here, `out` is unchanged. kDamaged: cannot be.
  Result<bool> take(std::uint64_t hash, const RecordKey& key, Record& out);
  // Whether one of this hash is here.
  bool holds(std::uint64_t hash) const {
    return young_.records.contains(hash) || old_.records.contains(hash);
  }
  std::size_t bytes() const { return young_.bytes + old_.bytes; }

 private:
  struct Half {
    boost::unordered_flat_map<std::uint64_t, std::string> records;
    std::size_t bytes = 0;
  };
  static std::size_t weigh(const std::string& packed) { return packed.capacity() + 64; }

  const std::size_t half_max_;
  Half young_, old_;
};

}  // namespace dealwright::runtime
