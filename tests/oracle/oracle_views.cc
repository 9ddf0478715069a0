// The views, from whole histories (sales.md 4), and the dump of everything.
#include <algorithm>
#include <set>

#include "projections/rows.h"
#include "tests/oracle/oracle.h"

namespace dealwright::oracle {
namespace {

using Cells = std::map<std::vector<std::string>, std::vector<std::int64_t>>;

std::string lines_of(const Cells& cells) {
  std::string out;
  for (const auto& [key, sums] : cells) {
    for (const auto& part : key) out += part + " | ";
    for (const auto n : sums) out += std::to_string(n) + " | ";
    out += '\n';
  }
  return out;
}

std::string currency_of(const Life& life) {
  return life.amount ? std::string{life.amount->currency.text()} : std::string{};
}

// value x bp / 10,000, to the nearest, halves to the even one.
std::int64_t weigh(std::int64_t value, std::int64_t bp) {
  auto whole = value / 10'000 * bp + value % 10'000 * bp / 10'000;
  auto rest = value % 10'000 * bp % 10'000;
  if (rest < 0) {
    rest += 10'000;
    --whole;
  }
  if (rest > 5'000 || (rest == 5'000 && whole % 2 != 0)) ++whole;
  return whole;
}

std::string filter_of(const ViewQuery& query, std::string_view name) {
  for (const auto& [column, value] : query.filters) {
    if (column == name) return value;
  }
  return {};
}

struct Window {
  std::optional<Instant> from, to;
  explicit Window(const ViewQuery& query) {
    if (auto date = parse_date(filter_of(query, "from"))) from = start_of(date.value());
    if (auto date = parse_date(filter_of(query, "to"))) to = start_of(date.value());
  }
  bool open() const { return !from && !to; }
  bool holds(Instant at) const {
    if (open()) return true;
    return at != kBeforeAll && (!from || at >= *from) && (!to || at < *to);
  }
};

}  // namespace

std::string Oracle::ask_board(const ViewQuery& query) const {
  Cells cells;
  for (const auto& [key, facts] : facts_known_by(query.known_by)) {
    if (key.kind != Kind::kDeal) continue;
    const auto life = life_at(key, facts, pipelines_, query.as_of, query.known_by);
    if (!life.counts() || life.status() != DealStatus::kOpen) continue;
    auto& sums = cells[{life.pipeline, life.stage, life.owner, currency_of(life)}];
    sums.resize(3);
    ++sums[0];
    if (!life.amount) continue;
    sums[1] += life.amount->minor;
    sums[2] += weigh(life.amount->minor, life.probability());
  }
  return lines_of(cells);
}

std::string Oracle::ask_deals(const ViewQuery& query) const {
  const Window window{query};
  Cells cells;
  for (const auto& [key, facts] : facts_known_by(query.known_by)) {
    if (key.kind != Kind::kDeal) continue;
    const auto life = life_at(key, facts, pipelines_, query.as_of, query.known_by);
    if (!life.counts()) continue;
    const bool open = life.status() == DealStatus::kOpen;
    const bool in_cohort = window.holds(life.opened_at);
    const bool in_window = open || window.holds(life.closed_at);
    if (!in_window && !in_cohort) continue;
    // open, won, lost, no_decision, amounts open, won, lost, then the cohort: opened, won of these
    auto& sums = cells[{life.pipeline, life.owner, currency_of(life)}];
    sums.resize(9);
    if (in_cohort) ++sums[7];
    if (in_cohort && life.status() == DealStatus::kWon) ++sums[8];
    if (!in_window) continue;
    const std::size_t outcome = open                                ? 0
                                : life.status() == DealStatus::kWon ? 1
                                : life.no_decision                  ? 3
                                                                    : 2;
    ++sums[outcome];
    if (life.amount) sums[4 + std::min<std::size_t>(outcome, 2)] += life.amount->minor;
  }
  return lines_of(cells);
}

std::string Oracle::ask_cycle() const {
  std::map<std::string, std::vector<std::int64_t>> spans;
  for (const auto& [key, facts] : facts_) {
    if (key.kind != Kind::kDeal) continue;
    const auto life = life_of(key, facts, pipelines_);
    if (!life.counts() || life.status() == DealStatus::kOpen) continue;
    if (life.opened_at == kBeforeAll || life.closed_at == kBeforeAll) continue;
    const auto outcome = life.status() == DealStatus::kWon ? "won"
                         : life.no_decision                ? "no_decision"
                                                           : "lost";
    spans[outcome].push_back((life.closed_at - life.opened_at).ms);
  }
  std::string out;
  for (auto& [outcome, all] : spans) {
    std::sort(all.begin(), all.end());
    std::int64_t total = 0;
    for (const auto span : all) total += span;
    constexpr std::int64_t kDay = 86'400'000;
    const auto at = [&](std::int64_t percent) {  // linear at rank (n - 1) p
      const auto rank = static_cast<std::int64_t>(all.size() - 1) * percent;
      const auto low = static_cast<std::size_t>(rank / 100);
      auto value = all[low] * 100;
      if (rank % 100 != 0) value += (all[low + 1] - all[low]) * (rank % 100);
      return projections::decimal_text(value, kDay * 100, 4);
    };
    const auto n = static_cast<std::int64_t>(all.size());
    out += outcome + " | " + std::to_string(n) + " | " +
           projections::decimal_text(total, kDay * n, 4) + " | " + at(50) + " | " + at(90) + " | " +
           projections::decimal_text(all.front(), kDay, 4) + " | " +
           projections::decimal_text(all.back(), kDay, 4) + " | \n";
  }
  return out;
}

std::string Oracle::ask_tasks(const ViewQuery& query) const {
  std::set<std::string> lines;
  for (const auto& [key, facts] : facts_) {
    if (key.kind != Kind::kTask) continue;
    const auto life = life_of(key, facts, pipelines_);
    if (!life.counts()) continue;
    const auto values = values_of(key, facts, pipelines_);
    const auto text = [&](Field field) {
      const auto it = values.fields.find(field);
      return it == values.fields.end() ? std::string{} : std::string{it->second.text_or_empty()};
    };
    const bool open = life.state == "open" || life.state == "started";
    const std::string when = !open                   ? "closed"
                             : !life.due             ? "undated"
                             : *life.due < query.now ? "overdue"
                                                     : "due";
    const auto at = [](const std::optional<Instant>& instant) {
      return instant ? to_text(*instant) : std::string{"null"};
    };
    lines.insert(key.id + " | " + text(Field::kTitle) + " | " + text(Field::kKind) + " | " +
                 life.owner + " | " + text(Field::kQueue) + " | " + text(Field::kAbout) + " | " +
                 life.state + " | " + when + " | " + at(life.due) + " | " + at(life.first_due) +
                 " | ");
  }
  std::string out;
  for (const auto& line : lines) {
    if (line.find(" | " + filter_of(query, "when") + " | ") != std::string::npos) {
      out += line + '\n';
    }
  }
  return out;
}

std::string Oracle::ask_automation() const {
  auto all = counters_;
  for (const auto& [id, effect] : effects_) {
    ++all[{effect.rule, "effects_" + std::string{effect_state_name(effect.state)}}];
  }
  for (const auto& [key, n] : counters_) {
    if (key.second == "started" || key.second.starts_with("refused_")) {
      all[{key.first, "matched"}] += n;
    }
  }
  std::set<std::string> lines;
  for (const auto& [key, n] : all) {
    if (n == 0) continue;
    const bool instant = key.second == "last_fire_ms";
    lines.insert(key.first + " | " + (instant ? "last_fire" : key.second) + " | " +
                 (instant ? to_text(Instant{n}) : std::to_string(n)) + " | ");
  }
  std::string out;
  for (const auto& line : lines) out += line + '\n';
  return out;
}

// What is in inboxes: those that were delivered, once each.
std::string Oracle::ask_notices() const {
  std::set<std::string> lines;
  for (const auto& [id, effect] : effects_) {
    if (effect.channel != "notify" || effect.state != EffectState::kDelivered) continue;
    const auto of = [&](const char* key) {
      return std::string{find(effect.payload, key)->text_or_empty()};
    };
    lines.insert(to_text(effect.changed) + " | " + of("to") + " | " + of("text") + " | " +
                 effect.rule + " | " + to_text(effect.subject) + " | " + hex(id) + " | ");
  }
  std::string out;
  for (const auto& line : lines) out += line + '\n';
  return out;
}

std::string Oracle::ask(const Question& question) const {
  if (question.view == "board") return ask_board(question.query);
  if (question.view == "deals") return ask_deals(question.query);
  if (question.view == "cycle") return ask_cycle();
  if (question.view == "tasks") return ask_tasks(question.query);
  if (question.view == "notices") return ask_notices();
  return ask_automation();
}

// ---- everything

std::map<RecordKey, std::vector<EnrolmentId>> Oracle::watchers() const {
  std::map<RecordKey, std::set<EnrolmentId>> sets;
  for (const auto& [id, enrolment] : enrolments_) {
    for (const auto& key : enrolment.watched) sets[key].insert(id);
  }
  std::map<RecordKey, std::vector<EnrolmentId>> out;
  for (const auto& [key, ids] : sets) out[key].assign(ids.begin(), ids.end());
  return out;
}

std::vector<TimerKey> Oracle::timers() const {
  std::vector<TimerKey> out;
  for (const auto& [id, e] : enrolments_) {
    if (e.due) out.push_back({*e.due, e.rule, id, e.step});
  }
  std::sort(out.begin(), out.end());
  return out;
}

Dump Oracle::dump() const {
  Dump out;
  for (const auto& [key, facts] : facts_) {
    const auto name = to_text(key);
    const auto values = values_of(key, facts, pipelines_);
    if (!heard_of(values)) continue;
    out["record " + name] = text_of(values);
    out["life " + name] = text_of(life_of(key, facts, pipelines_));
  }
  for (const auto& [key, entries] : history_) {
    auto& text = out["history " + to_text(key)];
    for (const auto& entry : entries) text += text_of(entry) + '\n';
  }
  for (const auto& [key, ids] : watchers()) {
    auto& text = out["watchers " + to_text(key)];
    for (const auto& id : ids) text += hex_of(id) + '\n';
  }
  for (const auto& [id, e] : enrolments_) out["enrolment " + hex_of(id)] = text_of(e);
  for (const auto& [key, e] : entries_) {
    out["entry " + key.first + " " + to_json(Value{key.second})] =
        std::to_string(e.count) + " last " + text_of(e.last);
  }
  for (const auto& [id, effect] : effects_) out["effect " + hex(id)] = text_of(effect);
  dump_effects(out);
  for (const auto& [position, entry] : aside_) {
    out["set aside " + std::to_string(position)] = text_of(entry);
  }
  for (const auto& t : timers()) {
    out["timer " + text_of(t.due) + " " + t.rule + " " + hex_of(t.enrolment) + " " +
        std::to_string(t.step)] = "set";
  }
  for (const auto& [key, rule] : rules_) {
    out["rule " + key.first + " " + std::to_string(key.second)] = rule.status + "\n" + rule.text;
  }
  for (const auto& [name, batch] : batches_) {
    out["batch " + name] =
        std::string{policy_name(batch.policy)} + " " + std::to_string(batch.highest_row);
  }
  auto meta = meta_;
  meta["order"] = order_;
  meta["events"] = events_;
  meta["decisions"] = decisions_;
  meta["term"] = term_;
  meta["timers"] = timers().size();
  for (const auto& [name, n] : meta) {
    if (n > 0) out["meta " + name] = std::to_string(n);
  }
  out["meta now"] = text_of(now_);
  return out;
}

}  // namespace dealwright::oracle
