#include <algorithm>
#include <array>

#include "rules/plan/path.h"

namespace dealwright::rules {
namespace {

// Kinds that a path may begin with. A user is the owner, a team the record's or the owner's.
constexpr Kind kRoots[] = {Kind::kLead,   Kind::kDeal,     Kind::kContact, Kind::kAccount,
                           Kind::kOffer,  Kind::kContract, Kind::kTask,    Kind::kTicket,
                           Kind::kSurvey, Kind::kUser,     Kind::kTeam};

std::vector<RouteStep> edges(Kind from) {
  std::vector<RouteStep> out;
  for (const auto& spec : spec_of(from).fields) {
    if (spec.field == Field::kAbout) {
      for (const auto kind : {Kind::kDeal, Kind::kLead, Kind::kOffer, Kind::kContract,
                              Kind::kContact, Kind::kAccount}) {
        out.push_back({Field::kAbout, kind});
      }
    } else if (spec.field == Field::kContacts) {
      out.push_back({Field::kContacts, Kind::kContact});
    } else if (spec.type == FieldType::kRef && spec.ref != from && spec.field != Field::kManager) {
      const bool known =
          std::find(std::begin(kRoots), std::end(kRoots), spec.ref) != std::end(kRoots);
      if (known) out.push_back({spec.field, spec.ref});
    }
  }
  return out;
}

void walk(Kind at, Kind to, Route& route, std::vector<Kind>& seen, std::vector<Route>& out) {
  if (static_cast<int>(route.size()) == kHopsMax) return;
  for (const auto& step : edges(at)) {
    if (std::find(seen.begin(), seen.end(), step.to) != seen.end()) continue;
    route.push_back(step);
    if (step.to == to) {
      out.push_back(route);
    } else {
      seen.push_back(step.to);
      walk(step.to, to, route, seen, out);
      seen.pop_back();
    }
    route.pop_back();
  }
}

using Table = std::array<std::array<std::vector<Route>, kKinds>, kKinds>;

Table make_table() {
  Table table;
  for (std::size_t f = 1; f < kKinds; ++f) {
    for (const auto to : kRoots) {
      const auto from = static_cast<Kind>(f);
      auto& all = table[f][static_cast<std::size_t>(to)];
      if (from == to) {
        all.push_back({});
        continue;
      }
      Route route;
      std::vector<Kind> seen{from};
      walk(from, to, route, seen, all);
      std::stable_sort(all.begin(), all.end(),
                       [](const Route& a, const Route& b) { return a.size() < b.size(); });
      if (all.size() > 6) all.resize(6);
    }
  }
  return table;
}

}  // namespace

const std::vector<Route>& routes(Kind from, Kind to) {
  static const Table table = make_table();
  return table[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

bool always_there(Kind kind, Field field) {
  switch (kind) {
    case Kind::kAccount:
    case Kind::kProduct:
    case Kind::kUser:
    case Kind::kTeam:
      return field == Field::kName;
    case Kind::kContact:
      return field == Field::kEmails || field == Field::kPhones;
    case Kind::kLead:
      return field == Field::kState || field == Field::kCapturedAt;
    case Kind::kDeal:
      return field == Field::kPipeline || field == Field::kStage || field == Field::kStatus;
    case Kind::kOffer:
      return field == Field::kDeal || field == Field::kState;
    case Kind::kContract:
      return field == Field::kState;
    case Kind::kTask:
      return field == Field::kKind || field == Field::kTitle || field == Field::kState;
    case Kind::kTicket:
      return field == Field::kKind || field == Field::kState;
    case Kind::kSurvey:
      return field == Field::kContact || field == Field::kKind || field == Field::kState;
    default:
      return false;
  }
}

}  // namespace dealwright::rules
