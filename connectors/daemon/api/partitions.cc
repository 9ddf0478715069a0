// Partitions: who leads, how far each has come, why one stopped.
#include "connectors/daemon/api/api.h"

namespace dealwright::daemon::api {
namespace {

using http::Request;

Value count(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

// Where each stands, and if it does not go on, why.
Result<Page> list(Parts& parts) {
  auto& workspace = parts.workspace;
  Page out;
  out.rows.columns = {{"partition", "int"},  {"state", "text"},      {"leading", "bool"},
                      {"caught_up", "bool"}, {"clock_held", "bool"}, {"term", "int"},
                      {"events", "int"},     {"events_end", "int"},  {"decisions", "int"},
                      {"now", "instant"},    {"timers", "int"},      {"timers_fired", "int"},
                      {"accepted", "int"},   {"duplicates", "int"},  {"refused", "int"},
                      {"set_aside", "int"},  {"waiting", "int"},     {"effects_paused", "bool"},
                      {"code", "text"},      {"reason", "text"}};
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    const auto why = workspace.stopped(id);
    std::vector<Value> row(out.rows.columns.size(), Value{Null{}});
    // It looks only: told also while nothing becomes durable.
    const auto look = [&](PartitionId, runtime::Partition& partition) {
      const auto status = partition.status();
      const auto& meta = partition.state().meta;
      row = {Value{Null{}},
             Value{Null{}},
             Value{status.leading},
             Value{status.caught_up},
             Value{status.clock_held},
             count(status.term),
             count(status.events),
             count(status.events_end),
             count(status.decisions),
             status.now > kInstantMin ? Value{status.now} : Value{Null{}},
             count(status.timers),
             count(meta.timers_fired),
             count(meta.accepted),
             count(meta.duplicates),
             count(meta.refused),
             count(meta.aside),
             count(status.waiting),
             Value{status.effects_paused},
             Value{Null{}},
             Value{Null{}}};
      return false;
    };
    static_cast<void>(workspace.engine().look_in_each({&id, 1}, look));
    row[0] = Value{std::int64_t{id}};
    row[1] = Value{why ? "stopped" : "running"};
    if (why) row[row.size() - 2] = Value{code_name(why->code)};
    if (why) row[row.size() - 1] = Value{why->detail};
    out.rows.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace

void add_partition_routes(Parts& parts, Routes& out) {
  auto all = get("/v1/partitions", "list_partitions", "How far each partition has come",
                 "partitions", [&parts](Request& request) {
                   std::function<Result<Page>()> work = [&parts] { return list(parts); };
                   return answer_page(parts, request, std::move(work));
                 });
  all.gives = {"application/json", "text/csv", "application/x-ndjson"};
  all.fields = {"Dealwright-Columns"};
  all.answer_schema = "PartitionRows";
  out.push_back(std::move(all));
}

}  // namespace dealwright::daemon::api
