// A rule file as a tree of texts with their places. YAML without its traps: no anchors, aliases,
// tags, merge keys, second documents, duplicate keys or empty values. A scalar is a text here; the
// key that holds it gives it a type, never its looks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/check/diagnostic.h"

namespace dealwright::rules::yaml {

inline constexpr std::size_t kBytesMax = 256 * 1024;
inline constexpr int kDepthMax = 32;  // of the tree; steps nest 8 deep (file/rule_file.h)

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { kScalar, kList, kMap };
  Kind kind = Kind::kScalar;
  Place at;
  bool quoted = false;         // a scalar in quotes or as a block
  std::string text;            // of a scalar
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the file's order

  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  const Node* find(std::string_view key) const;  // of a map; none: not there
  const Entry* entry(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place at;
  Node value;
};

// The tree, or none and at least one error (1001-1003, 1005, 1007, 1009) in `out`.
// A root that is no map is an error.
bool read(std::string_view source, Node& root, Diagnostics& out);

// Where byte `offset` of a scalar's text stands in the source: follows folded lines and quotes.
Place place_in(std::string_view source, const Node& scalar, std::size_t offset);

}  // namespace dealwright::rules::yaml
