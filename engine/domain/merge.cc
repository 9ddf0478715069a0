// What a merge brings to the winner.
#include <algorithm>
#include <tuple>

#include "engine/domain/evolve.h"
#include "engine/domain/registers.h"

namespace dealwright {
namespace {

// captured_at of a merge: the earlier of both.
void take_earliest(Record& winner, const Register& theirs, Folded& out) {
  const auto it = std::lower_bound(winner.fields.begin(), winner.fields.end(), theirs.field,
                                   [](const Register& r, Field f) { return r.field < f; });
  const auto* mine = it->value.as_instant();
  const auto* other = theirs.value.as_instant();
  if (mine == nullptr || other == nullptr || *mine <= *other) return;
  out.changed.push_back({theirs.field, it->value});
  it->value = theirs.value;
  it->stamp = std::min(it->stamp, theirs.stamp);
}

// The newest word on a purpose and channel; a row for all channels speaks for each.
const ConsentRow* standing(const std::vector<ConsentRow>& rows, const ConsentRow& asked) {
  const ConsentRow* newest = nullptr;
  for (const auto& row : rows) {
    if (row.purpose != asked.purpose) continue;
    if (row.channel != asked.channel && row.channel != "all") continue;
    if (newest == nullptr || newest->stamp < row.stamp) newest = &row;
  }
  return newest;
}

// The stricter consent stands: where one side had withdrawn and the other's newer word would stand,
// the merge says the withdrawal again.
std::vector<ConsentRow> withdrawn_by_either(const std::vector<ConsentRow>& a,
                                            const std::vector<ConsentRow>& b, Stamp stamp) {
  std::vector<ConsentRow> out;
  const auto consider = [&](const ConsentRow& asked) {
    const auto* mine = standing(a, asked);
    const auto* theirs = standing(b, asked);
    if (mine == nullptr || theirs == nullptr || mine->granted == theirs->granted) return;
    const auto* strict = mine->granted ? theirs : mine;
    const auto* lax = mine->granted ? mine : theirs;
    const bool again = std::any_of(out.begin(), out.end(), [&](const ConsentRow& row) {
      return row.purpose == asked.purpose && row.channel == asked.channel;
    });
    if (lax->stamp < strict->stamp || again) return;
    out.push_back(*strict);
    out.back().channel = asked.channel;
    out.back().stamp = stamp;
  };
  for (const auto* rows : {&a, &b}) {
    for (const auto& row : *rows) consider(row);
  }
  std::sort(out.begin(), out.end(), [](const ConsentRow& x, const ConsentRow& y) {
    return std::tie(x.purpose, x.channel) < std::tie(y.purpose, y.channel);
  });
  return out;
}

}  // namespace

void merge_into(Record& winner, const Record& loser, const FoldAt& at, Folded& out) {
  out.clear();
  out.before = winner.life;
  const auto stamp = at.stamp;
  for (const auto& r : loser.fields) {
    if (r.value.absent() || of_life(winner.key.kind, r.field)) continue;
    const auto* mine = winner.find(r.field);
    if (mine == nullptr) {  // fields stay, gaps are filled
      set_register(winner, r.field, r.value, stamp, out, true);
    } else if (r.field == Field::kCapturedAt) {
      take_earliest(winner, r, out);
    } else if (r.value.as_list() != nullptr && mine->as_list() != nullptr) {  // lists united
      auto all = *mine->as_list();
      for (const auto& entry : *r.value.as_list()) {
        if (std::find(all.begin(), all.end(), entry) == all.end()) all.push_back(entry);
      }
      set_register(winner, r.field, Value{std::move(all)}, stamp, out);
    }
  }
  for (const auto& r : loser.custom) {
    if (!r.value.absent()) set_named(winner.custom, r.name, r.value, stamp, true);
  }
  for (const auto& r : loser.extra) {
    if (!r.value.absent()) set_named(winner.extra, r.name, r.value, stamp, true);
  }
  const auto said_again = withdrawn_by_either(winner.consents, loser.consents, stamp);
  for (const auto* rows : {&loser.consents, &said_again}) {
    winner.consents.insert(winner.consents.end(), rows->begin(), rows->end());
  }
  std::stable_sort(winner.consents.begin(), winner.consents.end(),
                   [](const auto& a, const auto& b) { return a.stamp < b.stamp; });
  if (winner.last_activity < loser.last_activity) winner.last_activity = loser.last_activity;
  auto losers = loser.merged_from.get();
  losers.push_back(loser.key.id);
  for (auto& id : losers) {
    auto& all = winner.merged_from.edit();
    const auto place = std::lower_bound(all.begin(), all.end(), id);
    if (place == all.end() || *place != id) all.insert(place, std::move(id));
  }
}

}  // namespace dealwright
