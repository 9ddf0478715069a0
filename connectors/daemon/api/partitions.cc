// Partitions: who leads, how far each has come, why one stopped.
#include "connectors/daemon/api/api.h"
#include "engine/runtime/lateness.h"

namespace dealwright::daemon::api {
namespace {

using http::Request;

Value count(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

// What people read first: where it stands, and if it does not go on, why, and what helps.
Map describe(Workspace& workspace, PartitionId id) {
  Map out{{"partition", Value{std::int64_t{id}}}};
  const auto why = workspace.stopped(id);
  static_cast<void>(workspace.engine().ask(id, [&](runtime::Partition& partition) {
    const auto status = partition.status();
    const auto& meta = partition.state().meta;
    out = {{"partition", Value{std::int64_t{id}}},
           {"leading", Value{status.leading}},
           {"caught_up", Value{status.caught_up}},
           {"clock_held", Value{status.clock_held}},
           {"term", count(status.term)},
           {"events", count(status.events)},
           {"events_end", count(status.events_end)},
           {"lag_events", count(status.events_end - std::min(status.events, status.events_end))},
           {"decisions", count(status.decisions)},
           {"now", status.now > kInstantMin ? Value{status.now} : Value{Null{}}},
           {"timers", count(status.timers)},
           {"timers_fired", count(meta.timers_fired)},
           {"accepted", count(meta.accepted)},
           {"duplicates", count(meta.duplicates)},
           {"refused", count(meta.refused)},
           {"set_aside", count(meta.aside)},
           {"waiting", count(status.waiting)}};
  }));
  out.emplace_back("state", Value{why ? "stopped" : "running"});
  if (why) {
    out.emplace_back("code", Value{code_name(why->code)});
    out.emplace_back("reason", Value{why->detail});
  }
  return out;
}

Result<Value> list(Parts& parts) {
  List out;
  for (PartitionId id = 0; id < parts.workspace.partitions(); ++id) {
    out.emplace_back(describe(parts.workspace, id));
  }
  return Value{std::move(out)};
}

}  // namespace

void add_partition_routes(Parts& parts, Routes& out) {
  auto all = get("/v1/partitions", "list_partitions", "How far each partition has come",
                 "partitions", [&parts](Request& request) {
                   std::function<Result<Value>()> work = [&parts] { return list(parts); };
                   return answer_value(parts, request, std::move(work));
                 });
  all.answer_schema = "Partitions";
  out.push_back(std::move(all));
}

}  // namespace dealwright::daemon::api
