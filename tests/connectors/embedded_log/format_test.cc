// The bytes of a segment are frozen: a change of this file is a new format version.
#include "connectors/embedded_log/format.h"

#include <gtest/gtest.h>

#include <span>

#include "engine/base/bytes.h"
#include "tests/connectors/embedded_log/log_disk.h"

namespace dealwright::embedded_log {
namespace {

std::string hex_of(std::string_view bytes) {
  return hex(std::span{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

const SegmentHeader kHeader{7, kLogId, 42, {40, 2}, 30, Instant{1'772'442'000'000}, 99};

TEST(FormatTest, HeaderBytesAreFrozen) {
  const auto bytes = encode_header(kHeader);
  EXPECT_EQ(hex_of(bytes),
            "44575345474d540a0100000007000000efcdab89674523011032547698badcfe2a00000000000000"
            "280000000000000002000000000000001e00000000000000809ac6ad9c0100006300000000000000"
            "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "00000000b770decd");
  const auto back = decode_header(bytes);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back.value(), kHeader);
  EXPECT_EQ(decode_header(bytes.substr(1)).error().code, Code::kDamaged);
}

TEST(FormatTest, ANewerVersionIsNamedNotGuessed) {
  auto bytes = encode_header(kHeader);
  bytes[8] = 2;
  bytes.resize(kHeaderBytes - 4);
  put_fixed32(bytes, crc32c(bytes));
  const auto newer = decode_header(bytes);
  ASSERT_FALSE(newer.has_value());
  EXPECT_EQ(newer.error().code, Code::kUnsupported);
}

TEST(FormatTest, FrameBytesAreFrozen) {
  const auto header = encode_header(kHeader);
  Place place = first_place(kHeader, header);
  const auto seed = frame_seed(kLogId, 7);
  std::string bytes;
  append_frame(bytes, place, Kind::kEvent, 0, "fact", seed);
  append_frame(bytes, place, Kind::kDecision, 1, "decided", seed);
  append_frame(bytes, place, Kind::kSeal, 0, {}, seed);
  EXPECT_EQ(hex_of(bytes),
            "f2251380040000002a000000000000002800000000000000b770decd0000000066616374c1ef37c2"
            "070000002b000000000000000200000000000000f2251380010000016465636964656403bd16dd00"
            "0000002c000000000000000000000000000000c1ef37c200000002");
  EXPECT_EQ(place.sequence, 45U);
  EXPECT_EQ(place.positions[0], 41U);
  EXPECT_EQ(place.positions[1], 3U);
  EXPECT_EQ(place.offset, kHeaderBytes + bytes.size());
}

TEST(FormatTest, MetaTextIsFrozen) {
  const Meta meta{1, kLogId, 4, "default"};
  EXPECT_EQ(to_text(meta),
            "dealwright-log 1\n"
            "log_id 0123456789abcdeffedcba9876543210\n"
            "partitions 4\n"
            "workspace default\n"
            "checksum 73f3b528\n");
  EXPECT_EQ(parse_meta(to_text(meta)).value(), meta);
  EXPECT_FALSE(parse_meta(to_text(meta) + "x").has_value());
  EXPECT_FALSE(parse_meta("").has_value());
}

TEST(FormatTest, SegmentNames) {
  EXPECT_EQ(segment_name(42), "00000000000000000042.seg");
  std::uint64_t first = 0;
  EXPECT_TRUE(parse_segment_name("18446744073709551615.seg", first));
  EXPECT_EQ(first, ~std::uint64_t{0});
  for (const auto* name : {"18446744073709551616.seg", "42.seg", "0000000000000000004x.seg",
                           "00000000000000000042.seg.tmp", "00000000000000000042", ""}) {
    EXPECT_FALSE(parse_segment_name(name, first)) << name;
  }
}

TEST(VerifyTest, ReportsAndDumpsAStoppedLog) {
  LogDisk disk{1, small_options(2)};
  {
    const auto log = disk.open();
    ASSERT_TRUE(append_now(*log, Topic::kEvents, 1, {"a", "b"}).has_value());
    ASSERT_TRUE(append_now(*log, Topic::kDecisions, 1, {"c"}).has_value());
  }
  const auto changes = disk.files.changes();
  const auto report = disk.verify(1);
  EXPECT_EQ(report.segments, 1U);
  EXPECT_EQ(report.frames, 4U);
  EXPECT_EQ(report.bytes, 4 * kFrameBytes + 3);
  EXPECT_EQ(report.ends, (std::array<Position, 2>{2, 1}));
  std::vector<std::string> lines;
  ASSERT_TRUE(dump(disk.files, "data", 1, [&](const DumpedFrame& frame) {
    lines.push_back(std::to_string(static_cast<int>(frame.kind)) + " " +
                    std::to_string(frame.position) + " " + std::to_string(frame.sequence) + " " +
                    std::to_string(frame.offset) + " " + std::string{frame.bytes});
  }));
  EXPECT_EQ(lines,
            (std::vector<std::string>{"0 0 0 128 a", "0 1 1 161 b", "1 0 2 194 c", "2 0 3 227 "}));
  EXPECT_EQ(disk.files.changes(), changes) << "verify and dump change nothing";
  EXPECT_EQ(embedded_log::verify(disk.files, "data", 2).error().code, Code::kNotFound);
  EXPECT_EQ(embedded_log::verify(disk.files, "elsewhere", 0).error().code, Code::kNotFound);
}

TEST(RetentionTest, SaysWhatMayGo) {
  const auto segment = [](std::uint64_t bytes, int newest_hour, Position events, Position decisions,
                          bool open = false) {
    return SegmentInfo{0, bytes, Instant{} + hours(newest_hour), {events, decisions}, open};
  };
  const std::vector<SegmentInfo> segments = {segment(100, 1, 10, 1), segment(100, 2, 20, 2),
                                             segment(100, 3, 30, 3), segment(50, 100, 35, 4, true)};
  const std::array<Position, 2> everything{1000, 1000};
  struct Row {
    const char* what;
    Retention retention;
    std::array<Position, 2> released;
    int now_hour;
    std::size_t expected;
  };
  const Row rows[] = {
      {"no limit", {}, everything, 1000, 0},
      {"bytes: all fit", {350, {}}, everything, 10, 0},
      {"bytes: one too many", {349, {}}, everything, 10, 1},
      {"bytes: two", {200, {}}, everything, 10, 2},
      {"bytes: never the open one", {0, {}}, everything, 10, 3},
      {"bytes, but events not released", {0, {}}, {19, 1000}, 10, 1},
      {"bytes, but decisions not released", {0, {}}, {1000, 2}, 10, 2},
      {"age: none older", {{}, hours(9)}, everything, 10, 0},
      {"age: one older", {{}, hours(8)}, everything, 10, 1},
      {"age: all closed ones", {{}, hours(1)}, everything, 10, 3},
      {"either is enough", {300, hours(8)}, everything, 10, 1},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(releasable(segments, row.retention, row.released, Instant{} + hours(row.now_hour)),
              row.expected)
        << row.what;
  }
  EXPECT_EQ(releasable({}, {0, {}}, everything, Instant{}), 0U);
}

TEST(RetentionTest, KnowsWhenASegmentWasWrittenLast) {
  LogDisk disk;
  const auto log = disk.open();
  const auto start = disk.clock.wall();
  for (int i = 0; i < 3; ++i) {
    disk.clock.advance(hours(1));
    ASSERT_TRUE(append_now(*log, Topic::kEvents, 0, {std::string(1900, 'x')}).has_value());
  }
  const auto segments = log->segments(0);
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_EQ(segments[0].newest, start + hours(2));
  EXPECT_EQ(segments[1].newest, start + hours(3));
  EXPECT_EQ(segments[1].ends, (std::array<Position, 2>{2, 0}));
  EXPECT_TRUE(segments[2].open);
  EXPECT_EQ(releasable(segments, {{}, hours(1)}, {3, 0}, start + hours(3) + minutes(1)), 1U);
}

}  // namespace
}  // namespace dealwright::embedded_log
