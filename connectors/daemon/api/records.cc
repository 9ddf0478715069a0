// Records: lists by kind, one, its timeline as pages and as a stream.
#include "connectors/daemon/records.h"

#include "connectors/daemon/api/streams.h"
#include "connectors/daemon/timeline.h"
#include "connectors/http/query.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Parameter;
using http::Request;
using http::Response;

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

Result<Page> timeline(Parts& parts, const Request& request) {
  DW_TRY(const auto key, key_of(request));
  const auto list = "timeline/" + to_text(key);
  std::string after;
  if (const auto* cursor = request.query.find("cursor")) {
    DW_TRY(after, http::read_cursor(list, *cursor));
  }
  DW_TRY(auto page, timeline_page(parts.workspace, key, after, limit_of(request)));
  Page out;
  out.rows = std::move(page.rows);
  if (!page.last.empty()) out.cursor = http::make_cursor(list, page.last);
  return out;
}

Awaitable<Response> answer_timeline(Parts& parts, Request& request) {
  std::function<Result<Page>()> work = [&parts, &request] { return timeline(parts, request); };
  const auto key = key_of(request);
  return answer_page(parts, request, std::move(work),
                     key ? "timeline/" + to_text(key.value()) : std::string{});
}

constexpr std::size_t kRowsAtOnce = 200;  // of a stream

// Each row as event `entry`, in the order in which it was folded; `reset` in front of all of them
// where what was told stands no more.
Result<Told> tell(Parts& parts, const RecordKey& key, TimelineTold& told) {
  DW_TRY(auto news, timeline_news(parts.workspace, key, told, kRowsAtOnce));
  static const auto columns = timeline_columns();
  Told out;
  out.more = news.more;
  if (news.reset) out.events.push_back(reset_event());
  for (auto& [row, id] : news.rows) {
    out.events.push_back({std::move(id), "entry", row_json(columns, row), 0});
  }
  return out;
}

Awaitable<Response> stream(Parts& parts, Request& request) {
  const auto key = key_of(request);
  if (!key) co_return http::problem_response(key.error(), request.trace);
  std::function<Result<bool>()> look = [&parts, key]() -> Result<bool> {
    DW_TRY(const auto found, read_record(parts.workspace, key.value()));
    return found.has_value();
  };
  const auto there = co_await http::run_blocking<bool>(parts.pool, std::move(look));
  if (!there) co_return http::problem_response(there.error(), request.trace);
  if (!there.value()) {
    const Error none{Code::kNotFound, "no record " + to_text(key.value())};
    co_return http::problem_response(none, request.trace);
  }
  // None of ours cannot be gone on from: it is a place that no history has.
  const auto last = TimelineTold::parse(request.fields.get("last-event-id"));
  const auto told = std::make_shared<TimelineTold>(
      last ? *last : *TimelineTold::parse("0:18446744073709551615.0"));
  ReadOn read_on = [&parts, told, key = key.value()] { return tell(parts, key, *told); };
  co_return stream_answer(parts, std::move(read_on));
}

Parameter kind_parameter() {
  auto out = segment("kind", "what it is", "");
  for (int kind = 1; kind <= static_cast<int>(Kind::kEvent); ++kind) {
    if (const auto name = kind_name(static_cast<Kind>(kind)); !name.empty())
      out.one_of.emplace_back(name);
  }
  return out;
}

void add_timeline_routes(Parts& parts, Routes& out) {
  auto timeline = get("/v1/records/{kind}/{id}/timeline", "get_timeline",
                      "What happened to a record and what was decided about it", "records",
                      [&parts](Request& request) { return answer_timeline(parts, request); });
  add_paging(timeline);
  timeline.answer_schema = "TimelineRows";
  timeline.parameters.push_back(kind_parameter());
  timeline.problems.insert(timeline.problems.end(), {"not_found", "invalid", "io", "damaged"});
  add_waiting(timeline);
  out.push_back(std::move(timeline));

  auto told = get("/v1/records/{kind}/{id}/stream", "stream_timeline",
                  "A record's timeline as it grows, as server-sent events", "records",
                  [&parts](Request& request) { return stream(parts, request); });
  told.parameters.push_back(kind_parameter());
  add_stream(told, "where the stream before ended; what was told stands no more: event reset");
  told.problems = {"not_found", "invalid"};
  out.push_back(std::move(told));
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

  add_timeline_routes(parts, out);
}

}  // namespace dealwright::daemon::api
