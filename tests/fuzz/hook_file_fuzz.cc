// Hook files: any text is a hook or gets its faults listed; a hook takes any payload.
#include "connectors/hooks/hook.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright;
  const auto hook = hooks::Hook::make(fuzz::text_of(data, size), "fuzz", {});
  if (!hook) return 0;
  for (
      const auto* body :
      {R"([{"id":7,"a":{"b":"2026-03-02","c":[1,2]},"items":[{"id":1}]}])",
       R"({"meta":{"action":"change","entity":"deal"},"data":{"status":"won"},"previous":{"status":"open"}})"}) {
    hooks::HookRequest request;
    request.body = body;
    if (!hook.value().dry_run(request)) continue;
  }
  return 0;
}
