// The page behind unsubscribe links (RFC 8058): GET shows a form and changes nothing, since
// scanners follow links; POST, from a mail program's one click or from the form, withdraws consent.
#include "connectors/daemon/api/api.h"
#include "connectors/daemon/unsubscribe.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Response page(int status, std::string_view title, const std::string& body) {
  auto out =
      http::text_response("text/html; charset=utf-8",
                          "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                          "<meta name=\"robots\" content=\"noindex\"><title>" +
                              escaped_html(title) + "</title></head>\n<body><main><h1>" +
                              escaped_html(title) + "</h1>\n" + body + "</main></body></html>\n",
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
                 "<p>You get mails for: <strong>" + escaped_html(what.value().purpose) +
                     "</strong>.</p>\n<form method=\"post\"><button type=\"submit\">Send me no "
                     "more of these</button></form>\n");
}

Awaitable<Response> withdraw(Parts& parts, Request& request) {
  const auto& token = request.param("token");
  const auto what = read_unsubscribe_token(token, parts.workspace.key());
  if (!what) co_return no_such_link();
  Event event;
  event.source = "dealwright/unsubscribe";
  event.id = hex(sha256(token));  // the same click again is the same fact
  event.type = TypeId::kConsentWithdrawn;
  event.subject = what.value().person;
  event.time = parts.workspace.clock().wall();
  event.actor = to_text(what.value().person);
  event.data.set(Field::kPurpose, Value{what.value().purpose});
  event.data.set(Field::kChannel, Value{"email"});
  event.data.set(Field::kSource, Value{"unsubscribe link"});
  using Receipt = Result<Intake::Receipt>;
  std::function<void(std::function<void(Receipt)>)> begin = [&](std::function<void(Receipt)> done) {
    std::vector<Event> events;
    events.push_back(std::move(event));
    parts.intake.append(std::move(events), std::move(done));
  };
  const auto receipt = co_await http::await_call<Receipt>(std::move(begin));
  if (!receipt) {
    auto out = page(503, "That did not work",
                    "<p>It is our fault, not yours: try again in a minute.</p>\n");
    out.fields.add("Retry-After", "10");
    co_return out;
  }
  co_return page(200, "You are unsubscribed",
                 "<p>You get no more mails for: <strong>" + escaped_html(what.value().purpose) +
                     "</strong>.</p>\n");
}

}  // namespace

void add_public_routes(Parts& parts, Routes& out) {
  auto shown = get("/u/{token}", "show_unsubscribe", "The page behind an unsubscribe link", "",
                   [&parts](Request& request) { return show(parts, request); });
  auto done = post("/u/{token}", "unsubscribe", "Withdraws consent, by one click (RFC 8058)", "",
                   {}, [&parts](Request& request) { return withdraw(parts, request); });
  done.takes = {"application/x-www-form-urlencoded", "multipart/form-data"};
  done.body_bytes = 4'096;
  done.body_required = false;  // the form has no fields
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
