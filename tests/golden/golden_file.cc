#include "tests/golden/golden_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <span>

#include "engine/base/hash.h"

namespace dealwright {

std::string golden_path(std::string_view name) {
  return std::string{DW_SOURCE_DIR "/tests/golden/"}.append(name);
}

bool update_golden() {
  const char* value = std::getenv("UPDATE_GOLDEN");
  return value != nullptr && std::string_view{value} == "1";
}

std::string to_hex(std::string_view bytes) {
  return hex(std::span{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string from_hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out += static_cast<char>((digit(text[i]) << 4) | digit(text[i + 1]));
  return out;
}

GoldenFile::GoldenFile(std::string_view name) : path_{golden_path(name)} {
  std::ifstream in{path_};
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(' ');
    if (first == std::string::npos) continue;
    const auto second = line.find(' ', first + 1);
    auto& entry = entries_[line.substr(0, first)];
    entry.bytes = from_hex(std::string_view{line}.substr(first + 1, second - first - 1));
    if (second != std::string::npos) entry.meaning = line.substr(second + 1);
  }
}

const std::map<std::string, GoldenEntry, std::less<>>& GoldenFile::entries(
    const std::vector<std::string>& names,
    const std::function<GoldenEntry(const std::string& name)>& make) {
  for (const auto& name : names) {
    if (entries_.find(name) != entries_.end()) continue;
    if (!update_golden()) {
      ADD_FAILURE() << path_ << " has no bytes of " << name
                    << "; add them with UPDATE_GOLDEN=1 build/dev/tests/golden_tests";
      continue;
    }
    const auto& entry = entries_[name] = make(name);
    std::ofstream out{path_, std::ios::app};
    out << name << ' ' << to_hex(entry.bytes);
    if (!entry.meaning.empty()) out << ' ' << entry.meaning;
    out << '\n';
  }
  return entries_;
}

}  // namespace dealwright
