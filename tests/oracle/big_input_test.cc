// The sample year with the rules of deploy/rules, and the first 20,000 events of a real process
// log, compared with the oracle at every 500th position.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "connectors/sample/sample_year.h"
#include "tests/connectors/import/reading.h"
#include "tests/oracle/bed.h"

namespace dealwright::oracle {
namespace {

constexpr std::size_t kStride = 500;

void compare_along(Bed& bed, const std::vector<Event>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    bed.add(events[i]);
    if ((i + 1) % kStride != 0 && i + 1 != events.size()) continue;
    bed.run();
    bed.instants.clear();
    const auto now = bed.partition->state().meta.now;
    for (const auto back : {200, 40, 3}) bed.instants.push_back(now - days(back));
    ASSERT_TRUE(bed.compare(true)) << "at event " << i;
  }
  std::cout << events.size() << " events, " << bed.compared << " positions compared, "
            << bed.partition->state().meta.order << " facts\n";
}

void use_large_batches(Bed& bed) {
  bed.options.events_per_record = 1000;
  bed.options.limits.generation_events = kStride - 1;  // scans of what is not written yet are slow
  bed.options.limits.timers_in_memory = 100;
  bed.start();
}

TEST(BigInputTest, TheSampleYearEqualsTheNaiveFold) {
  Bed bed{1, true};
  bed.clock.set_wall(sample::kYearStart);
  use_large_batches(bed);
  std::vector<std::string> files;
  const std::filesystem::path folder = DW_SOURCE_DIR "/deploy/rules";
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (entry.path().string().ends_with(".rule.yaml")) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) bed.publish(file);
  std::vector<Event> events;
  sample::SampleYear year{1};
  for (Event event; year.next(event);) events.push_back(event);
  compare_along(bed, events);
}

TEST(BigInputTest, ARealProcessLogEqualsTheNaiveFold) {
  const std::string log = DW_SOURCE_DIR
      "/../shared/data/bpi2012-loan-offers/"
      "BPI_Challenge_2012.xes.gz";
  if (!std::filesystem::exists(log)) GTEST_SKIP() << log << " is not there";
  const std::string examples = DW_SOURCE_DIR "/docs/examples/";
  auto mapping = import::parse_mapping(read_file(examples + "bpi2012.mapping.yaml"), "bpi2012");
  ASSERT_TRUE(mapping);
  auto imported = import::import_all(read_file(log), mapping.value());
  ASSERT_EQ(imported.error, "");
  imported.events.resize(std::min<std::size_t>(imported.events.size(), 20'000));
  Bed bed{2, true};
  bed.clock.set_wall(imported.events.front().time.value_or(Instant{0}));
  use_large_batches(bed);
  bed.publish(examples + "offer-silence-7d.rule.yaml");
  compare_along(bed, imported.events);
}

}  // namespace
}  // namespace dealwright::oracle
