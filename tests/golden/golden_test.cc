// Released bytes are read alike for ever, and written alike: the codes of events (MACs) and the
// chain of decisions are computed over bytes.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <array>

#include "engine/codec/cloudevents_json.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "tests/engine/codec/proto_twin.h"
#include "tests/engine/codec/samples.h"
#include "tests/golden/golden_file.h"

namespace dealwright::codec {
namespace {

template <class T>
std::string bytes_of(const T& value) {
  std::string out;
  encode(value, out);
  return out;
}

// Sorted and without spaces, whatever printed it.
std::string canonical(const std::string& json) {
  const auto value = parse_json(json);
  return value ? to_json(value.value()) : "no JSON: " + json;
}

std::string meaning_of(const DecisionRecord& record) {
  std::string out;
  const auto status = google::protobuf::util::MessageToJsonString(twin(record), &out);
  EXPECT_TRUE(status.ok());
  return canonical(out);
}

TEST(GoldenTest, EventsOfEveryType) {
  std::vector<std::string> names;
  for (const auto& spec : all_event_specs()) names.emplace_back(spec.name);
  names.emplace_back("com.example.cart_left");
  GoldenFile file{"events.txt"};
  const auto make = [](const std::string& name) {
    const auto* spec = event_spec(name);
    auto event = sample_event(spec == nullptr ? TypeId::kNoteAdded : spec->type);
    if (spec == nullptr) {
      event = Sampler{1}.foreign_event();
      event.foreign_type = name;
      event.opaque = "Zm9vYg==";
      event.content_type = "image/png";
    }
    return GoldenEntry{bytes_of(event), to_cloudevent(event)};
  };
  for (const auto& [name, entry] : file.entries(names, make)) {
    Event event;
    const auto read = decode(entry.bytes, event);
    ASSERT_TRUE(read) << name << ": " << read.error().detail;
    EXPECT_EQ(event.type_name(), name);
    EXPECT_EQ(to_cloudevent(event), entry.meaning) << name;
    EXPECT_EQ(to_hex(bytes_of(event)), to_hex(entry.bytes)) << name;
  }
}

// In the order of Change.
constexpr std::array<const char*, std::variant_size_v<Change>> kChanges = {
    "started",      "moved", "ended",  "refused", "requested",
    "effect_moved", "fact",  "failed", "redriven"};

DecisionRecord sample_decision(const std::string& name) {
  Sampler sampler{std::hash<std::string>{}(name)};
  if (name == "claim") return sampler.decision(0);
  if (name == "batch") return sampler.decision(1);
  if (name == "barrier") return sampler.decision(2);
  DecisionRecord record = sampler.decision(1);
  for (std::size_t i = 0; i < kChanges.size(); ++i) {
    if (name != kChanges[i]) continue;
    TurnRecord turn;
    turn.position = 7;
    turn.timer = sampler.timer();
    turn.changes.push_back(sampler.change(i));
    record.body = Batch{{turn}, {SendAck{1, 3}}, {}};
  }
  return record;
}

TEST(GoldenTest, DecisionRecordsWithEveryChange) {
  std::vector<std::string> names{"claim", "batch", "barrier"};
  names.insert(names.end(), kChanges.begin(), kChanges.end());
  GoldenFile file{"decisions.txt"};
  const auto make = [](const std::string& name) {
    const auto record = sample_decision(name);
    return GoldenEntry{bytes_of(record), meaning_of(record)};
  };
  for (const auto& [name, entry] : file.entries(names, make)) {
    DecisionRecord record;
    const auto read = decode(entry.bytes, record);
    ASSERT_TRUE(read) << name << ": " << read.error().detail;
    EXPECT_EQ(meaning_of(record), entry.meaning) << name;
    EXPECT_EQ(to_hex(bytes_of(record)), to_hex(entry.bytes)) << name;
  }
}

template <class T>
void expect_alike(const std::string& name, const std::string& bytes) {
  T value;
  const auto read = decode(bytes, value);
  ASSERT_TRUE(read) << name << ": " << read.error().detail;
  EXPECT_EQ(to_hex(bytes_of(value)), to_hex(bytes)) << name;
}

TEST(GoldenTest, StateOfEveryKind) {
  GoldenFile file{"state.txt"};
  const auto make = [](const std::string& name) {
    Sampler sampler{7};
    if (name == "record.v1") return GoldenEntry{bytes_of(sampler.record()), ""};
    if (name == "enrolment.v1") return GoldenEntry{bytes_of(sampler.enrolment()), ""};
    if (name == "entry.v1") return GoldenEntry{bytes_of(Entry{7, sampler.instant()}), ""};
    if (name == "effect.v1") return GoldenEntry{bytes_of(sampler.effect()), ""};
    if (name == "set_aside.v1") return GoldenEntry{bytes_of(sampler.set_aside()), ""};
    GoldenEntry history;
    encode_history_chunk(sampler.record(), history.bytes);
    return history;
  };
  const auto& entries = file.entries(
      {"record.v1", "enrolment.v1", "entry.v1", "effect.v1", "set_aside.v1", "history.v1"}, make);
  const auto bytes = [&](const char* name) {
    const auto it = entries.find(name);
    return it == entries.end() ? std::string{} : it->second.bytes;
  };
  expect_alike<Record>("record", bytes("record.v1"));
  expect_alike<Enrolment>("enrolment", bytes("enrolment.v1"));
  expect_alike<Entry>("entry", bytes("entry.v1"));
  expect_alike<Effect>("effect", bytes("effect.v1"));
  expect_alike<SetAside>("set aside", bytes("set_aside.v1"));
  const auto chunk = decode_history_chunk(bytes("history.v1"));
  ASSERT_TRUE(chunk) << chunk.error().detail;
  auto record = chunk.value().checkpoint;
  record.history = chunk.value().entries;
  std::string again;
  encode_history_chunk(record, again);
  EXPECT_EQ(to_hex(again), to_hex(bytes("history.v1")));
}

}  // namespace
}  // namespace dealwright::codec
