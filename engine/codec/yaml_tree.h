// A small YAML document as a tree with places, for files of connectors: mappings, hooks. One
// document, 256 KiB, 16 deep, without anchors, aliases, tags, merge keys or duplicate keys; all
// scalars are text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace dealwright::codec {

// Found in a file, by place: `orders.mapping.yaml:6:7 error IM1004 unknown key 'tpye'; type?`
struct Diagnostic {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string code;  // IM1001 ...: stable; the letters say what kind of file
  std::string text;
  std::string hint;  // how to mend it; may be empty
};
std::string to_text(const Diagnostic& diagnostic, std::string_view file);

struct YamlNode {
  enum class Kind : std::uint8_t { kScalar, kList, kMap };
  Kind kind = Kind::kScalar;
  bool quoted = false;
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::string text;             // of a scalar
  std::vector<YamlNode> items;  // of a list; of a map, its values
  std::vector<YamlNode> keys;   // of a map, as many as values
  bool scalar() const { return kind == Kind::kScalar; }
  bool list() const { return kind == Kind::kList; }
  bool map() const { return kind == Kind::kMap; }
  const YamlNode* find(std::string_view key) const;  // of a map
};

// False: `found` says why: `letters` and 1001 not YAML, 1002 not taken, 1003 duplicate key, 1009
// limits.
bool parse_yaml(std::string_view text, std::string_view letters, YamlNode& root, Diagnostic& found);

}  // namespace dealwright::codec
