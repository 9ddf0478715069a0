// URLs of webhooks: any bytes are refused, or give parts that read back as themselves and lead to
// no address but a global one.
#include "connectors/webhook/address_guard.h"
#include "engine/base/assert.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright::webhook;
  const auto target = parse_target(dealwright::fuzz::text_of(data, size), {});
  if (!target) return 0;
  const auto url = target.value().url();
  const auto again = parse_target(url, {});
  DW_ASSERT(again && again.value().url() == url);
  DW_ASSERT(url.find_first_of("\r\n @") == std::string::npos ||
            url.find_first_of("\r\n @") > url.find('/', 8));
  if (const auto& literal = target.value().literal) DW_ASSERT(why_not_global(*literal, {}).empty());
  return 0;
}
