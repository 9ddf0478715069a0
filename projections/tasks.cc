// Tasks: a row each; open ones with what is due and overdue, the others by state.
#include <algorithm>

#include "engine/base/bytes.h"
#include "projections/row_table.h"
#include "projections/rows.h"
#include "projections/views.h"

namespace dealwright::projections {
namespace {

const std::vector<std::string_view> kDimensions = {"owner", "queue", "kind", "title",
                                                   "state", "about", "when"};

std::string text_of(const Record& record, Field field) {
  const auto* value = record.find(field);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}

class TasksFold : public ViewFold {
 public:
  explicit TasksFold(const ViewReader& reader) : rows_{reader} {}

  void on_fact(const ViewFact& fact) override {
    if (fact.record->kind != Kind::kTask) return;
    const auto& life = *fact.after;
    const auto* record = fact.state;
    if (!life.counts()) {
      rows_.put(fact.record->id, std::nullopt);
      return;
    }
    std::string row;
    put_text(row, life.state);
    put_text(row, text_of(*record, Field::kTitle));
    put_text(row, text_of(*record, Field::kKind));
    put_text(row, life.owner);
    put_text(row, text_of(*record, Field::kQueue));
    put_text(row, text_of(*record, Field::kAbout));
    put_signed(row, life.due ? life.due->ms : kBeforeAll.ms);
    put_signed(row, life.first_due ? life.first_due->ms : kBeforeAll.ms);
    put_signed(row, life.opened_at.ms);
    rows_.put(fact.record->id, std::move(row));
  }
  void on_change(const Change&, const ChangeContext&) override {}
  void on_timer(const TimerKey&, Instant) override {}
  void take_dirty(std::vector<StoreWrite>& out) override { rows_.take_dirty(out); }
  Result<std::string> query(const ViewQuery&) const override {
    std::string out;
    DW_TRY(rows_.scan("", [&](std::string_view id, std::string_view row) {
      put_text(out, id);
      put_text(out, row);
      return true;
    }));
    return out;
  }
  std::size_t memory_bytes() const override { return rows_.memory_bytes(); }

 private:
  RowTable rows_;
};

struct Row {
  std::string id;
  std::string_view state, title, kind, owner, queue, about;
  std::optional<Instant> due, first_due;
  std::string_view when;  // overdue, due (today or later), none: what a list shows first
};

std::optional<Instant> instant_of(std::int64_t ms) {
  return ms == kBeforeAll.ms ? std::nullopt : std::optional{Instant{ms}};
}

Row read_row(std::string_view id, std::string_view bytes, Instant now) {
  ByteReader in{bytes};
  Row row;
  row.id = id;
  row.state = in.text();
  row.title = in.text();
  row.kind = in.text();
  row.owner = in.text();
  row.queue = in.text();
  row.about = in.text();
  row.due = instant_of(in.signed_varint());
  row.first_due = instant_of(in.signed_varint());
  const bool open = row.state == "open" || row.state == "started";
  row.when = !open ? "closed" : !row.due ? "undated" : *row.due < now ? "overdue" : "due";
  return row;
}

class TasksView : public View {
 public:
  std::string_view name() const override { return "tasks"; }
  std::uint32_t version() const override { return 1; }
  std::string_view description() const override {
    return "tasks: open, due, overdue, by owner; group_by counts them";
  }
  ViewAsks asks() const override { return {kDimensions, "when it is due", false, true, false}; }
  Result<std::unique_ptr<ViewFold>> open(const ViewReader& reader) const override {
    return std::unique_ptr<ViewFold>{std::make_unique<TasksFold>(reader)};
  }

  Result<ViewRows> merge(const ViewQuery& query,
                         std::span<const std::string> parts) const override {
    DW_TRY(check_columns(query, kDimensions));
    DW_TRY(check_present(query, "tasks"));
    std::vector<Row> rows;
    std::map<std::vector<std::string>, std::int64_t> groups;
    for (const auto& part : parts) {
      ByteReader in{part};
      while (!in.at_end()) {
        const auto id = in.text();
        auto row = read_row(id, in.text(), query.now);
        const auto dimensions = dimensions_of(row);
        if (!passes(query, dimensions) || !inside(query, row)) continue;
        if (query.group_by.empty()) {
          // Closed ones are history: shown when asked for.
          const bool asked =
              std::any_of(query.filters.begin(), query.filters.end(),
                          [](const auto& f) { return f.first == "state" || f.first == "when"; });
          if (row.when != "closed" || asked) rows.push_back(std::move(row));
          continue;
        }
        std::vector<std::string> key;
        for (const auto& name : query.group_by) {
          for (const auto& [dimension, value] : dimensions) {
            if (dimension == name) key.emplace_back(value);
          }
        }
        ++groups[key];
      }
    }
    return query.group_by.empty() ? list_of(rows) : counts_of(query, groups);
  }

 private:
  // What has no due instant is in no window.
  static bool inside(const ViewQuery& query, const Row& row) {
    if (query.from == kBeforeAll && query.to == kAfterAll) return true;
    return row.due && *row.due >= query.from && *row.due < query.to;
  }
  static std::vector<std::pair<std::string_view, std::string_view>> dimensions_of(const Row& row) {
    return {{"owner", row.owner}, {"queue", row.queue}, {"kind", row.kind}, {"title", row.title},
            {"state", row.state}, {"about", row.about}, {"when", row.when}};
  }

  static ViewRows list_of(std::vector<Row>& rows) {
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      const auto due = [](const Row& row) { return row.due.value_or(kAfterAll); };
      return due(a) != due(b) ? due(a) < due(b) : a.id < b.id;
    });
    ViewRows out;
    out.columns = {{"task", "text"},        {"title", "text"}, {"kind", "text"},
                   {"owner", "text"},       {"queue", "text"}, {"about", "text"},
                   {"state", "text"},       {"when", "text"},  {"due", "instant"},
                   {"first_due", "instant"}};
    for (const auto& row : rows) {
      auto& line = out.rows.emplace_back();
      line.emplace_back(row.id);
      for (const auto text :
           {row.title, row.kind, row.owner, row.queue, row.about, row.state, row.when}) {
        line.emplace_back(text);
      }
      for (const auto& at : {row.due, row.first_due})
        line.push_back(at ? Value{*at} : Value{Null{}});
    }
    return out;
  }

  static ViewRows counts_of(const ViewQuery& query,
                            const std::map<std::vector<std::string>, std::int64_t>& groups) {
    ViewRows out;
    for (const auto& name : query.group_by) out.columns.push_back({name, "text"});
    out.columns.push_back({"count", "int"});
    for (const auto& [key, count] : groups) {
      auto& line = out.rows.emplace_back();
      for (const auto& value : key) line.emplace_back(value);
      line.emplace_back(count);
    }
    return out;
  }
};

}  // namespace

const View& tasks_view() {
  static const TasksView kView;
  return kView;
}

}  // namespace dealwright::projections
