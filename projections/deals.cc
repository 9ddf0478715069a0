// Deals by outcome: open, won, lost, no decision, with amounts and the win rates. The standing
// close counts, on the day it happened; for the cohort, the day on which the deal was opened.
#include <algorithm>

#include "engine/base/bytes.h"
#include "projections/cell_history.h"
#include "projections/rows.h"
#include "projections/views.h"

namespace dealwright::projections {
namespace {

enum Outcome : std::uint8_t { kOpen = 0, kWon = 1, kLost = 2, kNoDecision = 3 };
// Cells by day of opening stand beside those by outcome: not won, won.
constexpr std::uint8_t kCohort = 4;
constexpr std::size_t kOutcomes = 4;
constexpr std::int32_t kNoDay = -10'000'000;  // of open deals, and of closings without a time
const std::vector<std::string_view> kDimensions = {"pipeline", "owner", "currency", "from", "to"};

Outcome outcome_of(const Life& life) {
  switch (life.status()) {
    case DealStatus::kOpen:
      return kOpen;
    case DealStatus::kWon:
      return kWon;
    case DealStatus::kLost:
      return life.no_decision ? kNoDecision : kLost;
  }
  return kOpen;
}

class DealsFold : public ViewFold {
 public:
  explicit DealsFold(CellHistory cells) : cells_{std::move(cells)} {}

  void on_fact(const ViewFact& fact) override {
    if (fact.record->kind != Kind::kDeal) return;
    for (const auto& delta : fact.deltas) {
      const auto& life = *delta.life;
      if (!life.counts()) continue;
      const bool closed = life.status() != DealStatus::kOpen;
      write_cell(life, outcome_of(life), closed ? life.closed_at : kBeforeAll);
      const auto amount = life.amount ? life.amount->minor : 0;
      cells_.add(key_, delta.occurred, fact.fact->ingested, {delta.sign, delta.sign * amount, 0});
    }
    // A life goes out of force as the next comes in. Most change nothing for the cohort.
    for (std::size_t i = 0; i + 1 < fact.deltas.size(); i += 2) {
      const auto& a = fact.deltas[i];
      const auto& b = fact.deltas[i + 1];
      if (in_same_cohort(*a.life, *b.life)) continue;
      for (const auto* delta : {&a, &b}) {
        if (!delta->life->counts()) continue;
        const bool won = delta->life->status() == DealStatus::kWon;
        write_cell(*delta->life, won ? kCohort + 1 : kCohort, delta->life->opened_at);
        cells_.add(key_, delta->occurred, fact.fact->ingested, {delta->sign, 0, 0});
      }
    }
  }
  void on_change(const Change&, const ChangeContext&) override {}
  void on_timer(const TimerKey&, Instant) override {}
  void take_dirty(std::vector<StoreWrite>& out) override { cells_.take_dirty(out); }
  Result<std::string> query(const ViewQuery& query) const override {
    std::string out;
    DW_TRY(cells_.sum(query.as_of, query.known_by, [&](std::string_view cell, const Sums& sums) {
      put_text(out, cell);
      put_signed(out, sums[0]);
      put_signed(out, sums[1]);
    }));
    return out;
  }
  std::size_t memory_bytes() const override { return cells_.memory_bytes(); }

 private:
  // Cell: pipeline, owner, currency, outcome, day.
  void write_cell(const Life& life, int outcome, Instant at) {
    key_.clear();
    put_text(key_, life.pipeline);
    put_text(key_, life.owner);
    put_text(key_, life.amount ? life.amount->currency.text() : std::string_view{});
    key_ += static_cast<char>(outcome);
    put_signed(key_, at > kInstantMin ? utc_date(at).days : kNoDay);
  }
  static bool in_same_cohort(const Life& a, const Life& b) {
    if (!a.counts() || !b.counts()) return a.counts() == b.counts();
    const auto currency = [](const Life& life) {
      return life.amount ? std::optional{life.amount->currency} : std::nullopt;
    };
    return a.opened_at == b.opened_at && a.owner == b.owner && a.pipeline == b.pipeline &&
           (a.status() == DealStatus::kWon) == (b.status() == DealStatus::kWon) &&
           currency(a) == currency(b);
  }

  CellHistory cells_;
  std::string key_;
};

struct Line {
  std::int64_t opened = 0;
  std::int64_t opened_won = 0;
  std::int64_t count[kOutcomes] = {};
  std::int64_t amount[kOutcomes] = {};
};

struct Window {
  std::int32_t from = std::numeric_limits<std::int32_t>::min();
  std::int32_t to = std::numeric_limits<std::int32_t>::max();
  // What has no day is in no window.
  bool holds(std::int32_t day) const {
    const bool all = from == Window{}.from && to == Window{}.to;
    return all || (day != kNoDay && day >= from && day < to);
  }
};

class DealsView : public View {
 public:
  std::string_view name() const override { return "deals"; }
  std::uint32_t version() const override { return 2; }
  std::string_view description() const override {
    return "deals open, won, lost and without decision; win rates; filter from=, to= (closing day, "
           "for the cohort the opening day)";
  }
  ViewAsks asks() const override { return {kDimensions, "the day of closing", true, true, true}; }
  Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) const override {
    DW_TRY(auto cells, CellHistory::open(reader, ""));
    return std::unique_ptr<ViewFold>{std::make_unique<DealsFold>(std::move(cells))};
  }

  Result<ViewRows> merge(const ViewQuery& asked,
                         std::span<const std::string> parts) const override {
    DW_TRY(check_columns(asked, kDimensions));
    ViewQuery query = asked;
    Window window;
    DW_TRY(take_window(query, window));
    auto group_by = query.group_by;
    if (group_by.empty()) group_by = {"pipeline", "currency"};
    std::map<std::vector<std::string>, Line> lines;
    for (const auto& part : parts) {
      ByteReader in{part};
      while (!in.at_end()) add_cell(query, window, group_by, in, lines);
    }
    return rows_of(group_by, lines);
  }

 private:
  static Result<void> take_window(ViewQuery& query, Window& window) {
    if (query.from != kBeforeAll) window.from = utc_date(query.from).days;
    if (query.to != kAfterAll) window.to = utc_date(query.to).days;
    for (const auto& [name, value] : query.filters) {
      if (name != "from" && name != "to") continue;
      DW_TRY(auto date, parse_date(value));
      (name == "from" ? window.from : window.to) = date.days;
    }
    std::erase_if(query.filters,
                  [](const auto& f) { return f.first == "from" || f.first == "to"; });
    return ok();
  }

  static void add_cell(const ViewQuery& query, const Window& window,
                       const std::vector<std::string>& group_by, ByteReader& in,
                       std::map<std::vector<std::string>, Line>& lines) {
    ByteReader cell{in.text()};
    const auto count = in.signed_varint();
    const auto amount = in.signed_varint();
    const auto pipeline = cell.text();
    const auto owner = cell.text();
    const auto currency = cell.text();
    const auto outcome = static_cast<std::size_t>(cell.take(1)[0]);
    const auto day = static_cast<std::int32_t>(cell.signed_varint());
    const bool closed = outcome != kOpen;
    if (closed && !window.holds(day)) return;
    if (outcome > kCohort + 1) return;
    const std::vector<std::pair<std::string_view, std::string_view>> dimensions = {
        {"pipeline", pipeline}, {"owner", owner}, {"currency", currency}};
    if (!passes(query, dimensions)) return;
    std::vector<std::string> key;
    for (const auto& name : group_by) {
      for (const auto& [dimension, value] : dimensions) {
        if (dimension == name) key.emplace_back(value);
      }
    }
    auto& line = lines[key];
    if (outcome >= kCohort) {
      line.opened += count;
      if (outcome > kCohort) line.opened_won += count;
      return;
    }
    line.count[outcome] += count;
    line.amount[outcome] += amount;
  }

  static ViewRows rows_of(const std::vector<std::string>& group_by,
                          const std::map<std::vector<std::string>, Line>& lines) {
    ViewRows out;
    for (const auto& name : group_by) out.columns.push_back({name, "text"});
    for (const auto* name : {"open", "won", "lost", "no_decision", "open_minor", "won_minor",
                             "lost_minor", "win_rate_num", "win_rate_den"}) {
      out.columns.push_back({name, "int"});
    }
    out.columns.push_back({"win_rate", "rate"});
    out.columns.push_back({"win_rate_broad_den", "int"});
    out.columns.push_back({"win_rate_broad", "rate"});
    out.columns.push_back({"opened", "int"});
    out.columns.push_back({"opened_won", "int"});
    out.columns.push_back({"win_rate_cohort", "rate"});
    for (const auto& [key, line] : lines) {
      auto& row = out.rows.emplace_back();
      for (const auto& value : key) row.emplace_back(value);
      for (const auto v : line.count) row.emplace_back(v);
      row.emplace_back(line.amount[kOpen]);
      row.emplace_back(line.amount[kWon]);
      row.emplace_back(line.amount[kLost] + line.amount[kNoDecision]);
      const auto won = line.count[kWon];
      const auto decided = won + line.count[kLost];
      row.emplace_back(won);
      row.emplace_back(decided);
      row.push_back(rate(won, decided));
      row.emplace_back(decided + line.count[kNoDecision]);
      row.push_back(rate(won, decided + line.count[kNoDecision]));
      row.emplace_back(line.opened);
      row.emplace_back(line.opened_won);
      row.push_back(rate(line.opened_won, line.opened));
    }
    return out;
  }
};

}  // namespace

const View& deals_view() {
  static const DealsView kView;
  return kView;
}

}  // namespace dealwright::projections
