// A data directory under load from many threads: what is appended is decided once, readers see
// sums that only grow, and opened again it holds the same. The thread sanitizer runs this too.
#include "connectors/daemon/workspace.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/contract/temporary_directory.h"

namespace dealwright::daemon {
namespace {

constexpr int kWriters = 4;
constexpr int kEventsEach = 100;
constexpr int kGroup = 10;

Event rule() {
  Event event;
  event.source = "test";
  event.id = "rule";
  event.type = TypeId::kRulePublished;
  event.subject = {Kind::kRule, "thanks"};
  event.data.set(Field::kVersion, Value{1});
  event.data.set(Field::kText,
                 Value{"rule: thanks\nname: T\nowner: o\ntrigger: note.added\nentry: each_time\n"
                       "steps:\n  - notify: { to: user(\"u1\"), text: hello }\n"});
  return event;
}

Event note(int writer, int number) {
  Event event;
  event.source = "writer-" + std::to_string(writer);
  event.id = std::to_string(number);
  event.type = TypeId::kNoteAdded;
  event.subject = {Kind::kDeal, "d" + std::to_string(number % 17)};
  event.data.set(Field::kText, Value{"hello"});
  return event;
}

struct Sums {
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::size_t notes = 0;
};

Sums sums_of(Workspace& workspace) {
  Sums out;
  for (PartitionId p = 0; p < workspace.partitions(); ++p) {
    const auto asked = workspace.engine().ask(p, [&](runtime::Partition& partition) {
      out.accepted += partition.state().meta.accepted;
      out.duplicates += partition.state().meta.duplicates;
      for (int d = 0; d < 17; ++d) {
        const auto* deal = partition.state().find({Kind::kDeal, "d" + std::to_string(d)});
        if (deal != nullptr) out.notes += deal->count(TypeId::kNoteAdded);
      }
    });
    EXPECT_TRUE(asked.has_value()) << asked.error().detail;
  }
  return out;
}

WorkspaceOptions options(const std::string& path) {
  WorkspaceOptions out;
  out.path = path;
  out.create = true;
  out.partitions = 3;
  out.memory_bytes = std::size_t{32} << 20;
  out.generation_events = 16;  // so that generations are written while events come
  return out;
}

void expect_whole(Workspace& workspace) {
  const auto sums = sums_of(workspace);
  EXPECT_EQ(sums.notes, std::size_t{kWriters} * kEventsEach);
  EXPECT_EQ(sums.accepted, std::uint64_t{kWriters} * kEventsEach + workspace.partitions());
  EXPECT_EQ(sums.duplicates, std::uint64_t{kWriters} * kGroup);
  ViewQuery query;
  query.filters = {{"counter", "started"}};
  const auto rows = workspace.query("automation", query);
  ASSERT_TRUE(rows.has_value()) << rows.error().detail;
  ASSERT_EQ(rows.value().rows.size(), 1U);
  EXPECT_EQ(rows.value().rows[0].back(), Value{std::int64_t{kWriters} * kEventsEach});
}

TEST(WorkspaceTest, ManyThreadsWriteAndRead) {
  const TemporaryDirectory directory;
  {
    auto opened = Workspace::open(options(directory.path()));
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    auto& workspace = *opened.value();
    ASSERT_TRUE(workspace.append({rule()}).has_value());
    ASSERT_TRUE(workspace.engine().wait_idle().has_value());
    std::atomic<bool> writing{true};
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&workspace, w] {
        std::vector<Event> group;
        for (int n = 0; n < kEventsEach; ++n) {
          group.push_back(note(w, n));
          if (group.size() < kGroup) continue;
          EXPECT_TRUE(workspace.append(group).has_value());
          if (n < kGroup) {
            EXPECT_TRUE(workspace.append(group).has_value());  // sent twice
          }
          group.clear();
        }
      });
    }
    std::vector<std::thread> readers;
    for (int r = 0; r < 2; ++r) {
      readers.emplace_back([&workspace, &writing] {
        std::size_t before = 0;
        while (writing.load()) {
          const auto notes = sums_of(workspace).notes;
          EXPECT_GE(notes, before);
          before = notes;
          EXPECT_TRUE(workspace.query("automation", ViewQuery{}).has_value());
        }
      });
    }
    for (auto& writer : writers) writer.join();
    writing = false;
    for (auto& reader : readers) reader.join();
    ASSERT_TRUE(workspace.engine().wait_idle().has_value());
    expect_whole(workspace);
    ASSERT_TRUE(workspace.stop().has_value());
  }
  auto again = Workspace::open(options(directory.path()));
  ASSERT_TRUE(again.has_value()) << again.error().detail;
  ASSERT_TRUE(again.value()->engine().wait_idle().has_value());
  expect_whole(*again.value());
}

}  // namespace
}  // namespace dealwright::daemon
