// Rule files: any text compiles or gets diagnostics; what compiles runs its tests.
#include "rules/compile.h"
#include "rules/testing/run_tests.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto compiled = dealwright::rules::compile(dealwright::fuzz::text_of(data, size));
  if (compiled.plan != nullptr) static_cast<void>(dealwright::rules::run_tests(compiled));
  return 0;
}
