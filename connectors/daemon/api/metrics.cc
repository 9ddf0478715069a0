// What Prometheus asks for.
#include "connectors/daemon/metrics.h"

#include "connectors/daemon/api/api.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

Awaitable<Response> answer_metrics(Parts& parts, Request& request) {
  std::function<Result<std::string>()> work = [&parts]() -> Result<std::string> {
    return parts.metrics.text(parts.workspace, parts.load(), parts.limits);
  };
  auto text = co_await http::run_blocking<std::string>(parts.pool, std::move(work));
  if (!text) co_return http::problem_response(text.error(), request.trace);
  co_return http::text_response(std::string{kMetricsType}, std::move(text.value()));
}

}  // namespace

void add_metrics_route(Parts& parts, Routes& out) {
  auto all = get("/metrics", "get_metrics", "Times and counts for Prometheus, text format 0.0.4",
                 "metrics", [&parts](Request& request) { return answer_metrics(parts, request); });
  all.gives = {"text/plain"};
  all.other_parameters = true;  // a scrape may be set up to send some
  if (parts.metrics_open) {
    all.roles = {};
    all.open = true;
    all.resource.clear();
  }
  out.push_back(std::move(all));
}

}  // namespace dealwright::daemon::api
