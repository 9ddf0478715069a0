// key create, list, revoke: who may ask the server.
#include <CLI/CLI.hpp>

#include "connectors/cli/context.h"
#include "connectors/http/api_key.h"
#include "connectors/os/system_clock.h"

namespace dealwright::cli {
namespace {

struct NewKey {
  std::string name, expires;
  std::vector<std::string> roles, scopes;
};

std::string path_of(const Context& context) { return context.data() + "/keys/api-keys.json"; }

// The data directory is held meanwhile: a server that runs would not notice, and write over it.
Result<void> change(Context& context, const std::function<Result<void>(http::KeyBook&)>& act) {
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  http::KeyBook keys;
  auto loaded = http::KeyBook::load(workspace->files(), path_of(context), keys);
  if (!loaded && loaded.error().code != Code::kNotFound) return loaded.error();
  DW_TRY(act(keys));
  DW_TRY(keys.save(workspace->files(), path_of(context), context.now()));
  return workspace->stop();
}

Result<http::KeyRecord> record_of(const NewKey& asked) {
  http::KeyRecord out;
  out.name = asked.name;
  out.workspace = "default";
  out.scopes = asked.scopes;
  if (!asked.expires.empty()) {
    DW_TRY(out.expires, parse_instant_lenient(asked.expires));
  }
  for (const auto& name : asked.roles) {
    const auto role = http::parse_role(name);
    if (!role) {
      return Error{Code::kInvalid, "there is no role '" + name +
                                       "'; there are publisher, viewer, "
                                       "author, approver, operator, "
                                       "admin, auditor"};
    }
    out.roles.add(*role);
  }
  return out;
}

Result<void> create(Context& context, const NewKey& asked) {
  DW_TRY(auto record, record_of(asked));
  if (const auto* remote = context.remote()) {
    const auto list = [](const std::vector<std::string>& words) {
      List out;
      for (const auto& word : words) out.emplace_back(word);
      return Value{std::move(out)};
    };
    Map body{
        {"name", Value{asked.name}}, {"roles", list(asked.roles)}, {"scopes", list(asked.scopes)}};
    if (record.expires) body.emplace_back("expires", Value{*record.expires});
    return context.print_value(
        remote->post("/v1/keys", "application/json", to_json(Value{std::move(body)})));
  }
  Map told;
  DW_TRY(change(context, [&](http::KeyBook& keys) -> Result<void> {
    const auto random = os::make_system_random();
    DW_TRY(const auto made, keys.make(*random, context.now(), std::move(record)));
    told = {
        {"id", Value{made.record.id}}, {"name", Value{made.record.name}}, {"key", Value{made.key}}};
    return ok();
  }));
  context.print_line("It is not shown again:");
  context.print_object(told);
  return ok();
}

std::string joined(const List& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : " ") + std::string{item.text_or_empty()};
  return out;
}

Result<void> list_there(const Context& context, ViewRows rows) {
  DW_TRY(const auto keys, context.remote()->get("/v1/keys"));
  if (keys.as_list() == nullptr) return ok();
  for (const auto& key : *keys.as_list()) {
    const auto* map = key.as_map();
    if (map == nullptr) continue;
    auto& row = rows.rows.emplace_back();
    for (const auto& column : rows.columns) {
      const auto* value = find(*map, column.name);
      const auto* words = value == nullptr ? nullptr : value->as_list();
      row.push_back(words != nullptr   ? Value{joined(*words)}
                    : value == nullptr ? Value{Null{}}
                                       : *value);
    }
  }
  context.print(rows);
  return ok();
}

Result<void> list(Context& context) {
  ViewRows rows;
  rows.columns = {{"id", "text"},         {"name", "text"},       {"roles", "text"},
                  {"scopes", "text"},     {"created", "instant"}, {"expires", "instant"},
                  {"revoked", "instant"}, {"used", "instant"}};
  if (context.remote() != nullptr) return list_there(context, std::move(rows));
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  http::KeyBook keys;
  auto loaded = http::KeyBook::load(workspace->files(), path_of(context), keys);
  if (!loaded && loaded.error().code != Code::kNotFound) return loaded.error();
  const auto at = [](const std::optional<Instant>& instant) {
    return instant ? Value{*instant} : Value{Null{}};
  };
  for (const auto& key : keys.list()) {
    std::string roles, scopes;
    for (const auto name : key.roles.names())
      roles += (roles.empty() ? "" : " ") + std::string{name};
    for (const auto& scope : key.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
    rows.rows.push_back({Value{key.id}, Value{key.name}, Value{roles}, Value{scopes},
                         Value{key.created}, at(key.expires), at(key.revoked), at(key.used)});
  }
  context.print(rows);
  return workspace->stop();
}

Result<void> revoke(Context& context, const std::string& id) {
  if (const auto* remote = context.remote()) {
    return context.print_value(remote->post("/v1/keys/" + escaped(id) + "/revoke"));
  }
  return change(context, [&](http::KeyBook& keys) -> Result<void> {
    DW_TRY(keys.revoke(id, context.now()));
    context.print_object({{"id", Value{id}}, {"revoked", Value{true}}});
    return ok();
  });
}

}  // namespace

void add_key_commands(CLI::App& app, Context& context) {
  auto* key = noun(app, "key", "Who may ask the server");
  auto asked = std::make_shared<NewKey>();
  auto* make = verb(*key, context, "create", "Make a key; it is shown once",
                    "dealwright key create --name crm --role publisher",
                    [&context, asked] { return create(context, *asked); });
  make->add_option("--name", asked->name, "for people")->required();
  make->add_option("--role", asked->roles,
                   "publisher, viewer, author, approver, operator, admin, auditor; several times")
      ->required();
  make->add_option("--scope", asked->scopes, "a resource, or resource:read; all if left out");
  make->add_option("--expires", asked->expires, "an instant, such as 2027-01-01");
  verb(*key, context, "list", "Keys, without their secrets", "dealwright key list",
       [&context] { return list(context); });
  auto id = std::make_shared<std::string>();
  verb(*key, context, "revoke", "From the next request on it is refused",
       "dealwright key revoke k_0a1b2c3d4e5f", [&context, id] { return revoke(context, *id); })
      ->add_option("id", *id, "as key list shows it")
      ->required();
}

}  // namespace dealwright::cli
