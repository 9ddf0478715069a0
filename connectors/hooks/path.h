// Places in a notice, as mappings write them, and texts made of them.
//
//   path      = [`@` fact | `$` setting | step] (`.` step | `[` number `]` | `['` name `']` |
//   `[*]`)* text      = (literal | `{` path [`|` filter] `}`)*        `{{` and `}}` are braces
//   themselves filter    = lower | upper | slug
//
// A reference that finds nothing, null, or an empty text makes the whole text empty: half an id is
// none. Only settings may be empty.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/hooks/notice.h"
#include "engine/base/value.h"

namespace dealwright::hooks {

inline constexpr std::string_view kEachElement = "[*]";

struct Path {
  enum class Root : std::uint8_t { kBody, kFact, kSetting };
  Root root = Root::kBody;
  std::vector<std::string> steps;  // "[*]" stands for each element of a list
};
// Empty: sound; else what is wrong, "; " and how to mend it.
std::string parse_path(std::string_view text, Path& out);

struct Text {
  enum class Filter : std::uint8_t { kNone, kLower, kUpper, kSlug };
  struct Part {
    std::string literal;
    std::optional<Path> path;
    Filter filter = Filter::kNone;
  };
  std::vector<Part> parts;
  bool empty() const { return parts.empty(); }
  bool constant() const { return empty() || (parts.size() == 1 && !parts[0].path); }
  // One reference and nothing else: its value keeps its type.
  const Path* lone() const {
    const bool one = parts.size() == 1 && parts[0].path && parts[0].filter == Filter::kNone;
    return one ? &*parts[0].path : nullptr;
  }
};
std::string parse_text(std::string_view text, Text& out);

// What references of one notice find. Remembers which places of the body were read, so that the
// rest can be kept beside them.
class Scope {
 public:
  Scope(const Notice& notice, const Map& settings) : notice_{notice}, settings_{settings} {}

  // Absent: nothing is there.
  Value find(const Path& path);
  std::string render(const Text& text);
  void set_each(Value value) { each_ = std::move(value); }  // what @each is

  // Reads since mark() are forgotten by forget(): what they were for did not come about.
  void mark() { since_.clear(); }
  void forget();
  // The body without what was read; absent: all was.
  Value rest() const;

 private:
  using Steps = std::vector<std::string>;
  Value in_body(Steps steps);

  const Notice& notice_;
  const Map& settings_;
  Value each_;
  std::multiset<Steps> read_;
  std::vector<Steps> since_;
};

}  // namespace dealwright::hooks
