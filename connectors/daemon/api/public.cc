// The page behind unsubscribe links (RFC 8058): GET shows a form and changes nothing, since
// scanners follow links; POST, from a mail program's one click or from the form, withdraws consent.
#include "connectors/daemon/api/api.h"
#include "connectors/daemon/unsubscribe.h"
#include "engine/domain/consent.h"
#include "engine/runtime/fate.h"
#include "rules/liquid/escape.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

std::string escaped(std::string_view text) {
  std::string out;
  rules::liquid::append_escaped(out, text);
  return out;
}

Response page(int status, std::string_view title, const std::string& body) {
  auto out =
      http::text_response("text/html; charset=utf-8",
                          "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                          "<meta name=\"robots\" content=\"noindex\"><title>" +
                              escaped(title) + "</title></head>\n<body><main><h1>" +
                              escaped(title) + "</h1>\n" + body + "</main></body></html>\n",
                          status);
  out.fields.add("Content-Security-Policy",
                 "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
  out.fields.add("Cache-Control", "no-store");
  out.fields.add("Referrer-Policy", "no-referrer");
  return out;
}

Response no_such_link() {
  return page(404, "This link is not complete",
              "<p>Open it again from the mail itself, or answer the mail and say that you want no "
              "more of them.</p>\n");
}

Awaitable<Response> show(Parts& parts, Request& request) {
  const auto what = read_unsubscribe_token(request.param("token"), parts.workspace.key());
  if (!what) co_return no_such_link();
  co_return page(200, "Unsubscribe",
                 "<p>You get mails for: <strong>" + escaped(what.value().purpose) +
                     "</strong>.</p>\n<form method=\"post\"><p><button type=\"submit\">Send me no "
                     "marketing mail at all</button></p>\n<p><button type=\"submit\" name=\"only\" "
                     "value=\"this\">Only no more of these</button></p></form>\n");
}

// Who opts out wants no more of it: of all marketing, unless the person chose this kind alone.
std::string purpose_of(const Request& request, const Unsubscription& what) {
  return request.body == "only=this" ? what.purpose : std::string{kAllMarketing};
}

Event withdrawal(const Unsubscription& what, std::string purpose, std::string_view token,
                 Instant now) {
  Event event;
  event.source = "dealwright/unsubscribe";
  // Each click is a fact of its own: one behind a new consent withdraws that too.
  event.id = hex(sha256(token)) + "/" + purpose + "/" + to_text(now);
  event.type = TypeId::kConsentWithdrawn;
  event.subject = what.person;
  event.time = now;
  event.actor = to_text(what.person);
  event.data.set(Field::kPurpose, Value{std::move(purpose)});
  event.data.set(Field::kChannel, Value{"email"});
  event.data.set(Field::kSource, Value{"unsubscribe link"});
  return event;
}

// Whether the fold took what is durable at `at`: only then is it true that no more mail comes.
Result<bool> is_taken(Workspace& workspace, const Placed& at) {
  DW_TRY(workspace.wait_folded(at));
  DW_TRY(const auto fate, runtime::fate_of(workspace.log(), at.partition, at.position));
  return fate.verdict == Verdict::kAccepted || fate.verdict == Verdict::kDuplicate ||
         fate.number > 0;  // on its way to where the person is at home
}

Awaitable<Response> withdraw(Parts& parts, Request& request) {
  const auto& token = request.param("token");
  const auto what = read_unsubscribe_token(token, parts.workspace.key());
  if (!what) co_return no_such_link();
  const auto purpose = purpose_of(request, what.value());
  std::vector<Event> events;
  events.push_back(withdrawal(what.value(), purpose, token, parts.workspace.clock().wall()));
  const auto receipt = co_await take_in(parts, std::move(events));
  bool done = false;
  if (receipt) {
    std::function<Result<bool>()> look = [&parts, at = receipt.value().at.front()] {
      return is_taken(parts.workspace, at);
    };
    const auto taken = co_await http::run_blocking<bool>(parts.pool, std::move(look));
    done = taken && taken.value();
  }
  if (!done) {
    auto out = page(503, "That did not work",
                    "<p>It is our fault, not yours: try again in a minute.</p>\n");
    out.fields.add("Retry-After", "60");
    co_return out;
  }
  co_return page(
      200, "You are unsubscribed",
      purpose == kAllMarketing
          ? "<p>You get no more marketing mail. Mails that belong to an order or a "
            "contract of yours still come.</p>\n"
          : "<p>You get no more mails for: <strong>" + escaped(purpose) + "</strong>.</p>\n");
}

}  // namespace

void add_public_routes(Parts& parts, Routes& out) {
  auto shown = get("/u/{token}", "show_unsubscribe", "The page behind an unsubscribe link", "",
                   [&parts](Request& request) { return show(parts, request); });
  auto done = post("/u/{token}", "unsubscribe", "Withdraws consent, by one click (RFC 8058)", "",
                   {}, [&parts](Request& request) { return withdraw(parts, request); });
  done.takes = {"application/x-www-form-urlencoded", "multipart/form-data"};
  done.body_bytes = 4'096;
  done.body_required = false;  // one button has no field
  done.also = {404, 503};
  for (auto* route : {&shown, &done}) {
    route->open = true;
    route->roles = {};
    route->gives = {"text/html"};
    route->problems = {"not_found"};
    route->other_parameters = true;  // trackers that mail programs add
  }
  shown.also = {404};
  out.push_back(std::move(shown));
  out.push_back(std::move(done));
}

}  // namespace dealwright::daemon::api
