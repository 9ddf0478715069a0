// docs/hooks.md: each hook file in it, with the payload and the events that follow it.
#include <gtest/gtest.h>

#include <vector>

#include "tests/connectors/hooks/bed.h"

namespace dealwright::hooks {
namespace {

struct Block {
  std::string kind;  // yaml, json, xml, text
  std::string text;
};

std::vector<Block> blocks_of(const std::string& page) {
  std::vector<Block> out;
  std::istringstream lines{page};
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) out.push_back({line.substr(3), {}});
    } else if (inside) {
      out.back().text += line + "\n";
    }
  }
  return out;
}

TEST(HookDocsTest, WhatThePageSaysIsWhatHappens) {
  const auto blocks = blocks_of(file_text(std::string{DW_SOURCE_DIR} + "/docs/hooks.md"));
  std::size_t hooks = 0;
  std::size_t runs = 0;
  std::optional<Hook> hook;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& block = blocks[i];
    if (block.kind == "yaml" && block.text.starts_with("hook: ")) {
      auto made = Hook::make(block.text, "docs/hooks.md", {});
      ASSERT_TRUE(made) << block.text << made.error().detail;
      hook = std::move(made.value());
      ++hooks;
    } else if ((block.kind == "json" || block.kind == "xml") && hook) {
      ASSERT_LT(i + 1, blocks.size());
      ASSERT_EQ(blocks[i + 1].kind, "text") << "the events follow the payload";
      EXPECT_EQ(lines(dry(*hook, block.text)), blocks[i + 1].text) << block.text;
      ++runs;
    }
  }
  EXPECT_EQ(hooks, 5U);
  EXPECT_EQ(runs, 5U);
}

// Files to start from: sound, and each makes events of its payload that nothing is left out of.
TEST(HookDocsTest, Examples) {
  const std::filesystem::path folder = std::string{DW_SOURCE_DIR} + "/docs/examples";
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    const auto path = entry.path().string();
    if (!path.ends_with(".hook.yaml")) continue;
    ++seen;
    const auto hook = Hook::make(file_text(path), path, {});
    ASSERT_TRUE(hook) << hook.error().detail;
    auto payload = file_text(path.substr(0, path.size() - 10) + ".payload.json");
    if (payload.empty()) payload = file_text(path.substr(0, path.size() - 10) + ".payload.xml");
    const auto read = dry(hook.value(), payload);
    ASSERT_TRUE(read) << path << read.error().detail;
    EXPECT_FALSE(read.value().events.empty()) << path;
    EXPECT_TRUE(read.value().left_out.empty()) << path << lines(read);
    for (const auto& event : read.value().events)
      EXPECT_NE(event.type, TypeId::kForeignType) << path << " " << lines(read);
  }
  EXPECT_EQ(seen, 5U);
}

}  // namespace
}  // namespace dealwright::hooks
