// What needs no key: health, and the description of the table itself.
#include <memory>

#include "connectors/daemon/api/api.h"
#include "connectors/daemon/api/schemas.h"
#include "connectors/daemon/effect_acts.h"
#include "connectors/http/openapi.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

// A partition that is so far behind is not ready to be read.
constexpr std::uint64_t kLagMax = 100'000;

std::string_view cure_of(const Error& error) {
  switch (error.code) {
    case Code::kDamaged:
      return "dealwright log verify tells where; restore the partition from a backup";
    case Code::kNoSpace:
      return "free space on the disk; it goes on by itself";
    case Code::kIo:
      return "look at the disk; it is tried again by itself";
    default:
      return "see the log of the process";
  }
}

// Ready: every partition leads or follows, within its lag.
Result<Value> readiness(Parts& parts, bool& ready) {
  List faults;
  for (PartitionId id = 0; id < parts.workspace.partitions(); ++id) {
    const auto fault = [&](std::string reason, std::string cure) {
      faults.emplace_back(Map{{"partition", Value{std::int64_t{id}}},
                              {"reason", Value{std::move(reason)}},
                              {"cure", Value{std::move(cure)}}});
    };
    if (const auto why = parts.workspace.stopped(id)) {
      fault(why->detail, std::string{cure_of(*why)});
      continue;
    }
    // It looks only: health is told also while nothing becomes durable.
    const auto look = [&](PartitionId, runtime::Partition& partition) {
      const auto status = partition.status();
      const bool follows = parts.workspace.control() != nullptr && status.caught_up;
      if (!status.leading && !follows) {
        fault("it is still folding its log", "wait");
      } else if (status.events + kLagMax < status.events_end) {
        fault(std::to_string(status.events_end - status.events) + " events wait to be decided",
              "wait, or take load away");
      } else if (status.clock_held) {
        fault("the clock jumped, and nothing fires until it is vouched for",
              "check the machine's clock; if it is right, restart once with --trust-clock");
      }
      return false;
    };
    const auto asked = parts.workspace.engine().look_in_each({&id, 1}, look);
    if (!asked) fault(asked.error().detail, std::string{cure_of(asked.error())});
  }
  ready = faults.empty();
  Map out{{"ready", Value{ready}}, {"faults", Value{std::move(faults)}}};
  const auto paused = is_paused(parts.workspace);  // a partition that is down cannot tell
  out.emplace_back("effects_paused", Value{paused && paused.value()});
  return Value{std::move(out)};
}

Awaitable<Response> answer_ready(Parts& parts, Request& request) {
  bool ready = false;
  std::function<Result<Value>()> work = [&] { return readiness(parts, ready); };
  const auto told = co_await http::run_blocking<Value>(parts.pool, std::move(work));
  if (!told) co_return http::problem_response(told.error(), request.trace);
  auto out = http::json_response(told.value(), ready ? 200 : 503);
  if (!ready) out.fields.add("Retry-After", "1");
  co_return out;
}

Awaitable<Response> answer_live(Request&) {
  co_return http::json_response(Value{Map{{"live", Value{true}}}});
}

http::Route open_route(std::string path, std::string operation, std::string summary,
                       http::Handler handler) {
  auto out = get(std::move(path), std::move(operation), std::move(summary), "", std::move(handler));
  out.roles = {};
  out.open = true;
  return out;
}

}  // namespace

Result<Value> describe_api(const http::RouteTable& table) {
  return http::openapi(table,
                       {"Dealwright", "1.0.0",
                        "Events in; records, views, rules and what they do out. Errors are "
                        "application/problem+json with stable codes.",
                        "Apache-2.0"},
                       schemas());
}

Result<void> add_open_routes(Parts& parts, Routes& out) {
  auto live = open_route("/health/live", "get_live", "The process turns", answer_live);
  live.answer_schema = "Live";
  out.push_back(std::move(live));
  auto ready =
      open_route("/health/ready", "get_ready",
                 "Every partition leads within its lag; else 503 says which, why, and what helps",
                 [&parts](Request& request) { return answer_ready(parts, request); });
  ready.answer_schema = "Readiness";
  ready.also = {503};
  out.push_back(std::move(ready));

  // It describes itself too, so its text is made when the table is whole.
  const auto text = std::make_shared<std::string>();
  auto own = open_route("/openapi.json", "get_openapi", "This description, OpenAPI 3.1",
                        [text](Request&) -> Awaitable<Response> {
                          co_return http::text_response("application/json", *text);
                        });
  own.answer_schema = "OpenApi";
  out.push_back(std::move(own));
  DW_TRY(const auto table, http::RouteTable::make(out));
  DW_TRY(const auto described, describe_api(table));
  *text = to_json(described);
  return ok();
}

Result<http::RouteTable> make_table(Parts& parts) {
  Routes routes;
  add_event_routes(parts, routes);
  add_event_read_routes(parts, routes);
  add_record_routes(parts, routes);
  add_view_routes(parts, routes);
  add_rule_routes(parts, routes);
  add_enrolment_routes(parts, routes);
  add_effect_routes(parts, routes);
  add_effect_act_routes(parts, routes);
  add_enrolment_act_routes(parts, routes);
  add_set_aside_routes(parts, routes);
  add_partition_routes(parts, routes);
  add_key_routes(parts, routes);
  add_hook_routes(parts, routes);
  add_mail_hook_route(parts, routes);
  add_public_routes(parts, routes);
  if (parts.dropped != nullptr) add_mail_routes(parts, routes);
  add_metrics_route(parts, routes);
  add_backup_routes(parts, routes);
  add_import_routes(parts, routes);
  add_template_routes(parts, routes);
  add_schema_routes(parts, routes);
  DW_TRY(add_open_routes(parts, routes));
  return http::RouteTable::make(std::move(routes));
}

}  // namespace dealwright::daemon::api
