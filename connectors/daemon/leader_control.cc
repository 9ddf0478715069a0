#include "connectors/daemon/leader_control.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "engine/runtime/leaders.h"

namespace dealwright::daemon {

std::string node_name(Random& random) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("{}-{}-{:08x}", host.data(), ::getpid(),
                     static_cast<std::uint32_t>(random.next()));
}

Result<std::unique_ptr<LeaderControl>> LeaderControl::start(runtime::Engine& engine,
                                                            const Clock& clock,
                                                            const kafka_log::Options& options,
                                                            kafka_log::MembersSettings settings) {
  auto out = std::unique_ptr<LeaderControl>{new LeaderControl{engine, settings.node}};
  settings.leads = [raw = out.get()] { return raw->led(); };
  settings.on_members = [raw = out.get()](const std::vector<kafka_log::Heartbeat>& members) {
    raw->take(members);
  };
  DW_TRY(auto membership, kafka_log::join(clock, options, std::move(settings)));
  out->membership_ = std::move(membership);
  return out;
}

std::vector<PartitionId> LeaderControl::led() {
  std::vector<PartitionId> out;
  for (PartitionId id = 0; id < engine_.partitions(); ++id) {
    if (engine_.leads(id)) out.push_back(id);
  }
  const std::lock_guard lock{mutex_};
  if (led_ != out) {
    led_ = out;
    changed_.notify_all();
  }
  return out;
}

bool LeaderControl::wait_for_all(Duration patience) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, std::chrono::milliseconds(patience.ms),
                           [&] { return led_.size() == engine_.partitions(); });
}

void LeaderControl::take(const std::vector<kafka_log::Heartbeat>& members) {
  std::vector<runtime::Member> there;
  for (const auto& one : members) there.push_back({one.node, one.leads, one.leaving});
  const auto wanted = runtime::should_lead(there, node_, engine_.partitions());
  for (PartitionId id = 0; id < wanted.size(); ++id) engine_.lead(id, wanted[id]);
}

}  // namespace dealwright::daemon
