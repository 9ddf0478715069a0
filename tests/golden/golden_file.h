// Files of released bytes: one entry a line, `name hex meaning`. What stands there must be read
// alike for ever. UPDATE_GOLDEN=1 adds lines that are missing and touches none that are there.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dealwright {

struct GoldenEntry {
  std::string bytes;
  std::string meaning;  // JSON, or empty
};

std::string golden_path(std::string_view name);  // below tests/golden

class GoldenFile {
 public:
  explicit GoldenFile(std::string_view name);
  // For each name: the entry that stands in the file. One that is missing is made and added if
  // UPDATE_GOLDEN is 1, else the test fails with the name and what to do.
  const std::map<std::string, GoldenEntry, std::less<>>& entries(
      const std::vector<std::string>& names,
      const std::function<GoldenEntry(const std::string& name)>& make);

 private:
  std::string path_;
  std::map<std::string, GoldenEntry, std::less<>> entries_;
};

bool update_golden();
std::string to_hex(std::string_view bytes);
std::string from_hex(std::string_view text);

}  // namespace dealwright
