// What happened, for whoever reads a failed seed, and what went wrong.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports/fake/fake_clock.h"

namespace dealwright::sim {

// A broken promise: the first one ends the run.
struct Broken {
  std::string oracle;  // O1 to O9, or "stuck"
  std::string detail;
};

class Story {
 public:
  Story(const FakeClock& clock, bool told) : clock_{clock}, told_{told} {}

  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (told_) add(fmt::format(format, std::forward<Args>(args)...));
  }
  void breaks(std::string oracle, std::string detail) {
    if (broken_ || (damaged_ && oracle != "O9")) return;
    if (told_) add("*** " + oracle + ": " + detail);
    broken_ = Broken{std::move(oracle), std::move(detail)};
  }
  // Something was damaged on purpose: all that is asked is that nobody answers wrongly.
  void damaged() { damaged_ = true; }
  bool is_damaged() const { return damaged_; }
  const std::optional<Broken>& broken() const { return broken_; }
  bool told() const { return told_; }
  const std::vector<std::string>& lines() const { return lines_; }

  // What a campaign has to come to at least once.
  void met(const std::string& what, std::uint64_t times = 1) { sometimes_[what] += times; }
  const std::map<std::string, std::uint64_t>& sometimes() const { return sometimes_; }

 private:
  void add(std::string line) { lines_.push_back(to_text(clock_.wall()) + "  " + std::move(line)); }
  const FakeClock& clock_;
  const bool told_;
  bool damaged_ = false;
  std::vector<std::string> lines_;
  std::optional<Broken> broken_;
  std::map<std::string, std::uint64_t> sometimes_;
};

}  // namespace dealwright::sim
