// event append, tail, show.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <utility>

#include "connectors/cli/context.h"
#include "connectors/daemon/across.h"
#include "connectors/daemon/appender.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/json.h"

namespace dealwright::cli {
namespace {

struct AppendOptions {
  std::string file;
  std::string type, subject, data = "{}", source = "cli", id, time, key;
  bool dry_run = false;
};

Error bad_form(std::size_t line, const std::vector<FormError>& errors) {
  std::string text = line > 0 ? "line " + std::to_string(line) + ": " : "";
  for (std::size_t i = 0; i < errors.size(); ++i)
    text += (i > 0 ? "\n  " : "") + codec::render(errors[i]);
  return Error{Code::kRefused, text};
}

// Events by what became of them, over all partitions.
struct Verdicts {
  std::uint64_t duplicates = 0;
  std::uint64_t refused = 0;
  std::uint64_t set_aside = 0;
};

Result<Verdicts> verdicts(daemon::Workspace& workspace) {
  Verdicts out;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      const auto& meta = partition.state().meta;
      out.duplicates += meta.duplicates;
      out.refused += meta.refused;
      out.set_aside += meta.set_aside;
    }));
  }
  return out;
}

Value count_of(std::uint64_t n) { return Value{static_cast<std::int64_t>(n)}; }

// Events of a file to a server, in batches; each batch is durable before the next one goes.
class Batches {
 public:
  explicit Batches(const Remote& remote) : remote_{remote} {}
  Result<void> add(const Event& event) {
    body_ += (body_.empty() ? "[" : ",") + codec::to_cloudevent(event);
    return ++count_ % kBatch == 0 || body_.size() > kBytes ? flush() : Result<void>{ok()};
  }
  Result<void> flush() {
    if (body_.empty()) return ok();
    DW_TRY(const auto said, remote_.post("/v1/events", "application/cloudevents-batch+json",
                                         std::exchange(body_, {}) + "]"));
    const auto* more = said.as_map() == nullptr ? nullptr : find(*said.as_map(), "duplicates");
    if (more != nullptr && more->as_int() != nullptr) duplicates_ += *more->as_int();
    return ok();
  }
  std::int64_t duplicates() const { return duplicates_; }

 private:
  static constexpr std::size_t kBatch = 500;
  static constexpr std::size_t kBytes = std::size_t{4} << 20;
  const Remote& remote_;
  std::string body_;
  std::size_t count_ = 0;
  std::int64_t duplicates_ = 0;
};

struct Read {
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
};

// Each event of a file, one JSON object a line; malformed lines are told and left out.
Result<Read> each_event(Context& context, const AppendOptions& options,
                        const std::function<Result<void>(const Event&)>& take) {
  std::ifstream file;
  if (options.file != "-") {
    file.open(options.file, std::ios::binary);
    if (!file) return Error{Code::kNotFound, "cannot read " + options.file};
  }
  std::istream& in = options.file == "-" ? std::cin : file;
  std::string text;
  std::size_t line = 0;
  Read out;
  Event event;
  while (std::getline(in, text)) {
    ++line;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (auto errors = codec::parse_cloudevent(text, event); !errors.empty()) {
      ++out.bad;
      context.print_error(bad_form(line, errors));
      continue;
    }
    ++out.good;
    if (!options.dry_run) {
      DW_TRY(take(event));
    }
    if (out.good % 10'000 == 0) context.progress(std::to_string(out.good) + " events");
  }
  context.progress_done();
  return out;
}

Result<void> left_out(const Read& read, bool dry_run) {
  if (read.bad == 0) return ok();
  return Error{Code::kRefused, std::to_string(read.bad) +
                                   " lines are malformed and were left out; the others " +
                                   (dry_run ? "are sound" : "stand")};
}

Result<void> append_file_there(Context& context, const AppendOptions& options) {
  Batches batches{*context.remote()};
  DW_TRY(const auto read,
         each_event(context, options, [&](const Event& event) { return batches.add(event); }));
  DW_TRY(batches.flush());
  context.print_object({{options.dry_run ? "would_append" : "appended", count_of(read.good)},
                        {"malformed", count_of(read.bad)},
                        {"duplicates", Value{batches.duplicates()}}});
  return left_out(read, options.dry_run);
}

Result<void> append_file(Context& context, const AppendOptions& options) {
  if (context.remote() != nullptr) return append_file_there(context, options);
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(auto before, verdicts(*workspace));
  daemon::Appender appender{*workspace, context.config().import.append_bytes};
  DW_TRY(const auto read,
         each_event(context, options, [&](const Event& event) { return appender.add(event); }));
  DW_TRY(appender.flush());
  if (!options.dry_run) {
    DW_TRY(workspace->wait_idle());
    if (workspace->event_clock()) {
      DW_TRY(workspace->engine().advance_together());
    }
  }
  DW_TRY(auto after, verdicts(*workspace));
  context.print_object({{options.dry_run ? "would_append" : "appended", count_of(read.good)},
                        {"malformed", count_of(read.bad)},
                        {"duplicates", count_of(after.duplicates - before.duplicates)},
                        {"refused", count_of(after.refused - before.refused)},
                        {"set_aside", count_of(after.set_aside - before.set_aside)}});
  DW_TRY(workspace->stop());
  return left_out(read, options.dry_run);
}

Result<Event> event_of(Context& context, const AppendOptions& options) {
  if (options.type.empty() || options.subject.empty()) {
    return Error{Code::kInvalid, "say --file, or --type and --subject"};
  }
  DW_TRY(auto data, codec::parse_json(options.data));
  Map object{{"specversion", Value{"1.0"}},
             {"type", Value{options.type}},
             {"subject", Value{options.subject}},
             {"source", Value{options.source}},
             {"data", data}};
  const auto now = to_text(context.now());
  object.emplace_back(
      "id", Value{options.id.empty()
                      ? "cli-" + now + "-" +
                            hex(sha256(options.type + options.subject + options.data)).substr(0, 12)
                      : options.id});
  object.emplace_back("time", Value{options.time.empty() ? now : options.time});
  if (!options.key.empty()) object.emplace_back("partitionkey", Value{options.key});
  Event event;
  const auto errors = codec::read_cloudevent(Value{std::move(object)}, event);
  if (!errors.empty()) return bad_form(0, errors);
  return event;
}

Result<void> append_one(Context& context, const AppendOptions& options) {
  DW_TRY(auto event, event_of(context, options));
  if (event.type == TypeId::kForeignType) {
    if (const auto near = nearest_event_type(event.foreign_type); !near.empty()) {
      context.print_line("note: " + event.foreign_type +
                         " is no type of ours and is kept as it is; did you mean " +
                         std::string{near} + "?");
    }
  }
  if (options.dry_run) {
    context.print_object({{"event", Value{codec::to_cloudevent(event)}}});
    return ok();
  }
  if (const auto* remote = context.remote()) {
    return context.print_value(
        remote->post("/v1/events", "application/cloudevents+json", codec::to_cloudevent(event)));
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  DW_TRY(const auto ends, daemon::event_ends(*workspace));
  DW_TRY(auto placed, workspace->append({event}));
  DW_TRY(workspace->wait_idle());
  DW_TRY(const auto stops, daemon::follow(*workspace, placed[0], ends));
  const auto& last = stops.back();
  Map said{{"position", Value{place_text(placed[0])}},
           {"id", Value{event.id}},
           {"verdict", Value{verdict_name(last.fate.verdict)}}};
  if (stops.size() > 1) said.emplace_back("forwarded_to", Value{place_text(last.place)});
  context.print_object(said);
  DW_TRY(workspace->stop());
  const bool stands =
      last.fate.verdict == Verdict::kAccepted || last.fate.verdict == Verdict::kDuplicate;
  if (stands) return ok();
  return Error{Code::kRefused, "the event is in the log at " + place_text(last.place) +
                                   " and changes nothing: " + last.fate.code +
                                   (last.fate.detail.empty() ? "" : ", " + last.fate.detail) +
                                   "; dealwright set-aside list"};
}

void print_event(const Context& context, const std::string& place, const Event& event) {
  if (context.json) {
    std::cout << codec::to_cloudevent(event) << '\n';
  } else {
    std::cout << place << "  " << (event.time ? to_short_text(*event.time) : "undated") << "  "
              << event.type_name() << "  " << to_text(event.subject) << "  "
              << to_json(Value{codec::data_of(event)}) << '\n';
  }
}

void print_record(const Context& context, const LogRecord& record, PartitionId partition) {
  Event event;
  const auto place = place_text(daemon::Placed{partition, record.position});
  if (codec::decode(record.bytes, event)) return print_event(context, place, event);
  if (context.json) {
    context.print_object({{"position", Value{place}}, {"unreadable", Value{true}}});
  } else {
    std::cout << place << "  (unreadable)\n";
  }
}

// As the server lists and streams them: {"position":..,"event":..}.
void print_told(const Context& context, const Value& told) {
  const auto* map = told.as_map();
  const auto* place = map == nullptr ? nullptr : find(*map, "position");
  const auto* event = map == nullptr ? nullptr : find(*map, "event");
  Event read;
  if (place == nullptr || event == nullptr) return;
  codec::read_cloudevent(*event, read);
  print_event(context, std::string{place->text_or_empty()}, read);
}

struct TailOptions {
  std::size_t count = 10;
  bool follow = false;
};

struct Span {
  PartitionId partition = 0;
  Position begin = 0, end = 0;
};

// Where the newest `count` of each partition stand.
Result<std::vector<Span>> spans_there(const Remote& remote, std::size_t count) {
  DW_TRY(const auto rows, remote.rows("/v1/partitions"));
  std::vector<Span> out;
  const auto column = [&](std::string_view name) {
    const auto& all = rows.columns;
    return std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.name == name; }) -
           all.begin();
  };
  const auto id = column("partition");
  const auto end = column("events_end");
  const auto width = std::ssize(rows.columns);
  if (id == width || end == width) return Error{Code::kIo, "the server lists no partitions"};
  for (const auto& row : rows.rows) {
    const auto* partition = row[static_cast<std::size_t>(id)].as_int();
    const auto* events = row[static_cast<std::size_t>(end)].as_int();
    if (partition == nullptr || events == nullptr) continue;  // it is down
    const auto last = static_cast<Position>(*events);
    out.push_back({static_cast<PartitionId>(*partition), last > count ? last - count : 0, last});
  }
  return out;
}

// Page by page: a page may end early, by its size.
Result<void> print_span(const Context& context, const Remote& remote, Span span) {
  while (span.begin < span.end) {
    const auto limit = std::min<Position>(span.end - span.begin, 1'000);
    const auto from = place_text(daemon::Placed{span.partition, span.begin});
    DW_TRY(const auto list,
           remote.get(
               with_query("/v1/events", {{"position", from}, {"limit", std::to_string(limit)}})));
    auto next = span.end;
    for (const auto& told : list.as_list() == nullptr ? List{} : *list.as_list()) {
      const auto* at = told.as_map() == nullptr ? nullptr : find(*told.as_map(), "position");
      const auto place = parse_position(at == nullptr ? "" : std::string{at->text_or_empty()});
      if (!place || place.value().partition != span.partition) break;  // of the next one
      if (place.value().position >= span.end) break;
      next = place.value().position + 1;
      print_told(context, told);
    }
    if (next == span.end) break;
    span.begin = next;
  }
  return ok();
}

// Partition by partition, or as they are folded until somebody ends it.
Result<void> tail_there(const Context& context, const TailOptions& asked) {
  const auto& remote = *context.remote();
  DW_TRY(const auto spans, spans_there(remote, asked.count));
  if (!asked.follow) {
    for (const auto& span : spans) {
      DW_TRY(print_span(context, remote, span));
    }
    return ok();
  }
  std::string from;
  for (const auto& span : spans) {
    from += (from.empty() ? "" : ",") + place_text(daemon::Placed{span.partition, span.begin});
  }
  codec::JsonLimits limits;
  limits.bytes = std::size_t{64} << 20;
  return remote.follow(with_query("/v1/events/stream", {{"position", from}}),
                       [&](std::string_view name, std::string_view data) {
                         if (name == "reset") std::cerr << "some events are gone\n";
                         const auto told = codec::parse_json(data, limits);
                         if (!name.empty() || !told) return;
                         print_told(context, told.value());
                         std::cout.flush();
                       });
}

Result<void> tail(Context& context, const TailOptions& asked) {
  if (context.remote() != nullptr) return tail_there(context, asked);
  if (asked.follow)
    return Error{Code::kInvalid, "--follow needs a server that takes events: --server"};
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  for (PartitionId id = 0; id < workspace->partitions(); ++id) {
    if (!workspace->serves(id)) continue;
    DW_TRY(auto end, workspace->log().end(Topic::kEvents, id));
    DW_TRY(auto begin, workspace->log().begin(Topic::kEvents, id));
    auto at = end > begin + asked.count ? end - asked.count : begin;
    while (at < end) {
      DW_TRY(auto batch, workspace->log().read(Topic::kEvents, id, at, 1 << 20));
      if (batch.records.empty()) break;
      for (const auto& record : batch.records) print_record(context, record, id);
      at = batch.next;
    }
  }
  return workspace->stop();
}

// Of an event that is folded elsewhere than where it stands, or came from elsewhere: the way.
Result<void> explain_way(const Context& context, daemon::Workspace& workspace,
                         const daemon::Placed& place, const Event& event) {
  if (const auto send = runtime::send_of(event)) {
    context.print_object({{"sent_by", Value{"partition " + std::to_string(send->from)}},
                          {"number", count_of(send->number)}});
  }
  DW_TRY(const auto stops, daemon::follow(workspace, place));
  for (std::size_t i = 0; i < stops.size(); ++i) {
    const auto& fate = stops[i].fate;
    if (fate.number == 0) break;
    Map out{{"forwarded_from", Value{place_text(stops[i].place)}},
            {"home", Value{fate.detail}},
            {"sent_to", Value{"partition " + std::to_string(fate.to)}},
            {"number", count_of(fate.number)}};
    if (i + 1 < stops.size()) out.emplace_back("there", Value{place_text(stops[i + 1].place)});
    context.print_object(out);
  }
  return ok();
}

Result<void> show(Context& context, const std::string& where) {
  DW_TRY(auto place, parse_position(where));
  if (const auto* remote = context.remote()) {
    return context.print_value(remote->get("/v1/events/" + escaped(where)));
  }
  DW_TRY(auto workspace, context.open(Context::Stopped::kLeftOut));
  if (place.partition >= workspace->partitions()) {
    return Error{Code::kNotFound, "there is no partition " + std::to_string(place.partition)};
  }
  DW_TRY(auto end, workspace->log().end(Topic::kEvents, place.partition));
  if (place.position >= end) return Error{Code::kNotFound, "no event at " + where};
  DW_TRY(auto batch, workspace->log().read(Topic::kEvents, place.partition, place.position, 1));
  if (batch.records.empty() || batch.records[0].position != place.position) {
    return Error{Code::kNotFound, "no event at " + where};
  }
  Event event;
  DW_TRY(codec::decode(batch.records[0].bytes, event));
  std::cout << codec::to_cloudevent(event) << '\n';
  DW_TRY(explain_way(context, *workspace, {place.partition, place.position}, event));
  return workspace->stop();
}

}  // namespace

void add_event_commands(CLI::App& app, Context& context) {
  auto* event = noun(app, "event", "Facts from outside");
  auto options = std::make_shared<AppendOptions>();
  auto* append = verb(
      *event, context, "append", "Append facts; done when they are durable and decided on",
      "dealwright event append --type offer.sent --subject offer/o1 --data '{\"deal\":\"d1\"}'",
      [&context, options] {
        return options->file.empty() ? append_one(context, *options)
                                     : append_file(context, *options);
      });
  auto* file = append->add_option("--file", options->file,
                                  "CloudEvents, one JSON object a line; - is standard input");
  const auto one = [&](const char* name, std::string& into, const char* text) {
    return append->add_option(name, into, text)->excludes(file);
  };
  one("--type", options->type, "such as deal.opened");
  one("--subject", options->subject, "<kind>/<id>, such as deal/d1");
  one("--data", options->data,
      "a JSON object (the data directory goes before `event`, or into DEALWRIGHT_DATA)")
      ->capture_default_str();
  one("--source", options->source, "who says so")->capture_default_str();
  one("--id", options->id, "the same source and id again count once");
  one("--time", options->time, "when it happened; now if left out");
  one("--key", options->key, "the partition key: the customer's account, such as account/a1");
  append->add_flag("--dry-run", options->dry_run, "Check only");

  auto asked = std::make_shared<TailOptions>();
  auto* tail_verb =
      verb(*event, context, "tail", "The newest facts of each partition",
           "dealwright event tail -n 5", [&context, asked] { return tail(context, *asked); });
  tail_verb->add_option("-n,--count", asked->count, "how many of each partition")
      ->capture_default_str();
  tail_verb->add_flag("-f,--follow", asked->follow,
                      "go on with what is folded from now on, of a server, until it is ended");

  auto where = std::make_shared<std::string>();
  auto* show_verb =
      verb(*event, context, "show", "One fact, as a CloudEvent", "dealwright event show 0:3",
           [&context, where] { return show(context, *where); });
  show_verb->add_option("position", *where, "partition:position")->required();
}

}  // namespace dealwright::cli
