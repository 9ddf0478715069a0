// Sales cycle: days from opening to the standing close, by outcome, of every deal that has both
// instants. Percentiles are linear at rank (n-1)p; a day is 86,400,000 ms.
#include <algorithm>
#include <limits>

#include "engine/base/bytes.h"
#include "projections/row_table.h"
#include "projections/rows.h"
#include "projections/views.h"

namespace dealwright::projections {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
const std::vector<std::string_view> kDimensions = {"outcome"};
constexpr const char* kOutcomes[] = {"won", "lost", "no_decision"};

class CycleFold : public ViewFold {
 public:
  explicit CycleFold(const ViewReader& reader) : rows_{reader} {}

  void on_fact(const ViewFact& fact) override {
    if (fact.record->kind != Kind::kDeal || fact.deltas.empty()) return;
    const auto& life = *fact.after;
    const bool spans = life.counts() && life.status() != DealStatus::kOpen &&
                       life.opened_at > kInstantMin && life.closed_at > kInstantMin;
    if (!spans) {
      const auto& before = *fact.before;
      if (before.status() != DealStatus::kOpen) rows_.put(fact.record->id, std::nullopt);
      return;
    }
    std::string row;
    const auto outcome = life.status() == DealStatus::kWon ? 0 : life.no_decision ? 2 : 1;
    put_varint(row, static_cast<std::uint64_t>(outcome));
    put_signed(row, life.opened_at.ms);
    put_signed(row, life.closed_at.ms);
    rows_.put(fact.record->id, std::move(row));
  }
  void on_change(const Change&, const ChangeContext&) override {}
  void on_timer(const TimerKey&, Instant) override {}
  void take_dirty(std::vector<StoreWrite>& out) override { rows_.take_dirty(out); }
  Result<std::string> query(const ViewQuery&) const override {
    std::string out;
    DW_TRY(rows_.scan("", [&](std::string_view, std::string_view row) {
      out += row;
      return true;
    }));
    return out;
  }
  std::size_t memory_bytes() const override { return rows_.memory_bytes(); }

 private:
  RowTable rows_;
};

// The value at rank (n-1)*percent/100 in days with 4 decimals.
std::string percentile(const std::vector<std::int64_t>& sorted, std::int64_t percent) {
  const auto scaled = static_cast<std::int64_t>(sorted.size() - 1) * percent;
  const auto low = static_cast<std::size_t>(scaled / 100);
  const auto rest = scaled % 100;
  auto value = sorted[low] * 100;
  if (rest > 0) value += (sorted[low + 1] - sorted[low]) * rest;
  return decimal_text(value, kDayMs * 100, 4);
}

class CycleView : public View {
 public:
  std::string_view name() const override { return "cycle"; }
  std::uint32_t version() const override { return 1; }
  std::string_view description() const override {
    return "days from opening to close: n, mean, median, p90, min, max by outcome";
  }
  ViewAsks asks() const override {
    return {kDimensions, "the instant of closing", false, false, false};
  }
  Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) const override {
    return std::unique_ptr<ViewFold>{std::make_unique<CycleFold>(reader)};
  }

  Result<ViewRows> merge(const ViewQuery& query,
                         std::span<const std::string> parts) const override {
    DW_TRY(check_columns(query, kDimensions));
    DW_TRY(check_present(query, "cycle"));
    std::vector<std::int64_t> spans[3];
    for (const auto& part : parts) {
      ByteReader in{part};
      while (!in.at_end()) {
        const auto outcome = in.varint();
        const auto opened = in.signed_varint();
        const auto closed = in.signed_varint();
        const bool inside = closed >= query.from.ms && closed < query.to.ms;
        if (outcome < 3 && inside) spans[outcome].push_back(closed - opened);
      }
    }
    ViewRows out;
    out.columns = {{"outcome", "text"},     {"n", "int"},         {"mean_days", "rate"},
                   {"median_days", "rate"}, {"p90_days", "rate"}, {"min_days", "rate"},
                   {"max_days", "rate"}};
    for (std::size_t i = 0; i < 3; ++i) {
      if (spans[i].empty() || !passes(query, {{"outcome", kOutcomes[i]}})) continue;
      out.rows.push_back(row_of(kOutcomes[i], spans[i]));
    }
    return out;
  }

 private:
  static std::vector<Value> row_of(const char* outcome, std::vector<std::int64_t>& spans) {
    std::sort(spans.begin(), spans.end());
    std::int64_t total = 0;
    for (const auto span : spans) total += span;
    const auto n = static_cast<std::int64_t>(spans.size());
    return {Value{outcome},
            Value{n},
            Value{decimal_text(total, kDayMs * n, 4)},
            Value{percentile(spans, 50)},
            Value{percentile(spans, 90)},
            Value{decimal_text(spans.front(), kDayMs, 4)},
            Value{decimal_text(spans.back(), kDayMs, 4)}};
  }
};

}  // namespace

const View& cycle_view() {
  static const CycleView kView;
  return kView;
}

}  // namespace dealwright::projections
