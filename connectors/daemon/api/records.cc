// Records: lists by kind, one, its timeline.
#include "connectors/daemon/records.h"

#include "connectors/daemon/api/api.h"
#include "connectors/http/query.h"

namespace dealwright::daemon::api {
namespace {

using http::Parameter;
using http::Request;

Result<RecordKey> key_of(const Request& request) {
  DW_TRY(const auto kind, parse_kind(request.param("kind")));
  return RecordKey{kind, request.param("id")};
}

Result<Page> list(Parts& parts, const Request& request) {
  RecordFilter filter;
  DW_TRY(const auto kind, parse_kind(request.param("kind")));
  filter.kind = kind;
  filter.state = request.query.get("state");
  filter.owner = request.query.get("owner");
  filter.limit = limit_of(request);
  const auto name = "records/" + request.param("kind");
  if (const auto* cursor = request.query.find("cursor")) {
    DW_TRY(auto after, http::read_cursor(name, *cursor));
    filter.after = std::move(after);
  }
  DW_TRY(auto found, list_records(parts.workspace, filter));
  Page out;
  out.rows = std::move(found.rows);
  if (!found.last.empty()) out.cursor = http::make_cursor(name, found.last);
  return out;
}

Parameter kind_parameter() {
  auto out = segment("kind", "what it is", "");
  for (int kind = 1; kind <= static_cast<int>(Kind::kEvent); ++kind) {
    if (const auto name = kind_name(static_cast<Kind>(kind)); !name.empty())
      out.one_of.emplace_back(name);
  }
  return out;
}

}  // namespace

void add_record_routes(Parts& parts, Routes& out) {
  auto all = get(
      "/v1/records/{kind}", "list_records", "Records of a kind, by their ids", "records",
      [&parts](Request& request) {
        std::function<Result<Page>()> work = [&parts, &request] { return list(parts, request); };
        return answer_page(parts, request, std::move(work), "records/" + request.param("kind"));
      });
  add_paging(all);
  all.answer_schema = "RecordRows";
  all.problems.emplace_back("invalid");
  all.parameters.push_back(kind_parameter());
  add_waiting(all);
  all.parameters.push_back(text("state", "of that state or stage"));
  all.parameters.push_back(text("owner", "of that user"));
  out.push_back(std::move(all));

  auto one = get("/v1/records/{kind}/{id}", "get_record", "A record as its facts make it",
                 "records", [&parts](Request& request) {
                   std::function<Result<Value>()> work = [&parts, &request]() -> Result<Value> {
                     DW_TRY(const auto key, key_of(request));
                     const PastInstant at{instant_of(request, "as_of").value_or(kAfterAll),
                                          instant_of(request, "known_by").value_or(kAfterAll)};
                     DW_TRY(auto record, describe_record(parts.workspace, key, at));
                     return Value{std::move(record)};
                   };
                   return answer_value(parts, request, std::move(work));
                 });
  one.answer_schema = "Record";
  one.parameters.push_back(kind_parameter());
  one.problems = {"not_found", "invalid", "unsupported"};
  one.parameters.push_back(instant("as_of", "by the facts that had happened up to this instant"));
  one.parameters.push_back(instant("known_by", "by the facts that had come in up to this instant"));
  add_waiting(one);
  out.push_back(std::move(one));

  auto timeline = get("/v1/records/{kind}/{id}/timeline", "get_timeline",
                      "What happened to a record and what was decided about it", "records",
                      [&parts](Request& request) {
                        std::function<Result<Page>()> work = [&parts, &request]() -> Result<Page> {
                          DW_TRY(const auto key, key_of(request));
                          DW_TRY(auto rows, timeline_rows(parts.workspace, key));
                          return Page{std::move(rows), "", {}};
                        };
                        return answer_page(parts, request, std::move(work));
                      });
  timeline.gives = {"application/json", "text/csv", "application/x-ndjson"};
  timeline.answer_schema = "TimelineRows";
  timeline.fields = {"Dealwright-Columns"};
  timeline.parameters.push_back(kind_parameter());
  timeline.problems = {"not_found", "invalid"};
  add_waiting(timeline);
  out.push_back(std::move(timeline));
}

}  // namespace dealwright::daemon::api
