// timer list, effect list, set-aside list, redrive, drop, enrolment list.
#include <CLI/CLI.hpp>
#include <sstream>

#include "connectors/cli/context.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"

namespace dealwright::cli {
namespace {

using Visit = std::function<void(PartitionId, std::string_view key, std::string_view value)>;

Result<void> scan_all(daemon::Workspace& workspace, char letter, const Visit& visit) {
  Result<void> result = ok();
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      auto scanned =
          partition.state().scan(letter, [&](std::string_view key, std::string_view value) {
            visit(id, key, value);
            return true;
          });
      if (!scanned) result = scanned;
    }));
    DW_TRY(result);
  }
  return ok();
}

Result<void> list_timers(Context& context, std::size_t limit) {
  DW_TRY(auto workspace, context.open());
  std::vector<std::pair<TimerKey, PartitionId>> timers;
  DW_TRY(scan_all(*workspace, runtime::keys::kTimer,
                  [&](PartitionId id, std::string_view key, std::string_view) {
                    timers.emplace_back(runtime::keys::read_timer(key), id);
                  }));
  std::sort(timers.begin(), timers.end());
  ViewRows rows;
  rows.columns = {{"due", "instant"},
                  {"rule", "text"},
                  {"subject", "text"},
                  {"step", "int"},
                  {"partition", "int"}};
  for (const auto& [timer, id] : timers) {
    if (rows.rows.size() == limit) break;
    std::string subject = "?";
    DW_TRY(workspace->engine().ask(id, [&, t = timer](runtime::Partition& partition) {
      if (const auto enrolment = partition.state().enrolment(t.enrolment))
        subject = to_text(enrolment->subject);
    }));
    rows.rows.push_back({Value{timer.due}, Value{timer.rule}, Value{subject},
                         Value{std::int64_t{timer.step}}, Value{std::int64_t{id}}});
  }
  context.print(rows);
  if (timers.size() > limit)
    context.print_line("... " + std::to_string(timers.size() - limit) + " more");
  return workspace->stop();
}

Result<void> list_effects(Context& context, const std::string& state, const std::string& rule,
                          const std::string& channel, std::size_t limit) {
  if (!state.empty() && !effect_state_of(state))
    return Error{Code::kInvalid, "no effect state '" + state + "'"};
  DW_TRY(auto workspace, context.open());
  std::vector<Effect> effects;
  std::optional<Error> bad;
  DW_TRY(scan_all(*workspace, runtime::keys::kEffect,
                  [&](PartitionId, std::string_view, std::string_view value) {
                    Effect effect;
                    if (auto decoded = codec::decode(value, effect); !decoded) {
                      bad = decoded.error();
                      return;
                    }
                    const bool wanted =
                        (state.empty() || effect_state_name(effect.state) == state) &&
                        (rule.empty() || effect.rule == rule) &&
                        (channel.empty() || effect.channel == channel);
                    if (wanted) effects.push_back(std::move(effect));
                  }));
  if (bad) return *bad;
  std::sort(effects.begin(), effects.end(), [](const Effect& a, const Effect& b) {
    return a.requested != b.requested ? a.requested < b.requested : a.id < b.id;
  });
  ViewRows rows;
  rows.columns = {{"requested", "instant"}, {"rule", "text"},  {"channel", "text"},
                  {"subject", "text"},      {"state", "text"}, {"reason", "text"},
                  {"step", "text"},         {"effect", "text"}};
  for (const auto& effect : effects) {
    if (limit > 0 && rows.rows.size() == limit) break;
    rows.rows.push_back({Value{effect.requested}, Value{effect.rule}, Value{effect.channel},
                         Value{to_text(effect.subject)}, Value{effect_state_name(effect.state)},
                         Value{effect.reason}, Value{effect.step}, Value{hex(effect.id)}});
  }
  context.print(rows);
  if (rows.rows.size() < effects.size())
    context.print_line("... " + std::to_string(effects.size() - rows.rows.size()) + " more");
  return workspace->stop();
}

Result<void> list_enrolments(Context& context, const std::string& rule, std::size_t limit) {
  DW_TRY(auto workspace, context.open());
  std::vector<Enrolment> all;
  DW_TRY(scan_all(*workspace, runtime::keys::kEnrolment,
                  [&](PartitionId, std::string_view, std::string_view value) {
                    Enrolment enrolment;
                    if (codec::decode(value, enrolment) && (rule.empty() || enrolment.rule == rule))
                      all.push_back(std::move(enrolment));
                  }));
  std::sort(all.begin(), all.end(), [](const Enrolment& a, const Enrolment& b) {
    return std::tie(a.rule, a.started, a.key) < std::tie(b.rule, b.started, b.key);
  });
  ViewRows rows;
  rows.columns = {{"rule", "text"}, {"subject", "text"}, {"started", "instant"},
                  {"step", "int"},  {"due", "instant"},  {"state", "text"}};
  for (const auto& e : all) {
    if (rows.rows.size() == limit) break;
    rows.rows.push_back({Value{e.rule}, Value{to_text(e.subject)}, Value{e.started},
                         Value{std::int64_t{e.step}}, e.due ? Value{*e.due} : Value{Null{}},
                         Value{e.held              ? "held"
                               : e.waits_for_event ? "waits for event"
                                                   : "waits"}});
  }
  context.print(rows);
  return workspace->stop();
}

Result<void> list_set_aside(Context& context) {
  DW_TRY(auto workspace, context.open());
  ViewRows rows;
  rows.columns = {{"position", "text"}, {"verdict", "text"}, {"code", "text"},
                  {"type", "text"},     {"subject", "text"}, {"at", "instant"},
                  {"behind", "text"},   {"detail", "text"}};
  DW_TRY(scan_all(
      *workspace, runtime::keys::kSetAside,
      [&](PartitionId id, std::string_view, std::string_view value) {
        SetAside entry;
        if (!codec::decode(value, entry)) return;
        const auto place = std::to_string(id) + ":";
        rows.rows.push_back(
            {Value{place + std::to_string(entry.position)}, Value{verdict_name(entry.verdict)},
             Value{entry.code}, Value{entry.type}, Value{entry.subject}, Value{entry.now},
             entry.blocked_by ? Value{place + std::to_string(*entry.blocked_by)} : Value{Null{}},
             Value{entry.detail}});
      }));
  context.print(rows);
  return workspace->stop();
}

Result<void> order(Context& context, const std::string& where, TypeId type,
                   const std::string& reason) {
  std::istringstream in{where};
  PartitionId partition = 0;
  std::uint64_t position = 0;
  char colon = 0;
  if (!(in >> partition >> colon >> position) || colon != ':') {
    return Error{Code::kInvalid,
                 "'" + where + "' is no position; write partition:position, such as 3:8112"};
  }
  DW_TRY(auto workspace, context.open());
  if (partition >= workspace->partitions())
    return Error{Code::kNotFound, "there is no partition " + std::to_string(partition)};
  bool there = false;
  DW_TRY(workspace->engine().ask(partition, [&](runtime::Partition& p) {
    there = p.state().set_aside(position).has_value();
  }));
  if (!there) return Error{Code::kNotFound, "no event is set aside at " + where};
  Event event;
  event.source = "dealwright/operator";
  event.id = std::string{spec_of(type).name} + "-" + where + "-" + to_text(context.now());
  event.type = type;
  event.subject = {Kind::kEvent, where};
  event.time = context.now();
  if (workspace->event_clock()) event.time.reset();
  event.actor = "user/cli";
  event.data.set(Field::kPosition, Value{static_cast<std::int64_t>(position)});
  if (!reason.empty()) event.data.set(Field::kReason, Value{reason});
  DW_TRY(workspace->append_own(std::move(event), partition));
  DW_TRY(workspace->engine().wait_idle());
  std::optional<SetAside> left;
  DW_TRY(workspace->engine().ask(
      partition, [&](runtime::Partition& p) { left = p.state().set_aside(position); }));
  DW_TRY(workspace->stop());
  if (left)
    return Error{Code::kRefused, "the event at " + where + " was judged again and stays: " +
                                     left->code + " " + left->detail};
  context.print_object({{"position", Value{where}},
                        {"done", Value{type == TypeId::kEventDropped ? "dropped" : "redriven"}}});
  return ok();
}

}  // namespace

void add_ledger_commands(CLI::App& app, Context& context) {
  auto limit = std::make_shared<std::size_t>(50);
  auto* timer = noun(app, "timer", "What is due, and when");
  verb(*timer, context, "list", "Pending timers, soonest first", "dealwright timer list --limit 20",
       [&context, limit] { return list_timers(context, *limit); })
      ->add_option("--limit", *limit, "how many")
      ->capture_default_str();

  struct Filter {
    std::string state, rule, channel;
    std::size_t limit = 50;
  };
  auto filter = std::make_shared<Filter>();
  auto* effect = noun(app, "effect", "The ledger of what goes out");
  auto* effects = verb(*effect, context, "list", "Effects by when they were requested",
                       "dealwright effect list --state requested", [&context, filter] {
                         return list_effects(context, filter->state, filter->rule, filter->channel,
                                             filter->limit);
                       });
  effects->add_option("--state", filter->state, "requested, delivered, cancelled ...");
  effects->add_option("--rule", filter->rule, "of one rule");
  effects->add_option("--channel", filter->channel, "task, email, webhook, notify");
  effects->add_option("--limit", filter->limit, "how many; 0: all")->capture_default_str();

  auto of = std::make_shared<Filter>();
  auto* enrolment = noun(app, "enrolment", "Records on their way through rules");
  auto* enrolments = verb(*enrolment, context, "list", "Live enrolments",
                          "dealwright enrolment list --rule offer-silence",
                          [&context, of] { return list_enrolments(context, of->rule, of->limit); });
  enrolments->add_option("--rule", of->rule, "of one rule");
  enrolments->add_option("--limit", of->limit, "how many")->capture_default_str();

  auto* aside = noun(app, "set-aside", "Events that were refused or malformed");
  verb(*aside, context, "list", "Events set aside, with their codes", "dealwright set-aside list",
       [&context] { return list_set_aside(context); });
  auto where = std::make_shared<std::string>();
  verb(*aside, context, "redrive", "Judge an event again, and what waits behind it",
       "dealwright set-aside redrive 0:17",
       [&context, where] { return order(context, *where, TypeId::kEventRedriven, ""); })
      ->add_option("position", *where, "partition:position")
      ->required();
  auto which = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  auto* drop = verb(
      *aside, context, "drop", "Give an event up; what waits behind it goes on",
      "dealwright set-aside drop 0:17 --reason 'test data'",
      [&context, which, reason] { return order(context, *which, TypeId::kEventDropped, *reason); });
  drop->add_option("position", *which, "partition:position")->required();
  drop->add_option("--reason", *reason, "why, for the record");
}

}  // namespace dealwright::cli
