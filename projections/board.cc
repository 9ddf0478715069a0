// The pipeline board: open deals by pipeline, stage, owner and currency; count, amount, weighted
// amount. A deal without amount counts and adds nothing.
#include <algorithm>

#include "engine/base/bytes.h"
#include "projections/cell_history.h"
#include "projections/rows.h"
#include "projections/views.h"

namespace dealwright::projections {
namespace {

const std::vector<std::string_view> kDimensions = {"pipeline", "stage", "owner", "currency"};

// Cell: pipeline, stage order, stage, owner, currency.
void write_cell(const Life& life, std::string& out) {
  out.clear();
  put_text(out, life.pipeline);
  put_signed(out, life.meaning.order);
  put_text(out, life.stage);
  put_text(out, life.owner);
  put_text(out, life.amount ? life.amount->currency.text() : std::string_view{});
}

class BoardFold : public ViewFold {
 public:
  explicit BoardFold(CellHistory cells) : cells_{std::move(cells)} {}

  void on_fact(const ViewFact& fact) override {
    if (fact.record->kind != Kind::kDeal) return;
    for (const auto& delta : fact.deltas) {
      const auto& life = *delta.life;
      if (!life.counts() || life.status() != DealStatus::kOpen) continue;
      write_cell(life, key_);
      Sums sums{delta.sign, 0, 0};
      if (life.amount) {
        const auto weighted = scale_half_even(life.amount->minor, life.probability(), 10'000);
        sums[1] = delta.sign * life.amount->minor;
        sums[2] = delta.sign * (weighted ? weighted.value() : 0);
      }
      cells_.add(key_, delta.occurred, fact.fact->ingested, sums);
    }
  }
  void on_change(const Change&, const ChangeContext&) override {}
  void on_timer(const TimerKey&, Instant) override {}
  void take_dirty(std::vector<StoreWrite>& out) override { cells_.take_dirty(out); }
  Result<std::string> query(const ViewQuery& query) const override {
    std::string out;
    DW_TRY(cells_.sum(query.as_of, query.known_by, [&](std::string_view cell, const Sums& sums) {
      put_text(out, cell);
      for (const auto v : sums) put_signed(out, v);
    }));
    return out;
  }
  std::size_t memory_bytes() const override { return cells_.memory_bytes(); }

 private:
  CellHistory cells_;
  std::string key_;
};

struct Line {
  std::int64_t order = 0;
  Sums sums{};
};

class BoardView : public View {
 public:
  std::string_view name() const override { return "board"; }
  std::uint32_t version() const override { return 1; }
  std::string_view description() const override {
    return "open deals by stage: count, amount, weighted amount";
  }
  ViewAsks asks() const override { return {kDimensions, "", false, true, true}; }
  Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) const override {
    DW_TRY(auto cells, CellHistory::open(reader, ""));
    return std::unique_ptr<ViewFold>{std::make_unique<BoardFold>(std::move(cells))};
  }

  Result<ViewRows> merge(const ViewQuery& query,
                         std::span<const std::string> parts) const override {
    DW_TRY(check_columns(query, kDimensions));
    auto group_by = query.group_by;
    if (group_by.empty()) group_by = {"pipeline", "stage", "currency"};
    std::map<std::vector<std::string>, Line> lines;
    for (const auto& part : parts) {
      ByteReader in{part};
      while (!in.at_end()) add_cell(query, group_by, in, lines);
    }
    return rows_of(group_by, lines);
  }

 private:
  static void add_cell(const ViewQuery& query, const std::vector<std::string>& group_by,
                       ByteReader& in, std::map<std::vector<std::string>, Line>& lines) {
    ByteReader cell{in.text()};
    Sums sums;
    for (auto& v : sums) v = in.signed_varint();
    const auto pipeline = cell.text();
    const auto order = cell.signed_varint();
    const auto stage = cell.text();
    const auto owner = cell.text();
    const auto currency = cell.text();
    const std::vector<std::pair<std::string_view, std::string_view>> dimensions = {
        {"pipeline", pipeline}, {"stage", stage}, {"owner", owner}, {"currency", currency}};
    if (!passes(query, dimensions)) return;
    std::vector<std::string> key;
    for (const auto& name : group_by) {
      for (const auto& [dimension, value] : dimensions) {
        if (dimension == name) key.emplace_back(value);
      }
    }
    auto& line = lines[key];
    line.order = order;
    for (std::size_t i = 0; i < kMeasures; ++i) line.sums[i] += sums[i];
  }

  static ViewRows rows_of(const std::vector<std::string>& group_by,
                          const std::map<std::vector<std::string>, Line>& lines) {
    ViewRows out;
    for (const auto& name : group_by) out.columns.push_back({name, "text"});
    for (const auto* name : {"count", "amount_minor", "weighted_minor"})
      out.columns.push_back({name, "int"});
    const auto stage = std::find(group_by.begin(), group_by.end(), "stage") - group_by.begin();
    using Entry = std::pair<const std::vector<std::string>, Line>;
    std::vector<const Entry*> order;
    for (const auto& line : lines) order.push_back(&line);
    const auto at = static_cast<std::size_t>(stage);
    if (at < group_by.size()) {  // stages in the order of their pipeline
      std::stable_sort(order.begin(), order.end(), [&](const Entry* a, const Entry* b) {
        const std::vector<std::string> ha{a->first.begin(), a->first.begin() + stage};
        const std::vector<std::string> hb{b->first.begin(), b->first.begin() + stage};
        return ha != hb ? ha < hb : a->second.order < b->second.order;
      });
    }
    for (const auto* line : order) {
      if (line->second.sums == Sums{}) continue;
      auto& row = out.rows.emplace_back();
      for (const auto& value : line->first) row.emplace_back(value);
      for (const auto v : line->second.sums) row.emplace_back(v);
    }
    return out;
  }
};

}  // namespace

const View& board_view() {
  static const BoardView kView;
  return kView;
}

}  // namespace dealwright::projections
