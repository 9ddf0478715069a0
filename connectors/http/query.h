// The query of a target, decoded once: name=value pairs in their order.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace dealwright::http {

class Query {
 public:
  // kInvalid: a bad escape, or more than 100 pairs. Plus is a blank, as in forms.
  static Result<Query> parse(std::string_view text);

  // The first of that name, or null.
  const std::string* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::string_view get(std::string_view name, std::string_view otherwise = {}) const;
  std::size_t count(std::string_view name) const;
  // Each taken as the second page of a list takes it: the same query with `name` set to `value`.
  std::string with(std::string_view name, std::string_view value) const;

  auto begin() const { return pairs_.begin(); }
  auto end() const { return pairs_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// A list's cursor: opaque to the caller, ours to read back. It names what list it belongs to and
// where that list goes on; a damaged or foreign one is told from a good one.
std::string make_cursor(std::string_view list, std::string_view place);
// The place. kInvalid.
Result<std::string> read_cursor(std::string_view list, std::string_view cursor);

}  // namespace dealwright::http
