// How much a test goes through that has seeds, rounds or places to try: all of it, or one in
// DW_ONE_IN. The presets of sanitizers set that, for all is several times slower there; an
// environment variable of the same name overrides it. DW_SEED tries one seed alone, DW_SEEDS so
// many.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

namespace dealwright {

inline std::optional<std::uint64_t> number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return {};
  return std::strtoull(text, nullptr, 10);
}

inline std::uint64_t one_in() {
  static const auto n =
      std::max<std::uint64_t>(1, number_in_environment("DW_ONE_IN").value_or(DW_ONE_IN));
  return n;
}

// So many of `count` rounds; at least one.
inline std::uint64_t some_of(std::uint64_t count) { return (count + one_in() - 1) / one_in(); }

// From one place to the next that is tried. Odd, so that what differs by turns (a bit of each byte,
// a power cut at every other) keeps coming up.
inline std::uint64_t stride() { return one_in() | 1U; }

inline std::vector<std::uint64_t> seeds(std::uint64_t first, std::uint64_t count) {
  if (const auto one = number_in_environment("DW_SEED")) return {*one};
  count = number_in_environment("DW_SEEDS").value_or(some_of(count));
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(first + i);
  return out;
}

}  // namespace dealwright
