// Mails that were dropped instead of sent, for trying things out: list, read.
#include "connectors/daemon/api/api.h"
#include "connectors/daemon/channels.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

Awaitable<Response> show(Parts& parts, Request& request) {
  std::function<Result<std::string>()> work = [&parts, &request] {
    return dropped_mail(parts.workspace.files(), *parts.dropped, request.param("mail"));
  };
  auto mail = co_await http::run_blocking<std::string>(parts.pool, std::move(work));
  if (!mail) co_return http::problem_response(mail.error(), request.trace);
  auto out = http::text_response("message/rfc822", std::move(mail.value()));
  out.fields.add("Content-Disposition", "attachment");
  co_return out;
}

}  // namespace

void add_mail_routes(Parts& parts, Routes& out) {
  auto all = get(
      "/v1/mails", "list_mails", "Mails that were dropped as files, the newest first", "mails",
      [&parts](Request& request) {
        std::function<Result<Page>()> work = [&parts, limit = limit_of(request)]() -> Result<Page> {
          DW_TRY(auto rows, dropped_mails(parts.workspace.files(), *parts.dropped, limit));
          return Page{std::move(rows), {}};
        };
        return answer_page(parts, request, std::move(work));
      });
  all.parameters.push_back(number("limit", "how many at most; 50 if left out", 1, 1'000));
  all.gives = {"application/json", "text/csv", "application/x-ndjson"};
  all.fields = {"Dealwright-Columns"};
  all.answer_schema = "MailRows";
  out.push_back(std::move(all));

  auto one = get("/v1/mails/{mail}", "get_mail", "A dropped mail, as it would have been sent",
                 "mails", [&parts](Request& request) { return show(parts, request); });
  one.gives = {"message/rfc822"};
  one.problems = {"not_found", "io"};
  out.push_back(std::move(one));
}

}  // namespace dealwright::daemon::api
