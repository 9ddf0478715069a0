// timer list; effect list, show; enrolment list, show.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"
#include "connectors/cli/effect_acts.h"
#include "connectors/daemon/ledger.h"

namespace dealwright::cli {
namespace {

Result<void> print_page(Context& context, daemon::Workspace& workspace,
                        Result<daemon::LedgerPage> page) {
  DW_TRY(const auto shown, std::move(page));
  context.print(shown.rows);
  if (!shown.last.empty()) context.print_line("... more; see --limit");
  return workspace.stop();
}

Result<void> list_timers(Context& context, std::size_t limit) {
  if (context.remote() != nullptr) return context.print_pages("/v1/timers", limit);
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  daemon::LedgerFilter filter;
  filter.limit = limit;
  return print_page(context, *workspace, daemon::list_timers(*workspace, filter));
}

// How late timers fired, by partition.
Result<void> show_lateness(Context& context) {
  DW_TRY(context.needs_data("timer list --stats"));
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

struct Filter {
  std::string state, rule, channel;
  std::size_t limit = 50;
};

Result<void> list_effects(Context& context, const Filter& asked) {
  if (context.remote() != nullptr) {
    return context.print_pages(
        with_query("/v1/effects",
                   {{"state", asked.state}, {"rule", asked.rule}, {"channel", asked.channel}}),
        asked.limit);
  }
  daemon::LedgerFilter filter;
  filter.rule = asked.rule;
  filter.channel = asked.channel;
  filter.limit = asked.limit;
  if (!asked.state.empty()) {
    filter.state = effect_state_of(asked.state);
    if (!filter.state) return Error{Code::kInvalid, "no effect state '" + asked.state + "'"};
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  return print_page(context, *workspace, daemon::list_effects(*workspace, filter));
}

Result<void> show_effect(Context& context, const std::string& prefix) {
  if (const auto* remote = context.remote()) {
    return context.print_value(remote->get("/v1/effects/" + escaped(prefix)));
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(const auto found, daemon::find_effect(*workspace, prefix));
  context.print_object(daemon::describe(found.second));
  return workspace->stop();
}

Result<void> list_enrolments(Context& context, const Filter& asked) {
  if (context.remote() != nullptr) {
    return context.print_pages(with_query("/v1/enrolments", {{"rule", asked.rule}}), asked.limit);
  }
  daemon::LedgerFilter filter;
  filter.rule = asked.rule;
  filter.limit = asked.limit;
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  return print_page(context, *workspace, daemon::list_enrolments(*workspace, filter));
}

Result<void> show_enrolment(Context& context, const std::string& prefix) {
  if (const auto* remote = context.remote()) {
    return context.print_value(remote->get("/v1/enrolments/" + escaped(prefix)));
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(const auto found, daemon::describe_enrolment(*workspace, prefix));
  context.print_object(found);
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

  add_timer_acts(*timer, context);

  auto filter = std::make_shared<Filter>();
  auto* effect = noun(app, "effect", "The ledger of what goes out");
  auto* effects = verb(*effect, context, "list", "Effects, the newest requests first",
                       "dealwright effect list --state requested",
                       [&context, filter] { return list_effects(context, *filter); });
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

  add_effect_acts(*effect, context);

  auto of = std::make_shared<Filter>();
  auto* enrolment = noun(app, "enrolment", "Records on their way through rules");
  auto* live = verb(*enrolment, context, "list", "Live enrolments",
                    "dealwright enrolment list --rule offer-silence",
                    [&context, of] { return list_enrolments(context, *of); });
  live->add_option("--rule", of->rule, "of one rule");
  live->add_option("--limit", of->limit, "how many; 0: all")->capture_default_str();
  auto enrolment_id = std::make_shared<std::string>();
  verb(*enrolment, context, "show", "One live enrolment: where it stands, what it watches",
       "dealwright enrolment show 3ad30111",
       [&context, enrolment_id] { return show_enrolment(context, *enrolment_id); })
      ->add_option("enrolment", *enrolment_id, "its id, or the beginning of it")
      ->required();
  add_enrolment_acts(*enrolment, context);
}

}  // namespace dealwright::cli
