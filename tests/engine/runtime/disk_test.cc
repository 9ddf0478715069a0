// The disk fails under the whole engine: every call once, in every way; the store at every write;
// every byte of a log flipped, every length of it cut. What was acknowledged is there, what was
// refused is not, a partition stops with a named reason or goes on, and never gives a wrong answer.
#include <algorithm>
#include <array>

#include "tests/engine/runtime/machine.h"
#include "tests/seeds.h"

namespace dealwright::runtime {
namespace {

using Fault = FakeFileSystem::Fault;
using Call = FakeFileSystem::Call;

struct Tally {
  std::set<std::string> there, perhaps, not_there;

  void note(const Result<std::vector<Position>>& done, const std::vector<Event>& events) {
    auto& list = done ? there : done.error().code == Code::kUnknownOutcome ? perhaps : not_there;
    for (const auto& event : events) list.insert(event.id);
  }
};

// The pipeline and `groups` times three facts, in turn in each partition.
Tally work(Machine& machine, int groups) {
  Tally tally;
  static_cast<void>(machine.append(0, {machine.pipeline()}));
  for (int i = 0; i < groups; ++i) {
    const std::vector<Event> events{machine.next_event(), machine.next_event(),
                                    machine.next_event()};
    tally.note(machine.append(static_cast<PartitionId>(i) % Machine::kPartitions, events), events);
  }
  return tally;
}

void check(Machine& machine, const Tally& tally) {
  std::multiset<std::string> found;
  for (PartitionId id = 0; id < Machine::kPartitions; ++id) {
    for (auto& event : machine.ids_in(id)) found.insert(std::move(event));
    machine.expect_replay_agrees(id);
  }
  for (const auto& id : tally.there) EXPECT_EQ(found.count(id), 1U) << "acknowledged: " << id;
  for (const auto& id : tally.perhaps) EXPECT_LE(found.count(id), 1U) << "unknown: " << id;
  for (const auto& id : tally.not_there) EXPECT_EQ(found.count(id), 0U) << "refused: " << id;
}

// One life with the n-th change failing, and a second one on what it left. False: fewer changes.
bool live_twice(Machine& machine, std::uint64_t n) {
  Tally tally;
  if (machine.start()) {
    tally = work(machine, 8);
    static_cast<void>(machine.settle());
  }
  machine.stop();
  const bool reached = machine.files.changes() >= n;
  machine.files.fail_nothing();
  if (n % 2 == 0) {  // and the power goes, too
    machine.files.power_cut();
    machine.files.reboot();
  }
  const auto again = machine.start();
  EXPECT_TRUE(again) << again.error().detail;
  if (!again) return false;
  const auto more = std::vector<Event>{machine.next_event()};
  tally.note(machine.append(1, more), more);
  EXPECT_TRUE(machine.settle());
  EXPECT_EQ(tally.there.count(more[0].id), 1U);
  check(machine, tally);
  return reached;
}

class EngineDiskTest : public testing::TestWithParam<Fault> {};

TEST_P(EngineDiskTest, EveryChangeFailsOnce) {
  // Each fault begins elsewhere: where only some changes are tried, they are not the same ones.
  std::uint64_t n = 1 + static_cast<std::uint64_t>(GetParam()) % stride();
  for (bool reached = true; reached && n < 400; n += stride()) {
    SCOPED_TRACE("change " + std::to_string(n));
    Machine machine{n};
    machine.files.fail_change(n, GetParam());
    reached = live_twice(machine, n);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(n, 60U);
}

INSTANTIATE_TEST_SUITE_P(Faults, EngineDiskTest,
                         testing::Values(Fault::kIo, Fault::kNoSpace, Fault::kShortIo,
                                         Fault::kShortSpace, Fault::kDoneButIo));

TEST(EngineDiskTest, EveryOpenFailsOnce) {
  std::uint64_t opened = 0;
  for (std::uint64_t n = 1; n < 30; ++n) {
    SCOPED_TRACE("open " + std::to_string(n));
    Machine machine{n};
    machine.files.fail_call(Call::kOpen, n, Fault::kIo);
    const bool started = machine.start().has_value();
    opened += started ? 1 : 0;
    machine.stop();
    machine.files.fail_nothing();
    ASSERT_TRUE(machine.start());
    const auto tally = work(machine, 4);
    ASSERT_TRUE(machine.settle());
    check(machine, tally);
  }
  EXPECT_GT(opened, 0U);
}

TEST(EngineDiskTest, AFailedSyncIsNeverAcknowledgedNorTriedAgain) {
  Machine machine;
  ASSERT_TRUE(machine.start());
  work(machine, 4);
  ASSERT_TRUE(machine.settle());
  const auto syncs = machine.files.calls(Call::kSync);
  machine.files.fail_call(Call::kSync, 1, Fault::kIo);
  const auto lost = machine.append(0, {machine.next_event()});
  EXPECT_EQ(lost.error().code, Code::kUnknownOutcome);
  const auto later = machine.append(0, {machine.next_event()});
  EXPECT_EQ(later.error().code, Code::kDamaged);
  EXPECT_EQ(machine.files.calls(Call::kSync), syncs + 1);
  const auto next_door = machine.append(1, {machine.next_event()});
  EXPECT_TRUE(next_door);
  EXPECT_FALSE(machine.await(1));
}

TEST(EngineDiskTest, EveryWriteOfAStoreFailsOnce) {
  for (const auto code : {Code::kNoSpace, Code::kIo}) {
    for (std::uint64_t n = 1; n < 16; ++n) {
      SCOPED_TRACE(std::string{code_name(code)} + " at write " + std::to_string(n));
      Machine machine{n};
      ASSERT_TRUE(machine.start());
      machine.stores["data/state/0/db"].fail_write(n, code);
      const auto tally = work(machine, 8);
      const auto stopped = machine.await(0);
      EXPECT_FALSE(machine.await(1));
      if (code == Code::kNoSpace) {
        EXPECT_FALSE(stopped) << "it goes on by itself: " << stopped->detail;
      } else if (stopped) {
        EXPECT_EQ(stopped->code, Code::kIo);
      }
      machine.stop();
      ASSERT_TRUE(machine.start());
      ASSERT_TRUE(machine.settle());
      check(machine, tally);
      ASSERT_FALSE(HasFailure());
    }
  }
}

// ---- damage

struct Files {
  std::map<std::string, std::string> bytes;
  std::array<std::vector<std::string>, 2> ids;  // by partition
};

// A small log; `in_order`: closed, else as a kill leaves it.
Files small_log(bool in_order) {
  Machine machine;
  machine.segment_bytes = 64 << 10;
  EXPECT_TRUE(machine.start());
  work(machine, 2);
  EXPECT_TRUE(machine.settle());
  Files out;
  out.bytes = machine.files.snapshot();
  for (PartitionId id = 0; id < 2; ++id) out.ids[id] = machine.ids_in(id);
  machine.stop();
  if (in_order) out.bytes = machine.files.snapshot();
  return out;
}

std::string segment_of_0(const Files& files) {
  for (const auto& [path, bytes] : files.bytes) {
    if (path.find("/log/0/") != std::string::npos && path.ends_with(".seg")) return path;
  }
  return {};
}

std::size_t used_bytes(const std::string& segment) { return segment.find_last_not_of('\0') + 1; }

// Opens the engine on damaged files, without a state. How often partition 0 stopped, or went on.
struct Verdicts {
  std::uint64_t stopped = 0;
  std::uint64_t went_on = 0;
};

void open_on(const Files& whole, const std::string& segment, Verdicts& verdicts) {
  auto damaged = whole.bytes;
  damaged[segment_of_0(whole)] = segment;
  for (auto it = damaged.begin(); it != damaged.end();) {
    it = it->first.find("/state/") != std::string::npos ? damaged.erase(it) : std::next(it);
  }
  Machine machine;
  machine.segment_bytes = 64 << 10;
  machine.files.restore(damaged);
  const auto started = machine.start();
  ASSERT_TRUE(started) << started.error().detail;
  ASSERT_FALSE(machine.await(1)) << "the partition next door";
  // Partition 0 may have forgotten that it sent something, and send it again.
  const auto next_door = machine.ids_in(1);
  ASSERT_GE(next_door.size(), whole.ids[1].size());
  EXPECT_TRUE(std::equal(whole.ids[1].begin(), whole.ids[1].end(), next_door.begin()));
  if (const auto stopped = machine.await(0)) {
    ++verdicts.stopped;
    EXPECT_TRUE(stopped->code == Code::kDamaged || stopped->code == Code::kUnsupported)
        << stopped->detail;
    EXPECT_NE(stopped->detail.find("log/0"), std::string::npos) << stopped->detail;
    return;
  }
  ++verdicts.went_on;  // a torn tail was cut: a part of the log from its beginning
  const auto ids = machine.ids_in(0);
  ASSERT_LE(ids.size(), whole.ids[0].size());
  EXPECT_TRUE(std::equal(ids.begin(), ids.end(), whole.ids[0].begin()));
  machine.expect_replay_agrees(0);
}

TEST(EngineDamageTest, AFlippedBitAnywhereStopsItsPartitionOrCutsATornTail) {
  for (const bool in_order : {true, false}) {
    const auto whole = small_log(in_order);
    const auto segment = whole.bytes.at(segment_of_0(whole));
    Verdicts verdicts;
    // A log that was closed differs from one that was killed in what its last bytes mean.
    const std::size_t from = in_order ? used_bytes(segment) - 300 : 0;
    for (std::size_t at = from; at < used_bytes(segment); at += stride()) {
      SCOPED_TRACE("byte " + std::to_string(at));
      auto flipped = segment;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
      open_on(whole, flipped, verdicts);
      ASSERT_FALSE(testing::Test::HasFailure());
    }
    EXPECT_GT(verdicts.stopped, (in_order ? 200U : 500U) / stride());
    EXPECT_GT(verdicts.went_on, 0U) << "in order: " << in_order;  // what the last write left
  }
}

// What it has to say to a partition that is stopped stays to be said.
TEST(EngineDamageTest, ADamagedPartitionStopsNoOtherThatSendsToIt) {
  const auto whole = small_log(true);
  auto damaged = whole.bytes;
  for (auto& [path, bytes] : damaged) {
    if (path.find("/log/1/") != std::string::npos && path.ends_with(".seg")) bytes[300] ^= 1;
  }
  Machine machine;
  machine.segment_bytes = 64 << 10;
  machine.files.restore(damaged);
  ASSERT_TRUE(machine.start());
  ASSERT_TRUE(machine.await(1));
  auto pipeline = machine.pipeline();
  pipeline.id = "another";
  ASSERT_TRUE(machine.append(0, {pipeline}));
  ASSERT_FALSE(machine.await(0));
  ASSERT_TRUE(machine.engine->wait_idle(true));
  EXPECT_FALSE(machine.engine->wait_idle());
  ASSERT_TRUE(machine.engine->ask(0, [](Partition& p) {
    const auto sends = p.state().sends();
    ASSERT_TRUE(sends);
    EXPECT_EQ(sends.value().size(), 1U);
  }));
}

TEST(EngineDamageTest, ALogTornAnywhereGoesOnWithWhatIsWhole) {
  const auto whole = small_log(false);
  const auto segment = whole.bytes.at(segment_of_0(whole));
  Verdicts verdicts;
  for (std::size_t at = 128; at < used_bytes(segment); at += stride()) {
    SCOPED_TRACE("cut at " + std::to_string(at));
    auto torn = segment;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(at), torn.end(), '\0');
    open_on(whole, torn, verdicts);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_EQ(verdicts.stopped, 0U);
  EXPECT_GT(verdicts.went_on, 500U / stride());
}

}  // namespace
}  // namespace dealwright::runtime
