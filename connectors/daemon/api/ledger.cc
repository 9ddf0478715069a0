// Enrolments, timers, effects: what is under way.
#include "connectors/daemon/ledger.h"

#include "connectors/daemon/api/api.h"
#include "connectors/http/query.h"

namespace dealwright::daemon::api {
namespace {

using http::Request;
using List = Result<LedgerPage> (*)(Workspace&, const LedgerFilter&);

Result<Page> page_of(Parts& parts, const Request& request, const std::string& name, List list) {
  LedgerFilter filter;
  filter.limit = limit_of(request);
  filter.rule = request.query.get("rule");
  filter.channel = request.query.get("channel");
  if (const auto* record = request.query.find("record")) filter.subject = parse_record_key(*record);
  if (const auto* state = request.query.find("state")) filter.state = effect_state_of(*state);
  if (const auto* cursor = request.query.find("cursor")) {
    DW_TRY(auto after, http::read_cursor(name, *cursor));
    filter.after = std::move(after);
  }
  DW_TRY(auto found, list(parts.workspace, filter));
  Page out;
  out.rows = std::move(found.rows);
  if (!found.last.empty()) out.cursor = http::make_cursor(name, found.last);
  return out;
}

http::Route list_route(Parts& parts, const std::string& name, std::string operation,
                       std::string summary, std::string schema, List list) {
  auto out = get("/v1/" + name, std::move(operation), std::move(summary), name,
                 [&parts, name, list](Request& request) {
                   std::function<Result<Page>()> work = [&parts, &request, name, list] {
                     return page_of(parts, request, name, list);
                   };
                   return answer_page(parts, request, std::move(work), name);
                 });
  add_paging(out);
  out.answer_schema = std::move(schema);
  add_waiting(out);
  out.parameters.push_back(text("rule", "of one rule"));
  out.parameters.push_back(text("record", "about one record: <kind>/<id>"));
  return out;
}

http::Route one_route(Parts& parts, const std::string& name, std::string operation,
                      std::string summary,
                      std::function<Result<Value>(Workspace&, const std::string&)> show) {
  auto out = get("/v1/" + name + "/{id}", std::move(operation), std::move(summary), name,
                 [&parts, show = std::move(show)](Request& request) {
                   std::function<Result<Value>()> work = [&parts, &request, show] {
                     return show(parts.workspace, request.param("id"));
                   };
                   return answer_value(parts, request, std::move(work));
                 });
  out.problems = {"not_found", "invalid", "conflict"};
  out.parameters.push_back(
      segment("id", "the id, or as much of its beginning as is unique", "^[0-9a-f]{1,64}$"));
  add_waiting(out);
  return out;
}

}  // namespace

void add_enrolment_routes(Parts& parts, Routes& out) {
  out.push_back(list_route(parts, "enrolments", "list_enrolments",
                           "Live enrolments, the newest first", "EnrolmentRows", list_enrolments));
  out.push_back(one_route(parts, "enrolments", "get_enrolment",
                          "A live enrolment: where it stands, what it watches",
                          [](Workspace& workspace, const std::string& id) -> Result<Value> {
                            DW_TRY(auto found, describe_enrolment(workspace, id));
                            return Value{std::move(found)};
                          }));
  out.back().answer_schema = "Enrolment";
  out.push_back(list_route(parts, "timers", "list_timers", "Pending timers, the soonest first",
                           "TimerRows", list_timers));
}

void add_effect_routes(Parts& parts, Routes& out) {
  auto all = list_route(parts, "effects", "list_effects", "The ledger, the newest requests first",
                        "EffectRows", list_effects);
  auto state = text("state", "in one state");
  for (int i = 0; i <= static_cast<int>(EffectState::kSuppressed); ++i) {
    state.one_of.emplace_back(effect_state_name(static_cast<EffectState>(i)));
  }
  all.parameters.push_back(std::move(state));
  all.parameters.push_back(text("channel", "of one channel: email, webhook, notify, task"));
  out.push_back(std::move(all));
  out.push_back(one_route(parts, "effects", "get_effect",
                          "An effect, with what it carries; the beginning of its id will do",
                          [](Workspace& workspace, const std::string& id) -> Result<Value> {
                            DW_TRY(const auto found, find_effect(workspace, id));
                            return Value{daemon::describe(found.second)};
                          }));
  out.back().answer_schema = "Effect";
}

void add_set_aside_routes(Parts& parts, Routes& out) {
  out.push_back(list_route(parts, "set-aside", "list_set_aside",
                           "Events that were refused or are malformed, by position", "SetAsideRows",
                           list_set_aside));
  auto& all = out.back();
  std::erase_if(all.parameters, [](const auto& parameter) { return parameter.name == "rule"; });
  const auto order = [&parts](TypeId to) {
    return [&parts, to](Request& request) {
      std::function<Result<Value>()> work = [&parts, &request, to]() -> Result<Value> {
        const auto& where = request.param("position");
        DW_TRY(const auto places, parse_positions(where, parts.workspace.partitions()));
        const Placed place{places.front().first, places.front().second};
        DW_TRY(const auto left,
               order_set_aside(parts.workspace, place, to, std::string{request.query.get("reason")},
                               actor_of(request), fresh_id(parts, request, spec_of(to).name)));
        if (!left) return Value{Map{{"position", Value{where}}, {"stays", Value{false}}}};
        return Value{Map{{"position", Value{where}},
                         {"stays", Value{true}},
                         {"code", Value{left->code}},
                         {"detail", Value{left->detail}}}};
      };
      return answer_value(parts, request, std::move(work));
    };
  };
  auto redrive = post("/v1/set-aside/{position}/redrive", "redrive_set_aside",
                      "Judge an event again, and what waits behind it", "set-aside", operators(),
                      order(TypeId::kEventRedriven));
  auto drop = post("/v1/set-aside/{position}/drop", "drop_set_aside",
                   "Give an event up; what waits behind it goes on", "set-aside", operators(),
                   order(TypeId::kEventDropped));
  for (auto* route : {&redrive, &drop}) {
    route->answer_schema = "Redriven";
    route->problems = {"not_found", "invalid", "refused", "overload"};
    route->parameters.push_back(segment("position", "partition:position", kPositionPattern));
    add_repeats(parts, *route);
  }
  drop.parameters.push_back(text("reason", "why, for the record"));
  out.push_back(std::move(redrive));
  out.push_back(std::move(drop));
}

}  // namespace dealwright::daemon::api
