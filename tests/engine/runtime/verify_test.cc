// The hash chain finds what checksums cannot: edits by whoever writes the checksums anew.
#include "engine/runtime/verify.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/base/bytes.h"
#include "engine/codec/decision_codec.h"
#include "engine/runtime/chain.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {
namespace {

using Records = std::vector<std::string>;

NextRecord over(const Records& records) {
  auto next = std::make_shared<std::size_t>(0);
  return [&records, next]() -> Result<std::optional<LogRecord>> {
    if (*next == records.size()) return std::optional<LogRecord>{};
    const auto position = (*next)++;
    return std::optional{LogRecord{position, records[position]}};
  };
}

DecisionRecord decoded(const std::string& bytes) {
  DecisionRecord out;
  EXPECT_TRUE(codec::decode(bytes, out));
  return out;
}
std::string encoded(const DecisionRecord& record) {
  std::string out;
  codec::encode(record, out);
  return out;
}
// With the checksum that fits the bytes before it.
std::string resealed(std::string bytes) {
  bytes.resize(bytes.size() - 4);
  const auto sum = crc32c(std::string_view{bytes}.substr(0, bytes.size() - 2));
  put_fixed32(bytes, sum);
  return bytes;
}

class VerifyTest : public testing::Test {
 protected:
  void SetUp() override {
    World world{5};
    world.start();
    world.add(world.pipeline());
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 9; ++i) world.add(world.random_event());
      world.run();
      world.clock.advance(hours(13));
      world.run();
      if (round == 1) {  // a second leader
        world.crash();
        world.start();
        world.run();
      }
    }
    events_ = read(world.log, Topic::kEvents);
    decisions_ = read(world.log, Topic::kDecisions);
    ASSERT_GT(decisions_.size(), 8U);
  }
  static Records read(Log& log, Topic topic) {
    Records out;
    const auto next = records_of(log, topic, 0);
    for (;;) {
      const auto record = next();
      EXPECT_TRUE(record) << record.error().detail;
      if (!record || !record.value()) return out;
      EXPECT_EQ(record.value()->position, out.size());
      out.emplace_back(record.value()->bytes);
    }
  }
  static ChainReport verify(const Records& events, const Records& decisions) {
    auto report = verify_chain(over(events), over(decisions));
    EXPECT_TRUE(report) << report.error().detail;
    return report.value();
  }
  static std::string damage(const Records& events, const Records& decisions) {
    const auto report = verify(events, decisions);
    return report.damage ? report.damage->detail : "";
  }

  Records events_;
  Records decisions_;
};

// What a replay of these logs from nothing comes to: where it stopped, or "".
std::string replayed(const Records& events, const Records& decisions) {
  FakeLog log{1, 1};
  for (const auto& event : events) log.put(Topic::kEvents, 0, event);
  for (const auto& decision : decisions) log.put(Topic::kDecisions, 0, decision);
  FakeStore store;
  FakeFileSystem disk;
  const auto state = State::open(store, disk, "/ids", {}, {});
  Folder folder{*state.value(), LogFacts{log, 0}};
  Replay replay{log, 0, *state.value(), folder};
  for (;;) {
    const auto folded = replay.step();
    if (!folded) {
      EXPECT_EQ(folded.error().code, Code::kDamaged);
      return folded.error().detail;
    }
    if (!folded.value()) return {};
  }
}

TEST_F(VerifyTest, AWholeLogHolds) {
  const auto report = verify(events_, decisions_);
  EXPECT_FALSE(report.damage) << report.damage->detail;
  EXPECT_EQ(report.accepted, decisions_.size());
  EXPECT_EQ(report.covered, events_.size());
  EXPECT_EQ(report.decided, events_.size());
  EXPECT_EQ(report.ignored, 0U);
}

TEST_F(VerifyTest, EveryByteOfAnEventIsVouchedFor) {
  for (std::size_t i = 0; i < events_.size(); ++i) {
    for (std::size_t at = 0; at < events_[i].size(); at += 3) {
      auto events = events_;
      events[i][at] = static_cast<char>(events[i][at] ^ 4);
      ASSERT_NE(damage(events, decisions_), "") << "event " << i << " byte " << at;
    }
  }
}

// Whichever record is taken out, a reader finds that it is missing as soon as the log says so: by
// the next leader's claim, which stands on records that the reader could not take.
TEST_F(VerifyTest, AReplayStopsBehindARecordThatIsMissing) {
  EXPECT_EQ(replayed(events_, decisions_), "");
  std::size_t last_claim = 0;
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    if (std::holds_alternative<LeaderClaim>(decoded(decisions_[i]).body)) last_claim = i;
  }
  ASSERT_GT(last_claim, 3U);
  std::set<std::string> reasons;
  for (std::size_t i = 0; i <= last_claim; ++i) {
    auto decisions = decisions_;
    decisions.erase(decisions.begin() + static_cast<std::ptrdiff_t>(i));
    const auto why = replayed(events_, decisions);
    EXPECT_NE(why, "") << "record " << i;
    reasons.insert(why.substr(std::min(why.size(), why.rfind(": "))));
  }
  EXPECT_TRUE(reasons.count(": its leader's claim is missing"));
  EXPECT_TRUE(reasons.count(": records that its leader had read before its claim are missing"));
}

// More of a leader's records behind a gap than it ever has in flight.
TEST_F(VerifyTest, AReplayStopsInALongTermWithAGap) {
  World world{6};
  world.start();
  for (std::size_t i = 0; i < kInFlightMax + 5; ++i) {
    world.add(world.random_event());
    world.run();
  }
  auto decisions = read(world.log, Topic::kDecisions);
  decisions.erase(decisions.begin() + 2);
  EXPECT_NE(replayed(read(world.log, Topic::kEvents), decisions)
                .find("records of its leader before it are missing"),
            std::string::npos);
}

// With its own checksum written anew. The last record has none behind it that knows its hash; of
// it only what it says of the events and the record before is found.
TEST_F(VerifyTest, EveryByteOfADecisionIsVouchedFor) {
  for (std::size_t i = 0; i + 1 < decisions_.size(); ++i) {
    for (std::size_t at = 0; at + 4 < decisions_[i].size(); ++at) {
      auto decisions = decisions_;
      decisions[i][at] = static_cast<char>(decisions[i][at] ^ (1 << at % 8));
      ASSERT_NE(damage(events_, decisions), "") << "bare: record " << i << " byte " << at;
      decisions[i] = resealed(decisions[i]);
      ASSERT_NE(damage(events_, decisions), "") << "resealed: record " << i << " byte " << at;
    }
  }
}

TEST_F(VerifyTest, RecordsTakenOutSwappedOrRepeatedAreFound) {
  const auto each = [&](const Records& whole, auto&& change) {
    for (std::size_t i = 0; i + 1 < whole.size(); ++i) {
      auto copy = whole;
      change(copy, i);
      if (copy == whole) continue;  // a repeated event beside its like
      const bool events = &whole == &events_;
      ASSERT_NE(events ? damage(copy, decisions_) : damage(events_, copy), "")
          << (events ? "event " : "decision ") << i;
    }
  };
  for (const auto* whole : {&events_, &decisions_}) {
    each(*whole, [](Records& r, std::size_t i) { r.erase(r.begin() + static_cast<long>(i)); });
    each(*whole, [](Records& r, std::size_t i) { std::swap(r[i], r[i + 1]); });
  }
  each(events_, [](Records& r, std::size_t i) {
    auto copy = r[i];
    r.insert(r.begin() + static_cast<long>(i), copy);
  });
}

// A retry may land twice: every reader drops the second, so nothing was changed by it.
TEST_F(VerifyTest, ADecisionThatLandedTwiceIsCountedNotDamage) {
  for (std::size_t i = 0; i < decisions_.size(); ++i) {
    auto decisions = decisions_;
    decisions.insert(decisions.begin() + static_cast<long>(i), decisions_[i]);
    const auto report = verify(events_, decisions);
    ASSERT_FALSE(report.damage) << i << ": " << report.damage->detail;
    ASSERT_EQ(report.ignored, 1U) << i;
  }
}

TEST_F(VerifyTest, EachReasonHasItsName) {
  struct Row {
    const char* why;
    std::size_t record;
    std::function<void(DecisionRecord&)> change;
    const char* detail;
  };
  std::size_t batch = 1;
  while (decoded(decisions_[batch]).header.event_count < 2) ++batch;
  const Row rows[] = {
      {"a claim further on", 0, [](auto& r) { r.header.sequence = 9; }, "another sequence than 0"},
      {"another chain", batch, [](auto& r) { r.header.chain[0] ^= 1; }, "the hash chain is broken"},
      {"fewer events", batch, [](auto& r) { --r.header.event_count; },
       "more events than it covers"},
      {"more events", batch, [](auto& r) { ++r.header.event_count; }, "it covers are missing"},
      {"another term", batch, [](auto& r) { r.header.term += 7; },
       "not that of its leader's claim"},
      {"another leader", batch, [](auto& r) { r.header.claim[3] ^= 1; }, "claim is missing"},
      {"a later sequence", batch, [](auto& r) { ++r.header.sequence; }, "before it are missing"},
      {"another start", batch, [](auto& r) { ++r.header.from; }, "where the record before ends"},
      {"an earlier time", batch, [](auto& r) { r.header.now = kInstantMin; },
       "its time lies before"},
      {"a body of its own", batch,
       [](auto& r) {
         std::get<Batch>(r.body).acks.push_back({1, 1});
       },
       "the hash chain is broken"},
  };
  for (const auto& row : rows) {
    auto decisions = decisions_;
    auto record = decoded(decisions[row.record]);
    row.change(record);
    decisions[row.record] = encoded(record);
    const auto said = damage(events_, decisions);
    EXPECT_NE(said.find(row.detail), std::string::npos) << row.why << ": " << said;
    EXPECT_NE(said.find("decision record "), std::string::npos) << row.why;
  }
}

// A full disk may swallow a record and let the next one of the same leader through. The leader that
// claims then decides anew from where the swallowed one began.
TEST_F(VerifyTest, AGapThatTheNextLeaderStartedFromIsNoDamage) {
  const auto last = decisions_.size() - 1;
  const auto lost = decoded(decisions_[last]);
  auto landed = lost;
  ++landed.header.sequence;
  landed.header.from = landed.header.through;
  landed.header.event_count = 0;
  auto decisions = decisions_;
  decisions[last] = encoded(landed);
  EXPECT_NE(damage(events_, decisions).find("before it are missing; if a disk was full"),
            std::string::npos);
  DecisionRecord claim;
  claim.header = lost.header;
  ++claim.header.term;
  claim.header.claim[0] ^= 1;
  claim.header.sequence = 0;
  claim.header.through = claim.header.from;
  claim.header.event_count = 0;
  claim.header.chain = Chain{sha256(decisions_[last - 1])}.finish();
  claim.body = LeaderClaim{"next"};
  decisions.push_back(encoded(claim));
  const auto report = verify(events_, decisions);
  EXPECT_FALSE(report.damage) << report.damage->detail;
  EXPECT_EQ(report.ignored, 1U);
  EXPECT_EQ(report.decided, lost.header.from);
}

// Retention took the front: the first record kept is trusted, all behind it is checked.
TEST_F(VerifyTest, ALogWithoutItsFrontIsCheckedFromThere) {
  const std::size_t first = 4;
  const auto tail = [&](const Records& records, std::size_t from) {
    auto next = std::make_shared<std::size_t>(from);
    return NextRecord{[&records, next]() -> Result<std::optional<LogRecord>> {
      if (*next == records.size()) return std::optional<LogRecord>{};
      const auto position = (*next)++;
      return std::optional{LogRecord{position, records[position]}};
    }};
  };
  const auto from = decoded(decisions_[first]).header.from;
  auto report = verify_chain(tail(events_, from), tail(decisions_, first));
  ASSERT_TRUE(report);
  EXPECT_FALSE(report.value().damage) << report.value().damage->detail;
  EXPECT_TRUE(report.value().trusts_first);
  EXPECT_EQ(report.value().accepted, decisions_.size() - first);
  auto events = events_;
  events.back()[0] = static_cast<char>(events.back()[0] ^ 1);
  report = verify_chain(tail(events, from), tail(decisions_, first));
  ASSERT_TRUE(report);
  EXPECT_TRUE(report.value().damage);
}

}  // namespace
}  // namespace dealwright::runtime
