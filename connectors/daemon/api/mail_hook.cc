// Mails that come in from a mail server: bounces, complaints, answers. Read, made into an event,
// appended; then answered. Nonsense is answered with 202 as well, by name: a mail server would
// repeat what is refused, or send its own bounce.
#include <algorithm>

#include "connectors/daemon/api/api.h"
#include "connectors/smtp/bounce.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

// A blank is a plus that was not escaped: addresses have none.
std::string recipient_of(const Request& request) {
  std::string to{request.query.get("to")};
  std::replace(to.begin(), to.end(), ' ', '+');
  return to.empty() ? std::string{request.fields.get("x-envelope-to")} : to;
}

// What failed is nothing of the mail's: it comes again.
Response later(const Error& error, const Request& request) {
  auto problem = http::problem_of(error);
  if (problem.http_status() != 503) problem = http::make_problem("overload", error.detail);
  return http::problem_response(problem, request.trace);
}

Awaitable<Response> take(Parts& parts, Request& request) {
  MailIn in{request.body, recipient_of(request), request.param("name")};
  if (!is_mail_source(in.name)) {
    const auto problem = http::make_problem(
        "bad_parameter", "the last part of the path has a-z, 0-9 and -, 64 at most");
    co_return http::problem_response(problem, request.trace);
  }
  std::function<Result<MailRead>()> work = [&] {
    return read_mail(parts.workspace, parts.mail_marks, in);
  };
  auto read = co_await http::run_blocking<MailRead>(parts.pool, std::move(work));
  if (!read) co_return later(read.error(), request);
  auto& mail = read.value();
  auto told = describe(mail);
  if (mail.event) {
    std::vector<Event> events;
    events.push_back(std::move(*mail.event));
    const auto receipt = co_await take_in(parts, std::move(events));
    if (!receipt) co_return later(receipt.error(), request);
    const auto& at = receipt.value().at.front();
    told.emplace_back("position",
                      Value{std::to_string(at.partition) + ":" + std::to_string(at.position)});
    told.emplace_back("duplicates", Value{static_cast<std::int64_t>(receipt.value().duplicates)});
  }
  parts.metrics.mail_came(mail.result);
  co_return http::json_response(Value{std::move(told)}, 202);
}

}  // namespace

void add_mail_hook_route(Parts& parts, Routes& out) {
  auto route =
      post("/v1/hooks/mail/{name}", "take_mail",
           "A mail as it came, from a mail server: a bounce, a complaint, an answer; 202 when its "
           "event is durable, or why it is ignored",
           "hooks", publishers(), [&parts](Request& request) { return take(parts, request); });
  route.takes = {"message/rfc822", "message/global", "application/octet-stream"};
  route.body_bytes = smtp::kIncomingBytesMax;
  route.body_required = false;  // no mail at all is ignored, as other nonsense is
  route.parameters.push_back(
      segment("name", "who hands it in: part of the source of its events", "^[a-z0-9-]{1,64}$"));
  route.parameters.push_back(text("to", "the envelope's recipient; else as the mail's head says"));
  route.parameters.push_back(header("X-Envelope-To", "the same, as a field"));
  route.success = 202;
  route.answer_schema = "MailTaken";
  route.problems = {"no_space", "outcome_unknown", "overload", "damaged", "io", "closed"};
  out.push_back(std::move(route));
}

}  // namespace dealwright::daemon::api
