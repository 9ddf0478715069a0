// Views as people ask for them and read them: periods of their own zone, amounts beside minor
// units.
#pragma once

#include <string>
#include <string_view>

#include "engine/ports/view.h"

namespace dealwright::daemon {

// The beginning of a day, month, quarter or year in `zone`, or an instant: 2026-03-02, 2026-03,
// 2026-Q1, 2026, 2026-03-02T09:00:00Z. kInvalid.
Result<Instant> period_start(std::string_view text, const std::string& zone);
// `from`, `to` and `zone`, each "" if it was not said, into the query's window. kInvalid.
Result<void> read_window(const std::string& from, const std::string& to, const std::string& zone,
                         ViewQuery& out);

bool has_column(const ViewAsks& asks, std::string_view name);  // to filter and group by
// Amounts of several currencies are never added: rows of a view that holds money have one each.
void group_by_currency(const View& view, ViewQuery& query);
// Behind `amount_minor` stands `amount`, behind each `<name>_minor` `<name>_amount`: a decimal
// number, by the row's `currency`.
ViewRows with_amounts(ViewRows rows);

}  // namespace dealwright::daemon
