// Settings: what each source says, who wins, what is refused and how it is told; and that the page
// about them is the table.
#include "connectors/daemon/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace dealwright::daemon {
namespace {

std::string value_of(const ConfigReader& reader, std::string_view key) {
  for (const auto& value : reader.values()) {
    if (value.key->name == key) return value.text + " by " + value.from;
  }
  return "no such key";
}

TEST(ConfigTest, EveryDefaultIsWithinItsLimits) {
  ConfigReader reader;
  for (const auto& key : config_keys()) {
    EXPECT_TRUE(reader.take(key.name, key.fallback, "test")) << key.name;
    EXPECT_NE(key.set, nullptr);
    EXPECT_TRUE(key.says.ends_with('.')) << key.name;
  }
  const auto config = reader.config();
  EXPECT_EQ(config.log.partitions, 4U);
  EXPECT_EQ(config.log.segment_bytes, 64U << 20);
  EXPECT_EQ(config.state.memory_bytes, 768U << 20);
  EXPECT_FALSE(config.trust_clock);
}

TEST(ConfigTest, WhatComesLaterWins) {
  ConfigReader reader;
  EXPECT_EQ(value_of(reader, "state.memory"), "768 MiB by default");
  ASSERT_TRUE(reader.take_file("# mine\nstate:\n  memory: 67108864\n", "a.yaml"));
  EXPECT_EQ(value_of(reader, "state.memory"), "64 MiB by a.yaml:3");
  ASSERT_TRUE(reader.take_environment({{"HOME", "/"}, {"DEALWRIGHT_STATE_MEMORY", "128MiB"}}));
  EXPECT_EQ(value_of(reader, "state.memory"), "128 MiB by DEALWRIGHT_STATE_MEMORY");
  ASSERT_TRUE(reader.take("state.memory", "1 GiB", "flag"));
  EXPECT_EQ(value_of(reader, "state.memory"), "1 GiB by flag");
  EXPECT_EQ(reader.config().state.memory_bytes, std::size_t{1} << 30);
}

TEST(ConfigTest, NothingIsPassedOver) {
  struct Row {
    const char* file;
    const char* says;
  };
  const Row rows[] = {
      {"", ""},
      {"# only a comment\n\n", ""},
      {"log: { segment: 1 MiB }\n", ""},
      {"trust_clock: true\n", ""},
      {"log:\n  segmnet: 1 MiB\n",
       "c.yaml:2:3 error DW1004 unknown key 'log.segmnet'. Did you mean 'log.segment'?"},
      {"log:\n  segment: 1 KiB\n",
       "c.yaml:2:3 error DW1006 '1 KiB' is no value of log.segment; write 64 KiB to 1 GiB"},
      {"log:\n  segment: 1 MB\n", "write 64 KiB to 1 GiB"},
      {"log:\n  segment: 99999999999999999999\n", "write 64 KiB to 1 GiB"},
      {"log:\n  segment: 99999999999 GiB\n", "write 64 KiB to 1 GiB"},
      {"log:\n  partitions: -1\n", "write 1 to 256"},
      {"log:\n  partitions: 4 MiB\n", "write 1 to 256"},
      {"log: [1]\n", "c.yaml:1:6 error DW1006 'log' is no list"},
      {"log: 3\n", "unknown key 'log'"},
      {"trust_clock: yes\n", "write true or false"},
      {"data: ./x\n", ""},
      {"a: 1\na: 2\n", "DW1003"},
      {"- 1\n", "error"},
  };
  for (const auto& row : rows) {
    ConfigReader reader;
    const auto taken = reader.take_file(row.file, "c.yaml");
    if (*row.says == '\0') {
      EXPECT_TRUE(taken) << row.file << (taken ? "" : taken.error().detail);
    } else {
      ASSERT_FALSE(taken) << row.file;
      EXPECT_NE(taken.error().detail.find(row.says), std::string::npos) << taken.error().detail;
    }
  }
  ConfigReader reader;
  EXPECT_FALSE(reader.take_file("data: ./x\n", "data/dealwright.yaml", true));
  const auto unknown = reader.take_environment({{"DEALWRIGHT_LOG_SEGMNET", "1"}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().detail,
            "unknown variable DEALWRIGHT_LOG_SEGMNET. Did you mean 'DEALWRIGHT_LOG_SEGMENT'?");
}

TEST(ConfigTest, ThePageIsTheTable) {
  const std::string path = std::string{DW_SOURCE_DIR} + "/docs/configuration.md";
  std::ifstream in{path};
  std::ostringstream page;
  page << in.rdbuf();
  const auto text = page.str();
  const auto from = text.find("| key |");
  ASSERT_NE(from, std::string::npos);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream{path} << text.substr(0, from) << config_table_markdown();
    return;
  }
  EXPECT_EQ(text.substr(from), config_table_markdown())
      << "UPDATE_GOLDEN=1 writes docs/configuration.md anew";
}

}  // namespace
}  // namespace dealwright::daemon
