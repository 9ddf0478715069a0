// set-aside list, redrive, drop.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"
#include "connectors/daemon/ledger.h"

namespace dealwright::cli {
namespace {

Result<void> list_set_aside(Context& context) {
  if (context.remote() != nullptr) return context.print_pages("/v1/set-aside", 0);
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  daemon::LedgerFilter filter;
  filter.limit = 0;
  DW_TRY(const auto page, daemon::list_set_aside(*workspace, filter));
  context.print(page.rows);
  return workspace->stop();
}

Result<void> order(Context& context, const std::string& where, TypeId type,
                   const std::string& reason) {
  DW_TRY(auto place, parse_position(where));
  const bool drops = type == TypeId::kEventDropped;
  const auto print_done = [&] {
    context.print_object(
        {{"position", Value{where}}, {"done", Value{drops ? "dropped" : "redriven"}}});
  };
  const auto stays = [&](std::string_view code, std::string_view detail) {
    return Error{Code::kRefused, "the event at " + where + " was judged again and stays: " +
                                     std::string{code} + " " + std::string{detail}};
  };
  if (const auto* remote = context.remote()) {
    const auto path = "/v1/set-aside/" + escaped(where) + (drops ? "/drop" : "/redrive");
    DW_TRY(const auto said, remote->post(with_query(path, {{"reason", reason}})));
    const auto text = [&](std::string_view name) {
      const auto* value = said.as_map() == nullptr ? nullptr : find(*said.as_map(), name);
      return value == nullptr ? std::string_view{} : value->text_or_empty();
    };
    if (!text("code").empty()) return stays(text("code"), text("detail"));
    print_done();
    return ok();
  }
  DW_TRY(auto workspace, context.open());
  const auto id = std::string{spec_of(type).name} + "-" + where + "-" + to_text(context.now());
  DW_TRY(const auto left, daemon::order_set_aside(*workspace, place, type, reason, "user/cli", id));
  DW_TRY(workspace->engine().wait_idle());
  DW_TRY(workspace->stop());
  if (left) return stays(left->code, left->detail);
  print_done();
  return ok();
}

}  // namespace

void add_set_aside_commands(CLI::App& app, Context& context) {
  auto* aside = noun(app, "set-aside", "Events that were refused or malformed");
  verb(*aside, context, "list", "Events set aside, with their codes", "dealwright set-aside list",
       [&context] { return list_set_aside(context); });
  auto where = std::make_shared<std::string>();
  verb(*aside, context, "redrive", "Judge an event again, and what waits behind it",
       "dealwright set-aside redrive 0:3",
       [&context, where] { return order(context, *where, TypeId::kEventRedriven, ""); })
      ->add_option("position", *where, "partition:position")
      ->required();
  auto which = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  auto* drop = verb(
      *aside, context, "drop", "Give an event up; what waits behind it goes on",
      "dealwright set-aside drop 0:3 --reason 'test data'",
      [&context, which, reason] { return order(context, *which, TypeId::kEventDropped, *reason); });
  drop->add_option("position", *which, "partition:position")->required();
  drop->add_option("--reason", *reason, "why, for the record");
}

}  // namespace dealwright::cli
