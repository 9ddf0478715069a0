#include "engine/runtime/refold.h"

#include <algorithm>

#include "engine/codec/state_codec.h"
#include "engine/domain/evolve.h"
#include "engine/domain/life.h"

namespace dealwright::runtime {
namespace {

bool merges(TypeId type) { return type >= TypeId::kAccountMerged && type <= TypeId::kSurveyMerged; }

bool is_fact(const HistoryEntry& entry) { return entry.role != HistoryRole::kDecision; }

Error damaged(const RecordKey& key, std::string_view why) {
  return Error{Code::kDamaged, "history of " + veiled(key) + ": " + std::string{why}};
}

bool same_steps(const std::vector<LifeStep>& a, const std::vector<LifeStep>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.occurred == y.occurred && x.sign == y.sign && x.life == y.life;
  });
}

// Values of `was` that `now` has not, and new ones.
std::vector<FieldChange> differences(const Record& was, const Record& now) {
  std::vector<FieldChange> out;
  auto a = was.fields.begin();
  auto b = now.fields.begin();
  while (a != was.fields.end() || b != now.fields.end()) {
    const bool only_a = b == now.fields.end() || (a != was.fields.end() && a->field < b->field);
    const bool only_b = a == was.fields.end() || (b != now.fields.end() && b->field < a->field);
    if (only_a) {
      if (!a->value.absent()) out.push_back({a->field, a->value});
      ++a;
    } else if (only_b) {
      if (!b->value.absent()) out.push_back({b->field, Value{}});
      ++b;
    } else {
      if (!(a->value == b->value)) out.push_back({a->field, a->value});
      ++a;
      ++b;
    }
  }
  append_changes(was, now, out);
  return out;
}

// Calls `visit` with the facts of a record, the newest first, until it says no.
Result<void> newest_first(State& state, const Record& record,
                          const std::function<Result<bool>(const HistoryEntry&)>& visit) {
  for (auto chunk = record.chunks + 1; chunk-- > 0;) {
    DW_TRY(const auto entries, state.history_part(record, chunk));
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      if (!is_fact(*entry)) continue;
      DW_TRY(auto more, visit(*entry));
      if (!more) return ok();
    }
  }
  return ok();
}

}  // namespace

Record without_decisions(Record record) {
  record.watchers.clear();
  record.history.clear();
  record.chunks = 0;
  record.home_key = {};
  record.key_conflict = false;
  return record;
}

Result<FoundFact> find_fact(State& state, LogFacts& facts, const RecordKey& subject,
                            std::string_view source, std::string_view id, HistoryMark mark) {
  FoundFact out;
  out.holder = subject;
  for (int hops = 0; hops < kMergeHopsMax; ++hops) {
    const auto* record = state.find(out.holder);
    if (record == nullptr) break;
    bool found = false;
    DW_TRY(newest_first(state, *record, [&](const HistoryEntry& entry) -> Result<bool> {
      if (entry.role != HistoryRole::kFact || entry.mark != mark) return true;
      DW_TRY(facts.read(entry, out.event));
      found = out.event.source == source && out.event.id == id;
      out.entry = entry;
      return !found;
    }));
    if (found) return out;
    if (record->merged_into.empty()) break;
    out.holder.id = record->merged_into;
  }
  return Error{Code::kNotFound, "no fact of " + to_text(subject) + " has source " +
                                    std::string{source} + " and id " + std::string{id}};
}

// ---- what is concerned

Result<std::uint64_t> Refold::chunk_of(const Record& record, std::uint64_t order) const {
  const auto holds = [&](const std::vector<HistoryEntry>& entries) {
    return std::any_of(entries.begin(), entries.end(), [&](const HistoryEntry& entry) {
      return is_fact(entry) && entry.order == order;
    });
  };
  for (auto chunk = record.chunks + 1; chunk-- > 0;) {
    DW_TRY(const auto entries, state_.history_part(record, chunk));
    if (holds(entries)) return chunk;
  }
  return damaged(record.key, "fact " + std::to_string(order) + " is not in it");
}

Result<void> Refold::each_fact(
    const Record& record, std::uint64_t from,
    const std::function<Result<void>(const HistoryEntry&)>& visit) const {
  for (auto chunk = from; chunk <= record.chunks; ++chunk) {
    DW_TRY(const auto entries, state_.history_part(record, chunk));
    for (const auto& entry : entries) {
      if (!is_fact(entry)) continue;
      DW_TRY(visit(entry));
    }
  }
  return ok();
}

Result<void> Refold::concern(const RecordKey& holder, const HistoryEntry& entry, const Event& event,
                             HistoryMark mark) {
  auto& plan = plans_[holder];
  plan.marks[{entry.order, entry.role}] = mark;
  plan.from = std::min(plan.from, entry.order);
  for (const auto& implied : implied_by(event)) {
    RecordKey key = implied.record;
    for (int hops = 0; hops < kMergeHopsMax; ++hops) {
      const auto* record = state_.find(key);
      if (record == nullptr) break;
      bool found = false;
      DW_TRY(newest_first(state_, *record, [&](const HistoryEntry& other) -> Result<bool> {
        found = other.role == HistoryRole::kImplied && other.order == entry.order &&
                other.mark != HistoryMark::kUndone;
        return !found && other.order >= entry.order;
      }));
      if (found) {
        auto& other = plans_[key];
        other.marks[{entry.order, HistoryRole::kImplied}] = mark;
        other.from = std::min(other.from, entry.order);
        break;
      }
      if (record->merged_into.empty()) break;
      key.id = record->merged_into;
    }
  }
  return ok();
}

Result<void> Refold::retract(const RecordKey& subject, std::string_view source,
                             std::string_view id) {
  DW_TRY(auto found, find_fact(state_, facts_, subject, source, id));
  DW_TRY(concern(found.holder, found.entry, found.event, HistoryMark::kRetracted));
  if (found.event.type == TypeId::kEventRetracted) {  // what it took back stands again
    DW_TRY(auto taken,
           find_fact(state_, facts_, found.event.subject, found.event.data.text(Field::kSource),
                     found.event.data.text(Field::kId), HistoryMark::kRetracted));
    DW_TRY(concern(taken.holder, taken.entry, taken.event, HistoryMark::kStands));
  }
  return run();
}

bool Refold::stands_for(RecordKey subject, const RecordKey& loser) {
  if (subject.kind != loser.kind) return false;
  for (int hops = 0; hops < kMergeHopsMax; ++hops) {
    if (subject == loser) return true;
    const auto* record = state_.find(subject);
    if (record == nullptr || record->merged_into.empty()) return false;
    subject.id = record->merged_into;
  }
  return false;
}

Result<void> Refold::unmerge(const RecordKey& loser) {
  const auto* record = state_.find(loser);
  if (record == nullptr) return Error{Code::kNotFound, "no record " + to_text(loser)};
  std::optional<std::uint64_t> merge;
  Event event;
  DW_TRY(newest_first(state_, *record, [&](const HistoryEntry& entry) -> Result<bool> {
    if (entry.role != HistoryRole::kFact || entry.mark != HistoryMark::kStands) return true;
    DW_TRY(facts_.read(entry, event));
    if (!merges(event.type) || event.data.text(Field::kInto) == loser.id) return true;
    merge = entry.order;
    return false;
  }));
  if (!merge) return damaged(loser, "it was merged, and its merge is not in it");
  plans_[loser].marks[{*merge, HistoryRole::kFact}] = HistoryMark::kUndone;
  plans_[loser].from = *merge;
  auto& more = plans_[loser].more;
  RecordKey key{loser.kind, record->merged_into};
  for (int hops = 0; hops < kMergeHopsMax; ++hops) {
    const auto* holder = state_.find(key);
    if (holder == nullptr) break;
    Plan plan;
    DW_TRY(each_fact(*holder, 0, [&](const HistoryEntry& entry) -> Result<void> {
      if (entry.order < *merge || entry.mark == HistoryMark::kUndone) return ok();
      DW_TRY(facts_.read(entry, event));
      auto subject = event.subject;
      if (entry.role == HistoryRole::kImplied) subject = implied_by(event).front().record;
      if (!stands_for(subject, loser)) return ok();
      plan.marks[{entry.order, entry.role}] = HistoryMark::kUndone;
      plan.from = std::min(plan.from, entry.order);
      if (entry.order != *merge) more.push_back(entry);
      return ok();
    }));
    if (!plan.marks.empty()) plans_[key] = std::move(plan);
    if (holder->merged_into.empty()) break;
    key.id = holder->merged_into;
  }
  std::sort(more.begin(), more.end(),
            [](const HistoryEntry& a, const HistoryEntry& b) { return a.order < b.order; });
  return run();
}

// ---- folding

Result<void> Refold::run() {
  while (!plans_.empty()) {
    // A record that was merged comes before what it was merged into.
    auto next = plans_.begin();
    for (auto it = plans_.begin(); it != plans_.end(); ++it) {
      if (it != next && stands_for(it->first, next->first)) next = it;
    }
    const auto key = next->first;
    const auto plan = std::move(next->second);
    plans_.erase(next);
    DW_TRY(fold(key, plan));
    DW_TRY(winner_follows(key));
  }
  return ok();
}

// What was merged into another record came to something else: so does that one.
Result<void> Refold::winner_follows(const RecordKey& loser) {
  const auto& done = done_.at(loser);
  if (done.now.merged_into.empty()) return ok();
  std::optional<std::uint64_t> merge;
  Event event;
  const auto* record = state_.find(loser);
  DW_TRY(newest_first(state_, *record, [&](const HistoryEntry& entry) -> Result<bool> {
    if (entry.role != HistoryRole::kFact || entry.mark != HistoryMark::kStands) return true;
    DW_TRY(facts_.read(entry, event));
    if (!merges(event.type) || event.data.text(Field::kInto) == loser.id) return true;
    merge = entry.order;
    return false;
  }));
  RecordKey key{loser.kind, done.now.merged_into};
  for (int hops = 0; merge && hops < kMergeHopsMax; ++hops) {
    const auto* winner = state_.find(key);
    if (winner == nullptr) break;
    bool found = false;
    DW_TRY(newest_first(state_, *winner, [&](const HistoryEntry& entry) -> Result<bool> {
      found = entry.role == HistoryRole::kMerged && entry.order == *merge;
      return !found && entry.order >= *merge;
    }));
    if (found) {
      auto& plan = plans_[key];
      plan.from = std::min(plan.from, *merge);
      return ok();
    }
    if (winner->merged_into.empty()) break;
    key.id = winner->merged_into;
  }
  return damaged(loser, "the record that it was merged into does not know of it");
}

Result<const Record*> Refold::loser_of(const RecordKey& winner, const HistoryEntry& entry,
                                       const Event& event, bool was) {
  // The subject, or what it had been merged into by then: the one whose own fact this merge is.
  RecordKey key = event.subject;
  for (int hops = 0; hops < kMergeHopsMax; ++hops) {
    const auto* record = state_.find(key);
    if (record == nullptr || key == winner) break;
    bool own = false;
    DW_TRY(newest_first(state_, *record, [&](const HistoryEntry& other) -> Result<bool> {
      own = other.role == HistoryRole::kFact && other.order == entry.order;
      return !own && other.order >= entry.order;
    }));
    if (own) {
      const auto done = done_.find(key);
      if (done == done_.end()) return record;  // nothing changed it since it was merged
      return was ? &done->second.was : &done->second.now;
    }
    if (record->merged_into.empty()) break;
    key.id = record->merged_into;
  }
  return damaged(winner, "what was merged into it by fact " + std::to_string(entry.order) +
                             " is not known any more");
}

Result<void> Refold::apply(Record& record, HistoryEntry& entry, const Event& event, bool was) {
  auto& out = was ? out_was_ : out_now_;
  const bool undated = !event.time && !event.import_batch.empty();
  const FoldAt at{{entry.occurred, entry.order}, entry.ingested, undated};
  switch (entry.role) {
    case HistoryRole::kFact: {
      const auto own = place(record, event, entry.ingested, entry.order);
      entry.occurred = own.stamp.occurred;
      evolve(record, event, own, state_.reference, out);
      return ok();
    }
    case HistoryRole::kImplied: {
      const auto there = place_implied(record, at);
      entry.occurred = there.stamp.occurred;
      for (const auto& implied : implied_by(event)) {
        evolve_implied(record, implied, there, state_.reference.pipelines, out);
      }
      return ok();
    }
    case HistoryRole::kMerged: {
      DW_TRY(const auto* loser, loser_of(record.key, entry, event, was));
      merge_into(record, *loser, at, out);
      return ok();
    }
    case HistoryRole::kDecision:
      return ok();
  }
  return ok();
}

Result<void> Refold::fold_entry(HistoryEntry& entry, bool was, bool now, Done& done) {
  if (!was && !now) return ok();
  Event event;
  DW_TRY(facts_.read(entry, event));
  out_was_.clear();
  out_now_.clear();
  auto old_entry = entry;
  if (was) {
    DW_TRY(apply(done.was, old_entry, event, true));
  }
  if (now) {
    DW_TRY(apply(done.now, entry, event, false));
  }
  if (same_steps(out_was_.steps, out_now_.steps)) return ok();
  auto& steps = done.refolded.steps;
  for (auto& step : out_was_.steps) {
    steps.push_back({step.occurred, -step.sign, std::move(step.life)});
  }
  for (auto& step : out_now_.steps) steps.push_back(std::move(step));
  return ok();
}

Result<void> Refold::fold_entries(std::vector<HistoryEntry>& entries, const Plan& plan,
                                  Done& done) {
  for (auto& entry : entries) {
    if (!is_fact(entry)) continue;
    const bool was = entry.mark == HistoryMark::kStands;
    const auto planned = plan.marks.find({entry.order, entry.role});
    if (planned != plan.marks.end()) entry.mark = planned->second;
    DW_TRY(fold_entry(entry, was, entry.mark == HistoryMark::kStands, done));
  }
  return ok();
}

// Facts that stood elsewhere and are new here.
Result<void> Refold::fold_more(std::vector<HistoryEntry> more, std::vector<HistoryEntry>& tail,
                               std::uint64_t chunks, Done& done) {
  for (auto& entry : more) {
    if (tail.size() == kHistoryChunk) {
      done.chunks.emplace_back(chunks++, codec::HistoryChunk{std::move(tail), done.now});
      tail.clear();
    }
    DW_TRY(fold_entry(entry, false, entry.mark == HistoryMark::kStands, done));
    tail.push_back(entry);
  }
  done.now.chunks = chunks;
  return ok();
}

Result<void> Refold::fold(const RecordKey& key, const Plan& plan) {
  const auto* record = state_.find(key);
  if (record == nullptr) return Error{Code::kNotFound, "no record " + to_text(key)};
  DW_TRY(const auto first, chunk_of(*record, plan.from));
  Done done;
  done.was.key = key;
  if (first > 0) {
    DW_TRY(auto kept, state_.history_chunk(*record, first - 1));
    done.was = without_decisions(std::move(kept.checkpoint));
  }
  done.now = done.was;
  for (auto chunk = first; chunk < record->chunks; ++chunk) {
    DW_TRY(auto kept, state_.history_chunk(*record, chunk));
    DW_TRY(fold_entries(kept.entries, plan, done));
    kept.checkpoint = done.now;
    done.chunks.emplace_back(chunk, std::move(kept));
  }
  auto tail = record->history.entries();
  DW_TRY(fold_entries(tail, plan, done));
  if (!(done.was == without_decisions(*record))) {
    return damaged(key, "its facts do not come to the record");
  }
  DW_TRY(fold_more(plan.more, tail, record->chunks, done));
  done.refolded.record = key;
  done.refolded.before = done.was.life;
  done.refolded.after = done.now.life;
  done.refolded.changed = differences(done.was, done.now);
  done.now.history = tail;
  order_.push_back(key);
  done_[key] = std::move(done);
  return ok();
}

std::vector<Refolded> Refold::commit() {
  std::vector<Refolded> out;
  for (const auto& key : order_) {
    auto& done = done_.at(key);
    auto& record = state_.touch(key);
    for (auto& [number, chunk] : done.chunks) {
      state_.put_history_chunk(key, number, std::move(chunk));
    }
    done.now.watchers = std::move(record.watchers);
    done.now.home_key = std::move(record.home_key);
    done.now.key_conflict = record.key_conflict;
    record = std::move(done.now);
    out.push_back(std::move(done.refolded));
  }
  return out;
}

}  // namespace dealwright::runtime
