#include "tests/sim/run.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/base/planted.h"
#include "tests/sim/world.h"

namespace dealwright::sim {
namespace {

constexpr std::size_t kTellLines = 60;
constexpr std::size_t kDetailBytes = 2000;
constexpr unsigned kStuckSeconds = 120;  // a planted bug may make a loop endless

constexpr std::array<std::string_view, kPlantedBugs> kPlanted = {
    "acknowledge before fsync",
    "position outside the batch",
    "state flushed in two parts",
    "dedup window short by one",
    "dedup expires by wall clock",
    "effect before read-back",
    "attempt-started after the dot",
    "rule version in effect_id",
    "unknown mail retried",
    "timer lost in rebuild",
    "cursor not lowered by an insert",
    "fire beats cancel",
    "in-flight guard never cleared",
    "term check inverted",
    "`from` not compared",
    "outside fact fenced by term",
    "damage in the middle cut like a torn tail",
    "`now` goes back on a new leader",
    "restore starts with effects live",
    "view swapped before it caught up"};

// Shared with a child that may die of what it runs.
struct Report {
  std::uint64_t seed = 0;
  bool caught = false;
  char by[16] = {};
  char detail[200] = {};
};

void hunt_here(int bug, std::uint64_t seeds, Report& report) {
  planted_bug = bug;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    report.seed = seed;
    alarm(kStuckSeconds);
    const auto outcome = run(draw(seed), false);
    if (!outcome.broken) continue;
    std::strncpy(report.by, outcome.broken->oracle.c_str(), sizeof report.by - 1);
    std::strncpy(report.detail, outcome.broken->detail.c_str(), sizeof report.detail - 1);
    report.caught = true;
    return;
  }
}

}  // namespace

std::string_view planted_name(int bug) { return kPlanted[static_cast<std::size_t>(bug - 1)]; }

Outcome run(const Plan& plan, bool told) {
  World world{plan, told};
  world.run();
  Outcome out;
  out.broken = world.story().broken();
  out.met = world.story().sometimes();
  out.lines = world.story().lines();
  out.digest = world.digest();
  out.events = world.facts_counted();
  const auto& counts = world.dice().counts();
  for (std::size_t i = 0; i < kFaults; ++i) {
    out.met["fault " + std::string{fault_name(static_cast<Fault>(i))}] += counts[i];
  }
  return out;
}

Plan shrink(Plan plan, const Broken& broken) {
  const auto still = [&](const Plan& smaller) {
    const auto outcome = run(smaller, false);
    return outcome.broken && outcome.broken->oracle == broken.oracle;
  };
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (plan.rates[i] == 0 || plan.off[i]) continue;
    auto without = plan;
    without.off.set(i);
    if (still(without)) plan = without;
  }
  for (auto step = plan.facts / 2; step > 0; step /= 2) {
    auto fewer = plan;
    fewer.facts -= std::min(step, fewer.facts);
    if (still(fewer)) plan = fewer;
  }
  return plan;
}

std::string command(const Plan& plan, int bug) {
  auto out = fmt::format("sim --seeds {}..{}", plan.seed, plan.seed);
  if (bug != 0) out += fmt::format(" --bug {}", bug);
  if (plan.facts != draw(plan.seed).facts) out += fmt::format(" --facts {}", plan.facts);
  std::string without;
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (!plan.off[i]) continue;
    without += (without.empty() ? "" : ",") + std::string{fault_name(static_cast<Fault>(i))};
  }
  if (!without.empty()) out += " --without " + without;
  return out;
}

void tell_failure(const Plan& plan, const Broken& broken, int bug) {
  fmt::print("FAILED seed {}: {}: {}\n  {}\n  again: {}\n", plan.seed, broken.oracle,
             broken.detail.substr(0, kDetailBytes), to_text(plan), command(plan, bug));
  const auto small = shrink(plan, broken);
  const auto told = run(small, true);
  fmt::print("  shrunk: {}\n  shorter: {} --verbose\n", to_text(small), command(small, bug));
  const auto from = told.lines.size() > kTellLines ? told.lines.size() - kTellLines : 0;
  if (from > 0) fmt::print("    ... {} lines before\n", from);
  for (auto i = from; i < told.lines.size(); ++i) {
    fmt::print("    {}\n", told.lines[i].substr(0, kDetailBytes));
  }
}

std::vector<std::string> must_meet() {
  std::vector<std::string> out = {"came to rest",
                                  "compared with the naive fold",
                                  "a copy was restored",
                                  "a view was rebuilt",
                                  "decided again",
                                  "damage was found",
                                  "damage was harmless",
                                  "retention",
                                  "kill",
                                  "power cut",
                                  "died at a write of the store",
                                  "the log stopped for its disk",
                                  "a fact sent again",
                                  "a gate that nobody answered",
                                  "email in flight at a crash",
                                  "webhook in flight at a crash",
                                  "email known to a node that died",
                                  "webhook known to a node that died",
                                  "email hangs",
                                  "webhook hangs"};
  for (const auto* point :
       {"claim.begin", "claim.appended", "claim.confirmed", "decide.begin", "decide.appended",
        "timer.decided", "timer.recorded", "fold.read_back", "send.begin", "send.durable",
        "flush.begin", "flush.durable", "flush.written", "flush.adopted"}) {
    out.push_back(std::string{"died at "} + point);
  }
  for (const auto* verb :
       {"DNS", "connect", "HELO", "MAIL", "RCPT", "DATA", "the dot", "the answer", "reply"}) {
    out.push_back(std::string{"email cut at "} + verb);
  }
  for (const auto* verb : {"DNS", "connect", "the dot", "the answer", "reply"}) {
    out.push_back(std::string{"webhook cut at "} + verb);
  }
  for (const auto* state :
       {"delivered", "rejected", "unknown", "expired", "cancelled", "suppressed"}) {
    out.push_back(std::string{"an effect ended "} + state);
  }
  for (const auto* code : {"unknown_outcome", "no_space", "overload", "conflict", "io"}) {
    out.push_back(std::string{"stopped: "} + code);
  }
  for (std::size_t i = 0; i < kFaults; ++i) {
    out.push_back("fault " + std::string{fault_name(static_cast<Fault>(i))});
  }
  return out;
}

Caught hunt(int bug, std::uint64_t seeds) {
  auto* shared =
      mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  DW_ASSERT(shared != MAP_FAILED);
  auto* report = new (shared) Report;
  std::fflush(nullptr);
  const auto child = fork();
  DW_ASSERT(child >= 0);
  if (child == 0) {
    static_cast<void>(std::freopen("/dev/null", "w", stderr));  // assertions that stop it
    hunt_here(bug, seeds, *report);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Caught out;
  if (report->caught) {
    out = {report->seed, report->by, report->detail};
  } else if (WIFSIGNALED(status)) {
    const bool stuck = WTERMSIG(status) == SIGALRM;
    out = {report->seed, stuck ? "stuck" : "stopped",
           stuck ? "it did not end" : "an assertion of the engine stopped it"};
  }
  munmap(shared, sizeof(Report));
  return out;
}

}  // namespace dealwright::sim
