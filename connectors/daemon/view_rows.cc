#include "connectors/daemon/view_rows.h"

#include <algorithm>
#include <utility>

#include "connectors/daemon/zones.h"
#include "connectors/http/text.h"

namespace dealwright::daemon {
namespace {

constexpr std::string_view kMinor = "_minor";

// The first day of "2026", "2026-03", "2026-Q1"; none: another form.
std::optional<LocalDate> first_day(std::string_view text) {
  const auto year = http::parse_count(text.substr(0, 4));
  if (text.size() < 4 || !year || *year < 1 || *year > 9999) return std::nullopt;
  YearMonthDay out{static_cast<std::int32_t>(*year), 1, 1};
  if (text.size() == 4) return date_of(out);
  if (text.size() != 7 || text[4] != '-') return std::nullopt;
  if (text[5] == 'Q' && text[6] >= '1' && text[6] <= '4') {
    out.month = static_cast<std::uint32_t>(text[6] - '1') * 3 + 1;
    return date_of(out);
  }
  const auto month = http::parse_count(text.substr(5));
  if (!month || *month < 1 || *month > 12) return std::nullopt;
  out.month = static_cast<std::uint32_t>(*month);
  return date_of(out);
}

std::shared_ptr<const rules::Zone> zone_of(const std::string& name) {
  static const auto kNamed = named_zones();
  return rules::find_zone(name, kNamed);
}

}  // namespace

Result<Instant> period_start(std::string_view text, const std::string& zone_name) {
  if (const auto at = parse_instant(text)) return at.value();
  const auto zone = zone_of(zone_name);
  if (zone == nullptr) {
    return Error{Code::kInvalid, "there is no zone '" + zone_name +
                                     "'; one is called Europe/Berlin, UTC or +02:00"};
  }
  auto day = first_day(text);
  if (!day) {
    const auto date = parse_date(text);
    if (!date) {
      return Error{Code::kInvalid, "'" + std::string{text} +
                                       "' is no instant and no day, month, quarter or year: "
                                       "2026-03-02T09:00:00Z, 2026-03-02, 2026-03, 2026-Q1, 2026"};
    }
    day = date.value();
  }
  return zone->instant(rules::local_time(*day, 0));
}

Result<void> read_window(const std::string& from, const std::string& to, const std::string& zone,
                         ViewQuery& out) {
  if (from.empty() && to.empty() && !zone.empty()) {
    return Error{Code::kInvalid, "tz says whose days from and to are: name one of them"};
  }
  const auto read = [&](const char* name, const std::string& text, Instant& at) -> Result<void> {
    if (text.empty()) return ok();
    const auto start = period_start(text, zone.empty() ? "UTC" : zone);
    if (!start) return Error{start.error().code, std::string{name} + ": " + start.error().detail};
    at = start.value();
    return ok();
  };
  DW_TRY(read("from", from, out.from));
  DW_TRY(read("to", to, out.to));
  if (out.from <= out.to) return ok();
  return Error{
      Code::kInvalid,
      "from lies behind to: they are the first instant, and the one that is no more in it"};
}

bool has_column(const ViewAsks& asks, std::string_view name) {
  return std::find(asks.filters.begin(), asks.filters.end(), name) != asks.filters.end();
}

void group_by_currency(const View& view, ViewQuery& query) {
  auto& groups = query.group_by;
  const bool there = std::find(groups.begin(), groups.end(), "currency") != groups.end();
  if (groups.empty() || there || !has_column(view.asks(), "currency")) return;
  groups.emplace_back("currency");
}

ViewRows with_amounts(ViewRows rows) {
  std::optional<std::size_t> currency;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.columns[i].name == "currency") currency = i;
  }
  if (!currency) return rows;
  ViewRows out;
  std::vector<std::pair<std::size_t, bool>> from;  // the column of each, whether its amount
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    auto& column = rows.columns[i];
    const auto name = column.name;
    out.columns.push_back(std::move(column));
    from.emplace_back(i, false);
    if (!name.ends_with(kMinor)) continue;
    const auto stem = name.substr(0, name.size() - kMinor.size());
    out.columns.push_back({stem == "amount" ? stem : stem + "_amount", "rate"});
    from.emplace_back(i, true);
  }
  for (const auto& row : rows.rows) {
    const auto unit = Currency::parse(row[*currency].text_or_empty());
    auto& line = out.rows.emplace_back();
    for (const auto& [column, amount] : from) {
      const auto* minor = row[column].as_int();
      if (!amount) {
        line.push_back(row[column]);
      } else if (!unit || minor == nullptr) {
        line.emplace_back(Null{});
      } else {
        line.emplace_back(amount_text(Money{*minor, unit.value()}));
      }
    }
  }
  return out;
}

}  // namespace dealwright::daemon
