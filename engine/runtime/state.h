// Everything folded of one partition, and the place in both logs. A write-back cache over a store;
// a generation of it is one atomic batch with its positions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/decision.h"
#include "engine/domain/evolve.h"
#include "engine/domain/rule_flow.h"
#include "engine/domain/sends.h"
#include "engine/domain/set_aside.h"
#include "engine/ports/decider.h"
#include "engine/ports/file_system.h"
#include "engine/ports/store.h"
#include "engine/ports/view.h"
#include "engine/ports/worker.h"
#include "engine/runtime/dedup.h"
#include "engine/runtime/kv_cache.h"
#include "engine/runtime/meta.h"
#include "engine/runtime/open_effects.h"
#include "engine/runtime/record_table.h"
#include "engine/runtime/state_limits.h"
#include "engine/runtime/timer_index.h"

namespace dealwright::codec {
struct HistoryChunk;
}

namespace dealwright::runtime {

// Where a line of the ledger is found.
struct EffectPlace {
  std::optional<Instant> next;  // when it is looked at
  std::string held_by;
  std::string person;  // whom a mail that may still leave goes to
};
EffectPlace place_of(const Effect& effect);

struct ImportBatch {
  enum class Phase : std::uint8_t { kUnknown = 0, kOpen = 1, kPaused = 2, kClosed = 3 };
  Policy policy = Policy::kUnset;
  std::uint64_t highest_row = 0;
  Phase phase = Phase::kUnknown;
  std::int64_t per_hour = 0;    // of drip
  std::uint64_t opened_at = 0;  // position of import.opened; in the partition that judged it
};

// The owner's thread only. A failure of the store below sticks: failure() is set, what was read
// counts as not there, and the owner must stop the partition before anything leaves it.
class State {
 public:
  // `dedup_directory` belongs to this state alone. Views that the store knows in another version,
  // or not at all while it holds facts, are listed in stale_views() and not fed until rebuilt.
  static Result<std::unique_ptr<State>> open(Store& store, FileSystem& files,
                                             std::string dedup_directory,
                                             std::span<const View* const> views,
                                             StateLimits limits);
  ~State();

  Meta meta;
  Reference reference;

  Record* find(const RecordKey& key);   // none: never heard of
  Record& touch(const RecordKey& key);  // makes a stub if need be; marks it dirty
  bool rests_on(const RecordKey& key, std::uint64_t confirmed);  // on decisions before that alone
  // Before the fact is folded: a full chunk goes to the store with the record as it was.
  void add_history(Record& record, HistoryEntry entry);
  Result<std::vector<HistoryEntry>> history(const Record& record) const;
  // The entries of one chunk; behind the last full one, those that the record itself holds.
  Result<std::vector<HistoryEntry>> history_part(const Record& record, std::uint64_t chunk) const;
  Result<codec::HistoryChunk> history_chunk(const Record& record, std::uint64_t chunk) const;
  void put_history_chunk(const RecordKey& key, std::uint64_t chunk, codec::HistoryChunk value);

  // None: not there. Both stay where they are until it is erased or everything is written back.
  const Enrolment* enrolment(const EnrolmentId& id);
  Enrolment* edit_enrolment(const EnrolmentId& id);
  void put(const Enrolment& enrolment);
  void erase_enrolment(const EnrolmentId& id);
  std::optional<Entry> entry(std::string_view rule, std::string_view key);
  void put_entry(std::string_view rule, std::string_view key, const Entry& entry);
  std::optional<Effect> effect(const EffectId& id);
  // Of an id in hex, or its first 40 digits or more; looks at all that is not in the store yet.
  std::optional<Effect> find_effect(std::string_view hex_digits);
  // `was`: place_of() the line as it stood in the ledger; {}: it did not.
  void put(const Effect& effect, const EffectPlace& was);
  OpenEffects& open_effects() { return open_effects_; }
  struct Held {
    std::string by;
    EffectId id{};
  };
  // The first effect that is held, by (what holds it, id), at or behind these.
  std::optional<Held> next_held(std::string_view by, const EffectId& from);
  // Mails to `person` ("contact/c1") that may still leave, and those that caps count.
  std::vector<EffectId> open_mails(std::string_view person);
  SentTo sent_to(std::string_view person);
  void put_sent(std::string_view person, const SentTo& sent);
  const RuleFlow& flow(std::string_view rule);  // until another rule's is asked for
  RuleFlow& edit_flow(std::string_view rule);
  TimerIndex& timers() { return timers_; }
  // Called before each of many timers due by `limit` is taken: loads from time to time, in order,
  // what the next of them will ask for. A hint: changes nothing that can be read.
  void read_ahead(Instant limit);
  static constexpr int kFewTimers = 8;  // more than these are worth it
  Dedup& dedup() { return *dedup_; }

  std::optional<SetAside> set_aside(std::uint64_t position);
  void put(const SetAside& entry);
  void erase_set_aside(const SetAside& entry);
  // The first event of this key that later ones wait behind, at or after `from`.
  std::optional<std::uint64_t> blocked(std::string_view key, std::uint64_t from = 0);
  void put_pipeline(const Event& event, Stamp stamp);
  void put_schema(const Event& event, std::uint64_t order);
  void publish(const PublishedRule& rule);
  void set_rule_status(std::string_view rule, std::string_view status);
  std::string_view rule_status(std::string_view rule) const;  // "": not known
  Result<std::vector<PublishedRule>> published() const;
  ImportBatch batch(std::string_view name);
  void put_batch(std::string_view name, const ImportBatch& batch);
  void put_send(const Send& send);
  void erase_sends(std::uint32_t to, std::uint64_t behind, std::uint64_t through);
  Result<std::vector<Send>> sends() const;
  std::optional<std::string> home(const RecordKey& subject);
  void put_home(const RecordKey& subject, std::string_view key);

  std::span<ViewFold* const> view_folds() const { return live_views_; }
  ViewFold* view_fold(std::string_view name) const;
  std::span<const View* const> stale_views() const { return stale_views_; }
  // Takes rebuilt cells in place of what the store holds of this view, and feeds it from now on.
  Result<void> adopt_view(const View& view, const std::vector<StoreWrite>& cells);

  // Any table in order; with records not yet frozen after write_back().
  Result<void> scan(char letter, const KvCache::Visit& visit) const;
  Result<void> scan(std::string_view from, std::string_view to, const KvCache::Visit& visit) const;
  // Puts dirty records, views and meta into the current generation; packs records if asked to.
  void write_back(bool packing = false);
  void write_back_views();  // these alone, so that they can be asked
  // SHA-256 over every key and value in order, save how runs of ids are cut.
  Result<Sha256> fingerprint();

  bool wants_freeze() const;
  bool write_back_ahead();  // a little of what freeze() would do; true: there is more of it
  // Closes the generation: a worker writes and flushes it, thaw() takes the result.
  struct Frozen {
    std::shared_ptr<const KvCache::Generation> generation;
    std::shared_ptr<Dedup::Flush> ids;
    std::uint64_t events = 0;
    std::uint64_t decisions = 0;
  };
  Frozen freeze();  // REQUIRES: not frozen
  static Result<void> write(const Frozen& frozen, Store& store);
  void thaw(const Frozen& frozen);

  const std::optional<Error>& failure() const { return failure_; }
  void fail(Error error);
  std::size_t cached_records() const;
  const RecordTable& records() const;  // in memory
  const Lookups& lookups() const { return lookups_; }

 private:
  struct Records;
  struct Enrolments;
  class Cells;
  State(Store& store, StateLimits limits);
  Result<void> load_reference();
  Result<void> open_views(std::span<const View* const> views);
  RecordSlot* locate(const RecordKey& key, bool create);
  bool load(RecordSlot& slot, const RecordKey& key);
  RecordSlot& insert(std::unique_ptr<RecordSlot> slot);
  void load_ahead(std::vector<RecordKey> wanted);
  std::optional<std::string> read(std::string_view key);
  template <class T>
  std::optional<T> read_entry(const std::string& key);
  void pack_unused();
  void pack(const RecordSlot& slot, std::string_view bytes);
  void write_back_records(std::size_t end, bool packing);
  void write_back_flows();

  Store& store_;
  const StateLimits limits_;
  KvCache cache_;
  TimerIndex timers_;
  OpenEffects open_effects_;
  std::unique_ptr<Dedup> dedup_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<Enrolments> enrolments_;
  struct OpenView {
    const View* view;
    std::unique_ptr<Cells> cells;
    std::unique_ptr<ViewFold> fold;
  };
  std::vector<OpenView> views_;
  std::vector<ViewFold*> live_views_;
  std::vector<const View*> stale_views_;
  std::uint64_t events_at_freeze_ = 0;
  std::size_t ahead_ = 0;  // timers whose enrolments and records are in memory, near enough
  std::map<std::string, std::string, std::less<>> rule_status_;
  struct Flow {
    RuleFlow flow;
    bool dirty = false;
  };
  std::map<std::string, Flow, std::less<>> flows_;  // of rules that let something out
  std::optional<Error> failure_;
  Lookups lookups_;
};

}  // namespace dealwright::runtime
