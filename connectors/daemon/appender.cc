#include "connectors/daemon/appender.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/codec/event_codec.h"

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

Appender::~Appender() { static_cast<void>(flush()); }

Result<void> Appender::add(const Event& event) {
  const auto id = workspace_.placement(event);
  if (event.type != TypeId::kForeignType && spec_of(event.type).group == EventGroup::kReference) {
    // In force for what follows, in every partition, and not for what came before: it has to
    // arrive there between the two.
    DW_TRY(flush());
    put(event, id);
    DW_TRY(flush());
    return spread();
  }
  put(event, id);
  if (waiting_bytes_[id] < kShipBytes) return ok();
  if (waiting_bytes_[id] < bytes_max_ / waiting_.size()) {
    const std::lock_guard lock{shared_->mutex};
    if (shared_->bytes_on_way[id] > 0) return ok();  // the next group grows meanwhile
  }
  return ship(id);
}

// Waits until every partition has folded the reference data that the first one has in its log:
// others may append meanwhile, so that the engine need never come to rest.
Result<void> Appender::spread() {
  constexpr auto kPatience = milliseconds(200);  // between two questions whether to stop
  const auto until = [&](const std::function<Result<void>()>& wait) -> Result<void> {
    for (;;) {
      if (stop_ && stop_()) return Error{Code::kClosed, "the process stops"};
      auto there = wait();
      if (there || !there.error().retriable) return there;
    }
  };
  DW_TRY(const auto end, workspace_.log().end(Topic::kEvents, 0));
  DW_TRY(until([&] { return workspace_.wait_folded({0, end - 1}, kPatience); }));
  std::vector<std::uint64_t> sent;
  DW_TRY(workspace_.engine().ask(
      0, [&](runtime::Partition& partition) { sent = partition.state().meta.sent; }));
  for (PartitionId id = 1; id < sent.size(); ++id) {
    const auto holds = [&, id](runtime::Partition& partition) {
      const auto& received = partition.state().meta.received;
      return !received.empty() && received[0] >= sent[id];
    };
    DW_TRY(until([&] {
      if (sent[id] == 0) return Result<void>{ok()};
      return workspace_.wait_until(id, holds, kPatience);
    }));
  }
  return ok();
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
