#include "engine/runtime/timeline.h"

#include <algorithm>

#include "engine/base/overloaded.h"
#include "engine/codec/cloudevents_json.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"

namespace dealwright::runtime {
namespace {

TimelineEntry of_event(const Event& event, Instant occurred, std::uint64_t position) {
  TimelineEntry out;
  out.occurred = occurred;
  out.position = position;
  out.what = event.type_name();
  out.who = event.actor.empty() ? event.source : event.actor;
  out.detail = Value{codec::data_of(event)};
  return out;
}

// The entry a change makes on the timeline of `key`; none if it is about another record.
std::optional<TimelineEntry> of_change(const Change& change, const RecordKey& key) {
  TimelineEntry out;
  out.decision = true;
  const auto say = [&](std::string what, const std::string& rule, Map detail) {
    out.what = std::move(what);
    out.who = "rule/" + rule;
    out.detail = Value{std::move(detail)};
    return std::optional{out};
  };
  return std::visit(
      overloaded{
          [&](const EnrolmentStarted& c) -> std::optional<TimelineEntry> {
            if (c.enrolment.subject != key) return std::nullopt;
            Map used;
            for (const auto& value : c.used) used.emplace_back(value.path, value.value);
            Map detail{{"version", Value{std::int64_t{c.enrolment.version}}},
                       {"because", Value{std::move(used)}}};
            if (c.enrolment.due) detail.emplace_back("due", Value{*c.enrolment.due});
            return say("enrolment.started", c.enrolment.rule, std::move(detail));
          },
          [&](const EffectRequested& c) -> std::optional<TimelineEntry> {
            if (c.effect.subject != key) return std::nullopt;
            return say("effect.requested", c.effect.rule,
                       {{"channel", Value{c.effect.channel}},
                        {"step", Value{c.effect.step}},
                        {"effect", Value{hex(c.effect.id)}},
                        {"payload", Value{c.effect.payload}}});
          },
          [&](const EntryRefused& c) -> std::optional<TimelineEntry> {
            if (c.subject != key) return std::nullopt;
            return say("enrolment.refused", c.rule, {{"reason", Value{c.reason}}});
          },
          [&](const RuleFailed& c) -> std::optional<TimelineEntry> {
            if (c.subject != key) return std::nullopt;
            return say(
                "rule.failed", c.rule,
                {{"where", Value{c.where}}, {"code", Value{c.code}}, {"detail", Value{c.detail}}});
          },
          [](const EnrolmentEnded&) -> std::optional<TimelineEntry> { return std::nullopt; },
          [](const EnrolmentMoved&) -> std::optional<TimelineEntry> { return std::nullopt; },
          [](const EffectMoved&) -> std::optional<TimelineEntry> { return std::nullopt; },
          [](const FactDecided&) -> std::optional<TimelineEntry> { return std::nullopt; },
          [](const EventRedriven&) -> std::optional<TimelineEntry> { return std::nullopt; },
      },
      change);
}

Result<LogRecord> read_one(Log& log, Topic topic, PartitionId partition, Position position,
                           LogBatch& batch) {
  DW_TRY(auto got, log.read(topic, partition, position, 1));
  batch = std::move(got);
  if (batch.records.empty() || batch.records.front().position != position) {
    return Error{Code::kNotFound, std::string{topic_name(topic)} + " " + std::to_string(position) +
                                      " is not in the log"};
  }
  return batch.records.front();
}

// Custom values that went to `extra`, by the schema that was in force for the fact.
std::string flags_of(const Reference& reference, const HistoryEntry& entry, const Event& event) {
  std::string out;
  if (entry.role != HistoryRole::kFact) return out;
  for (const auto& fault : custom_faults(event, reference.schemas.at(entry.order))) {
    out += (out.empty() ? "bad_custom_value " : "; ") + fault.field + ": " + fault.detail;
  }
  return out;
}

Result<void> add_decisions(const Reference& reference, Log& log, PartitionId partition,
                           const HistoryEntry& entry, const RecordKey& key,
                           std::vector<TimelineEntry>& out) {
  LogBatch batch;
  DW_TRY(auto bytes, read_one(log, Topic::kDecisions, partition, entry.position, batch));
  DecisionRecord record;
  DW_TRY(codec::decode(bytes.bytes, record));
  const auto* decided = std::get_if<Batch>(&record.body);
  if (decided == nullptr) return ok();
  std::uint32_t index = 0;
  for (const auto& turn : decided->turns) {
    for (const auto& change : turn.changes) {
      const auto* fact = std::get_if<FactDecided>(&change);
      if (fact != nullptr) ++index;
      if (entry.index > 0) {
        if (fact != nullptr && index == entry.index) {
          out.push_back(of_event(fact->event, entry.occurred, entry.position));
          out.back().flags = flags_of(reference, entry, fact->event);
        }
        continue;
      }
      if (auto line = of_change(change, key)) {
        line->occurred = entry.occurred;
        line->position = entry.position;
        out.push_back(std::move(*line));
      }
    }
  }
  return ok();
}

}  // namespace

Result<TimelineIndex> timeline_index(State& state, Log& log, PartitionId partition,
                                     const RecordKey& key) {
  const auto* record = state.find(key);
  if (record == nullptr) return Error{Code::kNotFound, "no record " + to_text(key)};
  DW_TRY(const auto entries, state.history(*record));
  DW_TRY(const auto events_begin, log.begin(Topic::kEvents, partition));
  DW_TRY(const auto decisions_begin, log.begin(Topic::kDecisions, partition));
  TimelineIndex out;
  out.entries = entries.size();
  out.reference = state.reference;
  Instant newest = kBeforeAll;
  for (std::uint64_t number = 0; number < entries.size(); ++number) {
    const auto& entry = entries[number];
    if (entry.mark != HistoryMark::kStands) ++out.marked;
    if (entry.mark == HistoryMark::kUndone) continue;  // another record's again
    if (entry.position < (entry.decision ? decisions_begin : events_begin)) {
      ++out.released;
    } else {
      out.places.push_back({entry, number, entry.occurred < newest});
    }
    newest = std::max(newest, entry.occurred);
  }
  return out;
}

Result<std::vector<TimelineEntry>> read_timeline(const Reference& reference, Log& log,
                                                 PartitionId partition, const RecordKey& key,
                                                 const TimelinePlace& place) {
  const auto& entry = place.entry;
  std::vector<TimelineEntry> out;
  if (entry.decision) {
    DW_TRY(add_decisions(reference, log, partition, entry, key, out));
  } else {
    LogBatch batch;
    DW_TRY(auto bytes, read_one(log, Topic::kEvents, partition, entry.position, batch));
    Event event;
    DW_TRY(codec::decode(bytes.bytes, event));
    out.push_back(of_event(event, entry.occurred, entry.position));
    out.back().flags = flags_of(reference, entry, event);
  }
  for (auto& one : out) {
    one.late = place.late;
    one.retracted = entry.mark == HistoryMark::kRetracted;
  }
  return out;
}

TimelineEntry released_entry(std::uint64_t released) {
  TimelineEntry out;
  out.occurred = kBeforeAll;
  out.what = "log.released";
  out.who = "dealwright";
  out.detail = Value{Map{{"entries", Value{static_cast<std::int64_t>(released)}}}};
  return out;
}

Result<std::vector<TimelineEntry>> timeline(State& state, Log& log, PartitionId partition,
                                            const RecordKey& key) {
  DW_TRY(auto index, timeline_index(state, log, partition, key));
  std::stable_sort(index.places.begin(), index.places.end(), [](const auto& a, const auto& b) {
    return a.entry.occurred < b.entry.occurred;
  });
  std::vector<TimelineEntry> out;
  if (index.released > 0) out.push_back(released_entry(index.released));
  for (const auto& place : index.places) {
    DW_TRY(auto entries, read_timeline(index.reference, log, partition, key, place));
    std::move(entries.begin(), entries.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace dealwright::runtime
