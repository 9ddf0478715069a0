#include "connectors/daemon/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <sstream>

#include "connectors/daemon/mail_in.h"
#include "connectors/daemon/metrics_parts.h"
#include "connectors/daemon/version.h"

namespace dealwright::daemon {
namespace {

using Histograms = prometheus::Family<prometheus::Histogram>;
using Counters = prometheus::Family<prometheus::Counter>;

const std::vector<double> kShort{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                 0.025,  0.05,    0.1,    0.25,  0.5,    1,     2.5};
const std::vector<double> kLong{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                0.25,  0.5,    1,     2.5,  5,     10};

// Channels that effects have; what else a rule may name one day is one of the others.
constexpr std::string_view kChannels[] = {"email", "webhook", "notify", "task", "other"};
constexpr std::size_t kStates = 9;

std::size_t channel_index(std::string_view channel) {
  std::size_t i = 0;
  while (i + 1 < std::size(kChannels) && kChannels[i] != channel) ++i;
  return i;
}

double seconds_of(std::int64_t us) { return static_cast<double>(us) / 1e6; }

// A histogram of each partition, made when it is first told something.
class ByPartition {
 public:
  explicit ByPartition(Histograms& family) : family_{family} {}
  void observe(PartitionId partition, std::int64_t us) {
    if (partition >= known_.size()) return;
    auto* one = known_[partition].load(std::memory_order_acquire);
    if (one == nullptr) {  // two may come here: both get the same
      one = &family_.Add({{"partition", std::to_string(partition)}}, kShort);
      known_[partition].store(one, std::memory_order_release);
    }
    one->Observe(seconds_of(us));
  }

 private:
  Histograms& family_;
  std::array<std::atomic<prometheus::Histogram*>, Metrics::kPartitionsMax> known_{};
};

Histograms& histograms(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

// What became of an append, as a closed list.
constexpr std::array<const char*, 3> kResults{"done", "refused", "unknown"};
std::size_t result_of(const Error* failed) {
  if (failed == nullptr) return 0;
  return failed->code == Code::kUnknownOutcome ? 2 : 1;
}

}  // namespace

struct Metrics::Parts {
  prometheus::Registry registry;
  ByPartition decide{histograms(registry, "dealwright_decide_seconds",
                                "From the first event of a decision record to its append.")};
  ByPartition fold{histograms(registry, "dealwright_fold_seconds",
                              "Folding one recorded decision, at a start or as a replica.")};
  ByPartition sync{histograms(registry, "dealwright_sync_seconds",
                              "Making one group of log records durable (fdatasync).")};
  Histograms& append{histograms(registry, "dealwright_append_seconds",
                                "From events taken to their being durable, by result.")};
  Histograms& http{histograms(registry, "dealwright_http_seconds",
                              "From the first byte of a request to the last of its answer.")};
  prometheus::Counter& repeats{
      prometheus::BuildCounter()
          .Name("dealwright_append_repeats_total")
          .Help("Events whose id was known of late, answered without an append.")
          .Register(registry)
          .Add({})};
  Counters& effects{prometheus::BuildCounter()
                        .Name("dealwright_effects_total")
                        .Help("Effects that were requested in a state, or moved to it.")
                        .Register(registry)};
  std::array<std::array<prometheus::Counter*, kStates>, std::size(kChannels)> by_state{};
  prometheus::Counter& incomplete{
      prometheus::BuildCounter()
          .Name("dealwright_mails_incomplete_total")
          .Help("Times that a mail could not be made of its template and its records.")
          .Register(registry)
          .Add({})};
  Counters& mails{prometheus::BuildCounter()
                      .Name("dealwright_mails_in_total")
                      .Help("Mails that were handed in, by what came of them.")
                      .Register(registry)};
  std::array<prometheus::Histogram*, kResults.size()> by_result{};
  std::mutex mutex;
  std::map<std::pair<std::string, int>, prometheus::Histogram*, std::less<>> routes;
  std::array<LagMarks, kPartitionsMax> marks;
  std::int64_t started_ms = 0;
};

Metrics::Metrics(const Clock& clock) : clock_{clock}, parts_{std::make_unique<Parts>()} {
  parts_->started_ms = clock.wall().ms;
  for (std::size_t c = 0; c < std::size(kChannels); ++c) {
    for (std::size_t s = 0; s < kStates; ++s) {
      const auto state = effect_state_name(static_cast<EffectState>(s));
      parts_->by_state[c][s] = &parts_->effects.Add(
          {{"channel", std::string{kChannels[c]}}, {"state", std::string{state}}});
    }
  }
  for (const auto result : mail_results()) parts_->mails.Add({{"result", std::string{result}}});
  for (std::size_t i = 0; i < kResults.size(); ++i) {
    parts_->by_result[i] = &parts_->append.Add({{"result", kResults[i]}}, kLong);
  }
}

Metrics::~Metrics() = default;

void Metrics::decided(PartitionId partition, std::int64_t us) {
  parts_->decide.observe(partition, us);
}
void Metrics::folded(PartitionId partition, std::int64_t us) {
  parts_->fold.observe(partition, us);
}
void Metrics::synced(PartitionId partition, std::int64_t us, Position events_end) {
  parts_->sync.observe(partition, us);
  if (partition < kPartitionsMax) parts_->marks[partition].put(events_end, clock_.steady_us());
}
void Metrics::effect_moved(std::string_view channel, EffectState to) {
  parts_->by_state[channel_index(channel)][static_cast<std::size_t>(to)]->Increment();
}

void Metrics::mail_incomplete() { parts_->incomplete.Increment(); }

void Metrics::appended(std::int64_t us, const Error* failed, std::uint64_t repeats) {
  parts_->by_result[result_of(failed)]->Observe(seconds_of(us));
  if (repeats > 0) parts_->repeats.Increment(static_cast<double>(repeats));
}

void Metrics::mail_came(std::string_view result) {
  parts_->mails.Add({{"result", std::string{result}}}).Increment();
}

void Metrics::answered(const http::AccessLine& line) {
  // A stream is as long as its reader stays: only one that was refused says something.
  if (line.route.ends_with("/stream") && line.status < 400) return;
  const std::pair<std::string, int> key{line.route.empty() ? "other" : line.route, line.status};
  prometheus::Histogram* one = nullptr;
  {
    const std::lock_guard lock{parts_->mutex};
    auto& known = parts_->routes[key];
    if (known == nullptr) {
      known =
          &parts_->http.Add({{"route", key.first}, {"code", std::to_string(key.second)}}, kLong);
    }
    one = known;
  }
  one->Observe(seconds_of(line.duration_us));
}

std::string Metrics::text(Workspace& workspace, const http::Load& load,
                          const http::Limits& limits) const {
  MetricPage page;
  page.gauge("dealwright_start_time_seconds", "When the server was started, since 1970.", {},
             static_cast<double>(parts_->started_ms) / 1e3);
  page.gauge("dealwright_build_info", "1, with what it is as labels.",
             {{"version", std::string{kVersion}}, {"state_version", std::to_string(kStateVersion)}},
             1);
  read_partitions(workspace, clock_.steady_us(), parts_->marks, page);
  read_automation(workspace, page);
  read_server(workspace, load, limits, page);
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, parts_->registry.Collect());
  return page.text() + out.str();
}

}  // namespace dealwright::daemon
