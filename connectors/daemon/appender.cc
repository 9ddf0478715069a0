#include "connectors/daemon/appender.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace dealwright::daemon {
namespace {

constexpr std::size_t kShipBytes = std::size_t{256} << 10;

}  // namespace

struct Appender::Shared {
  std::mutex mutex;
  std::condition_variable room;
  std::vector<std::size_t> bytes_on_way;  // by partition
  std::uint64_t durable = 0;
  std::optional<Error> failed;
};

Appender::Appender(Workspace& workspace, std::size_t bytes_max, std::function<bool()> stop)
    : workspace_{workspace},
      bytes_max_{bytes_max},
      stop_{std::move(stop)},
      waiting_(workspace.partitions()),
      waiting_bytes_(workspace.partitions()),
      shared_{std::make_shared<Shared>()} {
  shared_->bytes_on_way.resize(workspace.partitions());
}

Appender::~Appender() { static_cast<void>(ship_all()); }

Result<void> Appender::add(const Event& event) {
  const auto id = workspace_.placement(event);
  // In force for what follows, in every partition, and not for what came before: it has to arrive
  // there between the two. A run of such facts does so as one.
  const bool reference =
      event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kReference;
  if (reference && !unspread_) {
    DW_TRY(ship_all());
    unspread_ = true;
  } else if (!reference) {
    DW_TRY(spread());
  }
  put(event, id);
  if (waiting_bytes_[id] < kShipBytes) return ok();
  if (waiting_bytes_[id] < bytes_max_ / waiting_.size()) {
    const std::lock_guard lock{shared_->mutex};
    if (shared_->bytes_on_way[id] > 0) return ok();  // the next group grows meanwhile
  }
  return ship(id);
}

// Waits until the log of every partition has the reference data that the first one's has: others
// may append meanwhile, so that the engine need never come to rest.
Result<void> Appender::spread() {
  if (!unspread_) return ok();
  DW_TRY(ship_all());
  constexpr auto kPatience = milliseconds(200);  // between two questions whether to stop
  DW_TRY(const auto end, workspace_.log().end(Topic::kEvents, 0));
  std::optional<std::vector<std::uint64_t>> sent;  // once the first partition has folded them
  const auto there = [&](runtime::Partition& partition) {
    const auto& meta = partition.state().meta;
    if (meta.events < end) return false;
    if (!sent) sent = meta.sent;
    for (PartitionId to = 0; to < sent->size(); ++to) {
      if ((*sent)[to] > (to < meta.acked.size() ? meta.acked[to] : 0)) return false;
    }
    return true;
  };
  for (;;) {
    if (stop_ && stop_()) return Error{Code::kClosed, "the process stops"};
    auto waited = workspace_.wait_until(0, there, kPatience);
    if (waited) break;
    if (!waited.error().retriable) return waited.error();
    // One that takes nothing more never has it.
    for (PartitionId to = 1; to < workspace_.partitions(); ++to) {
      if (auto why = workspace_.log().status(to).stopped) return *why;
    }
    sent.reset();  // it may have been opened again, and number them anew
    std::unique_lock lock{shared_->mutex};
    shared_->room.wait_for(lock, std::chrono::milliseconds(kPatience.ms / 4));
  }
  unspread_ = false;
  return ok();
}

// Counted, or flush() would not wait for it.
void Appender::put(const Event& event, PartitionId id) {
  auto& bytes = waiting_[id].emplace_back();
  workspace_.encode(event, id, bytes);
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
  DW_TRY(ship_all());
  return spread();
}

Result<void> Appender::ship_all() {
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
