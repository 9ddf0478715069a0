#include "projections/registry.h"

#include "projections/views.h"

namespace dealwright::projections {

std::span<const View* const> all_views() {
  static const View* const kViews[] = {&board_view(), &deals_view(),      &cycle_view(),
                                       &tasks_view(), &automation_view(), &notices_view()};
  return kViews;
}

const View* find_view(std::string_view name) {
  for (const auto* view : all_views()) {
    if (view->name() == name) return view;
  }
  return nullptr;
}

}  // namespace dealwright::projections
