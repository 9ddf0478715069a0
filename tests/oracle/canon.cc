#include "tests/oracle/canon.h"

#include <algorithm>
#include <set>

#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "projections/registry.h"

namespace dealwright::oracle {

std::string text_of(Instant at) {
  if (at == kBeforeAll) return "-";
  return to_text(at);
}
Values values_of(const Record& record) {
  Values out;
  for (auto& [field, value] : current_values(record)) out.fields.emplace(field, std::move(value));
  for (const auto& r : record.custom) {
    if (!r.value.absent()) out.custom.emplace(r.name, r.value);
  }
  for (const auto& r : record.extra) {
    if (!r.value.absent()) out.extra.emplace(r.name, r.value);
  }
  out.consents = record.consents;
  for (const auto& [type, n] : record.counts) out.counts[type] = n;
  out.newest = record.newest;
  out.last_activity = record.last_activity;
  out.merged_into = record.merged_into;
  out.erased = record.erased;
  return out;
}

namespace {
std::string maybe_text(const std::optional<Instant>& at) {
  return at ? text_of(*at) : std::string{"none"};
}
std::string stamp_text(const Stamp& stamp) {
  return text_of(stamp.occurred) + "#" + std::to_string(stamp.order);
}
}  // namespace

std::string hex_of(const EnrolmentId& id) {
  std::string out;
  for (const auto half : {id.high, id.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(half >> shift) & 15];
  }
  return out;
}

std::string text_of(const Life& life) {
  std::string out;
  const auto line = [&](const char* name, const std::string& value) {
    out += std::string{name} + " " + value + '\n';
  };
  const auto flag = [&](const char* name, bool on) { line(name, on ? "yes" : "no"); };
  flag("opened", life.opened);
  flag("deleted", life.deleted);
  flag("merged", life.merged);
  flag("undated", life.undated);
  line("state", life.state);
  line("pipeline", life.pipeline);
  line("stage", life.stage);
  line("category", std::string{status_name(life.meaning.category)});
  line("order", std::to_string(life.meaning.order));
  line("stage_bp", std::to_string(life.meaning.probability_bp));
  line("bp", life.probability_bp ? std::to_string(*life.probability_bp) : "none");
  line("amount", life.amount ? to_text(*life.amount) : "none");
  line("opened_at", text_of(life.opened_at));
  line("entered_at", text_of(life.entered_at));
  line("closed_at", text_of(life.closed_at));
  flag("no_decision", life.no_decision);
  line("lost_reason", life.lost_reason);
  line("due", maybe_text(life.due));
  line("first_due", maybe_text(life.first_due));
  return out;
}

std::string text_of(const Values& values) {
  std::string out;
  for (const auto& [field, value] : values.fields) {
    out += std::string{field_name(field)} + " = " + to_json(value) + '\n';
  }
  for (const auto& [name, value] : values.custom)
    out += "custom " + name + " = " + to_json(value) + '\n';
  for (const auto& [name, value] : values.extra)
    out += "extra " + name + " = " + to_json(value) + '\n';
  for (const auto& row : values.consents) {
    out += "consent " + row.purpose + " " + row.channel +
           (row.granted ? " granted " : " withdrawn ") + stamp_text(row.stamp) + " until " +
           maybe_text(row.until) + " basis " + row.basis + " source " + row.source + '\n';
  }
  for (const auto& [type, n] : values.counts) {
    const auto name =
        type == TypeId::kForeignType ? std::string_view{"foreign"} : spec_of(type).name;
    out += "count " + std::string{name} + " " + std::to_string(n) + '\n';
  }
  out += "newest " + stamp_text(values.newest) + "\nactivity " + stamp_text(values.last_activity) +
         "\nmerged_into " + values.merged_into + "\nerased " + (values.erased ? "yes" : "no") +
         '\n';
  return out;
}

bool heard_of(const Values& values) {
  return values.newest.order > 0 || values.last_activity.order > 0 || !values.fields.empty() ||
         !values.custom.empty() || !values.extra.empty() || !values.consents.empty();
}

std::string text_of(const Enrolment& e) {
  std::string out = e.rule + " " + std::to_string(e.version) + " " + to_json(Value{e.key}) + " " +
                    to_text(e.subject) + "\nstarted " + text_of(e.started) + " base " +
                    text_of(e.base) + " cause " + to_json(Value{e.cause}) + "\nstep " +
                    std::to_string(e.step) + " round " + e.round + " since " +
                    text_of(e.step_since) + " due " + maybe_text(e.due);
  for (const auto& [name, on] :
       {std::pair{" waits", e.waits_for_event}, std::pair{" control", e.control},
        std::pair{" held", e.held}, std::pair{" shadow", e.shadow}}) {
    if (on) out += name;
  }
  out += "\nwatched";
  for (const auto& key : e.watched) out += " " + to_text(key);
  out += "\nkept " + to_json(Value{e.kept}) + "\neffects";
  for (const auto& id : e.effects) out += " " + hex(id);
  return out;
}

std::string text_of(const Effect& e) {
  return e.rule + " " + std::to_string(e.version) + " of " + hex_of(e.enrolment) + "\nstep " +
         e.step + " channel " + e.channel + " subject " + to_text(e.subject) + " recipient " +
         e.recipient + "\nstate " + std::string{effect_state_name(e.state)} + " " + e.reason +
         "\nrequested " + text_of(e.requested) + " changed " + text_of(e.changed) + " not before " +
         maybe_text(e.not_before) + " expires " + maybe_text(e.expires) + " attempts " +
         std::to_string(e.attempts) + " next " + maybe_text(e.next) +
         (e.started ? " started" : "") + " held by " + e.held_by + " retried " +
         maybe_text(e.retried) + " behind " + std::to_string(e.attempts_before) + "\npayload " +
         to_json(Value{e.payload});
}

std::string text_of(const SetAside& e) {
  return std::string{verdict_name(e.verdict)} + " " + e.code + " " + e.detail + "\nkey " + e.key +
         " subject " + e.subject + " type " + e.type + " behind " +
         (e.blocked_by ? std::to_string(*e.blocked_by) : "none") + "\nnow " + text_of(e.now) +
         " redrives " + std::to_string(e.redrives) + "\n" + hex(sha256(e.event));
}

std::string text_of(const HistoryEntry& entry) {
  return text_of(entry.occurred) + (entry.decision ? " decision " : " event ") +
         std::to_string(entry.position) + " " + std::to_string(entry.index);
}

std::string text_of(const ViewRows& rows) {
  std::string out;
  for (const auto& column : rows.columns) out += column.name + " | ";
  out += '\n';
  for (const auto& row : rows.rows) {
    for (const auto& value : row) {
      const auto* at = value.as_instant();
      const auto* text = value.as_text();
      out += (at != nullptr ? to_text(*at) : text != nullptr ? *text : to_json(value)) + " | ";
    }
    out += '\n';
  }
  return out;
}

// ---- the engine's state

namespace {

void dump_record(runtime::State& state, const Record& record, Dump& out) {
  const auto name = to_text(record.key);
  const auto values = values_of(record);
  if (heard_of(values)) {
    out["record " + name] = text_of(values);
    out["life " + name] = text_of(record.life);
  }
  auto entries = state.history(record);
  std::string history;
  if (!entries) {
    history = entries.error().detail;
  } else {
    for (const auto& entry : entries.value()) history += text_of(entry) + '\n';
  }
  if (!history.empty()) out["history " + name] = history;
  std::string watchers;
  for (const auto& id : record.watchers) watchers += hex_of(id) + '\n';
  if (!watchers.empty()) out["watchers " + name] = watchers;
}

template <class T, class Take>
void each(runtime::State& state, char letter, Take take) {
  auto scanned = state.scan(letter, [&](std::string_view key, std::string_view bytes) {
    T value;
    if (codec::decode(bytes, value)) take(key, value);
    return true;
  });
  static_cast<void>(scanned);
}

// What is found by effects.
void dump_effects(runtime::State& state, Dump& out) {
  namespace keys = runtime::keys;
  const auto waits = [&](char letter, const std::string& name) {
    auto scanned = state.scan(letter, [&](std::string_view key, std::string_view) {
      EffectId id{};
      std::copy_n(key.end() - 32, 32, id.begin());
      out[name + " " + std::string{key.substr(1, key.size() - 34)} + " " + hex(id)] = "waits";
      return true;
    });
    static_cast<void>(scanned);
  };
  waits(keys::kHeld, "held");
  waits(keys::kOpenMail, "open mail");
  std::vector<std::string> names;
  const auto collect = [&](std::string_view key, std::string_view) {
    names.emplace_back(key);
    return true;
  };
  static_cast<void>(state.scan(keys::kSentTo, collect));
  static_cast<void>(state.scan(keys::kFlow, collect));
  for (const auto& key : names) {
    const auto name = key.substr(1);
    std::string text;
    if (key[0] == keys::kSentTo) {
      for (const auto& one : state.sent_to(name)) {
        text += text_of(one.at) + " " + one.rule + " " + one.template_name +
                (one.marketing ? " marketing " : " service ") + std::to_string(one.kept.ms) + " " +
                hex(one.effect) + "\n";
      }
      out["sent to " + name] = text;
      continue;
    }
    const auto& flow = state.flow(name);
    if (flow.tens.empty()) continue;
    text = "version " + std::to_string(flow.version) + " " + std::to_string(flow.of_version);
    if (flow.canary_until) text += " canary until " + text_of(*flow.canary_until);
    for (const auto& [at, n] : flow.minutes)
      text += "\nminute " + std::to_string(at) + " " + std::to_string(n);
    for (const auto& [at, n] : flow.tens)
      text += "\nten " + std::to_string(at) + " " + std::to_string(n);
    out["flow " + name] = text;
  }
}

void dump_meta(const runtime::Meta& meta, Dump& out) {
  for (const auto& [name, n] :
       {std::pair{"order", meta.order}, std::pair{"events", meta.events},
        std::pair{"decisions", meta.decisions}, std::pair{"term", meta.term},
        std::pair{"timers", meta.timers}, std::pair{"reference", meta.reference},
        std::pair{"accepted", meta.accepted}, std::pair{"duplicates", meta.duplicates},
        std::pair{"refused", meta.refused}, std::pair{"set_aside", meta.set_aside},
        std::pair{"timers_fired", meta.timers_fired}}) {
    if (n > 0) out[std::string{"meta "} + name] = std::to_string(n);
  }
  out["meta now"] = text_of(meta.now);
}

}  // namespace

Dump dump_of(runtime::State& state) {
  namespace keys = runtime::keys;
  state.write_back();
  Dump out;
  each<Record>(state, keys::kRecord,
               [&](auto, const Record& record) { dump_record(state, record, out); });
  each<Enrolment>(state, keys::kEnrolment,
                  [&](auto, const Enrolment& e) { out["enrolment " + hex_of(e.id)] = text_of(e); });
  each<Entry>(state, keys::kEntry, [&](std::string_view key, const Entry& e) {
    const auto cut = key.find('\0');
    out["entry " + std::string{key.substr(1, cut - 1)} + " " +
        to_json(Value{key.substr(cut + 1)})] = std::to_string(e.count) + " last " + text_of(e.last);
  });
  each<Effect>(state, keys::kEffect,
               [&](auto, const Effect& e) { out["effect " + hex(e.id)] = text_of(e); });
  dump_effects(state, out);
  each<SetAside>(state, keys::kSetAside, [&](auto, const SetAside& e) {
    out["set aside " + std::to_string(e.position)] = text_of(e);
  });
  auto scanned = state.scan(keys::kTimer, [&](std::string_view key, std::string_view) {
    const auto t = keys::read_timer(key);
    out["timer " + text_of(t.due) + " " + t.rule + " " + hex_of(t.enrolment) + " " +
        std::to_string(t.step)] = "set";
    return true;
  });
  static_cast<void>(scanned);
  if (auto rules = state.published()) {
    for (const auto& rule : rules.value()) {
      out["rule " + rule.rule + " " + std::to_string(rule.version)] =
          rule.status + "\n" + rule.text;
    }
  }
  auto batches = state.scan(keys::kBatch, [&](std::string_view key, std::string_view) {
    const auto batch = state.batch(key.substr(1));
    out["batch " + std::string{key.substr(1)}] =
        std::string{policy_name(batch.policy)} + " " + std::to_string(batch.highest_row);
    return true;
  });
  static_cast<void>(batches);
  dump_meta(state.meta, out);
  return out;
}

std::string difference(const Dump& oracle, const Dump& engine) {
  std::set<std::string> names;
  for (const auto& [key, text] : oracle) names.insert(key);
  for (const auto& [key, text] : engine) names.insert(key);
  std::string out;
  int shown = 0;
  for (const auto& name : names) {
    const auto a = oracle.find(name);
    const auto b = engine.find(name);
    if (a != oracle.end() && b != engine.end() && a->second == b->second) continue;
    if (++shown > 4) break;
    out += "== " + name + '\n';
    if (a == oracle.end()) out += "the oracle has none; the engine:\n" + b->second + '\n';
    if (b == engine.end()) out += "the engine has none; the oracle:\n" + a->second + '\n';
    if (a == oracle.end() || b == engine.end()) continue;
    std::set<std::string> mine, theirs;
    const auto split = [](const std::string& text, std::set<std::string>& lines) {
      for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines.insert(text.substr(at, end - at));
        at = end + 1;
      }
    };
    split(a->second, mine);
    split(b->second, theirs);
    for (const auto& line : mine) {
      if (theirs.count(line) == 0) out += "  oracle: " + line + '\n';
    }
    for (const auto& line : theirs) {
      if (mine.count(line) == 0) out += "  engine: " + line + '\n';
    }
  }
  return out;
}

// ---- the engine's views

std::string Question::name() const {
  std::string out = view + " as of " + (query.as_of == kAfterAll ? "now" : to_text(query.as_of)) +
                    " known by " + (query.known_by == kAfterAll ? "now" : to_text(query.known_by));
  for (const auto& [column, value] : query.filters) out += " " + column + "=" + value;
  return out;
}

std::vector<Question> questions(Instant now, std::span<const Instant> instants) {
  std::vector<Question> out;
  const auto add = [&](std::string view, ViewQuery query) {
    query.now = now;
    out.push_back({std::move(view), std::move(query)});
  };
  ViewQuery board;
  board.group_by = {"pipeline", "stage", "owner", "currency"};
  ViewQuery deals;
  deals.group_by = {"pipeline", "owner", "currency"};
  add("board", board);
  add("deals", deals);
  add("cycle", {});
  add("automation", {});
  add("notices", {});
  for (const auto* when : {"overdue", "due", "undated", "closed"}) {
    ViewQuery tasks;
    tasks.filters = {{"when", when}};
    add("tasks", tasks);
  }
  for (std::size_t i = 0; i < instants.size(); ++i) {
    for (auto* query : {&board, &deals}) {
      query->as_of = instants[i];
      query->known_by = i % 3 == 0 ? kAfterAll : instants[(i * 7 + 3) % instants.size()];
      if (i % 3 == 2) query->as_of = kAfterAll;
      query->filters.clear();
      if (query == &deals && i % 2 == 1) {
        const auto day = utc_date(instants[i]);
        query->filters = {{"from", to_text(LocalDate{day.days - 9})}, {"to", to_text(day)}};
      }
      add(query == &board ? "board" : "deals", *query);
    }
  }
  return out;
}

std::string ask(runtime::State& state, const Question& question) {
  const auto* view = projections::find_view(question.view);
  auto* fold = state.view_fold(question.view);
  if (view == nullptr || fold == nullptr) return "there is no view " + question.view + "\n";
  auto part = fold->query(question.query);
  if (!part) return part.error().detail;
  const std::vector<std::string> parts{part.value()};
  auto merged = view->merge(question.query, parts);
  if (!merged) return merged.error().detail;
  auto rows = std::move(merged.value());
  const auto deals = static_cast<std::ptrdiff_t>(question.query.group_by.size()) + 7;
  std::set<std::string> lines;
  for (auto& row : rows.rows) {
    if (question.view == "deals") {  // rates follow from the counts
      std::vector<Value> counts{row.begin(), row.begin() + deals};
      counts.insert(counts.end(), row.begin() + deals + 5, row.begin() + deals + 7);
      row = std::move(counts);
    }
    // Rows of nothing but zeros say nothing.
    if (question.view == "automation" && row.back() == Value{std::int64_t{0}}) continue;
    ViewRows one;
    one.rows.push_back(row);
    const auto text = text_of(one);
    lines.insert(text.substr(text.find('\n') + 1));
  }
  std::string out;
  for (const auto& line : lines) out += line;
  return out;
}

}  // namespace dealwright::oracle
