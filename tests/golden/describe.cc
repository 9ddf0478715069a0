#include "tests/golden/describe.h"

#include <gtest/gtest.h>

#include <span>

#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"

namespace dealwright {
namespace {

Value number(std::uint64_t n) { return static_cast<std::int64_t>(n); }
Value at(Instant instant) {
  return instant < kInstantMin || instant > kInstantMax ? Value{Null{}} : Value{instant};
}
Value at(const std::optional<Instant>& instant) { return instant ? at(*instant) : Value{Null{}}; }
Value place(const Stamp& stamp) { return List{at(stamp.occurred), number(stamp.order)}; }
std::string id_text(const Hash128& id) {
  std::string bytes;
  put_key64(bytes, id.high);
  put_key64(bytes, id.low);
  return hex(std::span{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

Value describe(const Life& life) {
  Map out{{"state", Value{life.state}},
          {"pipeline", Value{life.pipeline}},
          {"stage", Value{life.stage}},
          {"status", Value{status_name(life.status())}},
          {"order", Value{std::int64_t{life.meaning.order}}},
          {"probability_bp", Value{std::int64_t{life.probability()}}},
          {"owner", Value{life.owner}},
          {"opened_at", at(life.opened_at)},
          {"entered_at", at(life.entered_at)},
          {"closed_at", at(life.closed_at)},
          {"lost_reason", Value{life.lost_reason}},
          {"due", at(life.due)},
          {"first_due", at(life.first_due)}};
  for (const auto& [name, flag] :
       {std::pair{"opened", life.opened}, std::pair{"deleted", life.deleted},
        std::pair{"merged", life.merged}, std::pair{"undated", life.undated},
        std::pair{"no_decision", life.no_decision}})
    out.emplace_back(name, Value{flag});
  if (life.amount) out.emplace_back("amount", Value{*life.amount});
  return out;
}

Value describe(const std::vector<NamedRegister>& registers) {
  Map out;
  for (const auto& r : registers) out.emplace_back(r.name, Value{List{r.value, place(r.stamp)}});
  return out;
}

Map describe(const Record& record) {
  Map fields;
  for (const auto& r : record.fields)
    fields.emplace_back(std::string{field_name(r.field)}, Value{List{r.value, place(r.stamp)}});
  Map counts;
  for (const auto& [type, count] : record.counts)
    counts.emplace_back(type == TypeId::kForeignType ? "foreign" : std::string{spec_of(type).name},
                        number(count));
  List consents;
  for (const auto& row : record.consents)
    consents.emplace_back(List{Value{row.purpose}, Value{row.channel}, Value{row.granted},
                               place(row.stamp), at(row.until)});
  List facts;
  for (const auto& fact : record.facts.entries())
    facts.emplace_back(List{place(fact.stamp), at(fact.ingested), number(fact.args.size()),
                            number(static_cast<std::uint64_t>(fact.type))});
  List history;
  for (const auto& entry : record.history.entries())
    history.emplace_back(List{at(entry.occurred), number(entry.position), number(entry.index),
                              Value{entry.decision}});
  return {{"record", Value{to_text(record.key)}},
          {"fields", Value{std::move(fields)}},
          {"custom", describe(record.custom)},
          {"extra", describe(record.extra)},
          {"life", describe(record.life)},
          {"base", describe(record.base.get())},
          {"facts", Value{std::move(facts)}},
          {"consents", Value{std::move(consents)}},
          {"counts", Value{std::move(counts)}},
          {"newest", place(record.newest)},
          {"last_activity", place(record.last_activity)},
          {"merged_into", Value{record.merged_into}},
          {"erased", Value{record.erased}},
          {"watchers", number(record.watchers.size())},
          {"history", Value{std::move(history)}}};
}

Map describe(const Enrolment& e) {
  return {{"enrolment", Value{id_text(e.id)}},
          {"rule", Value{e.rule}},
          {"version", number(e.version)},
          {"subject", Value{to_text(e.subject)}},
          {"started", at(e.started)},
          {"base", at(e.base)},
          {"step", number(e.step)},
          {"due", at(e.due)},
          {"watched", number(e.watched.size())},
          {"effects", number(e.effects.size())}};
}

Map describe(const Effect& e) {
  return {{"effect", Value{hex(e.id)}},
          {"rule", Value{e.rule}},
          {"step", Value{e.step}},
          {"channel", Value{e.channel}},
          {"subject", Value{to_text(e.subject)}},
          {"state", Value{effect_state_name(e.state)}},
          {"reason", Value{e.reason}},
          {"requested", at(e.requested)},
          {"changed", at(e.changed)},
          {"payload", Value{e.payload}}};
}

Map describe(const SetAside& e) {
  return {{"set_aside", number(e.position)}, {"verdict", Value{verdict_name(e.verdict)}},
          {"code", Value{e.code}},           {"subject", Value{e.subject}},
          {"type", Value{e.type}},           {"now", at(e.now)}};
}

Map describe(const runtime::Meta& meta) {
  return {{"events", number(meta.events)},
          {"decisions", number(meta.decisions)},
          {"now", at(meta.now)},
          {"term", number(meta.term)},
          {"sequence", number(meta.sequence)},
          {"chain", Value{hex(meta.chain)}},
          {"facts", number(meta.order)},
          {"timers", number(meta.timers)},
          {"accepted", number(meta.accepted)},
          {"duplicates", number(meta.duplicates)},
          {"refused", number(meta.refused)},
          {"set_aside", number(meta.set_aside)},
          {"fired", number(meta.timers_fired)}};
}

void line(std::string& out, Map map) { out += to_json(Value{std::move(map)}) + '\n'; }

template <class T>
void table(runtime::State& state, char letter, std::string& out) {
  auto scanned = state.scan(letter, [&](std::string_view, std::string_view value) {
    T read;
    auto decoded = codec::decode(value, read);
    EXPECT_TRUE(decoded) << decoded.error().detail;
    line(out, describe(read));
    return true;
  });
  EXPECT_TRUE(scanned) << scanned.error().detail;
}

}  // namespace

std::string describe(runtime::State& state) {
  state.write_back();
  std::string out;
  table<Record>(state, runtime::keys::kRecord, out);
  table<Enrolment>(state, runtime::keys::kEnrolment, out);
  table<Effect>(state, runtime::keys::kEffect, out);
  table<SetAside>(state, runtime::keys::kSetAside, out);
  auto timers = state.scan(runtime::keys::kTimer, [&](std::string_view key, std::string_view) {
    const auto timer = runtime::keys::read_timer(key);
    line(out, {{"timer", at(timer.due)},
               {"rule", Value{timer.rule}},
               {"enrolment", Value{id_text(timer.enrolment)}}});
    return true;
  });
  EXPECT_TRUE(timers) << timers.error().detail;
  line(out, describe(state.meta));
  return out;
}

}  // namespace dealwright
