// timer list; effect list, show; enrolment list, show.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"
#include "connectors/cli/tables.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"

namespace dealwright::cli {
namespace {

Result<void> list_timers(Context& context, std::size_t limit) {
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  std::vector<std::pair<std::string, PartitionId>> timers;  // by their keys: in order of firing
  DW_TRY(scan_all(*workspace, runtime::keys::kTimer,
                  [&](PartitionId id, std::string_view key, std::string_view) {
                    timers.emplace_back(key, id);
                  }));
  std::sort(timers.begin(), timers.end());
  DW_TRY(auto steps, StepNames::load(*workspace));
  ViewRows rows;
  rows.columns = {{"due", "instant"}, {"rule", "text"},      {"subject", "text"},
                  {"step", "text"},   {"enrolment", "text"}, {"partition", "int"}};
  for (const auto& [key, id] : timers) {
    if (limit > 0 && rows.rows.size() == limit) break;
    const auto timer = runtime::keys::read_timer(key);
    std::optional<Enrolment> enrolment;
    DW_TRY(workspace->engine().ask(id, [&, t = timer](runtime::Partition& partition) {
      if (const auto* found = partition.state().enrolment(t.enrolment)) enrolment = *found;
    }));
    rows.rows.push_back({Value{timer.due}, Value{timer.rule},
                         enrolment ? Value{to_text(enrolment->subject)} : Value{Null{}},
                         enrolment ? Value{steps.name(*enrolment)} : Value{Null{}},
                         Value{hex_of(timer.enrolment)}, Value{std::int64_t{id}}});
  }
  context.print(rows);
  if (rows.rows.size() < timers.size())
    context.print_line("... " + std::to_string(timers.size() - rows.rows.size()) + " more");
  return workspace->stop();
}

// How late timers fired, by partition.
Result<void> show_lateness(Context& context) {
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  ViewRows rows;
  rows.columns = {{"partition", "int"}, {"pending", "int"}, {"fired", "int"}};
  for (const auto& bucket : runtime::kLatenessBuckets) {
    rows.columns.push_back({"late_" + std::string{bucket.name}, "int"});
  }
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    if (!workspace->serves(id)) continue;
    DW_TRY(workspace->engine().ask(id, [&](runtime::Partition& partition) {
      const auto& meta = partition.state().meta;
      const auto number = [](std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; };
      auto& row = rows.rows.emplace_back(std::vector<Value>{
          number(id), number(partition.status().timers), number(meta.timers_fired)});
      for (const auto count : meta.lateness) row.push_back(number(count));
    }));
  }
  context.print(rows);
  return workspace->stop();
}

Result<void> list_effects(Context& context, const std::string& state, const std::string& rule,
                          const std::string& channel, std::size_t limit) {
  if (!state.empty() && !effect_state_of(state))
    return Error{Code::kInvalid, "no effect state '" + state + "'"};
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
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

Result<void> show_effect(Context& context, const std::string& prefix) {
  if (!is_hex(prefix))
    return Error{Code::kInvalid,
                 "'" + prefix + "' is no id of an effect, nor the beginning of one"};
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  std::vector<Effect> found;
  Result<void> sound = ok();
  DW_TRY(scan_all(*workspace, runtime::keys::kEffect,
                  [&](PartitionId, std::string_view, std::string_view value) {
                    Effect effect;
                    if (auto decoded = codec::decode(value, effect); !decoded) {
                      sound = decoded.error();
                    } else if (hex(effect.id).starts_with(prefix)) {
                      found.push_back(std::move(effect));
                    }
                  }));
  DW_TRY(std::move(sound));
  DW_TRY(only_one(found.size(), "effect", prefix));
  const auto& e = found[0];
  const auto instant = [](const std::optional<Instant>& at) {
    return at ? Value{*at} : Value{Null{}};
  };
  context.print_object({{"effect", Value{hex(e.id)}},
                        {"state", Value{effect_state_name(e.state)}},
                        {"reason", Value{e.reason}},
                        {"rule", Value{e.rule}},
                        {"version", Value{std::int64_t{e.version}}},
                        {"step", Value{e.step}},
                        {"channel", Value{e.channel}},
                        {"subject", Value{to_text(e.subject)}},
                        {"recipient", Value{e.recipient}},
                        {"requested", Value{e.requested}},
                        {"changed", Value{e.changed}},
                        {"not_before", instant(e.not_before)},
                        {"expires", instant(e.expires)},
                        {"attempts", Value{std::int64_t{e.attempts}}},
                        {"enrolment", Value{hex_of(e.enrolment)}},
                        {"payload", Value{e.payload}}});
  return workspace->stop();
}

std::string_view standing(const Enrolment& e) {
  if (e.held) return "held";
  if (e.step == kBeforeFirst) return "waits to be released";
  return e.waits_for_event ? "waits for event" : "waits";
}

Result<std::vector<Enrolment>> enrolments(daemon::Workspace& workspace) {
  std::vector<Enrolment> all;
  Result<void> sound = ok();
  DW_TRY(scan_all(workspace, runtime::keys::kEnrolment,
                  [&](PartitionId, std::string_view, std::string_view value) {
                    Enrolment enrolment;
                    if (auto decoded = codec::decode(value, enrolment); !decoded) {
                      sound = decoded.error();
                    } else {
                      all.push_back(std::move(enrolment));
                    }
                  }));
  DW_TRY(std::move(sound));
  std::sort(all.begin(), all.end(), [](const Enrolment& a, const Enrolment& b) {
    return std::tie(a.rule, a.started, a.key) < std::tie(b.rule, b.started, b.key);
  });
  return all;
}

Result<void> list_enrolments(Context& context, const std::string& rule, std::size_t limit) {
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(auto steps, StepNames::load(*workspace));
  DW_TRY(auto all, enrolments(*workspace));
  std::erase_if(all, [&](const Enrolment& e) { return !rule.empty() && e.rule != rule; });
  ViewRows rows;
  rows.columns = {{"rule", "text"},   {"subject", "text"}, {"started", "instant"}, {"step", "text"},
                  {"due", "instant"}, {"state", "text"},   {"enrolment", "text"}};
  for (const auto& e : all) {
    if (limit > 0 && rows.rows.size() == limit) break;
    rows.rows.push_back({Value{e.rule}, Value{to_text(e.subject)}, Value{e.started},
                         Value{steps.name(e)}, e.due ? Value{*e.due} : Value{Null{}},
                         Value{standing(e)}, Value{hex_of(e.id)}});
  }
  context.print(rows);
  if (rows.rows.size() < all.size())
    context.print_line("... " + std::to_string(all.size() - rows.rows.size()) + " more");
  return workspace->stop();
}

Result<void> show_enrolment(Context& context, const std::string& prefix) {
  if (!is_hex(prefix))
    return Error{Code::kInvalid,
                 "'" + prefix + "' is no id of an enrolment, nor the beginning of one"};
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(auto steps, StepNames::load(*workspace));
  DW_TRY(auto all, enrolments(*workspace));
  std::erase_if(all, [&](const Enrolment& e) { return !hex_of(e.id).starts_with(prefix); });
  DW_TRY(only_one(all.size(), "live enrolment", prefix));
  const auto& e = all[0];
  List watched, effects;
  for (const auto& key : e.watched) watched.emplace_back(to_text(key));
  for (const auto& id : e.effects) effects.emplace_back(hex(id));
  context.print_object({{"enrolment", Value{hex_of(e.id)}},
                        {"rule", Value{e.rule}},
                        {"version", Value{std::int64_t{e.version}}},
                        {"subject", Value{to_text(e.subject)}},
                        {"state", Value{standing(e)}},
                        {"step", Value{steps.name(e)}},
                        {"step_since", Value{e.step_since}},
                        {"started", Value{e.started}},
                        {"triggered", Value{e.base}},
                        {"due", e.due ? Value{*e.due} : Value{Null{}}},
                        {"shadow", Value{e.shadow}},
                        {"watched", Value{std::move(watched)}},
                        {"open_effects", Value{std::move(effects)}},
                        {"kept", Value{e.kept}}});
  return workspace->stop();
}

}  // namespace

void add_ledger_commands(CLI::App& app, Context& context) {
  auto limit = std::make_shared<std::size_t>(50);
  auto* timer = noun(app, "timer", "What is due, and when");
  auto stats = std::make_shared<bool>(false);
  auto* timers = verb(*timer, context, "list", "Pending timers, soonest first",
                      "dealwright timer list --limit 20", [&context, limit, stats] {
                        return *stats ? show_lateness(context) : list_timers(context, *limit);
                      });
  timers->add_option("--limit", *limit, "how many; 0: all")->capture_default_str();
  timers->add_flag("--stats", *stats,
                   "how late they fired instead, by partition: a column counts up to its bound");

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
  auto effect_id = std::make_shared<std::string>();
  verb(*effect, context, "show", "One effect, with what it carries",
       "dealwright effect show 7b151747",
       [&context, effect_id] { return show_effect(context, *effect_id); })
      ->add_option("effect", *effect_id, "its id, or the beginning of it")
      ->required();

  auto of = std::make_shared<Filter>();
  auto* enrolment = noun(app, "enrolment", "Records on their way through rules");
  auto* live = verb(*enrolment, context, "list", "Live enrolments",
                    "dealwright enrolment list --rule offer-silence",
                    [&context, of] { return list_enrolments(context, of->rule, of->limit); });
  live->add_option("--rule", of->rule, "of one rule");
  live->add_option("--limit", of->limit, "how many; 0: all")->capture_default_str();
  auto enrolment_id = std::make_shared<std::string>();
  verb(*enrolment, context, "show", "One live enrolment: where it stands, what it watches",
       "dealwright enrolment show 3ad30111",
       [&context, enrolment_id] { return show_enrolment(context, *enrolment_id); })
      ->add_option("enrolment", *enrolment_id, "its id, or the beginning of it")
      ->required();
}

}  // namespace dealwright::cli
