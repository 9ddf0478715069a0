// What is read of partitions, log and server when somebody asks for metrics.
#include <algorithm>
#include <map>

#include "connectors/daemon/metrics_parts.h"
#include "projections/registry.h"

namespace dealwright::daemon {
namespace {

// What one partition says of itself, where it answers.
struct Told {
  bool answers = false;
  runtime::PartitionGauges gauges;
  runtime::Meta meta;
};

double number(std::uint64_t n) { return static_cast<double>(n); }
double seconds_of(Duration span) { return static_cast<double>(span.ms) / 1e3; }

Told ask(Workspace& workspace, PartitionId id) {
  Told out;
  const auto asked = workspace.engine().ask(id, [&](runtime::Partition& partition) {
    out.gauges = partition.gauges();
    out.meta = partition.state().meta;
  });
  out.answers = asked.has_value();
  return out;
}

void put_log(Workspace& workspace, PartitionId id, const MetricLabels& labels, MetricPage& page) {
  const auto status = workspace.log().status(id);
  MetricLabels queue = labels;
  queue.emplace_back("queue", "log");
  page.gauge("dealwright_queue_bytes", "Bytes that wait or are on their way, by queue.", queue,
             number(status.queued_bytes));
  page.gauge("dealwright_queue_limit_bytes", "... and how many may; more are refused.", queue,
             number(status.queue_bytes_max));
  if (workspace.embedded_log() == nullptr) return;
  std::uint64_t bytes = 0;
  for (const auto& segment : workspace.embedded_log()->segments(id)) bytes += segment.bytes;
  page.gauge("dealwright_log_bytes", "Segment files of the partition's log.", labels,
             number(bytes));
}

void put_events(const runtime::Meta& meta, const MetricLabels& labels, MetricPage& page) {
  const std::pair<const char*, std::uint64_t> results[] = {{"accepted", meta.accepted},
                                                           {"duplicate", meta.duplicates},
                                                           {"refused", meta.refused},
                                                           {"set_aside", meta.set_aside},
                                                           {"forwarded", meta.forwarded}};
  for (const auto& [result, count] : results) {
    MetricLabels with = labels;
    with.emplace_back("result", result);
    page.counter("dealwright_events_total", "Events judged, by what became of them.", with,
                 number(count));
  }
  page.counter("dealwright_set_aside_total", "Events that were set aside, ever.", labels,
               number(meta.set_aside));
  page.gauge("dealwright_set_aside_open", "Events that are set aside now.", labels,
             number(meta.aside));
}

void put_timers(const runtime::PartitionGauges& gauges, Instant wall, const MetricLabels& labels,
                MetricPage& page) {
  page.gauge("dealwright_timers_pending", "Timers that are set.", labels, number(gauges.timers));
  const bool late = gauges.next_due && *gauges.next_due < wall;
  page.gauge("dealwright_timer_overdue_seconds",
             "How late the next timer is already; 0: it is not.", labels,
             late ? seconds_of(wall - *gauges.next_due) : 0);
  std::vector<double> bounds;
  for (const auto& bucket : runtime::kLatenessBuckets) {
    if (bucket.ms_max < INT64_MAX) bounds.push_back(static_cast<double>(bucket.ms_max) / 1e3);
  }
  page.histogram("dealwright_timer_lateness_seconds",
                 "From the instant a timer was due to its decision, since the partition leads.",
                 labels, bounds, {gauges.late.begin(), gauges.late.end()},
                 static_cast<double>(gauges.late_ms) / 1e3);
}

void put_state(const Told& told, Instant wall, const MetricLabels& labels, MetricPage& page) {
  const auto& gauges = told.gauges;
  page.gauge("dealwright_store_bytes", "Files of the partition's store.", labels,
             number(gauges.store_bytes));
  page.counter("dealwright_cache_hits_total", "Records asked for that were in memory.", labels,
               number(gauges.record_hits));
  page.counter("dealwright_cache_misses_total", "... and that were not.", labels,
               number(gauges.record_misses));
  const auto since = gauges.dedup_since.value_or(wall);
  page.gauge("dealwright_dedup_window_seconds",
             "For how long back every id of an event is known: what repeats is found.", labels,
             seconds_of(std::max(wall, since) - since));
}

}  // namespace

void read_partitions(Workspace& workspace, std::int64_t now_us,
                     std::array<LagMarks, Metrics::kPartitionsMax>& marks, MetricPage& page) {
  const auto wall = workspace.clock().wall();
  double lag_most = 0;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    const MetricLabels labels{{"partition", std::to_string(id)}};
    const auto told = ask(workspace, id);
    const bool stopped = workspace.stopped(id).has_value();
    page.gauge("dealwright_leader", "1: this server leads the partition.", labels,
               told.answers && told.gauges.leading && !stopped ? 1 : 0);
    page.gauge("dealwright_partition_stopped", "1: the partition does not go on.", labels,
               stopped ? 1 : 0);
    const auto folded = workspace.watch().now()[id].events;
    const auto end = workspace.log().end(Topic::kEvents, id);
    const auto last = std::max(folded, end ? end.value() : folded);
    page.gauge("dealwright_lag_events", "Events in the log that are not decided.", labels,
               number(last - folded));
    const auto age_us =
        id < Metrics::kPartitionsMax ? marks[id].age_us(folded, last, now_us) : std::int64_t{0};
    const auto lag = static_cast<double>(age_us) / 1e6;
    lag_most = std::max(lag_most, lag);
    page.gauge("dealwright_lag_seconds", "How long the oldest of them has been waiting.", labels,
               lag);
    put_log(workspace, id, labels, page);
    if (!told.answers) continue;
    page.gauge("dealwright_clock_held", "1: the clock jumped, and nothing fires.", labels,
               told.gauges.clock_held ? 1 : 0);
    put_events(told.meta, labels, page);
    put_timers(told.gauges, wall, labels, page);
    put_state(told, wall, labels, page);
  }
  for (const auto* view : projections::all_views()) {
    page.gauge("dealwright_view_lag_seconds",
               "How far the view is behind: views are folded with the events, all at once.",
               {{"view", std::string{view->name()}}}, lag_most);
  }
}

void read_automation(Workspace& workspace, MetricPage& page) {
  const auto* view = projections::find_view("automation");
  std::vector<std::string> parts;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    static_cast<void>(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      auto* fold = partition.state().view_fold("automation");
      if (fold == nullptr) return;  // it is being rebuilt
      if (auto part = fold->query({})) parts.push_back(std::move(part.value()));
    }));
  }
  std::map<std::string, std::int64_t, std::less<>> sums;
  std::int64_t errors = 0;
  std::int64_t live = 0;
  const auto rows = view == nullptr ? Result<ViewRows>{ViewRows{}} : view->merge({}, parts);
  if (!rows) return;
  for (const auto& row : rows.value().rows) {
    const auto name = row[1].text_or_empty();
    const auto* value = row[2].as_int();
    if (value == nullptr) continue;  // an instant
    sums[std::string{name}] += *value;
    if (name.starts_with("errors_")) errors += *value;
    if (name == "started") live += *value;
    if (name.starts_with("ended_")) live -= *value;
  }
  const auto sum = [&](std::string_view name) {
    const auto it = sums.find(name);
    return it == sums.end() ? 0.0 : static_cast<double>(std::max<std::int64_t>(0, it->second));
  };
  page.counter("dealwright_rule_matches_total", "Times that a rule's trigger and condition met.",
               {}, sum("matched"));
  page.counter("dealwright_rule_errors_total", "Times that a rule could not be evaluated.", {},
               static_cast<double>(errors));
  page.gauge("dealwright_enrolments", "Records on their way through a rule.", {},
             static_cast<double>(std::max<std::int64_t>(0, live)));
  for (const auto state : {EffectState::kRequested, EffectState::kAttemptStarted,
                           EffectState::kRetryAt, EffectState::kUnknown}) {
    const std::string text{effect_state_name(state)};
    page.gauge("dealwright_effects_open", "Effects whose end is not known, by state.",
               {{"state", text}}, sum("effects_" + text));
  }
}

void read_server(Workspace& workspace, const http::Load& load, const http::Limits& limits,
                 MetricPage& page) {
  const MetricLabels queue{{"queue", "http"}};
  page.gauge("dealwright_queue_bytes", "Bytes that wait or are on their way, by queue.", queue,
             number(load.bytes));
  page.gauge("dealwright_queue_limit_bytes", "... and how many may; more are refused.", queue,
             number(limits.bytes_in_flight));
  page.gauge("dealwright_http_connections", "Connections that are open.", {},
             number(load.connections));
  page.gauge("dealwright_http_requests", "Requests in flight.", {}, number(load.requests));
  page.gauge("dealwright_http_streams", "Streams of events that are open.", {},
             number(load.streams));
  page.counter("dealwright_http_refused_connections_total",
               "Connections that were not taken: too many, in all or of one address.", {},
               number(load.refused_connections));
  if (const auto free = workspace.files().free_bytes(workspace.path())) {
    page.gauge("dealwright_disk_free_bytes", "Free bytes on the disk of the data directory.", {},
               number(free.value()));
  }
  if (const auto total = workspace.files().total_bytes(workspace.path())) {
    page.gauge("dealwright_disk_total_bytes", "... and its size.", {}, number(total.value()));
  }
}

}  // namespace dealwright::daemon
