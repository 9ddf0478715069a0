#include "connectors/daemon/workspace.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "connectors/daemon/effects_pause.h"
#include "connectors/daemon/logs.h"
#include "connectors/daemon/mail_rates.h"
#include "connectors/daemon/unsubscribe.h"
#include "connectors/daemon/zones.h"
#include "connectors/embedded_log/meta.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "engine/codec/event_codec.h"
#include "projections/registry.h"
#include "projections/rocks_store.h"
#include "rules/decide/factory.h"

namespace dealwright::daemon {
namespace {

void limit(embedded_log::Options& out, const LogConfig& config) {
  out.segment_bytes = config.segment_bytes;
  out.queue_bytes_max = config.queue_bytes;
  out.group_bytes_max = config.group_bytes;
  out.tail_cache_bytes = config.tail_cache_bytes;
  out.open_files_max = config.open_files;
}

void limit(runtime::PartitionOptions& out, const Config& config) {
  out.limits.generation_bytes = config.state.generation_bytes;
  out.limits.generation_events = config.state.generation_events;
  out.limits.dedup_bytes = config.state.dedup_bytes;
  out.limits.timers_in_memory = config.state.timers_in_memory;
  out.events_per_record = config.decide.events_per_record;
  out.records_in_flight = config.decide.records_in_flight;
}

// Lets go of what retention says, of that what lies before the partition's durable snapshot.
Result<void> release(embedded_log::EmbeddedLog& log, const embedded_log::Retention& retention,
                     Instant now, PartitionId id, Position events, Position decisions) {
  const auto segments = log.segments(id);
  const auto count = embedded_log::releasable(segments, retention, {events, decisions}, now);
  if (count == 0) return ok();
  const auto& ends = segments[count - 1].ends;
  return log.release_before(id, ends[0], ends[1]);
}

// Gathers what the log says of the groups of one append.
struct Answer {
  std::mutex mutex;
  std::vector<std::pair<PartitionId, std::size_t>> at;  // by event: where, and which of its group
  std::vector<std::vector<Position>> positions;         // by partition
  std::size_t waits = 0;
  std::optional<Error> failed;
  Workspace::AppendDone done;

  void take(PartitionId id, Result<std::vector<Position>> put) {
    {
      const std::lock_guard lock{mutex};
      if (put) positions[id] = std::move(put.value());
      // Whether it is there nobody knows: that stands before what is surely not there.
      const bool graver = !put && (!failed || put.error().code == Code::kUnknownOutcome);
      if (graver) failed = put.error();
      if (--waits > 0) return;
    }
    tell();
  }
  void tell() {
    if (failed) return done(*failed);
    std::vector<Placed> out;
    for (const auto& [partition, index] : at)
      out.push_back({partition, positions[partition][index]});
    done(std::move(out));
  }
};

// Waits until what `start` was given is called. False: not in time.
bool wait_for_call(const std::function<void(std::function<void()>)>& start,
                   std::chrono::microseconds most) {
  struct Slot {
    std::mutex mutex;
    std::condition_variable there;
    bool called = false;
  };
  const auto slot = std::make_shared<Slot>();
  start([slot] {
    const std::lock_guard lock{slot->mutex};
    slot->called = true;
    slot->there.notify_one();
  });
  std::unique_lock lock{slot->mutex};
  return slot->there.wait_for(lock, most, [&] { return slot->called; });
}

// Calls `start` and waits until what it was given is called.
template <class T>
Result<T> wait_for(const std::function<void(std::function<void(Result<T>)>)>& start) {
  struct Slot {
    std::mutex mutex;
    std::condition_variable there;
    std::optional<Result<T>> result;
  };
  const auto slot = std::make_shared<Slot>();
  start([slot](Result<T> result) {
    const std::lock_guard lock{slot->mutex};
    slot->result.emplace(std::move(result));
    slot->there.notify_one();
  });
  std::unique_lock lock{slot->mutex};
  slot->there.wait(lock, [&] { return slot->result.has_value(); });
  return std::move(*slot->result);
}

}  // namespace

Result<std::unique_ptr<Workspace>> Workspace::open(WorkspaceOptions options) {
  auto out = std::unique_ptr<Workspace>{new Workspace{std::move(options)}};
  auto& o = out->options_;
  if (o.config) o.memory_bytes = o.config->state.memory_bytes;
  out->files_ = os::make_posix_file_system();
  out->space_ = std::make_unique<SpaceGuard>(*out->files_, o.path, o.on_space);
  out->clock_ = os::make_system_clock();
  out->random_ = os::make_system_random();
  DW_TRY(const auto there, has_log(*out->files_, o.path));
  const bool on_kafka = o.config && o.config->log.kind == "kafka";  // what is here is made anew
  if (!there && !o.create && !on_kafka) {
    return Error{
        Code::kNotFound,
        o.path + " holds no Dealwright data; make it with: dealwright init --data " + o.path};
  }
  DW_TRY(const auto pause, read_effects_pause(*out->files_, o.path));
  DW_TRY(out->open_log(there));
  DW_TRY(out->load_key());
  out->deciders_ = rules::make_decider_factory(
      {{}, named_zones(), zones_version(), unsubscribe_links(o.unsubscribe_base, *out->key_)});
  const auto partitions = out->log_->partitions();
  auto budget = projections::StoreBudget::from_bytes(o.memory_bytes / 4);
  out->open_store_ = [budget](const std::string& path) {
    return projections::open_rocks_store(path, budget);
  };
  runtime::EngineParts parts{*out->log_,
                             *out->files_,
                             *out->clock_,
                             *out->random_,
                             *out->deciders_,
                             *out->key_,
                             projections::all_views(),
                             out->open_store_,
                             o.path + "/state",
                             {}};
  if (o.meter != nullptr) parts.meter = o.meter;
  if (o.channels) {
    DW_TRY(auto channels, o.channels(*out->files_, *out->clock_));
    out->channels_ = std::move(channels);
    for (const auto& channel : out->channels_.list) parts.channels.push_back(channel.get());
  }
  out->watch_ = std::make_shared<Watch>(partitions);
  DW_TRY(auto partition, out->partition_options());
  if (pause) partition.effects_paused = true;
  DW_TRY(auto engine, runtime::Engine::open(std::move(parts), std::move(partition)));
  out->engine_ = std::move(engine);
  DW_TRY(out->rebuild_stale());
  for (PartitionId id = 0; id < partitions; ++id) {
    auto asked = out->engine_->ask(
        id, [&](runtime::Partition& p) { out->event_clock_ = p.state().meta.event_clock; });
    if (asked) break;
  }
  DW_TRY(out->join());
  return out;
}

Result<void> Workspace::open_kafka_log() {
  DW_TRY(auto options, kafka_options(*files_, *options_.config));
  if (options_.partitions > 0) options.partitions = options_.partitions;
  kafka_ = options;
  node_ = node_name(*random_);
  DW_TRY(auto log, kafka_log::open(*files_, *clock_, options_.path, std::move(options)));
  log_ = std::move(log);
  return ok();
}

// From here on it leads its share.
Result<void> Workspace::join() {
  if (!kafka_ || !options_.lead) return ok();
  kafka_log::MembersSettings settings;
  settings.node = node_;
  DW_TRY(auto control, LeaderControl::start(*engine_, *clock_, *kafka_, std::move(settings)));
  control_ = std::move(control);
  return ok();
}

Result<void> Workspace::open_log(bool there) {
  const auto& o = options_;
  DW_TRY(const auto files_here, files_->exists(embedded_log::meta_path(o.path)));
  const bool on_kafka = o.config && o.config->log.kind == "kafka";
  if (there && on_kafka == files_here) {
    return Error{Code::kConflict, o.path + " was made for " +
                                      (files_here ? "the embedded log" : "a log on Kafka") +
                                      ", and log.kind says " + (on_kafka ? "kafka" : "embedded") +
                                      ": name another data directory, or the other kind"};
  }
  if (on_kafka) return open_kafka_log();
  embedded_log::Options log_options;
  if (o.partitions > 0) log_options.partitions = o.partitions;
  if (there && o.partitions == 0) {
    DW_TRY(auto meta, embedded_log::read_meta(*files_, o.path));
    if (meta) log_options.partitions = meta->partitions;
  }
  log_options.at_point = o.at_point;
  log_options.meter = o.meter;
  log_options.segment_bytes = o.segment_bytes;
  if (o.config) limit(log_options, o.config->log);
  if (o.config && !there && o.partitions == 0) log_options.partitions = o.config->log.partitions;
  DW_TRY(auto log, embedded_log::open(*files_, *clock_, o.path, log_options));
  embedded_ = log.get();
  log_ = std::move(log);
  return ok();
}

Result<runtime::PartitionOptions> Workspace::partition_options() {
  const auto& o = options_;
  const auto count = log_->partitions();
  runtime::PartitionOptions out;
  out.event_clock = o.event_clock;
  out.lead = o.lead && !kafka_;  // see join()
  out.others_write = kafka_.has_value();
  if (kafka_) out.node = node_;
  out.clock_witness = o.clock_witness;
  out.effects_paused = o.effects_paused;
  out.acks_wait = milliseconds(10);
  out.at_point = o.at_point;
  out.notify = o.notify;
  out.on_progress = [watch = watch_](PartitionId id, Position events, Position decisions) {
    watch->moved(id, {events, decisions});
  };
  if (o.config) {
    limit(out, *o.config);
    DW_TRY(out.dispatch.mails, mail_rates(o.config->effects));
  }
  retain(out);
  out.limits.record_cache_bytes = o.memory_bytes / 2 / count;
  out.limits.generation_bytes = std::min(out.limits.generation_bytes, o.memory_bytes / 8 / count);
  if (o.generation_events > 0) out.limits.generation_events = o.generation_events;
  return out;
}

// Gives the partitions the hook that lets go of the log, if anything is to go ever.
void Workspace::retain(runtime::PartitionOptions& partition) {
  auto retention = options_.retention;
  if (const auto& config = options_.config) {
    if (config->log.retain_bytes > 0) retention.retain_bytes = config->log.retain_bytes;
    const auto age = days(static_cast<std::int64_t>(config->log.retain_days));
    if (config->log.retain_days > 0) retention.retain_age = age;
  }
  if (embedded_ == nullptr || (!retention.retain_bytes && !retention.retain_age)) return;
  partition.on_snapshot = [log = embedded_, clock = clock_.get(), retention](
                              PartitionId id, Position events, Position decisions) {
    return release(*log, retention, clock->wall(), id, events, decisions);
  };
}

Workspace::~Workspace() {
  static_cast<void>(stop());
  engine_.reset();
}

Result<void> Workspace::load_key() {
  const auto folder = options_.path + "/keys";
  const bool shared = options_.config && !options_.config->cluster_key_file.empty();
  const auto path =
      cluster_key_path(shared ? options_.config->cluster_key_file : "", options_.path);
  DW_TRY(create_durable(*files_, folder));  // of other keys too
  DW_TRY(auto there, files_->exists(path));
  std::string bytes(32, '\0');
  if (there) {
    DW_TRY(auto file, files_->open(path, FileSystem::Mode::kRead));
    DW_TRY(auto got, file->read_at(0, bytes.size(), bytes.data()));
    if (got != bytes.size()) return Error{Code::kDamaged, path + " is no cluster key of 32 bytes"};
  } else if (shared) {
    return Error{
        Code::kNotFound,
        "cluster_key_file: there is no " + path +
            "; make it once and give it to all engines of this log: head -c 32 /dev/urandom > " +
            path};
  } else {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const auto bits = random_->next();
      std::copy_n(reinterpret_cast<const char*>(&bits), 8, bytes.data() + i);
    }
    DW_TRY(write_durable(*files_, path, bytes));
  }
  key_ = std::make_unique<runtime::ClusterKey>(std::move(bytes));
  return ok();
}

PartitionId Workspace::placement(const Event& event) const {
  const bool reference =
      event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kReference;
  return reference ? 0 : partition_of(placement_key(event), log_->partitions());
}

void Workspace::encode(const Event& event, PartitionId partition, std::string& out) const {
  if (!runtime::steers(event.type)) return codec::encode(event, out);
  auto own = event;
  key_->sign(own, partition);
  codec::encode(own, out);
}

void Workspace::append_async(const std::vector<Event>& events, AppendDone done) {
  if (auto admitted = space_->admit(); !admitted) return done(admitted.error());
  std::vector<std::vector<std::string>> by_partition(log_->partitions());
  auto answer = std::make_shared<Answer>();
  for (const auto& event : events) {
    const auto partition = placement(event);
    answer->at.emplace_back(partition, by_partition[partition].size());
    encode(event, partition, by_partition[partition].emplace_back());
  }
  answer->positions.resize(by_partition.size());
  answer->done = std::move(done);
  const auto groups = std::count_if(by_partition.begin(), by_partition.end(),
                                    [](const auto& group) { return !group.empty(); });
  answer->waits = static_cast<std::size_t>(groups);
  if (groups == 0) return answer->tell();
  for (PartitionId id = 0; id < by_partition.size(); ++id) {
    if (by_partition[id].empty()) continue;
    log_->append(
        Topic::kEvents, id, std::move(by_partition[id]),
        [answer, id](Result<std::vector<Position>> put) { answer->take(id, std::move(put)); });
  }
}

Result<std::vector<Placed>> Workspace::append(const std::vector<Event>& events) {
  return wait_for<std::vector<Placed>>(
      [&](AppendDone done) { append_async(events, std::move(done)); });
}

Result<Placed> Workspace::append_own(Event event, PartitionId partition) {
  return wait_for<Placed>([&](std::function<void(Result<Placed>)> done) {
    append_own_async(std::move(event), partition, std::move(done));
  });
}

void Workspace::append_own_async(Event event, PartitionId partition,
                                 std::function<void(Result<Placed>)> done) {
  key_->sign(event, partition);
  std::vector<std::string> records(1);
  codec::encode(event, records[0]);
  log_->append(Topic::kEvents, partition, std::move(records),
               [partition, done = std::move(done)](Result<std::vector<Position>> put) {
                 if (!put) return done(put.error());
                 done(Placed{partition, put.value().front()});
               });
}

Result<ViewRows> Workspace::query(std::string_view name, const ViewQuery& query, Freshness* fresh) {
  const auto* view = projections::find_view(name);
  if (view == nullptr) {
    std::string known;
    for (const auto* v : projections::all_views()) known += " " + std::string{v->name()};
    return Error{Code::kNotFound, "no view '" + std::string{name} + "'; there are:" + known};
  }
  DW_TRY(projections::check_asked(*view, query));
  std::vector<std::optional<Result<std::string>>> told(partitions());
  std::vector<Progress> at(partitions());
  std::vector<std::int64_t> lags(partitions());
  DW_TRY(ask_all([&](PartitionId id, runtime::Partition& partition) {
    const auto& meta = partition.state().meta;
    at[id] = {meta.events, meta.decisions};
    const auto end = log_->end(Topic::kEvents, id);
    if (end && meta.events < end.value() && !event_clock_) {
      lags[id] = (clock_->wall() - meta.now).ms;
    }
    if (auto* fold = partition.state().view_fold(name); fold != nullptr) {
      partition.state().write_back_views();  // what is dirty becomes readable
      told[id] = fold->query(query);
    } else {
      told[id] = Error{Code::kConflict, "view " + std::string{name} + " has to be rebuilt first"};
    }
  }));
  std::vector<std::string> parts;
  for (auto& part : told) {
    if (!part) continue;
    DW_TRY(auto bytes, std::move(*part));
    parts.push_back(std::move(bytes));
  }
  if (fresh != nullptr) *fresh = {std::move(at), *std::max_element(lags.begin(), lags.end())};
  return view->merge(query, parts);
}

Result<void> Workspace::ask_all(const runtime::Engine::Each& question) {
  return look_in_all([&](PartitionId id, runtime::Partition& partition) {
    question(id, partition);
    return true;
  });
}

Result<void> Workspace::look_in_all(const runtime::Engine::Look& question) {
  std::vector<PartitionId> served;
  for (PartitionId id = 0; id < partitions(); ++id) {
    if (serves(id)) served.push_back(id);
  }
  return engine_->look_in_each(served, question);
}

Result<void> Workspace::not_in_time(PartitionId partition) {
  if (auto why = stopped(partition)) return *why;
  return Error{Code::kOverload,
               "partition " + std::to_string(partition) +
                   " has more to fold than one waits for; what was appended stands in the log: "
                   "ask again",
               true};
}

// The partition is asked, not the watch: one that was opened again stands behind where it stood.
Result<void> Workspace::wait_folded(const Placed& at, Duration patience) {
  return wait_until(
      at.partition,
      [&](runtime::Partition& partition) { return partition.state().meta.events > at.position; },
      patience);
}

Result<void> Workspace::wait_until(PartitionId partition,
                                   const std::function<bool(runtime::Partition&)>& holds,
                                   Duration patience) {
  const auto end_us = clock_->steady_us() + patience.ms * 1'000;
  for (;;) {
    const auto seen = watch_->now();
    bool done = false;
    DW_TRY(engine_->ask(partition, [&](runtime::Partition& p) { done = holds(p); }));
    if (done) return ok();
    Watch::Ticket ticket = 0;
    const std::chrono::microseconds left{end_us - clock_->steady_us()};
    const bool moved = wait_for_call(
        [&](std::function<void()> call) { ticket = watch_->when_other(seen, std::move(call)); },
        left);
    watch_->forget(ticket);
    if (!moved) return not_in_time(partition);
  }
}

std::optional<Error> Workspace::stopped(PartitionId partition) {
  if (auto why = log_->status(partition).stopped) return why;
  std::optional<Error> out;
  auto asked = engine_->look_in_each({&partition, 1}, [&](PartitionId, runtime::Partition& p) {
    out = p.status().stopped;
    return false;  // it looks only
  });
  if (!asked) out = asked.error();
  return out;
}

Result<void> Workspace::leave_out_stopped() {
  for (PartitionId id = 0; id < partitions(); ++id) {
    auto error = stopped(id);
    if (!error) continue;
    left_out_.insert(id);
    if (!left_out_why_) left_out_why_ = std::move(error);
  }
  if (left_out_.size() == partitions()) return *left_out_why_;
  return ok();
}

PartitionId Workspace::first_served() const {
  PartitionId id = 0;
  while (!serves(id)) ++id;
  return id;
}

Result<void> Workspace::stop(std::optional<Duration> patience) {
  if (control_) control_->leave();
  auto stopped = engine_ ? engine_->stop(patience) : Result<void>{ok()};
  control_.reset();
  if (left_out_why_) return *left_out_why_;  // the log's own reason, where it has one
  return stopped;
}

}  // namespace dealwright::daemon
