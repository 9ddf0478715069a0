// Ten thousand malformed and hostile events: none stops the partition, each is set aside or refused
// with a code, later events of the same key wait behind it, across restarts, and an operator's word
// lets them through in order.
#include <algorithm>
#include <functional>

#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "tests/engine/runtime/world.h"
#include "tests/seeds.h"

namespace dealwright::runtime {
namespace {

std::string encoded(const Event& event) {
  std::string bytes;
  codec::encode(event, bytes);
  return bytes;
}

std::string noise(FakeRandom& random, std::size_t bytes_max) {
  std::string out(1 + random.below(bytes_max), '\0');
  for (auto& c : out) c = static_cast<char>(random.below(256));
  return out;
}

Value nested(std::size_t depth) {
  Value value{"deep"};
  for (std::size_t i = 0; i < depth; ++i) value = Value{List{value}};
  return value;
}

// A value of a type that the field does not have, or of a size that nobody expects.
Value odd_value(FakeRandom& random) {
  switch (random.below(8)) {
    case 0:
      return Value{std::int64_t{INT64_MIN}};
    case 1:
      return Value{std::string(3000, 'x')};
    case 2:
      return Value{noise(random, 40)};
    case 3:
      return nested(60);
    case 4:
      return Value{Map{{"", Value{""}}, {"a", Value{Null{}}}}};
    case 5:
      return Value{Money{INT64_MIN, Currency::unchecked('X', 'X', 'X')}};
    case 6:
      return Value{Instant{INT64_MAX}};
    default:
      return Value{true};
  }
}

// Bytes for `events` that no honest client sends; about the deals of World::random_event.
std::string hostile(World& world) {
  auto& random = world.random;
  auto event = world.random_event();
  event.id = "h" + std::to_string(world.next_id++);
  switch (random.below(9)) {
    case 0:
      return noise(random, 300);
    case 1: {  // a valid one, cut
      const auto bytes = encoded(event);
      return bytes.substr(0, 1 + random.below(bytes.size()));
    }
    case 2: {  // a valid one, flipped in places
      auto bytes = encoded(event);
      for (auto n = 1 + random.below(4); n > 0; --n) {
        auto& c = bytes[random.below(bytes.size())];
        c = static_cast<char>(c ^ (1 << random.below(8)));
      }
      return bytes;
    }
    case 3:
      event.data.clear();
      break;
    case 4:  // of every type there is
      event.type = all_event_specs()[random.below(all_event_specs().size())].type;
      event.foreign_type.clear();
      break;
    case 5:
      for (const auto field : {Field::kTo, Field::kAmount, Field::kPipeline, Field::kText,
                               Field::kSet, Field::kStages, Field::kPosition}) {
        if (random.chance(40)) event.data.set(field, odd_value(random));
      }
      break;
    case 6:
      event.subject.kind = static_cast<Kind>(random.below(kKinds));
      event.subject.id = random.chance(50) ? noise(random, 250) : "";
      break;
    case 7:
      event.time = Instant{random.chance(50) ? INT64_MAX : INT64_MIN};
      break;
    default:  // as if the engine had sent it
      event.type = random.chance(50) ? TypeId::kEventDropped : TypeId::kEventRedriven;
      event.foreign_type.clear();
      event.data.set(Field::kPosition, Value{static_cast<std::int64_t>(random.next())});
      event.subject = {Kind::kEvent, "0:1"};
  }
  return encoded(event);
}

std::vector<SetAside> listed(World& world) {
  std::vector<SetAside> out;
  const auto scanned =
      world.partition->state().scan(keys::kSetAside, [&](std::string_view, std::string_view value) {
        SetAside entry;
        EXPECT_TRUE(codec::decode(value, entry));
        out.push_back(std::move(entry));
        return true;
      });
  EXPECT_TRUE(scanned);
  return out;
}

void restart(World& world) {
  world.crash();
  world.start();
  world.run();
}

void order(World& world, TypeId type, std::uint64_t position) {
  Event event;
  event.source = "dealwright/operator";
  event.id = "order-" + std::to_string(world.next_id++);
  event.type = type;
  event.subject = {Kind::kEvent, "0:" + std::to_string(position)};
  event.data.set(Field::kPosition, Value{static_cast<std::int64_t>(position)});
  world.key.sign(event, 0);
  world.add(event);
  world.run();
}

TEST(PoisonTest, TenThousandHostileEventsAreSetAsideWithACode) {
  World world{77};
  world.limits.generation_events = 500;
  world.events_per_record = 100;
  world.start();
  world.add(world.pipeline());
  const std::uint64_t events = some_of(10'000) / 10 * 10;
  for (std::uint64_t i = 0; i < events; ++i) {
    world.log.put(Topic::kEvents, 0, hostile(world));
    if (i % 10 == 0) world.add(world.random_event());  // honest ones between
    if (i % 50 == 0) world.run();
    if ((i + 1) % (events / 10) == 0) restart(world);
    ASSERT_FALSE(testing::Test::HasFailure()) << "event " << i;
  }
  world.run();
  const auto& meta = world.partition->state().meta;
  EXPECT_EQ(meta.accepted + meta.refused + meta.set_aside + meta.duplicates, meta.events);
  EXPECT_EQ(meta.events, 1 + events + events / 10);
  EXPECT_GT(meta.set_aside, events / 2);
  const auto entries = listed(world);
  EXPECT_EQ(entries.size(), meta.set_aside + meta.refused);
  std::map<std::string, std::uint64_t> codes;
  for (const auto& entry : entries) {
    EXPECT_FALSE(entry.code.empty()) << entry.position;
    ++codes[entry.code];
  }
  for (const auto* code : {"bad_envelope", "bad_data", "reserved_type", "blocked"}) {
    EXPECT_GT(codes[code], events / 200) << code;
  }
  EXPECT_TRUE(same_dump(world.dump(), world.dump_of_replay()));
}

// ---- what waits behind a poison event

class SequenceTest : public testing::Test {
 protected:
  SequenceTest() : world_{78} {
    world_.start();
    world_.add(world_.pipeline());
  }
  // "p": no `to`, set aside; a digit: an update that sets the deal's name to it.
  Position add(const std::string& deal, char what) {
    Event event;
    event.source = "crm";
    event.id = "s" + std::to_string(world_.next_id++);
    event.subject = {Kind::kDeal, deal};
    event.type = what == 'p' ? TypeId::kDealStageChanged : TypeId::kDealUpdated;
    event.time = world_.clock.wall();
    if (what != 'p')
      event.data.set(Field::kSet, Value{Map{{"colour", Value{std::string(1, what)}}}});
    return world_.add(event);
  }
  // Positions of what is set aside for its own fault and because of another, in order.
  std::string aside() {
    std::string out;
    for (const auto& entry : listed(world_)) {
      out += (out.empty() ? "" : " ") + entry.code + "@" + std::to_string(entry.position);
    }
    return out;
  }
  std::string colour(const std::string& deal) {
    const auto* record = world_.partition->state().find({Kind::kDeal, deal});
    if (record == nullptr) return "-";
    const auto* value = record->find_custom("colour");
    if (value == nullptr) value = record->find_extra("colour");
    return value == nullptr ? "-" : std::string{*value->as_text()};
  }

  World world_;
};

TEST_F(SequenceTest, LaterEventsWaitBehindAcrossRestartsAndAreReleasedInOrder) {
  // Position 0 is the pipeline.
  for (const char what : std::string{"1p23p4"}) add("a", what);  // 1 to 6
  add("b", '9');                                                 // 7: another key goes on
  world_.run();
  EXPECT_EQ(aside(), "bad_data@2 blocked@3 blocked@4 bad_data@5 blocked@6");
  EXPECT_EQ(colour("a"), "1");
  EXPECT_EQ(colour("b"), "9");
  restart(world_);
  add("a", '5');  // 8: behind them, too
  world_.run();
  EXPECT_EQ(aside(), "bad_data@2 blocked@3 blocked@4 bad_data@5 blocked@6 blocked@8");
  order(world_, TypeId::kEventRedriven, 2);  // nothing was mended: it stays, and so do the others
  EXPECT_EQ(aside(), "bad_data@2 blocked@3 blocked@4 bad_data@5 blocked@6 blocked@8");
  restart(world_);
  order(world_, TypeId::kEventDropped, 2);  // up to the next that fails of its own
  EXPECT_EQ(aside(), "bad_data@5 blocked@6 blocked@8");
  EXPECT_EQ(colour("a"), "3");
  restart(world_);
  EXPECT_EQ(aside(), "bad_data@5 blocked@6 blocked@8");
  order(world_, TypeId::kEventDropped, 5);
  EXPECT_EQ(aside(), "");
  EXPECT_EQ(colour("a"), "5");
  restart(world_);
  add("a", '6');
  world_.run();
  EXPECT_EQ(aside(), "");
  EXPECT_EQ(colour("a"), "6");
  EXPECT_TRUE(same_dump(world_.dump(), world_.dump_of_replay()));
}

TEST_F(SequenceTest, AThousandThatWaitAreReleasedByOneWord) {
  const auto poison = add("a", 'p');
  for (int i = 0; i < 3000; ++i) add("a", static_cast<char>('0' + i % 10));
  add("a", 'z');
  world_.run();
  EXPECT_EQ(world_.partition->state().meta.set_aside, 3002U);
  restart(world_);
  order(world_, TypeId::kEventDropped, poison);
  EXPECT_EQ(aside(), "");
  EXPECT_EQ(colour("a"), "z");
  restart(world_);
  EXPECT_EQ(colour("a"), "z");
  EXPECT_TRUE(same_dump(world_.dump(), world_.dump_of_replay()));
}

}  // namespace
}  // namespace dealwright::runtime
