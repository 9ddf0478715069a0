// Import mappings: any text is a mapping or gets its faults listed.
#include "connectors/import/mapping.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(
      dealwright::import::parse_mapping(dealwright::fuzz::text_of(data, size), "fuzz"));
  return 0;
}
