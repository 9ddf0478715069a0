#include "connectors/embedded_log/format.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

namespace dealwright::embedded_log {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are copied as they lie");

constexpr std::string_view kMagic = "DWSEGMT\n";
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kNameDigits = 20;

// The fields of a frame as they lie in the file.
struct RawFrame {
  std::uint32_t checksum;
  std::uint32_t length;
  std::uint64_t sequence;
  std::uint64_t position;
  std::uint32_t link;
  std::uint32_t group_and_kind;
};
static_assert(sizeof(RawFrame) == kFrameBytes);

std::uint32_t header_checksum(std::string_view bytes) {
  return crc32c(bytes.substr(0, kHeaderBytes - 4));
}

}  // namespace

std::string encode_header(const SegmentHeader& header) {
  std::string out{kMagic};
  put_fixed32(out, kFormatVersion);
  put_fixed32(out, header.partition);
  put_fixed64(out, header.log_id.high);
  put_fixed64(out, header.log_id.low);
  put_fixed64(out, header.first_sequence);
  for (const auto position : header.first_positions) put_fixed64(out, position);
  put_fixed64(out, header.previous_segment);
  put_fixed64(out, static_cast<std::uint64_t>(header.created.ms));
  put_fixed32(out, header.link);
  out.resize(kHeaderBytes - 4, '\0');
  put_fixed32(out, crc32c(out));
  return out;
}

Result<SegmentHeader> decode_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return Error{Code::kDamaged, "shorter than a segment header"};
  bytes = bytes.substr(0, kHeaderBytes);
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return Error{Code::kDamaged, "no segment of Dealwright (other first bytes)"};
  }
  ByteReader checksum{bytes.substr(kHeaderBytes - 4)};
  if (checksum.fixed32() != header_checksum(bytes)) {
    return Error{Code::kDamaged, "bad checksum of the segment header"};
  }
  ByteReader in{bytes.substr(kMagic.size())};
  const auto version = in.fixed32();
  if (version != kFormatVersion) {
    return Error{Code::kUnsupported,
                 fmt::format("segment format {}, this build reads {}", version, kFormatVersion)};
  }
  SegmentHeader header;
  header.partition = in.fixed32();
  header.log_id.high = in.fixed64();
  header.log_id.low = in.fixed64();
  header.first_sequence = in.fixed64();
  for (auto& position : header.first_positions) position = in.fixed64();
  header.previous_segment = in.fixed64();
  header.created = Instant{static_cast<std::int64_t>(in.fixed64())};
  header.link = in.fixed32();
  return header;
}

Place first_place(const SegmentHeader& header, std::string_view bytes) {
  return Place{kHeaderBytes, header.first_sequence, header.first_positions, header_checksum(bytes)};
}

std::uint32_t frame_seed(const Hash128& log_id, std::uint32_t partition) {
  std::string bytes;
  put_fixed64(bytes, log_id.high);
  put_fixed64(bytes, log_id.low);
  put_fixed32(bytes, partition);
  return crc32c(bytes);
}

void append_frame(std::string& out, Place& place, Kind kind, std::uint32_t group,
                  std::string_view payload, std::uint32_t seed) {
  DW_ASSERT(group <= kGroupMax);
  const auto topic = static_cast<std::size_t>(kind);
  RawFrame raw{0,
               static_cast<std::uint32_t>(payload.size()),
               place.sequence,
               kind == Kind::kSeal ? 0 : place.positions[topic],
               place.link,
               group | (static_cast<std::uint32_t>(kind) << 24)};
  const auto start = out.size();
  out.append(reinterpret_cast<const char*>(&raw), sizeof raw);
  out.append(payload);
  raw.checksum = crc32c(std::string_view{out}.substr(start + sizeof raw.checksum), seed);
  std::memcpy(out.data() + start, &raw.checksum, sizeof raw.checksum);
  place.offset += kFrameBytes + payload.size();
  ++place.sequence;
  if (kind != Kind::kSeal) ++place.positions[topic];
  place.link = raw.checksum;
}

Frame decode_frame(const char* bytes) {
  RawFrame raw;
  std::memcpy(&raw, bytes, sizeof raw);
  return Frame{raw.checksum,
               raw.length,
               raw.sequence,
               raw.position,
               raw.link,
               raw.group_and_kind & kGroupMax,
               static_cast<Kind>(raw.group_and_kind >> 24),
               {}};
}

bool checksum_holds(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t expected;
  std::memcpy(&expected, bytes.data(), sizeof expected);
  return crc32c(bytes.substr(sizeof expected), seed) == expected;
}

std::string misfit(const Frame& frame, const Place& place) {
  if (frame.kind > Kind::kSeal) return "unknown kind of frame";
  if ((frame.kind == Kind::kSeal) != (frame.length == 0)) return "length does not fit the kind";
  if (frame.sequence != place.sequence) {
    return fmt::format("frame {} where {} belongs", frame.sequence, place.sequence);
  }
  if (frame.link != place.link) return "broken link to the frame before";
  if (frame.group > frame.sequence) return "impossible group";
  const auto position =
      frame.kind == Kind::kSeal ? 0 : place.positions[static_cast<std::size_t>(frame.kind)];
  if (frame.position != position) {
    return fmt::format("position {} where {} belongs", frame.position, position);
  }
  return {};
}

void step_over(Place& place, const Frame& frame) {
  place.offset += kFrameBytes + frame.length;
  ++place.sequence;
  if (frame.kind != Kind::kSeal) ++place.positions[static_cast<std::size_t>(frame.kind)];
  place.link = frame.checksum;
}

bool all_zero(std::string_view bytes) {
  // Comparing the bytes with themselves shifted by one runs at the speed of memcmp.
  return bytes.empty() ||
         (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::string segment_name(std::uint64_t first_sequence) {
  return fmt::format("{:020}{}", first_sequence, kSuffix);
}

bool parse_segment_name(std::string_view name, std::uint64_t& first_sequence) {
  if (name.size() != kNameDigits + kSuffix.size() || name.substr(kNameDigits) != kSuffix) {
    return false;
  }
  std::uint64_t value = 0;
  for (const char c : name.substr(0, kNameDigits)) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return false;
    value = value * 10 + digit;
  }
  first_sequence = value;
  return true;
}

}  // namespace dealwright::embedded_log
