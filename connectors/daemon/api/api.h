// The resources under /v1 (interfaces.md 2), one source each: what a route takes, who may call it,
// and what it answers. docs/api.md is made from this table.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/daemon/backups.h"
#include "connectors/daemon/drafts.h"
#include "connectors/daemon/imports.h"
#include "connectors/daemon/intake.h"
#include "connectors/daemon/mail_in.h"
#include "connectors/daemon/metrics.h"
#include "connectors/daemon/workspace.h"
#include "connectors/http/access.h"
#include "connectors/http/awaiting.h"
#include "connectors/http/message.h"
#include "connectors/http/repeats.h"
#include "connectors/http/route.h"

namespace dealwright::hooks {
class HookSet;
}

namespace dealwright::daemon::api {

// What handlers are bound to; all of it outlives the server.
struct Parts {
  Workspace& workspace;
  Intake& intake;
  Drafts& drafts;
  Backups& backups;
  Imports& imports;
  http::WorkerPool& pool;  // for what blocks
  http::KeyBook& keys;
  Random& random;
  std::string keys_path;
  http::Limits limits;
  const Config* dropped;  // where mails are dropped as files; null: they are not
  const hooks::HookSet* hooks;
  // As callers know this server: https://sales.example.com. Any thread.
  std::function<std::string()> own_url;
  Metrics& metrics;
  std::function<http::Load()> load;  // of the server; any thread
  bool metrics_open = false;         // they need no key
  MailMarks mail_marks;              // of mails that come back
  http::Repeats& repeats;
};

using Routes = std::vector<http::Route>;
void add_event_routes(Parts& parts, Routes& out);
void add_event_read_routes(Parts& parts, Routes& out);
void add_record_routes(Parts& parts, Routes& out);
void add_view_routes(Parts& parts, Routes& out);
void add_rule_routes(Parts& parts, Routes& out);
void add_enrolment_routes(Parts& parts, Routes& out);
void add_effect_routes(Parts& parts, Routes& out);
void add_effect_act_routes(Parts& parts, Routes& out);
void add_enrolment_act_routes(Parts& parts, Routes& out);
void add_set_aside_routes(Parts& parts, Routes& out);
void add_partition_routes(Parts& parts, Routes& out);
void add_key_routes(Parts& parts, Routes& out);
void add_mail_routes(Parts& parts, Routes& out);  // REQUIRES: parts.dropped
void add_public_routes(Parts& parts, Routes& out);
void add_hook_routes(Parts& parts, Routes& out);
void add_mail_hook_route(Parts& parts, Routes& out);
void add_metrics_route(Parts& parts, Routes& out);
void add_backup_routes(Parts& parts, Routes& out);
void add_import_routes(Parts& parts, Routes& out);
void add_template_routes(Parts& parts, Routes& out);
void add_schema_routes(Parts& parts, Routes& out);
// Behind all others: health, and the description of the whole table.
Result<void> add_open_routes(Parts& parts, Routes& out);

// The whole table. kInvalid: a mistake of ours in it.
Result<http::RouteTable> make_table(Parts& parts);
// The OpenAPI document of the table, without a server: for docs and their check.
Result<Value> describe_api(const http::RouteTable& table);

// ---- what sources of this folder share

// Who may: each set names its roles in full, so that what is left out may not.
http::RoleSet readers();     // all but publishers
http::RoleSet publishers();  // append events
http::RoleSet authors();     // write rules
http::RoleSet approvers();   // put them in force
http::RoleSet operators();   // act on what runs
http::RoleSet admins();

http::Route get(std::string pattern, std::string operation, std::string summary,
                std::string resource, http::Handler handler);
http::Route post(std::string pattern, std::string operation, std::string summary,
                 std::string resource, http::RoleSet roles, http::Handler handler);
http::Parameter text(std::string name, std::string description);
http::Parameter header(std::string name, std::string description);
http::Parameter segment(std::string name, std::string description, std::string pattern);
http::Parameter number(std::string name, std::string description, std::int64_t least,
                       std::int64_t most);
http::Parameter instant(std::string name, std::string description);
http::Parameter flag(std::string name, std::string description);
void add_paging(http::Route& route);   // limit, cursor
void add_waiting(http::Route& route);  // wait_for, timeout
void add_tags(http::Route& route);     // ETag, and 304 for who has it
// Idempotency-Key. Last of all: it looks at the handler and the problems that are there by then.
void add_repeats(Parts& parts, http::Route& route,
                 http::Repeats::Again again = http::Repeats::Again::kAsked);
// As JSON Schema writes them; what they allow may still not be there.
inline constexpr const char* kRulePattern = "^[a-z0-9_-]{1,100}$";
inline constexpr const char* kPositionPattern = "^[0-9]{1,9}:[0-9]{1,18}$";
inline constexpr const char* kPositionsPattern =
    "^[0-9]{1,9}:[0-9]{1,18}(,[0-9]{1,9}:[0-9]{1,18})*$";
std::size_t limit_of(const http::Request& request);
std::optional<Instant> instant_of(const http::Request& request, std::string_view name);

// Lets the caller read its own writes: waits until what `wait_for` names is folded, where it went
// to as well. The answer, if that did not come in time or is no position.
http::Awaitable<std::optional<http::Response>> wait_for_position(Parts& parts,
                                                                 http::Request& request);

// A page of a table.
struct Page {
  ViewRows rows;
  std::string cursor;  // of the next one; "": this is the last
  std::vector<std::pair<std::string, std::string>> fields = {};  // of the answer's head
};
// In the form that Accept likes best: an array of objects, an object a line, or CSV.
http::Response answer(const http::Request& request, const Page& page);
// A row as an object.
std::string row_json(const std::vector<ViewColumn>& columns, const std::vector<Value>& row);
// Runs `work` beside the server's threads and answers what it comes to. A cursor is one of
// `list`'s.
http::Awaitable<http::Response> answer_page(Parts& parts, http::Request& request,
                                            std::function<Result<Page>()> work,
                                            std::string list = {});
http::Awaitable<http::Response> answer_value(Parts& parts, http::Request& request,
                                             std::function<Result<Value>()> work);

// Events without a trace of their own go on with that of the request, if it bears one (CloudEvents'
// extension for distributed tracing).
void continue_trace(const http::Request& request, std::span<Event> events);
// Durable facts; see Intake::append.
http::Awaitable<Result<Intake::Receipt>> take_in(Parts& parts, std::vector<Event> events);

// Of the engine's own facts that a caller asked for: who did it.
std::string actor_of(const http::Request& request);
// The id of the fact that a request makes: with an Idempotency-Key the same for the same key, path
// and caller, and for nobody else; so a repeat counts once, even behind a restart.
std::string fresh_id(Parts& parts, const http::Request& request, std::string_view what);

}  // namespace dealwright::daemon::api
