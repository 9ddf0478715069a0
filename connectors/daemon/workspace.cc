#include "connectors/daemon/workspace.h"

#include <algorithm>
#include <filesystem>

#include "connectors/daemon/unsubscribe.h"
#include "connectors/daemon/zones.h"
#include "connectors/embedded_log/meta.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"
#include "engine/codec/event_codec.h"
#include "engine/runtime/rebuild.h"
#include "projections/registry.h"
#include "projections/rocks_store.h"
#include "rules/decide/factory.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kShipBytes = std::size_t{256} << 10;

// Scratch that a rebuild makes and unmakes; nothing of it has to survive a crash.
Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return Error{Code::kIo, "cannot remove " + path + ": " + error.message()};
  return ok();
}

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

// Waits for one answer of the log.
struct Answer {
  std::mutex mutex;
  std::condition_variable there;
  std::optional<Result<std::vector<Position>>> result;
};

}  // namespace

Result<std::unique_ptr<Workspace>> Workspace::open(WorkspaceOptions options) {
  auto out = std::unique_ptr<Workspace>{new Workspace{std::move(options)}};
  auto& o = out->options_;
  if (o.config) o.memory_bytes = o.config->state.memory_bytes;
  out->files_ = os::make_posix_file_system();
  out->space_ = std::make_unique<SpaceGuard>(*out->files_, o.path);
  out->clock_ = os::make_system_clock();
  out->random_ = os::make_system_random();
  DW_TRY(auto there, out->files_->exists(o.path + "/log/meta"));
  if (!there && !o.create) {
    return Error{
        Code::kNotFound,
        o.path + " holds no Dealwright data; make it with: dealwright init --data " + o.path};
  }
  embedded_log::Options log_options;
  if (o.partitions > 0) log_options.partitions = o.partitions;
  if (there && o.partitions == 0) {
    DW_TRY(auto meta, embedded_log::read_meta(*out->files_, o.path));
    if (meta) log_options.partitions = meta->partitions;
  }
  log_options.at_point = o.at_point;
  log_options.segment_bytes = o.segment_bytes;
  if (o.config) limit(log_options, o.config->log);
  if (o.config && !there && o.partitions == 0) log_options.partitions = o.config->log.partitions;
  DW_TRY(auto log, embedded_log::open(*out->files_, *out->clock_, o.path, log_options));
  out->log_ = std::move(log);
  DW_TRY(out->load_key());
  rules::DeciderOptions decisions{{}, named_zones(), zones_version(), {}};
  if (!o.unsubscribe_base.empty()) {
    decisions.unsubscribe_url = [key = out->key_.get(), base = o.unsubscribe_base](
                                    std::uint32_t partition, const Effect& effect) {
      return base + unsubscribe_token(unsubscription_of(partition, effect), *key);
    };
  }
  out->deciders_ = rules::make_decider_factory(std::move(decisions));
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
                             o.path + "/state"};
  runtime::PartitionOptions partition;
  partition.event_clock = o.event_clock;
  partition.lead = o.lead;
  partition.clock_witness = o.clock_witness;
  partition.at_point = o.at_point;
  if (o.config) limit(partition, *o.config);
  out->retain(partition);
  partition.limits.record_cache_bytes = o.memory_bytes / 2 / partitions;
  partition.limits.generation_bytes =
      std::min(partition.limits.generation_bytes, o.memory_bytes / 8 / partitions);
  if (o.generation_events > 0) partition.limits.generation_events = o.generation_events;
  DW_TRY(auto engine, runtime::Engine::open(std::move(parts), std::move(partition)));
  out->engine_ = std::move(engine);
  DW_TRY(out->rebuild_stale());
  for (PartitionId id = 0; id < partitions; ++id) {
    auto asked = out->engine_->ask(
        id, [&](runtime::Partition& p) { out->event_clock_ = p.state().meta.event_clock; });
    if (asked) break;
  }
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
  if (!retention.retain_bytes && !retention.retain_age) return;
  partition.on_snapshot = [log = log_.get(), clock = clock_.get(), retention](
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
  const auto path = folder + "/cluster.key";
  DW_TRY(create_durable(*files_, folder));
  DW_TRY(auto there, files_->exists(path));
  std::string bytes(32, '\0');
  if (there) {
    DW_TRY(auto file, files_->open(path, FileSystem::Mode::kRead));
    DW_TRY(auto got, file->read_at(0, bytes.size(), bytes.data()));
    if (got != bytes.size()) return Error{Code::kDamaged, path + " is no cluster key of 32 bytes"};
  } else {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const auto bits = random_->next();
      std::copy_n(reinterpret_cast<const char*>(&bits), 8, bytes.data() + i);
    }
    const auto draft = path + ".new";
    DW_TRY(auto left_over, files_->exists(draft));
    if (left_over) {
      DW_TRY(files_->remove(draft));
    }
    DW_TRY(auto file, files_->open(draft, FileSystem::Mode::kCreate));
    DW_TRY(file->write_at(0, bytes));
    DW_TRY(file->sync());
    DW_TRY(files_->rename(draft, path));
    DW_TRY(files_->sync_directory(folder));
  }
  key_ = std::make_unique<runtime::ClusterKey>(std::move(bytes));
  return ok();
}

PartitionId Workspace::placement(const Event& event) const {
  const bool reference =
      event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kReference;
  return reference ? 0 : partition_of(placement_key(event), log_->partitions());
}

Result<std::vector<Placed>> Workspace::append(const std::vector<Event>& events) {
  DW_TRY(space_->admit());
  std::vector<std::vector<std::string>> by_partition(log_->partitions());
  std::vector<std::pair<PartitionId, std::size_t>> at;
  for (const auto& event : events) {
    auto& list = by_partition[placement(event)];
    at.emplace_back(placement(event), list.size());
    codec::encode(event, list.emplace_back());
  }
  std::vector<std::shared_ptr<Answer>> answers(by_partition.size());
  for (PartitionId id = 0; id < by_partition.size(); ++id) {
    if (by_partition[id].empty()) continue;
    auto answer = answers[id] = std::make_shared<Answer>();
    log_->append(Topic::kEvents, id, std::move(by_partition[id]),
                 [answer](Result<std::vector<Position>> done) {
                   const std::lock_guard lock{answer->mutex};
                   answer->result.emplace(std::move(done));
                   answer->there.notify_one();
                 });
  }
  for (const auto& answer : answers) {
    if (answer == nullptr) continue;
    std::unique_lock lock{answer->mutex};
    answer->there.wait(lock, [&] { return answer->result.has_value(); });
  }
  std::vector<Placed> out;
  for (const auto& [partition, index] : at) {
    const auto& result = *answers[partition]->result;
    if (!result) return result.error();
    out.push_back({partition, result.value()[index]});
  }
  return out;
}

Result<Placed> Workspace::append_own(Event event, PartitionId partition) {
  key_->sign(event, partition);
  std::vector<std::string> records(1);
  codec::encode(event, records[0]);
  auto answer = std::make_shared<Answer>();
  log_->append(Topic::kEvents, partition, std::move(records),
               [answer](Result<std::vector<Position>> done) {
                 const std::lock_guard lock{answer->mutex};
                 answer->result.emplace(std::move(done));
                 answer->there.notify_one();
               });
  std::unique_lock lock{answer->mutex};
  answer->there.wait(lock, [&] { return answer->result.has_value(); });
  if (!*answer->result) return answer->result->error();
  return Placed{partition, answer->result->value().front()};
}

Result<ViewRows> Workspace::query(std::string_view name, const ViewQuery& query) {
  const auto* view = projections::find_view(name);
  if (view == nullptr) {
    std::string known;
    for (const auto* v : projections::all_views()) known += " " + std::string{v->name()};
    return Error{Code::kNotFound, "no view '" + std::string{name} + "'; there are:" + known};
  }
  std::vector<std::string> parts;
  std::optional<Error> bad;
  for (PartitionId id = 0; id < partitions(); ++id) {
    if (!serves(id)) continue;
    DW_TRY(engine_->ask(id, [&](runtime::Partition& partition) {
      auto* fold = partition.state().view_fold(name);
      if (fold == nullptr) {
        bad = Error{Code::kConflict, "view " + std::string{name} + " has to be rebuilt first"};
        return;
      }
      partition.state().write_back();  // what is dirty becomes readable
      auto part = fold->query(query);
      if (part) {
        parts.push_back(std::move(part.value()));
      } else {
        bad = part.error();
      }
    }));
    if (bad) return *bad;
  }
  return view->merge(query, parts);
}

Result<void> Workspace::rebuild_stale() {
  std::vector<std::pair<PartitionId, const View*>> stale;
  for (PartitionId id = 0; id < partitions(); ++id) {
    auto asked = engine_->ask(id, [&](runtime::Partition& partition) {
      for (const auto* view : partition.state().stale_views()) stale.emplace_back(id, view);
    });
    if (!asked) continue;  // it is stopped: wait_idle() tells why
  }
  for (const auto& [id, view] : stale) {
    DW_TRY(rebuild_in(id, *view, [](std::uint64_t) {}));
  }
  return ok();
}

Result<void> Workspace::rebuild_view(std::string_view name,
                                     const std::function<void(std::uint64_t)>& progress) {
  const auto* view = projections::find_view(name);
  if (view == nullptr) return Error{Code::kNotFound, "no view '" + std::string{name} + "'"};
  for (PartitionId id = 0; id < partitions(); ++id) {
    DW_TRY(rebuild_in(id, *view, progress));
  }
  return ok();
}

// Of a state that is folded beside the real one; it finds the same duplicates.
runtime::StateLimits Workspace::scratch_limits() const {
  runtime::StateLimits out;
  if (options_.config) out.dedup_bytes = options_.config->state.dedup_bytes;
  return out;
}

Result<void> Workspace::rebuild_in(PartitionId id, const View& view,
                                   const std::function<void(std::uint64_t)>& progress) {
  const auto folder = options_.path + "/state/" + std::to_string(id) + "/rebuild";
  DW_TRY(remove_tree(folder));
  DW_TRY(files_->create_directories(folder));
  auto run = [&]() -> Result<void> {
    DW_TRY(auto scratch, open_store_(folder + "/db"));
    const auto limits = scratch_limits();
    const View* const views[] = {&view};
    DW_TRY(auto rebuild,
           runtime::Rebuild::start(*log_, id, views, *scratch, *files_, folder + "/ids", limits));
    for (bool swapped = false; !swapped;) {
      DW_TRY(auto end, log_->end(Topic::kDecisions, id));
      DW_TRY(rebuild->advance(end));
      progress(rebuild->events());
      Result<void> result = ok();
      // The last stretch while the partition decides nothing: it is as long as what is in flight.
      DW_TRY(engine_->ask(id, [&](runtime::Partition& partition) {
        partition.hold(true);
        if (!partition.drained()) return;
        const auto catch_up = [&]() -> Result<void> {
          DW_TRY(rebuild->advance(partition.state().meta.decisions));
          DW_TRY(auto cells, rebuild->take_cells(view));
          if (options_.at_point) options_.at_point("view.swap");
          DW_TRY(partition.state().adopt_view(view, cells));
          if (options_.at_point) options_.at_point("view.swapped");
          return ok();
        };
        result = catch_up();
        swapped = true;
        partition.hold(false);
      }));
      DW_TRY(std::move(result));
    }
    return ok();
  };
  auto result = run();
  DW_TRY(remove_tree(folder));
  return result;
}

Result<void> Workspace::with_replay(PartitionId id,
                                    const std::function<void(runtime::State&)>& visit) {
  const auto folder = options_.path + "/state/" + std::to_string(id) + "/rebuild";
  DW_TRY(remove_tree(folder));
  DW_TRY(files_->create_directories(folder));
  const auto run = [&]() -> Result<void> {
    DW_TRY(auto scratch, open_store_(folder + "/db"));
    DW_TRY(auto rebuild, runtime::Rebuild::start(*log_, id, projections::all_views(), *scratch,
                                                 *files_, folder + "/ids", scratch_limits()));
    DW_TRY(auto end, log_->end(Topic::kDecisions, id));
    DW_TRY(rebuild->advance(end));
    visit(rebuild->state());
    return ok();
  };
  auto result = run();
  DW_TRY(remove_tree(folder));
  return result;
}

std::optional<Error> Workspace::stopped(PartitionId partition) {
  if (auto why = log_->status(partition).stopped) return why;
  std::optional<Error> out;
  auto asked = engine_->ask(partition, [&](runtime::Partition& p) { out = p.status().stopped; });
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

Result<void> Workspace::stop() {
  auto stopped = engine_ ? engine_->stop() : Result<void>{ok()};
  if (left_out_why_) return *left_out_why_;  // the log's own reason, where it has one
  return stopped;
}

// ---- Appender

struct Appender::Shared {
  std::mutex mutex;
  std::condition_variable room;
  std::vector<std::size_t> bytes_on_way;  // by partition
  std::uint64_t durable = 0;
  std::optional<Error> failed;
};

Appender::Appender(Workspace& workspace, std::size_t bytes_max)
    : workspace_{workspace},
      bytes_max_{bytes_max},
      waiting_(workspace.partitions()),
      waiting_bytes_(workspace.partitions()),
      shared_{std::make_shared<Shared>()} {
  shared_->bytes_on_way.resize(workspace.partitions());
}

Appender::~Appender() { static_cast<void>(flush()); }

Result<void> Appender::add(const Event& event) {
  const auto id = workspace_.placement(event);
  if (event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kReference) {
    // In force for what follows, in every partition, and not for what came before: it has to
    // arrive there between the two.
    DW_TRY(flush());
    put(event, id);
    DW_TRY(flush());
    return workspace_.engine().wait_idle();
  }
  put(event, id);
  if (waiting_bytes_[id] < kShipBytes) return ok();
  if (waiting_bytes_[id] < bytes_max_ / waiting_.size()) {
    const std::lock_guard lock{shared_->mutex};
    if (shared_->bytes_on_way[id] > 0) return ok();  // the next group grows meanwhile
  }
  return ship(id);
}

// Counted, or flush() would not wait for it.
void Appender::put(const Event& event, PartitionId id) {
  auto& bytes = waiting_[id].emplace_back();
  codec::encode(event, bytes);
  waiting_bytes_[id] += bytes.size();
}

Result<void> Appender::ship(PartitionId id) {
  if (waiting_[id].empty()) return ok();
  DW_TRY(workspace_.space().admit());
  {
    std::unique_lock lock{shared_->mutex};
    shared_->room.wait(lock, [&] { return shared_->failed || shared_->bytes_on_way[id] == 0; });
    if (shared_->failed) return *shared_->failed;
    shared_->bytes_on_way[id] = std::max<std::size_t>(1, std::exchange(waiting_bytes_[id], 0));
  }
  workspace_.log().append(Topic::kEvents, id, std::exchange(waiting_[id], {}),
                          [shared = shared_, id](Result<std::vector<Position>> done) {
                            const std::lock_guard lock{shared->mutex};
                            shared->bytes_on_way[id] = 0;
                            if (done) {
                              shared->durable += done.value().size();
                            } else if (!shared->failed) {
                              shared->failed = done.error();
                            }
                            shared->room.notify_all();
                          });
  return ok();
}

Result<void> Appender::flush() {
  for (PartitionId id = 0; id < waiting_.size(); ++id) {
    DW_TRY(ship(id));
  }
  std::unique_lock lock{shared_->mutex};
  const auto& on_way = shared_->bytes_on_way;
  shared_->room.wait(lock, [&] {
    return std::all_of(on_way.begin(), on_way.end(), [](std::size_t bytes) { return bytes == 0; });
  });
  if (shared_->failed) return *shared_->failed;
  return ok();
}

std::uint64_t Appender::durable() const {
  const std::lock_guard lock{shared_->mutex};
  return shared_->durable;
}

}  // namespace dealwright::daemon
