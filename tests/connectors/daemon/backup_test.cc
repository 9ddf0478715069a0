// What a backup holds, what damage of it is found, and what crashes and full disks leave.
#include "connectors/daemon/backup/backup.h"

#include "connectors/daemon/effects_pause.h"
#include "tests/connectors/daemon/backup_bed.h"
#include "tests/seeds.h"

namespace dealwright::daemon {
namespace {

using Fault = FakeFileSystem::Fault;

TEST(BackupTest, HoldsTheLogAndIsRestoredWithEffectsPaused) {
  BackupBed bed;
  const auto log = bed.open();
  const auto before = records_of(*log);
  const auto made = bed.create(*log);
  ASSERT_TRUE(made) << made.error().detail;
  ASSERT_EQ(made.value().partitions.size(), 2U);
  for (PartitionId id = 0; id < 2; ++id) {
    EXPECT_EQ(made.value().partitions[id].events, log->end(Topic::kEvents, id).value());
    EXPECT_EQ(made.value().partitions[id].decisions, log->end(Topic::kDecisions, id).value());
    EXPECT_GT(made.value().partitions[id].decisions, 0U);
  }
  EXPECT_EQ(read_manifest(bed.files, "out").value(), made.value());
  const auto checked = verify_backup(bed.files, "out");
  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_TRUE(checked.value().keys);
  EXPECT_GT(checked.value().partitions[0].log.segments, 1U);
  EXPECT_GT(checked.value().partitions[0].chain.covered, 50U);

  const auto restored = bed.restore();
  ASSERT_TRUE(restored) << restored.error().detail;
  const auto pause = read_effects_pause(bed.files, "new").value();
  ASSERT_TRUE(pause);
  EXPECT_NE(pause->reason.find("restored"), std::string::npos);
  for (const auto* file : {"keys/cluster.key", "keys/api-keys.json", "drafts/thanks.rule.yaml"}) {
    EXPECT_EQ(bed.files.contents("new/" + std::string{file}).value(),
              small_data().at("data/" + std::string{file}));
  }
  EXPECT_EQ(records_of(*bed.open("new")), before);
}

TEST(BackupTest, TakesOneInstantWhileTheLogGoesOn) {
  BackupBed bed;
  const auto log = bed.open();
  const auto before = records_of(*log);
  int points = 0;
  BackupOptions options;
  options.at_point = [&](std::string_view point) {
    if (point == "backup.begin") return;  // in front of its instant
    ++points;
    for (PartitionId id = 0; id < 2; ++id) {
      ASSERT_TRUE(append_now(*log, Topic::kEvents, id, {std::string(3'000, 'l')}));
    }
  };
  const auto made = bed.create(*log, options);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_GT(points, 5);
  EXPECT_EQ(made.value().partitions[0].events, before[0].size());
  EXPECT_EQ(made.value().partitions[1].events, before[2].size());
  EXPECT_GT(log->end(Topic::kEvents, 0).value(), before[0].size());
  ASSERT_TRUE(verify_backup(bed.files, "out"));
  ASSERT_TRUE(bed.restore());
  EXPECT_EQ(records_of(*bed.open("new")), before);
}

TEST(BackupTest, FindsEveryDamageAndNamesTheFile) {
  BackupBed bed;
  const auto manifest = bed.created();
  const auto sound = bed.files.snapshot();
  const auto expect_damage = [&](const std::string& path, const std::string& what) {
    const auto checked = verify_backup(bed.files, "out");
    ASSERT_FALSE(checked) << path << ", " << what;
    EXPECT_EQ(checked.error().code, Code::kDamaged) << path << ", " << what;
    EXPECT_NE(checked.error().detail.find(path), std::string::npos)
        << what << ": " << checked.error().detail;
    const auto restored = bed.restore();
    EXPECT_FALSE(restored) << path << ", " << what;
    EXPECT_FALSE(bed.there("new")) << path << ", " << what;
  };
  for (const auto& file : manifest.files) {
    const auto path = "out/" + file.path;
    const auto bytes = sound.at(path);
    for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
      bed.files.flip_bit(path, at, static_cast<int>(at % 8));
      expect_damage(path, "flipped at " + std::to_string(at));
      bed.files.set_contents(path, bytes);
    }
    bed.files.set_contents(path, bytes.substr(0, bytes.size() - 1));
    expect_damage(path, "cut");
    bed.files.set_contents(path, bytes + '\0');
    expect_damage(path, "longer");
    bed.files.set_contents(path, bytes);
    if (file.path == kKeysBundle) continue;  // may be kept elsewhere
    ASSERT_TRUE(bed.files.remove(path));
    expect_damage(path, "missing");
    bed.files.set_contents(path, bytes);
  }
  bed.files.set_contents("out/log/1/00000000000000009999.seg", "x");
  expect_damage("out/log/1/00000000000000009999.seg", "one too many");
  bed.files.restore(sound);
  EXPECT_TRUE(verify_backup(bed.files, "out"));
}

TEST(BackupTest, FindsDamageOfItsManifest) {
  BackupBed bed;
  bed.created();
  const auto text = bed.files.contents("out/manifest.json").value();
  for (std::size_t at = 0; at + 1 < text.size(); at += stride()) {
    auto other = text;
    other[at] = static_cast<char>(other[at] ^ 1);
    EXPECT_FALSE(parse_manifest(other)) << "changed at " << at << ": " << text.substr(at, 20);
    EXPECT_FALSE(parse_manifest(text.substr(0, at))) << "cut at " << at;
  }
  ASSERT_TRUE(bed.files.remove("out/manifest.json"));
  const auto checked = verify_backup(bed.files, "out");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Code::kNotFound);
}

// The power goes at every change of the disk: there is a whole backup or none, and the log is as it
// was.
TEST(BackupTest, ACrashLeavesAWholeBackupOrNone) {
  int whole = 0;
  int none = 0;
  bool over = false;
  for (std::uint64_t n = 1; !over; n += stride()) {
    BackupBed bed{n};
    std::vector<std::vector<std::string>> before;
    {
      const auto log = bed.open();
      before = records_of(*log);
      bed.files.fail_change(n, Fault::kPowerCut);
      const auto made = bed.create(*log);
      over = made.has_value();
      bed.files.fail_nothing();
      bed.files.power_cut();
    }
    bed.files.reboot();
    const auto checked = verify_backup(bed.files, "out");
    if (checked) {
      ++whole;
    } else {
      ++none;
      ASSERT_EQ(checked.error().code, Code::kNotFound) << n << ": " << checked.error().detail;
      ASSERT_FALSE(over) << "it was done, and is not there";
    }
    ASSERT_EQ(records_of(*bed.open()), before);
  }
  EXPECT_GT(none, static_cast<int>(some_of(20)));
  EXPECT_GT(whole, 0);
}

TEST(BackupTest, ACrashOfARestoreLeavesAPausedDirectoryOrNone) {
  int whole = 0;
  int none = 0;
  bool over = false;
  for (std::uint64_t n = 1; !over; n += stride()) {
    BackupBed bed{n};
    bed.created();
    bed.files.fail_change(n, Fault::kPowerCut);
    over = bed.restore().has_value();
    bed.files.fail_nothing();
    bed.files.power_cut();
    bed.files.reboot();
    if (!bed.there("new/log/meta")) {
      ++none;
      ASSERT_FALSE(over);
      continue;
    }
    ++whole;
    ASSERT_TRUE(read_effects_pause(bed.files, "new").value()) << n;
    ASSERT_EQ(bed.files.contents("new/keys/cluster.key").value(),
              small_data().at("data/keys/cluster.key"));
    ASSERT_EQ(records_of(*bed.open("new")), records_of(*bed.open())) << n;
  }
  EXPECT_GT(none, static_cast<int>(some_of(20)));
  EXPECT_GT(whole, 0);
}

TEST(BackupTest, AFullDiskLeavesNothing) {
  for (std::uint64_t n = 1;; n += stride()) {
    BackupBed bed{n};
    const auto log = bed.open();
    bed.files.fail_change(n, Fault::kShortSpace);
    const auto made = bed.create(*log);
    if (made) break;
    ASSERT_EQ(made.error().code, Code::kNoSpace) << made.error().detail;
    EXPECT_FALSE(bed.there("out")) << n;
    const auto again = bed.create(*log);
    ASSERT_TRUE(again) << n << ": " << again.error().detail;
  }
}

TEST(BackupTest, RefusesWhatWouldNotBeOne) {
  {
    BackupBed bed;
    bed.files.set_contents("out/mine", "x");
    const auto made = bed.create(*bed.open());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kConflict);
    EXPECT_EQ(bed.files.contents("out/mine").value(), "x");
  }
  {
    BackupBed bed;
    const auto log = bed.open();
    ASSERT_TRUE(log->release_before(1, log->end(Topic::kEvents, 1).value(),
                                    log->end(Topic::kDecisions, 1).value()));
    const auto made = bed.create(*log);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kRefused);
    EXPECT_NE(made.error().detail.find("partition 1"), std::string::npos);
    EXPECT_FALSE(bed.there("out"));
  }
  {
    BackupBed bed;
    const auto log = bed.open();
    bed.files.set_capacity(bed.files.total_bytes("data").value() -
                           bed.files.free_bytes("data").value() + 10'000);
    const auto made = bed.create(*log);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kNoSpace);
    EXPECT_FALSE(bed.there("out"));
  }
  {
    BackupBed bed;
    const auto segment = "data/log/0/00000000000000000000.seg";
    bed.files.flip_bit(segment, 5'000, 2);  // not seen when the log is opened: it is not the last
    const auto log = bed.open();
    const auto made = bed.create(*log);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kDamaged);
    EXPECT_FALSE(bed.there("out"));
  }
}

TEST(BackupTest, StopsWhenItIsToldTo) {
  BackupBed bed;
  const auto log = bed.open();
  BackupOptions options;
  int asked = 0;
  options.stop = [&] { return ++asked == 3; };
  const auto made = bed.create(*log, options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kClosed);
  EXPECT_FALSE(bed.there("out"));
}

TEST(BackupTest, KeysMayBeKeptElsewhere) {
  BackupBed bed;
  BackupOptions options;
  options.keys = false;
  bed.created(options);
  EXPECT_FALSE(bed.there("out/keys.json"));
  EXPECT_FALSE(verify_backup(bed.files, "out").value().keys);
  auto restored = bed.restore();
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::kRefused);
  EXPECT_FALSE(bed.there("new"));

  const auto log = bed.open();
  ASSERT_TRUE(bed.create(*log, {}, "whole"));
  const auto keys = bed.files.contents("whole/keys.json").value();
  bed.files.set_contents("safe/keys.json", keys);
  ASSERT_TRUE(bed.files.remove("whole/keys.json"));  // taken away behind it, too
  for (const std::string from : {"out", "whole"}) {
    restored = bed.restore({"safe/keys.json", false}, from, "new-" + from);
    ASSERT_TRUE(restored) << restored.error().detail;
    EXPECT_EQ(bed.files.contents("new-" + from + "/keys/cluster.key").value(),
              small_data().at("data/keys/cluster.key"));
  }
  bed.files.set_contents("data/keys/cluster.key", std::string(32, 'k'));
  ASSERT_TRUE(bed.create(*log, {}, "foreign"));
  const auto foreign = bed.restore({"foreign/keys.json", false});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Code::kRefused);
  EXPECT_NE(foreign.error().detail.find("another cluster"), std::string::npos);
  ASSERT_TRUE(bed.restore({"", true}));
  EXPECT_FALSE(bed.there("new/keys/cluster.key"));
}

TEST(BackupTest, RestoresIntoAnEmptyPlaceOnly) {
  BackupBed bed;
  bed.created();
  bed.files.set_contents("new/log/meta", "mine");
  const auto restored = bed.restore();
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::kConflict);
  EXPECT_EQ(bed.files.contents("new/log/meta").value(), "mine");
}

TEST(EffectsPauseTest, StaysUntilItIsTakenAway) {
  FakeFileSystem files;
  ASSERT_TRUE(files.create_directories("data"));
  EXPECT_FALSE(read_effects_pause(files, "data").value());
  ASSERT_TRUE(write_effects_pause(files, "data", {"a drill", Instant{1'000}}));
  files.power_cut();
  files.reboot();
  const auto pause = read_effects_pause(files, "data").value();
  ASSERT_TRUE(pause);
  EXPECT_EQ(pause->reason, "a drill");
  EXPECT_EQ(pause->since, Instant{1'000});
  files.set_contents("data/effects-paused.json", "{");
  EXPECT_TRUE(read_effects_pause(files, "data").value()) << "what is not understood pauses too";
  ASSERT_TRUE(remove_effects_pause(files, "data"));
  ASSERT_TRUE(remove_effects_pause(files, "data"));
  files.power_cut();
  files.reboot();
  EXPECT_FALSE(read_effects_pause(files, "data").value());
}

}  // namespace
}  // namespace dealwright::daemon
