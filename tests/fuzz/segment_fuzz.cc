// Segment files: any bytes give records, an unfinished write or a named damage, and the same
// records each time.
//
// The first byte says how the rest becomes a segment: 0 as it is; 1 behind a good header; else as
// payloads in good frames, of which some bytes are then changed as the last bytes of the input say,
// so that the fuzzer gets past the checksums.
#include <string>

#include "connectors/embedded_log/embedded_log.h"
#include "connectors/embedded_log/format.h"
#include "connectors/embedded_log/meta.h"
#include "connectors/embedded_log/verify.h"
#include "engine/base/assert.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"
#include "tests/fuzz/fuzz.h"

namespace dealwright::embedded_log {
namespace {

constexpr Hash128 kLogId{1, 2};

std::string framed(std::string_view bytes) {
  const SegmentHeader header{0, kLogId, 0, {}, kNoSegment, Instant{}, 0};
  auto out = encode_header(header);
  auto place = first_place(header, out);
  const auto seed = frame_seed(kLogId, 0);
  const auto changes = bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 6));
  bytes.remove_suffix(changes.size());
  std::uint32_t group = 0;
  while (!bytes.empty()) {
    const auto how = static_cast<std::uint8_t>(bytes[0]);
    const auto payload = bytes.substr(1, 1 + how % 32);
    bytes.remove_prefix(std::min(bytes.size(), 1 + payload.size()));
    const auto kind = payload.empty() ? Kind::kSeal : static_cast<Kind>(how >> 7);
    group = (how & 64) != 0 && kind != Kind::kSeal ? group + 1 : 0;
    append_frame(out, place, kind, group, payload, seed);
  }
  for (std::size_t i = 0; i + 2 < changes.size(); i += 3) {
    const auto at =
        static_cast<std::uint8_t>(changes[i]) * 256U + static_cast<std::uint8_t>(changes[i + 1]);
    out[at % out.size()] = static_cast<char>(out[at % out.size()] ^ changes[i + 2]);
  }
  return out;
}

std::string segment_of(std::string_view input) {
  if (input.empty()) return {};
  const auto how = input[0];
  input.remove_prefix(1);
  if (how == 0) return std::string{input};
  if (how == 1) return framed({}) + std::string{input};
  return framed(input);
}

// All records of both topics, as far as they can be read.
std::string read_log(Log& log) {
  std::string all;
  for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
    for (Position from = 0;;) {
      auto batch = log.read(topic, 0, from, 100);
      if (!batch || batch.value().records.empty()) break;
      for (const auto& record : batch.value().records) {
        DW_ASSERT(record.position >= from && !record.bytes.empty());
        all.append(record.bytes).push_back('\n');
      }
      from = batch.value().next;
    }
    all.push_back('\f');
  }
  return all;
}

void run(std::string_view input) {
  FakeFileSystem files;
  const FakeClock clock;
  Options options;
  options.partitions = 1;
  options.segment_bytes = 512;
  DW_ASSERT(files.create_directories(partition_directory("d", 0)).has_value());
  DW_ASSERT(write_meta(files, "d", Meta{1, kLogId, 1, "default"}).has_value());
  files.set_contents(partition_directory("d", 0) + "/" + segment_name(0), segment_of(input));

  const auto before = verify(files, "d", 0);
  DW_ASSERT(before.has_value());
  std::string first;
  {
    auto log = open(files, clock, "d", options);
    DW_ASSERT(log.has_value());
    DW_ASSERT(log.value()->status(0).stopped.has_value() == before.value().damage.has_value());
    DW_ASSERT(log.value()->status(0).torn_bytes == before.value().torn_bytes);
    first = read_log(*log.value());
    log.value()->append(Topic::kEvents, 0, {"behind"}, [](const auto&) {});
  }
  auto again = open(files, clock, "d", options);
  DW_ASSERT(again.has_value());
  const bool stopped = again.value()->status(0).stopped.has_value();
  DW_ASSERT(stopped == before.value().damage.has_value());
  const auto second = read_log(*again.value());
  const auto events = first.substr(0, first.find('\f'));
  DW_ASSERT(stopped ? second == first : second.substr(0, events.size()) == events);
  DW_ASSERT(stopped || second.find("behind\n\f") != std::string::npos);
}

}  // namespace
}  // namespace dealwright::embedded_log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dealwright::embedded_log::run(dealwright::fuzz::text_of(data, size));
  return 0;
}
