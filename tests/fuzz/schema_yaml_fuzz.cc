// Schema files: any text is a schema or gets diagnostics; a schema reads back alike from the data
// of its event.
#include <cstdlib>

#include "rules/file/schema_file.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright;
  const auto file = rules::read_schema_file(fuzz::text_of(data, size));
  if (file.schema == nullptr) {
    if (file.diagnostics.empty()) std::abort();
    return 0;
  }
  const auto again = read_schema(file.data);
  if (!again || again.value()->id != file.schema->id) std::abort();
  Schemas schemas;
  schemas.put(file.schema, 1);
  if (!conflicts(schemas, *again.value()).empty()) std::abort();
  return 0;
}
