// SOAP: any bytes are values or refused.
#include "connectors/hooks/soap.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = dealwright::hooks::read_xml(dealwright::fuzz::text_of(data, size));
  if (value) dealwright::to_json(value.value());
  return 0;
}
