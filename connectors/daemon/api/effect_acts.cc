// Effects again, resolved, cancelled; enrolments and timers; the kill switch.
#include "connectors/daemon/effect_acts.h"

#include "connectors/daemon/api/api.h"
#include "connectors/daemon/enrolment_acts.h"

namespace dealwright::daemon::api {
namespace {

using http::Request;

Result<Value> act(Parts& parts, const Request& request, TypeId what) {
  const std::string reason{request.query.get("reason")};
  DW_TRY(const auto effect,
         act_on_effect(parts.workspace, request.param("id"), what, request.query.get("outcome"),
                       reason, {actor_of(request), fresh_id(parts, request, spec_of(what).name)}));
  return Value{daemon::describe(effect)};
}

http::Route act_route(Parts& parts, std::string verb, std::string summary, TypeId what) {
  auto out = post("/v1/effects/{id}/" + verb, verb + "_effect", std::move(summary), "effects",
                  operators(), [&parts, what](Request& request) {
                    std::function<Result<Value>()> work = [&parts, &request, what] {
                      return act(parts, request, what);
                    };
                    return answer_value(parts, request, std::move(work));
                  });
  auto reason = text("reason", "why, for the record's history");
  reason.required = true;
  out.parameters.push_back(std::move(reason));
  out.answer_schema = "Effect";
  out.problems = {"not_found", "invalid", "conflict", "overload"};
  add_repeats(parts, out);
  return out;
}

Result<Value> act_on(Parts& parts, const Request& request, TypeId what) {
  const EnrolmentAct asked{what, instant_of(request, "due"),
                           std::string{request.query.get("reason")}};
  DW_TRY(auto done,
         act_on_enrolment(parts.workspace, request.param("id"), asked,
                          {actor_of(request), fresh_id(parts, request, spec_of(what).name)}));
  return Value{std::move(done)};
}

http::Route enrolment_route(Parts& parts, const std::string& path, std::string operation,
                            std::string summary, TypeId what) {
  auto out = post("/v1/" + path, std::move(operation), std::move(summary),
                  path.substr(0, path.find('/')), operators(), [&parts, what](Request& request) {
                    std::function<Result<Value>()> work = [&parts, &request, what] {
                      return act_on(parts, request, what);
                    };
                    return answer_value(parts, request, std::move(work));
                  });
  out.parameters.push_back(segment(
      "id", "the enrolment's id, or as much of its beginning as is unique", "^[0-9a-f]{1,64}$"));
  auto reason = text("reason", "why, for the record's history");
  reason.required = true;
  out.parameters.push_back(std::move(reason));
  if (what == TypeId::kTimerMoved) {
    auto due = instant("due", "when it is to fire; at once if that has passed");
    due.required = true;
    out.parameters.push_back(std::move(due));
  }
  out.answer_schema = "EnrolmentAct";
  out.problems = {"not_found", "invalid", "conflict", "overload"};
  add_repeats(parts, out);
  return out;
}

Result<Value> pause(Parts& parts, const Request& request, bool on) {
  const auto* what = on ? "workspace.paused" : "workspace.resumed";
  DW_TRY(const bool changed,
         pause_workspace(parts.workspace, on, std::string{request.query.get("reason")},
                         {actor_of(request), fresh_id(parts, request, what)}));
  return Value{Map{{"paused", Value{on}}, {"changed", Value{changed}}}};
}

http::Route pause_route(Parts& parts, std::string path, std::string operation, std::string summary,
                        bool on) {
  auto out = post(std::move(path), std::move(operation), std::move(summary), "pause", operators(),
                  [&parts, on](Request& request) {
                    std::function<Result<Value>()> work = [&parts, &request, on] {
                      return pause(parts, request, on);
                    };
                    return answer_value(parts, request, std::move(work));
                  });
  auto reason = text("reason", "why, for the history");
  reason.required = true;
  out.parameters.push_back(std::move(reason));
  out.answer_schema = "Paused";
  out.problems = {"invalid", "conflict", "overload"};
  add_repeats(parts, out);
  return out;
}

}  // namespace

void add_enrolment_act_routes(Parts& parts, Routes& out) {
  out.push_back(
      enrolment_route(parts, "enrolments/{id}/exit", "exit_enrolment",
                      "It leaves its rule; what it asked for and was not sent is cancelled",
                      TypeId::kEnrolmentExited));
  out.push_back(
      enrolment_route(parts, "timers/{id}/cancel", "cancel_timer",
                      "It does not fire: an enrolment that waits for time alone ends with it",
                      TypeId::kTimerCancelled));
  out.push_back(enrolment_route(parts, "timers/{id}/move", "move_timer",
                                "It fires at another instant", TypeId::kTimerMoved));
}

void add_effect_act_routes(Parts& parts, Routes& out) {
  out.push_back(act_route(parts, "retry", "The same effect again, under its id",
                          TypeId::kEffectRetryRequested));
  auto resolve =
      act_route(parts, "resolve", "Says what became of an unknown one", TypeId::kEffectResolved);
  auto outcome = text("outcome", "what became of it");
  outcome.required = true;
  outcome.one_of = {"delivered", "rejected"};
  resolve.parameters.push_back(std::move(outcome));
  out.push_back(std::move(resolve));
  out.push_back(act_route(parts, "cancel", "It does not leave", TypeId::kEffectCancelled));

  auto state =
      get("/v1/pause", "get_pause", "Whether nothing leaves", "pause", [&parts](Request& request) {
        std::function<Result<Value>()> work = [&parts]() -> Result<Value> {
          DW_TRY(const bool paused, is_paused(parts.workspace));
          return Value{Map{{"paused", Value{paused}}, {"changed", Value{false}}}};
        };
        return answer_value(parts, request, std::move(work));
      });
  state.answer_schema = "Paused";
  out.push_back(std::move(state));
  out.push_back(pause_route(parts, "/v1/pause", "pause",
                            "The kill switch: nothing leaves until it is resumed", true));
  out.push_back(
      pause_route(parts, "/v1/pause/resume", "resume", "What waited is judged and leaves", false));
}

}  // namespace dealwright::daemon::api
