// The codec writes the wire format by hand (docs/adr/0004): held here against the classes that
// protoc generates from the published .proto files.
#include "engine/codec/wire.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "tests/engine/codec/proto_twin.h"
#include "tests/engine/codec/samples.h"

namespace dealwright::codec {
namespace {

template <class T>
std::string bytes_of(const T& value) {
  std::string out;
  encode(value, out);
  return out;
}

std::string difference(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  std::string out;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&out);
  differencer.Compare(a, b);
  return out;
}

// Ours to theirs: nothing unknown, every member equal. Theirs to ours: equal.
void expect_agrees(const Event& event) {
  v1::Event theirs;
  ASSERT_TRUE(theirs.ParseFromString(bytes_of(event))) << to_text(event.subject);
  ASSERT_FALSE(has_unknown_fields(theirs)) << theirs.DebugString();
  ASSERT_EQ(difference(twin(event), theirs), "") << event.type_name();
  Event back;
  const auto read = decode(theirs.SerializeAsString(), back);
  ASSERT_TRUE(read) << read.error().detail;
  ASSERT_EQ(back, event) << event.type_name();
}

void expect_agrees(const DecisionRecord& record) {
  v1::DecisionRecord theirs;
  const auto bytes = bytes_of(record);
  ASSERT_TRUE(theirs.ParseFromString(bytes));
  ASSERT_FALSE(has_unknown_fields(theirs)) << theirs.DebugString();
  ASSERT_EQ(theirs.checksum(), crc32c(std::string_view{bytes}.substr(0, bytes.size() - 6)));
  theirs.clear_checksum();
  ASSERT_EQ(difference(twin(record), theirs), "");
  DecisionRecord back;
  const auto read = decode(serialise(theirs), back);
  ASSERT_TRUE(read) << read.error().detail;
  ASSERT_EQ(back, record);
}

template <class T>
void expect_comes_back(const T& value) {
  T back;
  const auto read = decode(bytes_of(value), back);
  ASSERT_TRUE(read) << read.error().detail;
  ASSERT_EQ(back, value);
}

TEST(WireTest, EventsOfEveryTypeAreWhatTheProtoSays) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Sampler sampler{seed};
    for (const auto& spec : all_event_specs()) {
      ASSERT_NO_FATAL_FAILURE(expect_agrees(sampler.event(spec.type))) << "seed " << seed;
    }
    ASSERT_NO_FATAL_FAILURE(expect_agrees(sampler.foreign_event())) << "seed " << seed;
  }
}

TEST(WireTest, DecisionRecordsOfEveryBodyAreWhatTheProtoSays) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Sampler sampler{seed};
    for (std::size_t body = 0; body < 3; ++body)
      ASSERT_NO_FATAL_FAILURE(expect_agrees(sampler.decision(body))) << "seed " << seed;
  }
}

TEST(WireTest, EveryChangeIsWhatTheProtoSays) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Sampler sampler{seed};
    DecisionRecord record;
    record.header = sampler.header();
    TurnRecord turn;
    for (std::size_t kind = 0; kind < std::variant_size_v<Change>; ++kind) {
      turn.changes.push_back(sampler.change(kind));
      ASSERT_EQ(turn.changes.back().index(), kind);
    }
    record.body = Batch{{turn}, {}, {}};
    ASSERT_NO_FATAL_FAILURE(expect_agrees(record)) << "seed " << seed;
  }
}

// Of each field that a Protobuf library may leave out: absent reads as the default.
TEST(WireTest, DefaultsMayBeLeftOut) {
  DecisionRecord record;
  record.header.workspace = "";
  record.body = Batch{{TurnRecord{}}, {SendAck{}}, {}};
  ASSERT_NO_FATAL_FAILURE(expect_agrees(record));
  v1::DecisionRecord barrier;
  barrier.set_format(1);
  barrier.mutable_header();
  barrier.mutable_barrier();
  DecisionRecord out;
  EXPECT_FALSE(decode(serialise(barrier), out)) << "a barrier that switches nothing";
}

TEST(WireTest, StateComesBack) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Sampler sampler{seed};
    ASSERT_NO_FATAL_FAILURE(expect_comes_back(sampler.record())) << "seed " << seed;
    ASSERT_NO_FATAL_FAILURE(expect_comes_back(sampler.enrolment())) << "seed " << seed;
    ASSERT_NO_FATAL_FAILURE(expect_comes_back(sampler.effect())) << "seed " << seed;
    ASSERT_NO_FATAL_FAILURE(expect_comes_back(sampler.set_aside())) << "seed " << seed;
    ASSERT_NO_FATAL_FAILURE(
        expect_comes_back(Entry{static_cast<std::uint32_t>(sampler.below(99)), sampler.instant()}));
    auto record = sampler.record();
    std::string bytes;
    encode_history_chunk(record, bytes);
    const auto chunk = decode_history_chunk(bytes);
    ASSERT_TRUE(chunk) << chunk.error().detail;
    ASSERT_EQ(chunk.value().entries, record.history.entries());
    record.history.clear();
    ASSERT_EQ(chunk.value().checkpoint, record);
  }
}

// sales.md 2: what is undeclared is kept, with its type, at any depth.
TEST(WireTest, UndeclaredFieldsAreKept) {
  auto event = sample_event(TypeId::kDealOpened);
  event.extra = {{"colour", Value{"red"}},
                 {"parts", Value{List{Value{1}, Value{Map{{"deep", Value{Null{}}}}}}}}};
  event.extensions = {{"comexampletag", Value{"t"}}};
  expect_agrees(event);
}

// A field that a newer version declared: this one keeps its number and value.
TEST(WireTest, AFieldOfANewerVersionIsKept) {
  auto event = sample_event(TypeId::kDealOpened);
  event.data.set(Field{60'000}, Value{"new"});
  expect_agrees(event);
}

// A member that a newer version added is passed over; a format that it changed is named.
TEST(WireTest, ANewerWriterIsPassedOverOrNamed) {
  const auto event = sample_event(TypeId::kDealOpened);
  auto bytes = bytes_of(event);
  WireWriter w{bytes};
  w.text(90, "of a newer writer");
  w.fixed32(91, 7);
  Event back;
  ASSERT_TRUE(decode(bytes, back));
  EXPECT_EQ(back, event);

  auto newer = twin(event);
  newer.set_format(2);
  auto refused = decode(newer.SerializeAsString(), back);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);

  newer.set_format(1);
  newer.set_type(50'000);
  refused = decode(newer.SerializeAsString(), back);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);

  auto record = twin(Sampler{1}.decision(1));
  record.set_format(2);
  DecisionRecord out;
  refused = decode(serialise(record), out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
}

// One workspace for now: an event of another is never taken for one of ours.
TEST(WireTest, AnEventOfAnotherWorkspaceIsRefused) {
  auto event = twin(sample_event(TypeId::kDealOpened));
  Event out;
  event.set_workspace("default");
  EXPECT_TRUE(decode(event.SerializeAsString(), out));
  event.set_workspace("other");
  EXPECT_FALSE(decode(event.SerializeAsString(), out));
  auto record = Sampler{1}.decision(1);
  record.header.workspace = "other";
  DecisionRecord read;
  const auto refused = decode(bytes_of(record), read);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
}

// The maps of an event are looked up by name, whoever wrote them in whatever order.
TEST(WireTest, NamesOfAnotherWritersOrderAreFound) {
  auto event = twin(sample_event(TypeId::kDealOpened));
  for (const auto* name : {"b", "a", "c", "a"}) {
    auto& entry = *event.add_extra();
    entry.set_name(name);
    entry.mutable_value()->set_text(std::string{name} + std::to_string(event.extra_size()));
  }
  Event out;
  ASSERT_TRUE(decode(event.SerializeAsString(), out));
  EXPECT_EQ(to_json(Value{out.extra}), R"({"a":"a4","b":"b1","c":"c3"})");
  ASSERT_NE(find(out.extra, "a"), nullptr);
}

}  // namespace
}  // namespace dealwright::codec
