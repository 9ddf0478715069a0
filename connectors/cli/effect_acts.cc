// effect retry, resolve, cancel; enrolment exit; timer cancel, move; workspace pause, resume.
#include "connectors/cli/effect_acts.h"

#include <CLI/CLI.hpp>

#include "connectors/daemon/effect_acts.h"
#include "connectors/daemon/enrolment_acts.h"

namespace dealwright::cli {
namespace {

struct Asked {
  std::string id, reason, outcome;
};

daemon::Act act_of(const Context& context, std::string_view what) {
  return {"user/cli", std::string{what} + "-" + to_text(context.now())};
}

Result<void> act(Context& context, const Asked& asked, TypeId what, const char* verb_name) {
  if (const auto* remote = context.remote()) {
    return context.print_value(
        remote->post(with_query("/v1/effects/" + escaped(asked.id) + "/" + verb_name,
                                {{"reason", asked.reason}, {"outcome", asked.outcome}})));
  }
  DW_TRY(auto workspace, context.open());
  DW_TRY(const auto effect,
         daemon::act_on_effect(*workspace, asked.id, what, asked.outcome, asked.reason,
                               act_of(context, spec_of(what).name)));
  context.print_object(daemon::describe(effect));
  return workspace->stop();
}

Result<void> pause(Context& context, const std::string& reason, bool on) {
  if (const auto* remote = context.remote()) {
    return context.print_value(
        remote->post(with_query(on ? "/v1/pause" : "/v1/pause/resume", {{"reason", reason}})));
  }
  DW_TRY(auto workspace, context.open());
  DW_TRY(const bool changed,
         daemon::pause_workspace(*workspace, on, reason,
                                 act_of(context, on ? "workspace.paused" : "workspace.resumed")));
  context.print_object({{"paused", Value{on}}, {"changed", Value{changed}}});
  return workspace->stop();
}

struct Order {
  std::string id, reason, due;
};

Result<void> act_on(Context& context, const Order& order, TypeId what, const std::string& path) {
  if (const auto* remote = context.remote()) {
    const auto cut = path.find('/');
    return context.print_value(remote->post(
        with_query("/v1/" + path.substr(0, cut) + "/" + escaped(order.id) + path.substr(cut),
                   {{"reason", order.reason}, {"due", order.due}})));
  }
  daemon::EnrolmentAct asked{what, {}, order.reason};
  if (!order.due.empty()) {
    DW_TRY(asked.due, parse_instant_lenient(order.due));
  }
  DW_TRY(auto workspace, context.open());
  DW_TRY(const auto done, daemon::act_on_enrolment(*workspace, order.id, asked,
                                                   act_of(context, spec_of(what).name)));
  context.print_object(done);
  return workspace->stop();
}

// `path`: of the API, without the id.
void add_order(CLI::App& noun, Context& context, const char* name, const char* text,
               const char* example, TypeId what, const std::string& path) {
  auto order = std::make_shared<Order>();
  auto* made = verb(noun, context, name, text, example,
                    [&context, order, what, path] { return act_on(context, *order, what, path); });
  made->add_option("enrolment", order->id, "its id, or the beginning of it")->required();
  if (what == TypeId::kTimerMoved) {
    made->add_option("--due", order->due, "when it is to fire; at once if that has passed")
        ->required();
  }
  made->add_option("--reason", order->reason, "why, for the record's history")->required();
}

}  // namespace

void add_enrolment_acts(CLI::App& enrolment, Context& context) {
  add_order(enrolment, context, "exit",
            "It leaves its rule; what it asked for and was not sent is cancelled",
            "dealwright enrolment exit 3ad30111 --reason 'settled by phone'",
            TypeId::kEnrolmentExited, "enrolments/exit");
}

void add_timer_acts(CLI::App& timer, Context& context) {
  add_order(timer, context, "cancel",
            "It does not fire: an enrolment that waits for time alone ends with it",
            "dealwright timer cancel 3ad30111 --reason 'settled by phone'", TypeId::kTimerCancelled,
            "timers/cancel");
  add_order(timer, context, "move", "It fires at another instant",
            "dealwright timer move 3ad30111 --due 2026-03-09T09:00:00Z --reason 'on holiday'",
            TypeId::kTimerMoved, "timers/move");
}

void add_effect_acts(CLI::App& effect, Context& context) {
  struct Verb {
    const char* name;
    const char* text;
    const char* example;
    TypeId what;
  };
  for (const auto& one :
       {Verb{"retry", "The same effect again, under its id",
             "dealwright effect retry 7b151747 --reason 'the address is mended'",
             TypeId::kEffectRetryRequested},
        Verb{"resolve", "Say what became of an unknown one",
             "dealwright effect resolve 7b151747 --outcome delivered --reason 'Ada has it'",
             TypeId::kEffectResolved},
        Verb{"cancel", "It does not leave",
             "dealwright effect cancel 7b151747 --reason 'sent by hand'",
             TypeId::kEffectCancelled}}) {
    auto asked = std::make_shared<Asked>();
    auto* made = verb(effect, context, one.name, one.text, one.example,
                      [&context, asked, what = one.what, name = one.name] {
                        return act(context, *asked, what, name);
                      });
    made->add_option("effect", asked->id, "its id, or the beginning of it")->required();
    made->add_option("--reason", asked->reason, "why, for the record's history")->required();
    if (one.what != TypeId::kEffectResolved) continue;
    made->add_option("--outcome", asked->outcome, "delivered or rejected")
        ->required()
        ->check(CLI::IsMember({"delivered", "rejected"}));
  }
}

void add_workspace_commands(CLI::App& app, Context& context) {
  auto* workspace = noun(app, "workspace", "The kill switch: whether anything leaves");
  for (const bool on : {true, false}) {
    auto reason = std::make_shared<std::string>();
    verb(*workspace, context, on ? "pause" : "resume",
         on ? "Nothing leaves until it is resumed" : "What waited is judged, and leaves",
         on ? "dealwright workspace pause --reason 'wrong prices in a mail'"
            : "dealwright workspace resume --reason 'prices are mended'",
         [&context, reason, on] { return pause(context, *reason, on); })
        ->add_option("--reason", *reason, "why, for the history")
        ->required();
  }
}

}  // namespace dealwright::cli
