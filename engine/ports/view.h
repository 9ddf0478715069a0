// A view: a fold of what was accepted and decided, made to be read. One ViewFold per partition
// keeps the partial aggregates; queries merge the partitions' parts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/domain/changes.h"
#include "engine/ports/decider.h"
#include "engine/ports/store.h"

namespace dealwright {

// What a record counted for, going out of force (sign -1) or into it (+1) at `occurred`.
struct LifeDelta {
  Instant occurred;
  int sign = 0;
  const Life* life = nullptr;
};

// Everything one accepted fact did. Pointers live during the call.
struct ViewFact {
  const FoldedFact* fact = nullptr;
  const RecordKey* record = nullptr;  // whose life these are; not always the event's subject
  const Record* state = nullptr;      // that record after the fold
  std::span<const LifeDelta> deltas;  // in order; of deals and other kinds alike
  const Life* before = nullptr;       // current life before and after
  const Life* after = nullptr;
};

// Cells read back from the store below this view's own prefix; keys are relative to it.
class ViewReader {
 public:
  virtual ~ViewReader() = default;
  virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
  virtual Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& visit) const = 0;
};

struct ViewQuery {
  Instant as_of = kAfterAll;                                 // facts that occurred up to here
  Instant known_by = kAfterAll;                              // and were ingested up to here
  Instant from = kBeforeAll, to = kAfterAll;                 // [from, to) of ViewAsks::window
  Instant now;                                               // for what is due or overdue
  std::vector<std::pair<std::string, std::string>> filters;  // column, value
  std::vector<std::string> group_by;
  std::size_t limit = 0;  // 0: all
};

struct ViewColumn {
  std::string name;
  std::string type;  // text, int, bool, money, instant, rate (exact, as text), json
};
struct ViewRows {
  std::vector<ViewColumn> columns;
  std::vector<std::vector<Value>>
      rows;  // a value per column; sorted, so equal state gives equal rows
};

// What a decided change met.
struct ChangeContext {
  Instant now;
  std::string_view rule;                     // whose enrolment or effect it is about
  std::optional<EffectState> effect_before;  // of EffectMoved
};

// One partition's part of a view. Owner thread only. Deterministic: the same facts in the same
// order leave the same bytes.
class ViewFold {
 public:
  virtual ~ViewFold() = default;
  virtual void on_fact(const ViewFact& fact) = 0;
  // Each decided change, behind the fact or timer it followed from.
  virtual void on_change(const Change& change, const ChangeContext& context) = 0;
  virtual void on_timer(const TimerKey& timer, Instant now) = 0;
  // Appends every cell that changed since the last call, keys relative to the view's prefix,
  // sorted.
  virtual void take_dirty(std::vector<StoreWrite>& out) = 0;
  // This partition's partial rows: an opaque text that View::merge understands.
  virtual Result<std::string> query(const ViewQuery& query) const = 0;
  virtual std::size_t memory_bytes() const = 0;
};

// What a view can be asked for.
struct ViewAsks {
  std::span<const std::string_view> filters = {};  // columns to filter and group by
  std::string_view window = {};  // what `from` and `to` are held against; "": it takes neither
  bool whole_days = false;       // they are the beginnings of days of UTC
  bool groups = false;           // group_by
  bool past = false;             // as_of, known_by
};

// Immutable; thread-safe.
class View {
 public:
  virtual ~View() = default;
  virtual std::string_view name() const = 0;
  virtual std::uint32_t version() const = 0;  // of its layout and meaning
  virtual std::string_view description() const = 0;
  virtual ViewAsks asks() const { return {}; }
  // `reader` outlives the fold.
  virtual Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) const = 0;
  virtual Result<ViewRows> merge(const ViewQuery& query,
                                 std::span<const std::string> parts) const = 0;
};

}  // namespace dealwright
