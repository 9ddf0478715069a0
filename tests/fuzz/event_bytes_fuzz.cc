// Events as bytes: malformed, or equal to what they encode to again.
#include <cstdlib>

#include "engine/codec/event_codec.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dealwright::Event event, again;
  if (!dealwright::codec::decode(dealwright::fuzz::text_of(data, size), event)) return 0;
  std::string bytes;
  dealwright::codec::encode(event, bytes);
  if (!dealwright::codec::decode(bytes, again)) std::abort();
  return 0;
}
