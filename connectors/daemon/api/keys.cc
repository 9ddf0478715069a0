// API keys: list, make, revoke. A key itself is shown once, when it is made.
#include "connectors/daemon/api/api.h"
#include "connectors/http/api_key.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::KeyRecord;
using http::Request;
using http::Response;

Value to_value(const KeyRecord& key) {
  List roles, scopes;
  for (const auto name : key.roles.names()) roles.emplace_back(name);
  for (const auto& scope : key.scopes) scopes.emplace_back(scope);
  const auto at = [](const std::optional<Instant>& instant) {
    return instant ? Value{*instant} : Value{Null{}};
  };
  return Value{Map{{"id", Value{key.id}},
                   {"name", Value{key.name}},
                   {"roles", Value{std::move(roles)}},
                   {"scopes", Value{std::move(scopes)}},
                   {"created", Value{key.created}},
                   {"expires", at(key.expires)},
                   {"revoked", at(key.revoked)},
                   {"used", at(key.used)}}};
}

Result<KeyRecord> read_asked(const Request& request) {
  DW_TRY(const auto body, request.json());
  const auto* map = body.as_map();
  if (map == nullptr) {
    return Error{Code::kInvalid, "send an object: {\"name\":\"crm\",\"roles\":[\"publisher\"]}"};
  }
  KeyRecord out;
  out.workspace = "default";
  for (const auto& [name, value] : *map) {
    const auto* list = value.as_list();
    if (name == "name") {
      out.name = value.text_or_empty();
    } else if (name == "expires") {
      DW_TRY(out.expires, parse_instant(value.text_or_empty()));
    } else if ((name == "roles" || name == "scopes") && list != nullptr) {
      for (const auto& item : *list) {
        const auto role = http::parse_role(item.text_or_empty());
        if (name == "scopes") {
          out.scopes.emplace_back(item.text_or_empty());
        } else if (role) {
          out.roles.add(*role);
        } else {
          return Error{Code::kInvalid, "there is no role '" + std::string{item.text_or_empty()} +
                                           "': publisher, viewer, author, approver, operator, "
                                           "admin, auditor"};
        }
      }
    } else {
      return Error{
          Code::kInvalid,
          "'" + name + "' is not known or no list; there are name, roles, scopes, expires"};
    }
  }
  return out;
}

Result<Value> list(Parts& parts) {
  List out;
  for (const auto& key : parts.keys.list()) out.push_back(to_value(key));
  return Value{std::move(out)};
}

Result<Value> make(Parts& parts, const Request& request) {
  DW_TRY(auto asked, read_asked(request));
  asked.request = http::repeat_name(request);
  DW_TRY(const auto made,
         parts.keys.make(parts.random, parts.workspace.clock().wall(), std::move(asked)));
  const auto now = parts.workspace.clock().wall();
  if (auto saved = parts.keys.save(parts.workspace.files(), parts.keys_path, now); !saved) {
    parts.keys.forget(made.record.id);  // nobody has seen it: it can be asked for again
    return saved.error();
  }
  Map out = *to_value(made.record).as_map();
  out.emplace_back("key", Value{made.key});
  return Value{std::move(out)};
}

Result<Value> revoke(Parts& parts, const std::string& id) {
  DW_TRY(parts.keys.revoke(id, parts.workspace.clock().wall()));
  DW_TRY(parts.keys.save(parts.workspace.files(), parts.keys_path, parts.workspace.clock().wall()));
  return Value{Map{{"id", Value{id}}, {"revoked", Value{true}}}};
}

Awaitable<Response> answer_made(Parts& parts, Request& request) {
  std::function<Result<Value>()> work = [&parts, &request] { return make(parts, request); };
  const auto made = co_await http::run_blocking<Value>(parts.pool, std::move(work));
  if (!made) co_return http::problem_response(made.error(), request.trace);
  auto out = http::json_response(made.value(), 201);
  out.fields.add("Cache-Control", "no-store");
  co_return out;
}

}  // namespace

void add_key_routes(Parts& parts, Routes& out) {
  auto all = get("/v1/keys", "list_keys", "Keys, without their secrets", "keys",
                 [&parts](Request& request) {
                   std::function<Result<Value>()> work = [&parts] { return list(parts); };
                   return answer_value(parts, request, std::move(work));
                 });
  all.roles = {http::Role::kAdmin, http::Role::kAuditor};
  all.answer_schema = "Keys";
  out.push_back(std::move(all));

  auto made = post("/v1/keys", "make_key", "Make a key; it is shown once", "keys", admins(),
                   [&parts](Request& request) { return answer_made(parts, request); });
  made.takes = {"application/json"};
  made.success = 201;
  made.request_schema = "NewKey";
  made.answer_schema = "Key";
  made.problems = {"invalid", "conflict", "io", "no_space"};
  add_repeats(parts, made, http::Repeats::Again::kAnswered);
  out.push_back(std::move(made));

  auto gone = post("/v1/keys/{id}/revoke", "revoke_key", "From the next request on it is refused",
                   "keys", admins(), [&parts](Request& request) {
                     std::function<Result<Value>()> work = [&parts, &request] {
                       return revoke(parts, request.param("id"));
                     };
                     return answer_value(parts, request, std::move(work));
                   });
  gone.answer_schema = "Revoked";
  gone.problems = {"not_found", "io", "no_space"};
  add_repeats(parts, gone);
  out.push_back(std::move(gone));
}

}  // namespace dealwright::daemon::api
