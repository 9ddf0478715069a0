// A sales process in a few words, for tables: events as text, judged and folded one by one by
// decide and evolve alone. What takes back or undoes is folded the slow way: all again, without it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/domain/evolve.h"

namespace dealwright {

inline constexpr Instant kNoon{1'772'366'400'000};  // 2026-03-01T12:00Z, when a story begins

// "deal.opened pipeline=p amount=9EUR; @-2d deal.won": events parted by `;`. Before the type:
// `@-2d`
// `@3h` `@+6m` its time against now, `@undated` none and in a batch; then a subject such as
// `lead/l2` if it is not the kind's own first (deal/d, lead/l, offer/o ...). Behind it data: money
// as 9EUR, whole numbers, true and false, JSON in {} or [], text.
class Story : public Neighbours {
 public:
  Story();
  // Tells all of it, a minute each; the refusal of the last, "" if it was accepted.
  std::string tell(const std::string& text);
  // The state of a record in a few words; `fields`: also these, by name.
  std::string show(const RecordKey& key, const std::string& fields = "") const;
  const std::set<std::string>& refusals() const { return refusals_; }

  const Record* find(const RecordKey& key) override;
  std::optional<TypeId> fact(const RecordKey& subject, std::string_view source,
                             std::string_view id) override;

 private:
  struct Fact {
    Event event;
    Instant ingested;
    std::uint64_t order = 0;
    bool stands = true;
  };
  Event read(const std::string& text);
  std::string judge(const Event& event);
  void fold(const Fact& fact);
  void fold_all();

  Instant now_ = kNoon;
  std::uint64_t order_ = 0;
  std::vector<Fact> facts_;
  std::map<RecordKey, Record> records_;
  Reference reference_;
  std::set<std::string> refusals_;
};

// The subject of an event of this text, as read.
RecordKey record_named(const std::string& text);

}  // namespace dealwright
