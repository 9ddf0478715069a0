// Retention from the settings down to the files: old segments go once the state is durable without
// them, and a start on what is left knows all there was.
#include <gtest/gtest.h>

#include "connectors/daemon/workspace.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright::daemon {
namespace {

Event note(int i) {
  Event event;
  event.source = "crm";
  event.id = "n" + std::to_string(i);
  event.type = TypeId::kNoteAdded;
  event.subject = {Kind::kDeal, "d" + std::to_string(i % 7)};
  event.data.set(Field::kText, Value{std::string(300, 'x')});
  return event;
}

std::uint64_t notes_of(Workspace& workspace) {
  std::uint64_t out = 0;
  EXPECT_TRUE(workspace.engine().ask(0, [&](runtime::Partition& partition) {
    for (int i = 0; i < 7; ++i) {
      const auto* record = partition.state().find({Kind::kDeal, "d" + std::to_string(i)});
      if (record != nullptr) out += record->count(TypeId::kNoteAdded);
    }
  }));
  return out;
}

TEST(RetentionTest, OldSegmentsGoBehindASnapshotAndNothingOfTheStateIsLost) {
  const TemporaryDirectory folder;
  WorkspaceOptions options;
  options.path = folder.path();
  options.partitions = 1;
  options.create = true;
  options.segment_bytes = std::uint64_t{64} << 10;
  options.generation_events = 100;
  options.retention.retain_bytes = std::uint64_t{128} << 10;
  constexpr int kNotes = 3000;
  {
    auto opened = Workspace::open(options);
    ASSERT_TRUE(opened) << opened.error().detail;
    auto& workspace = *opened.value();
    for (int i = 0; i < kNotes; i += 50) {
      std::vector<Event> some;
      for (int n = i; n < i + 50; ++n) some.push_back(note(n));
      ASSERT_TRUE(workspace.append(some));
    }
    ASSERT_TRUE(workspace.engine().wait_idle());
    EXPECT_GT(workspace.log().begin(Topic::kEvents, 0).value(), 0U);
    EXPECT_EQ(notes_of(workspace), std::uint64_t{kNotes});
    ASSERT_TRUE(workspace.stop());
  }
  options.create = false;
  auto opened = Workspace::open(options);
  ASSERT_TRUE(opened) << opened.error().detail;
  ASSERT_TRUE(opened.value()->engine().wait_idle());
  EXPECT_EQ(notes_of(*opened.value()), std::uint64_t{kNotes});
}

TEST(RetentionTest, WithoutALimitAllStays) {
  const TemporaryDirectory folder;
  WorkspaceOptions options;
  options.path = folder.path();
  options.partitions = 1;
  options.create = true;
  options.segment_bytes = std::uint64_t{64} << 10;
  options.generation_events = 100;
  auto opened = Workspace::open(options);
  ASSERT_TRUE(opened) << opened.error().detail;
  for (int i = 0; i < 1000; i += 50) {
    std::vector<Event> some;
    for (int n = i; n < i + 50; ++n) some.push_back(note(n));
    ASSERT_TRUE(opened.value()->append(some));
  }
  ASSERT_TRUE(opened.value()->engine().wait_idle());
  EXPECT_EQ(opened.value()->log().begin(Topic::kEvents, 0).value(), 0U);
}

}  // namespace
}  // namespace dealwright::daemon
