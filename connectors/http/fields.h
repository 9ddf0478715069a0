// Header fields in the order they came. Names compare without case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dealwright::http {

bool same_name(std::string_view a, std::string_view b);

class Fields {
 public:
  void add(std::string_view name, std::string_view value) { list_.emplace_back(name, value); }
  // Replaces all of that name.
  void set(std::string_view name, std::string_view value);
  void erase(std::string_view name);
  // The first of that name, or null.
  const std::string* find(std::string_view name) const;
  // The first of that name, or "".
  std::string_view get(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // All of that name, joined by ", " as RFC 9110 5.2 allows.
  std::string joined(std::string_view name) const;
  // Whether the list of tokens in that field holds `token`.
  bool has_token(std::string_view name, std::string_view token) const;

  std::size_t size() const { return list_.size(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> list_;
};

}  // namespace dealwright::http
