#include "connectors/daemon/ledger.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <tuple>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kChunk = 4'096;  // entries that a partition's thread is asked for at once

// Every entry of a table of one partition, from a key on, without holding its thread for long.
Result<void> scan_slowly(
    Workspace& workspace, PartitionId id, std::string from, const std::string& to,
    const std::function<Result<bool>(std::string_view, std::string_view)>& visit) {
  for (bool more = true; more;) {
    Result<void> result = ok();
    std::size_t seen = 0;
    more = false;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      auto& state = partition.state();
      state.write_back();  // what is dirty becomes readable
      auto scanned = state.scan(from, to, [&](std::string_view key, std::string_view value) {
        auto wanted = visit(key, value);
        if (!wanted) {
          result = wanted.error();
          return false;
        }
        if (!wanted.value()) return false;
        more = ++seen == kChunk;
        if (more) from = std::string{key} + '\0';
        return !more;
      });
      if (!scanned) result = scanned;
    }));
    DW_TRY(std::move(result));
  }
  return ok();
}

template <class T>
Result<void> each(Workspace& workspace, char letter,
                  const std::function<bool(PartitionId, T)>& take) {
  const std::string from{letter};
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(scan_slowly(workspace, id, from, prefix_end(from),
                       [&](std::string_view, std::string_view value) -> Result<bool> {
                         T entry;
                         DW_TRY(codec::decode(value, entry));
                         return take(id, std::move(entry));
                       }));
  }
  return ok();
}

// A page of a list that is kept in another order than it is read: the first of a sorted set, behind
// where the page before ended.
template <class Key, class T>
class Best {
 public:
  // `limit` 0: all.
  Best(std::optional<Key> after, std::size_t limit) : after_{std::move(after)}, limit_{limit} {}
  void add(Key key, T value) {
    if (after_ && key <= *after_) return;
    list_.emplace_back(std::move(key), std::move(value));
    if (limit_ > 0 && list_.size() >= 2 * limit_ + kChunk) cut();
  }
  // The page; `more`: it is not the last.
  std::vector<std::pair<Key, T>> take(bool& more) {
    if (limit_ > 0 && list_.size() > limit_ + 1) cut();
    std::sort(list_.begin(), list_.end(), by_key);
    more = limit_ > 0 && list_.size() > limit_;
    if (more) list_.pop_back();
    return std::move(list_);
  }

 private:
  static bool by_key(const std::pair<Key, T>& a, const std::pair<Key, T>& b) {
    return a.first < b.first;
  }
  // One more than the page stays: it says that there is another page.
  void cut() {
    const auto end = list_.begin() + static_cast<std::ptrdiff_t>(limit_ + 1);
    std::nth_element(list_.begin(), end - 1, list_.end(), by_key);
    list_.erase(end, list_.end());
  }

  const std::optional<Key> after_;
  const std::size_t limit_;
  std::vector<std::pair<Key, T>> list_;
};

// "<milliseconds>/<id>": the newest first, so the time is turned around.
using Newest = std::pair<std::int64_t, std::string>;
std::string text_of(const Newest& key) { return std::to_string(key.first) + "/" + key.second; }
Result<std::optional<Newest>> read_newest(const std::string& text) {
  if (text.empty()) return std::optional<Newest>{};
  const auto slash = text.find('/');
  Newest out;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out.first);
  if (bad != std::errc{} || slash == std::string::npos || end != text.data() + slash) {
    return Error{Code::kInvalid, "that cursor is not one of this list's; begin without one"};
  }
  out.second = text.substr(slash + 1);
  return std::optional{std::move(out)};
}

Value instant_value(const std::optional<Instant>& at) { return at ? Value{*at} : Value{Null{}}; }

std::string_view standing(const Enrolment& e) {
  if (e.held) return "held";
  if (e.step == kBeforeFirst) return "waits to be released";
  return e.waits_for_event ? "waits for event" : "waits";
}

Result<void> must_be_hex(std::string_view prefix, std::string_view what) {
  if (is_hex(prefix)) return ok();
  return Error{Code::kInvalid, "'" + std::string{prefix} + "' is no id of an " + std::string{what} +
                                   ", nor the beginning of one"};
}

}  // namespace

bool LedgerFilter::passes(const Effect& effect) const {
  return (rule.empty() || effect.rule == rule) && (channel.empty() || effect.channel == channel) &&
         (!state || effect.state == *state) && (!subject || effect.subject == *subject);
}
bool LedgerFilter::passes(const Enrolment& enrolment) const {
  return (rule.empty() || enrolment.rule == rule) && (!subject || enrolment.subject == *subject);
}

// ---- effects

Result<LedgerPage> list_effects(Workspace& workspace, const LedgerFilter& filter) {
  DW_TRY(auto after, read_newest(filter.after));
  Best<Newest, Effect> best{std::move(after), filter.limit};
  DW_TRY(each<Effect>(workspace, runtime::keys::kEffect, [&](PartitionId, Effect effect) {
    if (!filter.passes(effect)) return true;
    Newest key{-effect.requested.ms, hex(effect.id)};
    best.add(std::move(key), std::move(effect));
    return true;
  }));
  bool more = false;
  const auto page = best.take(more);
  LedgerPage out;
  out.rows.columns = {{"requested", "instant"}, {"rule", "text"},  {"channel", "text"},
                      {"subject", "text"},      {"state", "text"}, {"reason", "text"},
                      {"step", "text"},         {"effect", "text"}};
  for (const auto& [key, e] : page) {
    out.rows.rows.push_back({Value{e.requested}, Value{e.rule}, Value{e.channel},
                             Value{to_text(e.subject)}, Value{effect_state_name(e.state)},
                             Value{e.reason}, Value{e.step}, Value{hex(e.id)}});
  }
  if (more) out.last = text_of(page.back().first);
  return out;
}

Result<std::pair<PartitionId, Effect>> find_effect(Workspace& workspace, std::string_view prefix) {
  DW_TRY(must_be_hex(prefix, "effect"));
  std::string from{runtime::keys::kEffect};
  for (std::size_t i = 0; i + 1 < prefix.size(); i += 2) {  // whole bytes of it
    std::uint8_t byte = 0;
    std::from_chars(prefix.data() + i, prefix.data() + i + 2, byte, 16);
    from += static_cast<char>(byte);
  }
  std::vector<std::pair<PartitionId, Effect>> found;
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    DW_TRY(scan_slowly(workspace, id, from, prefix_end(from),
                       [&](std::string_view, std::string_view value) -> Result<bool> {
                         Effect effect;
                         DW_TRY(codec::decode(value, effect));
                         if (hex(effect.id).starts_with(prefix))
                           found.emplace_back(id, std::move(effect));
                         return found.size() < 2;
                       }));
  }
  DW_TRY(only_one(found.size(), "effect", prefix));
  return std::move(found.front());
}

Map describe(const Effect& e) {
  return {{"effect", Value{hex(e.id)}},
          {"state", Value{effect_state_name(e.state)}},
          {"reason", Value{e.reason}},
          {"rule", Value{e.rule}},
          {"version", Value{std::int64_t{e.version}}},
          {"step", Value{e.step}},
          {"channel", Value{e.channel}},
          {"subject", Value{to_text(e.subject)}},
          {"recipient", Value{e.recipient}},
          {"requested", Value{e.requested}},
          {"changed", Value{e.changed}},
          {"not_before", instant_value(e.not_before)},
          {"expires", instant_value(e.expires)},
          {"next", instant_value(e.next)},
          {"held_by", Value{e.held_by}},
          {"attempts", Value{std::int64_t{e.attempts}}},
          {"traceparent", Value{e.traceparent}},
          {"enrolment", Value{hex_of(e.enrolment)}},
          {"payload", Value{e.payload}}};
}

// ---- enrolments

Result<LedgerPage> list_enrolments(Workspace& workspace, const LedgerFilter& filter) {
  DW_TRY(const auto steps, StepNames::load(workspace));
  DW_TRY(auto after, read_newest(filter.after));
  Best<Newest, Enrolment> best{std::move(after), filter.limit};
  DW_TRY(each<Enrolment>(workspace, runtime::keys::kEnrolment, [&](PartitionId, Enrolment e) {
    if (!filter.passes(e)) return true;
    Newest key{-e.started.ms, hex_of(e.id)};
    best.add(std::move(key), std::move(e));
    return true;
  }));
  bool more = false;
  const auto page = best.take(more);
  LedgerPage out;
  out.rows.columns = {{"rule", "text"},     {"subject", "text"}, {"started", "instant"},
                      {"step", "text"},     {"due", "instant"},  {"state", "text"},
                      {"enrolment", "text"}};
  for (const auto& [key, e] : page) {
    out.rows.rows.push_back({Value{e.rule}, Value{to_text(e.subject)}, Value{e.started},
                             Value{steps.name(e)}, instant_value(e.due), Value{standing(e)},
                             Value{hex_of(e.id)}});
  }
  if (more) out.last = text_of(page.back().first);
  return out;
}

Result<std::pair<PartitionId, Enrolment>> find_enrolment(Workspace& workspace,
                                                         std::string_view prefix) {
  DW_TRY(must_be_hex(prefix, "enrolment"));
  std::vector<std::pair<PartitionId, Enrolment>> found;
  DW_TRY(each<Enrolment>(workspace, runtime::keys::kEnrolment, [&](PartitionId id, Enrolment e) {
    if (hex_of(e.id).starts_with(prefix)) found.emplace_back(id, std::move(e));
    return found.size() < 2;
  }));
  DW_TRY(only_one(found.size(), "live enrolment", prefix));
  return std::move(found[0]);
}

Result<Map> describe_enrolment(Workspace& workspace, std::string_view prefix) {
  DW_TRY(const auto found, find_enrolment(workspace, prefix));
  DW_TRY(const auto steps, StepNames::load(workspace));
  const auto& e = found.second;
  List watched, effects;
  for (const auto& key : e.watched) watched.emplace_back(to_text(key));
  for (const auto& id : e.effects) effects.emplace_back(hex(id));
  return Map{{"enrolment", Value{hex_of(e.id)}},
             {"rule", Value{e.rule}},
             {"version", Value{std::int64_t{e.version}}},
             {"subject", Value{to_text(e.subject)}},
             {"state", Value{standing(e)}},
             {"step", Value{steps.name(e)}},
             {"step_since", Value{e.step_since}},
             {"started", Value{e.started}},
             {"triggered", Value{e.base}},
             {"due", instant_value(e.due)},
             {"shadow", Value{e.shadow}},
             {"watched", Value{std::move(watched)}},
             {"open_effects", Value{std::move(effects)}},
             {"kept", Value{e.kept}}};
}

// ---- timers

Result<LedgerPage> list_timers(Workspace& workspace, const LedgerFilter& filter) {
  // The store's own order is that of firing, so each partition needs to be read only so far.
  const auto most = filter.limit == 0 ? ~std::size_t{0} : filter.limit + 1;
  using Place = std::pair<std::string, PartitionId>;  // key in the store
  std::set<Place> soonest;
  const std::string begin{runtime::keys::kTimer};
  for (PartitionId id = 0; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    std::size_t here = 0;
    const auto from = begin + filter.after;
    DW_TRY(scan_slowly(workspace, id, from, prefix_end(begin),
                       [&](std::string_view key, std::string_view) -> Result<bool> {
                         const bool wanted = filter.rule.empty() ||
                                             runtime::keys::read_timer(key).rule == filter.rule;
                         if (wanted) soonest.emplace(key, id);
                         if (wanted) ++here;
                         if (soonest.size() > most) soonest.erase(std::prev(soonest.end()));
                         return here < most;
                       }));
  }
  DW_TRY(const auto steps, StepNames::load(workspace));
  LedgerPage out;
  out.rows.columns = {{"due", "instant"}, {"rule", "text"},      {"subject", "text"},
                      {"step", "text"},   {"enrolment", "text"}, {"partition", "int"}};
  std::size_t looked_at = 0;
  for (const auto& [key, id] : soonest) {
    if (looked_at++ == most - 1) break;
    if (soonest.size() == most) out.last = key.substr(1) + '\0';
    const auto timer = runtime::keys::read_timer(key);
    std::optional<Enrolment> enrolment;
    DW_TRY(workspace.engine().ask(id, [&](runtime::Partition& partition) {
      if (const auto* found = partition.state().enrolment(timer.enrolment)) enrolment = *found;
    }));
    if (enrolment && filter.subject && enrolment->subject != *filter.subject) continue;
    out.rows.rows.push_back({Value{timer.due}, Value{timer.rule},
                             enrolment ? Value{to_text(enrolment->subject)} : Value{Null{}},
                             enrolment ? Value{steps.name(*enrolment)} : Value{Null{}},
                             Value{hex_of(timer.enrolment)}, Value{std::int64_t{id}}});
  }
  return out;
}

// ---- set aside

Result<LedgerPage> list_set_aside(Workspace& workspace, const LedgerFilter& filter) {
  LedgerPage out;
  out.rows.columns = {{"position", "text"}, {"verdict", "text"}, {"code", "text"},
                      {"type", "text"},     {"subject", "text"}, {"at", "instant"},
                      {"behind", "text"},   {"detail", "text"}};
  std::pair<PartitionId, std::uint64_t> next;
  if (!filter.after.empty()) {
    DW_TRY(const auto at, parse_positions(filter.after, workspace.partitions()));
    next = {at.front().first, at.front().second + 1};
  }
  const std::string table{runtime::keys::kSetAside};
  for (PartitionId id = next.first; id < workspace.partitions(); ++id) {
    if (!workspace.serves(id)) continue;
    const auto from = id == next.first ? runtime::keys::number(table[0], next.second) : table;
    const auto place = std::to_string(id) + ":";
    bool full = false;
    DW_TRY(scan_slowly(
        workspace, id, from, prefix_end(table),
        [&](std::string_view, std::string_view value) -> Result<bool> {
          SetAside entry;
          DW_TRY(codec::decode(value, entry));
          if (filter.subject && entry.subject != to_text(*filter.subject)) return true;
          full = filter.limit > 0 && out.rows.rows.size() == filter.limit;
          if (full) return false;
          out.rows.rows.push_back(
              {Value{place + std::to_string(entry.position)}, Value{verdict_name(entry.verdict)},
               Value{entry.code}, Value{entry.type}, Value{entry.subject}, Value{entry.now},
               entry.blocked_by ? Value{place + std::to_string(*entry.blocked_by)} : Value{Null{}},
               Value{entry.detail}});
          return true;
        }));
    if (full) {
      out.last = out.rows.rows.back().front().text_or_empty();
      break;
    }
  }
  return out;
}

Result<std::optional<SetAside>> order_set_aside(Workspace& workspace, const Placed& place,
                                                TypeId to, const std::string& reason,
                                                const std::string& actor, const std::string& id) {
  const auto where = std::to_string(place.partition) + ":" + std::to_string(place.position);
  if (place.partition >= workspace.partitions()) {
    return Error{Code::kNotFound, "there is no partition " + std::to_string(place.partition)};
  }
  std::optional<SetAside> entry;
  const auto look = [&](runtime::Partition& partition) {
    entry = partition.state().set_aside(place.position);
  };
  DW_TRY(workspace.engine().ask(place.partition, look));
  if (!entry) return Error{Code::kNotFound, "no event is set aside at " + where};
  Event event;
  event.source = "dealwright/operator";
  event.id = id;
  event.type = to;
  event.subject = {Kind::kEvent, where};
  if (!workspace.event_clock()) event.time = workspace.clock().wall();
  event.actor = actor;
  event.data.set(Field::kPosition, Value{static_cast<std::int64_t>(place.position)});
  if (!reason.empty()) event.data.set(Field::kReason, Value{reason});
  DW_TRY(const auto put, workspace.append_own(std::move(event), place.partition));
  DW_TRY(workspace.wait_folded(put));
  DW_TRY(workspace.engine().ask(place.partition, look));
  return entry;
}

}  // namespace dealwright::daemon
