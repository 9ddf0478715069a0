// The bytes of a segment file. All numbers are little-endian.
//
//   segment = header frame* rest
//   header  = magic[8] version:u32 partition:u32 log_id[16] first_sequence:u64 first_event:u64
//             first_decision:u64 previous_segment:u64 created_ms:i64 link:u32 zero[48] checksum:u32
//   frame   = checksum:u32 length:u32 sequence:u64 position:u64 link:u32 group:u24 kind:u8
//             payload[length]
//   rest    = zeros, to the end of the file
//
// sequence   numbers the frames of a partition without gaps, over both topics and all segments.
// kind       0 an event, 1 a decision, 2 a seal: the log was closed behind the frame before.
// position   numbers the frames of a kind without gaps; 0 in a seal.
// link       the checksum of the frame before; in a segment's first frame that of its header, in a
//            header that of the last frame of the segment before (0 in the first of all).
// previous_segment  first_sequence of the segment before; 2^64-1 in the first of all.
// group      how many frames the same write put before this one. Frames before the group were
//            durable when this one was written: so a bad frame is a torn write if only its own
//            group lies behind it, and damage if a later group does.
// checksum   CRC32C over all other bytes of the header or frame. A frame's starts from a seed made
//            of log id and partition, so that no payload can pass for a frame and no frame of
//            another log for one of this.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "engine/base/hash.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/ports/log.h"

namespace dealwright::embedded_log {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 128;
inline constexpr std::size_t kFrameBytes = 32;  // without the payload
inline constexpr std::uint64_t kNoSegment = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint32_t kGroupMax = (1U << 24) - 1;

enum class Kind : std::uint8_t { kEvent = 0, kDecision = 1, kSeal = 2 };
inline Kind kind_of(Topic topic) { return static_cast<Kind>(topic); }

struct SegmentHeader {
  std::uint32_t partition = 0;
  Hash128 log_id;
  std::uint64_t first_sequence = 0;
  std::array<Position, kTopics> first_positions{};
  std::uint64_t previous_segment = kNoSegment;
  Instant created;
  std::uint32_t link = 0;
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

// A place between two frames: where the next one starts and what it must say.
struct Place {
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
  std::array<Position, kTopics> positions{};
  std::uint32_t link = 0;
};

struct Frame {
  std::uint32_t checksum = 0;
  std::uint32_t length = 0;
  std::uint64_t sequence = 0;
  Position position = 0;
  std::uint32_t link = 0;
  std::uint32_t group = 0;
  Kind kind = Kind::kEvent;
  std::string_view payload;
  std::uint64_t first_of_group() const { return sequence - group; }
};

std::string encode_header(const SegmentHeader& header);
// kDamaged: too short, another magic, a bad checksum. kUnsupported: a newer version.
Result<SegmentHeader> decode_header(std::string_view bytes);
// Where the first frame of the segment starts. REQUIRES: `bytes` is an intact header
Place first_place(const SegmentHeader& header, std::string_view bytes);

std::uint32_t frame_seed(const Hash128& log_id, std::uint32_t partition);
// Appends a frame to `out` and moves `place` behind it.
void append_frame(std::string& out, Place& place, Kind kind, std::uint32_t group,
                  std::string_view payload, std::uint32_t seed);
// The fields, without the payload. REQUIRES: kFrameBytes bytes
Frame decode_frame(const char* bytes);
// REQUIRES: `bytes` is the whole frame
bool checksum_holds(std::string_view bytes, std::uint32_t seed);
// Why an intact frame does not belong at `place`; empty if it does.
std::string misfit(const Frame& frame, const Place& place);
void step_over(Place& place, const Frame& frame);

bool all_zero(std::string_view bytes);

// "00000000000000000042.seg", and back; false if the name is no segment's.
std::string segment_name(std::uint64_t first_sequence);
bool parse_segment_name(std::string_view name, std::uint64_t& first_sequence);

}  // namespace dealwright::embedded_log
