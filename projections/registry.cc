#include "projections/registry.h"

#include <functional>
#include <optional>
#include <string>

#include "projections/views.h"

namespace dealwright::projections {

std::span<const View* const> all_views() {
  static const View* const kViews[] = {&board_view(), &deals_view(),      &cycle_view(),
                                       &tasks_view(), &automation_view(), &notices_view()};
  return kViews;
}

namespace {

// `why`, and the views that `can` hold of, each with what stands behind it.
Error refuse(const View& view, std::string_view why,
             const std::function<std::optional<std::string>(const ViewAsks&)>& can) {
  std::string others;
  for (const auto* other : all_views()) {
    const auto how = can(other->asks());
    if (!how) continue;
    others += (others.empty() ? "" : ", ") + std::string{other->name()} + *how;
  }
  return Error{Code::kUnsupported,
               "view " + std::string{view.name()} + " " + std::string{why} + ": " + others};
}

bool midnight(Instant at) {
  return at == kBeforeAll || at == kAfterAll || start_of(utc_date(at)) == at;
}

}  // namespace

Result<void> check_asked(const View& view, const ViewQuery& query) {
  const auto asks = view.asks();
  if ((query.from != kBeforeAll || query.to != kAfterAll) && asks.window.empty()) {
    return refuse(view, "takes no from and to; these do", [](const ViewAsks& a) {
      return a.window.empty() ? std::nullopt : std::optional{" (" + std::string{a.window} + ")"};
    });
  }
  if (asks.whole_days && !(midnight(query.from) && midnight(query.to))) {
    return refuse(
        view,
        "counts by days of UTC, so from and to are such days, without tz; these take instants",
        [](const ViewAsks& a) {
          return a.window.empty() || a.whole_days ? std::nullopt : std::optional{""};
        });
  }
  if (!query.group_by.empty() && !asks.groups) {
    return refuse(
        view, "has groups of its own and takes no group_by; these do",
        [](const ViewAsks& a) { return a.groups ? std::optional{std::string{}} : std::nullopt; });
  }
  if ((query.as_of != kAfterAll || query.known_by != kAfterAll) && !asks.past) {
    return refuse(
        view, "tells the present only; these take as_of and known_by",
        [](const ViewAsks& a) { return a.past ? std::optional{std::string{}} : std::nullopt; });
  }
  return ok();
}

const View* find_view(std::string_view name) {
  for (const auto* view : all_views()) {
    if (view->name() == name) return view;
  }
  return nullptr;
}

}  // namespace dealwright::projections
