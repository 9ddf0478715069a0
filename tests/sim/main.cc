// sim --seeds A..B [--bug N] [--verbose] [--twice] [--facts N] [--without FAULT,FAULT]
// sim --campaign N [--from SEED]        counters of what was met; fails if one is 0
// sim --planted [--seeds-max N] [--share I/N]
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/planted.h"
#include "tests/sim/run.h"

namespace dealwright::sim {
namespace {

struct Options {
  std::optional<std::pair<std::uint64_t, std::uint64_t>> seeds;
  std::uint64_t campaign = 0, from = 1, seeds_max = 10'000;
  int share = 0, shares = 1;
  bool planted = false, verbose = false, twice = false;
  std::optional<std::uint32_t> facts;
  std::string without;
};

std::uint64_t number(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

std::optional<Options> read(int count, char** words) {
  Options out;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const std::string next = i + 1 < count ? words[i + 1] : "";
    const auto takes = [&](const char* name) { return word == name && !next.empty() && ++i; };
    if (takes("--seeds")) {
      const auto dots = next.find("..");
      const auto first = number(next.substr(0, dots));
      out.seeds = {first, dots == std::string::npos ? first : number(next.substr(dots + 2))};
    } else if (takes("--bug")) {
      planted_bug = static_cast<int>(number(next));
    } else if (takes("--campaign")) {
      out.campaign = number(next);
    } else if (takes("--from")) {
      out.from = number(next);
    } else if (takes("--seeds-max")) {
      out.seeds_max = number(next);
    } else if (takes("--share")) {
      out.share = static_cast<int>(number(next.substr(0, next.find('/'))));
      out.shares = std::max(1, static_cast<int>(number(next.substr(next.find('/') + 1))));
    } else if (takes("--facts")) {
      out.facts = static_cast<std::uint32_t>(number(next));
    } else if (takes("--without")) {
      out.without = "," + next + ",";
    } else if (word == "--planted") {
      out.planted = true;
    } else if (word == "--verbose") {
      out.verbose = true;
    } else if (word == "--twice") {
      out.twice = true;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

Plan plan_of(std::uint64_t seed, const Options& options) {
  auto plan = draw(seed);
  if (options.facts) plan.facts = *options.facts;
  for (std::size_t i = 0; i < kFaults; ++i) {
    const auto name = "," + std::string{fault_name(static_cast<Fault>(i))} + ",";
    if (options.without.find(name) != std::string::npos) plan.off.set(i);
  }
  return plan;
}

int seeds(const Options& options, std::map<std::string, std::uint64_t>& met) {
  int failed = 0;
  std::uint64_t events = 0;
  const auto [first, last] = *options.seeds;
  for (auto seed = first; seed <= last; ++seed) {
    const auto plan = plan_of(seed, options);
    const auto outcome = run(plan, options.verbose);
    for (const auto& line : outcome.lines) fmt::print("{}\n", line);
    if (options.verbose) fmt::print("seed {}: {}\n", seed, to_text(plan));
    for (const auto& [what, n] : outcome.met) met[what] += n;
    events += outcome.events;
    if (options.twice && run(plan, false).digest != outcome.digest) {
      fmt::print("FAILED seed {}: run twice, it does not come to the same\n", seed);
      ++failed;
    }
    if (outcome.broken) {
      ++failed;
      tell_failure(plan, *outcome.broken, planted_bug);
    } else if (options.verbose) {
      fmt::print("seed {} holds, digest {}\n", seed, outcome.digest);
    }
    std::fflush(stdout);
  }
  fmt::print("{} seeds, {} events, {} failed\n", last - first + 1, events, failed);
  return failed;
}

int campaign(Options options) {
  std::map<std::string, std::uint64_t> met;
  options.seeds = {options.from, options.from + options.campaign - 1};
  int failed = seeds(options, met);
  for (const auto& what : must_meet()) met.try_emplace(what, 0);
  for (const auto& [what, n] : met) fmt::print("{:>10}  {}\n", n, what);
  for (const auto& what : must_meet()) {
    if (met[what] > 0) continue;
    fmt::print("FAILED never met: {}\n", what);
    ++failed;
  }
  return failed;
}

std::string first_line(const std::string& text) {
  return text.substr(0, std::min<std::size_t>(text.find('\n'), 110));
}

int planted(const Options& options) {
  int missed = 0;
  for (int bug = 1; bug <= kPlantedBugs; ++bug) {
    if (bug % options.shares != options.share) continue;
    const auto caught = hunt(bug, options.seeds_max);
    if (caught.seed == 0) ++missed;
    fmt::print("{:>2}  {:<42}  {:>6}  {}\n", bug, planted_name(bug),
               caught.seed == 0 ? "MISSED" : std::to_string(caught.seed),
               caught.seed == 0 ? "" : caught.by + ": " + first_line(caught.detail));
    std::fflush(stdout);
  }
  return missed;
}

int main_of(int count, char** words) {
  const auto options = read(count, words);
  if (!options || (!options->seeds && options->campaign == 0 && !options->planted)) {
    fmt::print(stderr,
               "sim --seeds A..B [--bug N] [--verbose] [--twice] [--facts N] "
               "[--without FAULT,..] | --campaign N [--from SEED] | --planted "
               "[--seeds-max N] [--share I/N]\n");
    return 2;
  }
  std::map<std::string, std::uint64_t> met;
  int failed = 0;
  if (options->seeds) failed += seeds(*options, met);
  if (options->campaign > 0) failed += campaign(*options);
  if (options->planted) failed += planted(*options);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dealwright::sim

int main(int count, char** words) { return dealwright::sim::main_of(count, words); }
