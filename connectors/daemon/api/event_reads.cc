// Facts out: a list by pages, as they come, one with what became of it.
#include <algorithm>

#include "connectors/daemon/across.h"
#include "connectors/daemon/api/streams.h"
#include "connectors/http/accept.h"
#include "connectors/http/query.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/json.h"

namespace dealwright::daemon::api {
namespace {

using http::Awaitable;
using http::Request;
using http::Response;

constexpr std::size_t kLookedAtMax = 20'000;                 // of a list that filters, a page
constexpr std::size_t kBodyBytesMax = std::size_t{8} << 20;  // of a page; one more may come
constexpr std::size_t kReadAtOnce = std::size_t{256} << 10;  // of a partition, by a stream

std::string line_of(PartitionId partition, Position position, const Event& event) {
  return "{\"position\":\"" + std::to_string(partition) + ":" + std::to_string(position) +
         "\",\"event\":" + codec::to_cloudevent(event) + "}";
}

struct Filter {
  std::optional<RecordKey> subject;
  std::string type;
  bool passes(const Event& event) const {
    return (!subject || event.subject == *subject) && (type.empty() || event.type_name() == type);
  }
};
Filter filter_of(const Request& request) {
  Filter out;
  out.type = request.query.get("type");
  if (const auto* subject = request.query.find("subject")) out.subject = parse_record_key(*subject);
  return out;
}

struct Listed {
  std::string body;
  std::string cursor;
};

// Walks the partitions one behind the other, each in its order.
Result<Listed> list_events(Parts& parts, const Filter& filter, Placed from, std::size_t limit) {
  Listed out;
  std::size_t found = 0;
  std::size_t looked_at = 0;
  auto& log = parts.workspace.log();
  out.body = "[";
  for (auto at = from; at.partition < parts.workspace.partitions(); at = {at.partition + 1, 0}) {
    if (!parts.workspace.serves(at.partition)) continue;
    DW_TRY(const auto begin, log.begin(Topic::kEvents, at.partition));
    DW_TRY(const auto end, log.end(Topic::kEvents, at.partition));
    at.position = std::max(at.position, begin);
    while (at.position < end) {
      DW_TRY(const auto batch, log.read(Topic::kEvents, at.partition, at.position, 256 << 10));
      if (batch.records.empty()) break;
      for (const auto& record : batch.records) {
        if (record.position >= end) break;
        const bool full = found == limit || out.body.size() > kBodyBytesMax;
        if (full || looked_at++ == kLookedAtMax) {
          out.cursor = std::to_string(at.partition) + ":" + std::to_string(record.position);
          out.body += ']';
          return out;
        }
        Event event;
        if (!codec::decode(record.bytes, event) || !filter.passes(event)) continue;
        out.body += (found++ > 0 ? "," : "") + line_of(at.partition, record.position, event);
      }
      at.position = batch.next;
    }
  }
  out.body += ']';
  return out;
}

Awaitable<Response> list(Parts& parts, Request& request) {
  if (auto early = co_await wait_for_position(parts, request)) co_return std::move(*early);
  Placed from;
  const auto partitions = parts.workspace.partitions();
  if (const auto* cursor = request.query.find("cursor")) {
    const auto place = http::read_cursor("events", *cursor);
    const auto at = place ? parse_positions(place.value(), partitions)
                          : Result<std::vector<std::pair<PartitionId, Position>>>{place.error()};
    if (!at) {
      auto problem = http::make_problem("bad_cursor", at.error().detail);
      co_return http::problem_response(problem, request.trace);
    }
    from = {at.value().front().first, at.value().front().second};
  } else if (const auto* start = request.query.find("position")) {
    const auto at = parse_positions(*start, partitions);
    if (!at) co_return http::problem_response(at.error(), request.trace);
    from = {at.value().front().first, at.value().front().second};
  }
  const auto filter = filter_of(request);
  std::function<Result<Listed>()> work = [&parts, filter, from, limit = limit_of(request)] {
    return list_events(parts, filter, from, limit);
  };
  auto listed = co_await http::run_blocking<Listed>(parts.pool, std::move(work));
  if (!listed) co_return http::problem_response(listed.error(), request.trace);
  auto out = http::text_response(std::string{http::kJson}, std::move(listed.value().body));
  if (!listed.value().cursor.empty()) {
    out.fields.add("Link", "</v1/events?" +
                               request.query.with(
                                   "cursor", http::make_cursor("events", listed.value().cursor)) +
                               ">; rel=\"next\"");
  }
  co_return out;
}

// ---- as they come

struct Followed {
  Filter filter;
  std::vector<Progress> next;  // whose events come next
  bool told = false;           // where it begins
  bool reset = false;          // it could not go on where it was
};

// Up to where a partition has folded: who reads of an event sees what became of it.
Result<bool> read_on_in(Parts& parts, PartitionId id, Position end, Followed& followed, Told& out) {
  auto& log = parts.workspace.log();
  auto& at = followed.next[id].events;
  DW_TRY(const auto begin, log.begin(Topic::kEvents, id));
  if (at < begin) {  // retention took what comes next
    at = begin;
    out.events.push_back(reset_event());
  }
  if (at >= end) return false;
  DW_TRY(const auto batch, log.read(Topic::kEvents, id, at, kReadAtOnce));
  for (const auto& record : batch.records) {
    if (record.position >= end) break;
    at = record.position + 1;
    Event event;
    if (!codec::decode(record.bytes, event) || !followed.filter.passes(event)) continue;
    out.events.push_back(
        {positions_text(followed.next), "", line_of(id, record.position, event), 0});
  }
  at = std::max(at, std::min(batch.next, end));
  return at < end;
}

// Each fact as a message; event `at` tells how far it is where there was none to tell.
Result<Told> read_on(Parts& parts, Followed& followed) {
  Told out;
  if (std::exchange(followed.reset, false)) out.events.push_back(reset_event());
  const auto ends = parts.workspace.watch().now();
  const auto before = followed.next;
  for (PartitionId id = 0; id < ends.size(); ++id) {
    if (!parts.workspace.serves(id)) continue;
    DW_TRY(const bool more, read_on_in(parts, id, ends[id].events, followed, out));
    out.more = out.more || more;
  }
  const bool silent = out.events.empty() || out.events.back().id.empty();
  const bool begins = !std::exchange(followed.told, true);
  if (silent && (begins || before != followed.next)) {
    out.events.push_back({positions_text(followed.next), "at", "{}", 0});
  }
  return out;
}

// Where the caller wants to go on: behind what it had, at `position`, else now.
Result<void> find_start(Parts& parts, const Request& request, Followed& out) {
  const auto partitions = parts.workspace.partitions();
  out.next = parts.workspace.watch().now();
  const auto last = request.fields.get("last-event-id");
  const auto* asked = request.query.find("position");
  if (last.empty() && asked == nullptr) return ok();
  const auto at = parse_positions(last.empty() ? std::string_view{*asked} : last, partitions);
  if (last.empty() && !at) return at.error();
  // A place that this log does not know is none to go on from.
  out.reset = !last.empty() && (!at || at.value().size() != partitions);
  if (out.reset) return ok();
  for (const auto& [id, position] : at.value()) {
    DW_TRY(const auto end, parts.workspace.log().end(Topic::kEvents, id));
    if (position > end && last.empty()) {
      return Error{Code::kNotFound, "no event stands at " + *asked + " yet"};
    }
    if (position > end) out.reset = true;
    out.next[id].events = std::min<Position>(position, end);
  }
  return ok();
}

Awaitable<Response> stream(Parts& parts, Request& request) {
  const auto followed = std::make_shared<Followed>();
  followed->filter = filter_of(request);
  std::function<Result<bool>()> begin = [&parts, &request, followed]() -> Result<bool> {
    DW_TRY(find_start(parts, request, *followed));
    return true;
  };
  const auto begun = co_await http::run_blocking<bool>(parts.pool, std::move(begin));
  if (!begun) co_return http::problem_response(begun.error(), request.trace);
  ReadOn next = [&parts, followed] { return read_on(parts, *followed); };
  co_return stream_answer(parts, std::move(next));
}

void add_filters(http::Route& route) {
  route.parameters.push_back(text("subject", "of one record: <kind>/<id>"));
  route.parameters.push_back(text("type", "of one type"));
}

// ---- one

Result<Value> fate_value(Parts& parts, const Placed& place) {
  DW_TRY(const auto stops, follow(parts.workspace, place));
  List out;
  for (const auto& stop : stops) {
    const auto at =
        std::to_string(stop.place.partition) + ":" + std::to_string(stop.place.position);
    Map one{{"position", Value{at}}, {"decided", Value{stop.fate.decided}}};
    if (stop.fate.decided) one.emplace_back("verdict", Value{verdict_name(stop.fate.verdict)});
    if (!stop.fate.code.empty()) one.emplace_back("code", Value{stop.fate.code});
    if (!stop.fate.detail.empty()) one.emplace_back("detail", Value{stop.fate.detail});
    out.emplace_back(std::move(one));
  }
  return Value{std::move(out)};
}

Result<Value> show(Parts& parts, const std::string& text) {
  DW_TRY(const auto places, parse_positions(text, parts.workspace.partitions()));
  const auto [partition, position] = places.front();
  if (places.size() > 1) return Error{Code::kInvalid, "one position, not several"};
  auto& log = parts.workspace.log();
  DW_TRY(const auto end, log.end(Topic::kEvents, partition));
  if (position >= end) return Error{Code::kNotFound, "no event stands at " + text};
  DW_TRY(const auto batch, log.read(Topic::kEvents, partition, position, 1));
  if (batch.records.empty() || batch.records[0].position != position) {
    return Error{Code::kNotFound, "no event stands at " + text};
  }
  Event event;
  DW_TRY(codec::decode(batch.records[0].bytes, event));
  DW_TRY(const auto object, codec::parse_json(codec::to_cloudevent(event)));
  DW_TRY(auto way, fate_value(parts, {partition, position}));
  return Value{Map{{"position", Value{text}}, {"event", object}, {"way", std::move(way)}}};
}

}  // namespace

void add_event_read_routes(Parts& parts, Routes& out) {
  auto all = get("/v1/events", "list_events", "Facts in the order of the log", "events",
                 [&parts](Request& request) { return list(parts, request); });
  add_paging(all);
  all.gives = {std::string{http::kJson}};
  all.fields = {"Link"};
  all.answer_schema = "Events";
  all.problems.insert(all.problems.end(), {"invalid", "not_found", "io", "damaged"});
  add_waiting(all);
  all.parameters.push_back(text("position", "begin there: partition:position"));
  all.parameters.back().pattern = kPositionPattern;
  add_filters(all);
  out.push_back(std::move(all));

  auto told =
      get("/v1/events/stream", "stream_events", "Facts as they are folded, as server-sent events",
          "events", [&parts](Request& request) { return stream(parts, request); });
  told.parameters.push_back(
      text("position",
           "begin there: partition:position, a comma between several; a partition "
           "that is not named begins with what comes now"));
  told.parameters.back().pattern = kPositionsPattern;
  add_filters(told);
  add_stream(told, "where the stream before ended; the log does not have it: event reset");
  told.problems = {"not_found", "invalid", "io", "damaged"};
  out.push_back(std::move(told));

  auto one = get("/v1/events/{position}", "get_event", "One fact, and what became of it", "events",
                 [&parts](Request& request) {
                   std::function<Result<Value>()> work = [&parts, at = request.param("position")] {
                     return show(parts, at);
                   };
                   return answer_value(parts, request, std::move(work));
                 });
  one.answer_schema = "Event";
  one.problems = {"not_found", "invalid", "io", "damaged"};
  one.parameters.push_back(segment("position", "partition:position", kPositionPattern));
  add_waiting(one);
  out.push_back(std::move(one));
}

}  // namespace dealwright::daemon::api
