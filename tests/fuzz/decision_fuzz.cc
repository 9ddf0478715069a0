// Decision records and state as bytes, with a checksum put right so that the fields are reached.
#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/state_codec.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright;
  const auto text = fuzz::text_of(data, size);
  std::string bytes{text};
  const auto sum = crc32c(bytes);
  bytes.append("\xa5\x06", 2);  // field 100, fixed32
  put_fixed32(bytes, sum);
  DecisionRecord record;
  static_cast<void>(codec::decode(bytes, record));
  Record state;
  static_cast<void>(codec::decode(text, state));
  Enrolment enrolment;
  static_cast<void>(codec::decode(text, enrolment));
  Effect effect;
  static_cast<void>(codec::decode(text, effect));
  SetAside aside;
  static_cast<void>(codec::decode(text, aside));
  static_cast<void>(codec::decode_history_chunk(text));
  return 0;
}
