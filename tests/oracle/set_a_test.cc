// Set A of sales.md 4 through the engine, the views and the oracle: the table's figures, then the
// views whole as golden texts (UPDATE_GOLDEN=1 rewrites them).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "projections/registry.h"
#include "projections/rows.h"
#include "tests/oracle/bed.h"

namespace dealwright::oracle {
namespace {

constexpr std::string_view kSetA = R"(
  D1 u1 2026-01-02 opened Q 10000 close 2026-01-31
  D2 u1 2026-01-03 opened Q 5000 close 2026-01-25
  D1 u1 2026-01-06 stage D
  D3 u2 2026-01-08 opened Q 20000 close 2026-02-15
  D2 u1 2026-01-09 stage O
  D1 u1 2026-01-12 stage O
  D2 u1 2026-01-15 stage D
  D1 u1 2026-01-20 close 2026-02-20
  D2 u1 2026-01-21 lost
  D4 u2 2026-01-22 opened Q 4000 close 2026-02-25
  D2 u1 2026-02-02 reopened D close 2026-03-15
  D4 u2 2026-02-03 amount 6000
  D5 u2 undated opened Q 1000
  D4 u2 2026-02-05 stage O
  D1 u1 2026-02-10 won 9000
  D4 u2 2026-02-12 lost no_decision
  D3 u2 2026-02-14 close 2026-03-20
  D1 u1 2026-02-20 amount 9500
)";

Instant nine(std::string_view date) { return start_of(parse_date(date).value()) + hours(9); }

class SetA : public testing::Test {
 protected:
  SetA() : bed_{1} {
    bed_.clock.set_wall(nine("2026-01-01"));
    bed_.start();
    bed_.add(pipeline());
    std::istringstream lines{std::string{kSetA}};
    for (std::string line; std::getline(lines, line);) {
      if (line.find_first_not_of(' ') != std::string::npos) tell(line);
    }
    bed_.clock.set_wall(nine("2026-03-01"));
    bed_.run();
  }

  static Event pipeline() {
    Event event;
    event.source = "ops";
    event.id = "pipeline";
    event.type = TypeId::kPipelineUpdated;
    event.subject = {Kind::kPipeline, "sales"};
    event.time = nine("2026-01-01");
    List stages;
    const auto stage = [&](const char* id, const char* category, int bp) {
      stages.emplace_back(
          Map{{"id", Value{id}}, {"category", Value{category}}, {"probability", Value{bp}}});
    };
    stage("Q", "open", 1000);
    stage("D", "open", 3000);
    stage("O", "open", 6000);
    stage("won", "won", 10'000);
    stage("lost", "lost", 0);
    event.data.set(Field::kStages, Value{std::move(stages)});
    return event;
  }

  // Ingested when it happened; the undated one on 02-05.
  void tell(const std::string& line) {
    std::istringstream words{line};
    std::string deal, owner, date, what, next;
    words >> deal >> owner >> date >> what;
    Event event;
    event.source = "crm";
    event.id = line;
    event.subject = {Kind::kDeal, deal};
    const auto at = nine(date == "undated" ? "2026-02-05" : date);
    if (date == "undated") {
      event.import_batch = "batch";
    } else {
      event.time = at;
    }
    bed_.clock.set_wall(at);
    const auto money = [](const std::string& euros) {
      return Value{parse_money(euros + " EUR").value()};
    };
    if (what == "opened") {
      event.type = TypeId::kDealOpened;
      event.data.set(Field::kPipeline, Value{"sales"});
      event.data.set(Field::kOwner, Value{owner});
      words >> next;
      event.data.set(Field::kStage, Value{next});
      words >> next;
      event.data.set(Field::kAmount, money(next));
    } else if (what == "stage" || what == "reopened") {
      event.type = what == "stage" ? TypeId::kDealStageChanged : TypeId::kDealReopened;
      words >> next;
      event.data.set(Field::kTo, Value{next});
    } else if (what == "won" || what == "amount") {
      event.type = what == "won" ? TypeId::kDealWon : TypeId::kDealAmountChanged;
      words >> next;
      event.data.set(Field::kAmount, money(next));
    } else if (what == "lost") {
      event.type = TypeId::kDealLost;
      if (words >> next) event.data.set(Field::kNoDecision, Value{true});
    } else {
      event.type = TypeId::kDealCloseDateMoved;
      words >> next;
      event.data.set(Field::kTo, Value{parse_date(next).value()});
    }
    if (words >> next && next == "close" && words >> next) {
      event.data.set(Field::kCloseDate, Value{parse_date(next).value()});
    }
    bed_.add(event);
    bed_.run();
  }

  ViewRows view(const std::string& name, const ViewQuery& query) {
    auto& state = bed_.partition->state();
    state.write_back();
    const auto* of = projections::find_view(name);
    const std::vector<std::string> parts{state.view_fold(name)->query(query).value()};
    return of->merge(query, parts).value();
  }
  // Cells of one row, by column; "-" where there is no such row.
  std::string cells(const ViewRows& rows, const std::string& row,
                    std::initializer_list<const char*> columns) {
    std::string out;
    for (const auto& line : rows.rows) {
      const auto named = [&](const Value& value) { return value.text_or_empty() == row; };
      if (!row.empty() && std::none_of(line.begin(), line.end(), named)) continue;
      for (const auto* column : columns) {
        for (std::size_t i = 0; i < rows.columns.size(); ++i) {
          if (rows.columns[i].name != column) continue;
          const auto* text = line[i].as_text();
          out += (out.empty() ? "" : " ") + (text != nullptr ? *text : to_json(line[i]));
        }
      }
    }
    return out.empty() ? "-" : out;
  }

  Bed bed_;
};

// The instants of the page, at 09:00Z: T1 and TF. Facts at the instant itself are there.
struct Asked {
  const char* figure;
  const char* view;
  const char* as_of;
  const char* from;
  const char* to;
  const char* row;
  std::vector<const char*> columns;
  const char* expected;
};

TEST_F(SetA, GivesTheFiguresOfThePage) {
  const std::vector<const char*> board = {"count", "amount_minor"};
  const std::vector<const char*> snapshot = {"win_rate_num", "win_rate_den"};
  const std::vector<const char*> broad = {"win_rate_num", "win_rate_broad_den"};
  const std::vector<const char*> cohort = {"opened_won", "opened"};
  const Asked rows[] = {
      {"board", "board", "2026-02-01", "", "", "Q", board, "2 2400000"},
      {"board", "board", "2026-02-01", "", "", "O", board, "1 1000000"},
      {"board", "board", "2026-02-01", "", "", "D", board, "-"},
      {"board", "board", "2026-03-01", "", "", "Q", board, "2 2100000"},
      {"board", "board", "2026-03-01", "", "", "D", board, "1 500000"},
      {"board", "board", "2026-03-01", "", "", "O", board, "-"},
      {"win rate JF", "deals", "2026-03-01", "2026-01-01", "2026-03-01", "", snapshot, "1 1"},
      {"broad JF", "deals", "2026-03-01", "2026-01-01", "2026-03-01", "", broad, "1 2"},
      {"cohort JF", "deals", "2026-03-01", "2026-01-01", "2026-03-01", "", cohort, "1 4"},
      {"win rate Jan", "deals", "2026-02-01", "2026-01-01", "2026-02-01", "", snapshot, "0 1"},
      {"broad Jan", "deals", "2026-02-01", "2026-01-01", "2026-02-01", "", broad, "0 1"},
      {"cohort Jan", "deals", "2026-02-01", "2026-01-01", "2026-02-01", "", cohort, "0 4"},
      {"win rate Jan", "deals", "2026-03-01", "2026-01-01", "2026-02-01", "", snapshot, "0 0"},
      {"broad Jan", "deals", "2026-03-01", "2026-01-01", "2026-02-01", "", broad, "0 0"},
      {"cohort Jan", "deals", "2026-03-01", "2026-01-01", "2026-02-01", "", cohort, "1 4"},
      {"rate Jan", "deals", "2026-03-01", "2026-01-01", "2026-02-01", "", {"win_rate"}, "null"},
      {"rate Jan", "deals", "2026-02-01", "2026-01-01", "2026-02-01", "", {"win_rate"}, "0.000000"},
      {"cohort JF",
       "deals",
       "2026-03-01",
       "2026-01-01",
       "2026-03-01",
       "",
       {"win_rate_cohort"},
       "0.250000"},
      {"cycle JF", "cycle", "", "", "", "won", {"n", "median_days"}, "1 39.0000"},
  };
  for (const auto& row : rows) {
    ViewQuery query;
    if (*row.as_of != '\0') query.as_of = nine(row.as_of);
    if (*row.from != '\0') query.filters = {{"from", row.from}, {"to", row.to}};
    const auto rows_then = view(row.view, query);
    std::string got;
    for (const auto* column : row.columns) {
      got += (got.empty() ? "" : " ") + cells(rows_then, row.row, {column});
    }
    if (got == "- -") got = "-";
    EXPECT_EQ(got, row.expected) << row.figure << " as of " << row.as_of;
  }
}

TEST_F(SetA, WeighsThePipeline) {
  for (const auto& [date, expected] :
       {std::pair{"2026-02-01", 840'000}, std::pair{"2026-03-01", 360'000}}) {
    ViewQuery query;
    query.as_of = nine(date);
    std::int64_t sum = 0;
    for (const auto& row : view("board", query).rows) sum += *row.back().as_int();
    EXPECT_EQ(sum, expected) << date;
  }
}

// As reported then: what was known then. The undated deal came in on 02-05 only, and the later
// amount of the won deal was not known before 02-20.
TEST_F(SetA, KnowsWhatWasKnown) {
  ViewQuery query;
  query.as_of = query.known_by = nine("2026-02-15");
  EXPECT_EQ(cells(view("deals", query), "", {"won_minor"}), "900000");
  query.as_of = query.known_by = kAfterAll;
  EXPECT_EQ(cells(view("deals", query), "", {"won_minor"}), "950000");
  query.as_of = nine("2026-02-15");
  query.known_by = kAfterAll;
  EXPECT_EQ(cells(view("deals", query), "", {"won_minor"}), "900000");
}

TEST_F(SetA, EqualsTheOracle) {
  for (const auto* date : {"2026-01-05", "2026-01-12", "2026-02-01", "2026-02-12", "2026-03-01"}) {
    bed_.instants.push_back(nine(date));
  }
  EXPECT_TRUE(bed_.compare(true));
}

TEST_F(SetA, LooksLikeTheGoldenTexts) {
  for (const auto* name : {"board", "deals", "cycle"}) {
    std::string text = "# Set A of the sales page, view " + std::string{name} + ".\n";
    for (const auto* date : {"2026-02-01", "2026-03-01"}) {
      ViewQuery query;
      const bool present = std::string_view{name} == "cycle";
      if (!present) query.as_of = nine(date);
      const auto when = present ? "now" : "as of " + std::string{date} + "T09:00Z";
      text += "\n## " + when + "\n" + text_of(view(name, query));
      if (present) break;
    }
    for (auto at = text.find(" | \n"); at != std::string::npos; at = text.find(" | \n")) {
      text.erase(at, 3);
    }
    const auto path =
        std::filesystem::path{DW_SOURCE_DIR} / "tests/golden/views" / (std::string{name} + ".txt");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream{path} << text;
    EXPECT_EQ(text, read_file(path.string()))
        << path << ": UPDATE_GOLDEN=1 rewrites it, if the change is meant";
  }
}

}  // namespace
}  // namespace dealwright::oracle
