// CloudEvents in JSON: refused, or an event that reads back to itself.
#include <cstdlib>

#include "engine/codec/cloudevents_json.h"
#include "engine/codec/event_codec.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dealwright::Event event, again;
  if (!dealwright::codec::parse_cloudevent(dealwright::fuzz::text_of(data, size), event).empty())
    return 0;
  std::string bytes;
  dealwright::codec::encode(event, bytes);
  if (!dealwright::codec::decode(bytes, again)) std::abort();
  return 0;
}
