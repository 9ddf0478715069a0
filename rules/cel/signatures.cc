#include "rules/cel/signatures.h"

#include <algorithm>

#include "engine/domain/vocabulary.h"

namespace dealwright::rules::cel {
namespace {

using K = TypeKind;

struct Row {
  std::string_view name;
  bool member;
  std::vector<K> args;
  K result;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = [] {
    std::vector<Row> out;
    for (const auto* op : {"_+_", "_-_", "_*_", "_/_", "_%_"}) {
      for (const auto k : {K::kInt, K::kUint}) out.push_back({op, false, {k, k}, k});
    }
    for (const auto* op : {"_+_", "_-_", "_*_", "_/_"})
      out.push_back({op, false, {K::kDouble, K::kDouble}, K::kDouble});
    for (const auto* op : {"_+_", "_-_"}) {
      for (const auto k : {K::kMoney, K::kDuration}) out.push_back({op, false, {k, k}, k});
      out.push_back({op, false, {K::kTimestamp, K::kDuration}, K::kTimestamp});
    }
    for (const auto k : {K::kString, K::kBytes, K::kList}) out.push_back({"_+_", false, {k, k}, k});
    out.push_back({"_+_", false, {K::kDuration, K::kTimestamp}, K::kTimestamp});
    out.push_back({"_-_", false, {K::kTimestamp, K::kTimestamp}, K::kDuration});
    out.push_back({"_*_", false, {K::kMoney, K::kInt}, K::kMoney});
    out.push_back({"_*_", false, {K::kInt, K::kMoney}, K::kMoney});
    for (const auto* op : {"_<_", "_<=_", "_>_", "_>=_"}) {
      for (const auto k : {K::kBool, K::kInt, K::kUint, K::kDouble, K::kString, K::kBytes,
                           K::kMoney, K::kDate, K::kTimestamp, K::kDuration}) {
        out.push_back({op, false, {k, k}, K::kBool});
      }
    }
    for (const auto* op : {"_&&_", "_||_"})
      out.push_back({op, false, {K::kBool, K::kBool}, K::kBool});
    out.push_back({"!_", false, {K::kBool}, K::kBool});
    for (const auto k : {K::kInt, K::kDouble, K::kDuration, K::kMoney})
      out.push_back({"-_", false, {k}, k});
    out.push_back({"@in", false, {K::kDyn, K::kList}, K::kBool});
    out.push_back({"@in", false, {K::kDyn, K::kMap}, K::kBool});
    for (const auto k : {K::kString, K::kBytes, K::kList, K::kMap}) {
      out.push_back({"size", false, {k}, K::kInt});
      out.push_back({"size", true, {k}, K::kInt});
    }
    out.push_back({"matches", false, {K::kString, K::kString}, K::kBool});
    for (const auto* f : {"startsWith", "endsWith", "contains", "matches"})
      out.push_back({f, true, {K::kString, K::kString}, K::kBool});
    for (const auto* f : {"lowerAscii", "upperAscii"})
      out.push_back({f, true, {K::kString}, K::kString});
    static constexpr std::pair<const char*, K> kConversions[] = {{"int", K::kInt},
                                                                 {"uint", K::kUint},
                                                                 {"double", K::kDouble},
                                                                 {"string", K::kString},
                                                                 {"bytes", K::kBytes},
                                                                 {"bool", K::kBool},
                                                                 {"timestamp", K::kTimestamp},
                                                                 {"duration", K::kDuration},
                                                                 {"type", K::kType},
                                                                 {"dyn", K::kDyn},
                                                                 {"date", K::kDate}};
    for (const auto& [name, result] : kConversions) out.push_back({name, false, {K::kDyn}, result});
    for (const auto* f : {"minutes", "hours", "days", "weeks"})
      out.push_back({f, false, {K::kInt}, K::kDuration});
    out.push_back({"money", false, {K::kString}, K::kMoney});
    out.push_back({"days_between", false, {K::kDate, K::kDate}, K::kInt});
    out.push_back({"percent", true, {K::kMoney, K::kInt}, K::kMoney});
    out.push_back({"plus_days", true, {K::kDate, K::kInt}, K::kDate});
    out.push_back({"hasValue", true, {K::kOptional}, K::kBool});
    out.push_back({"orValue", true, {K::kOptional, K::kDyn}, K::kDyn});
    out.push_back({"value", true, {K::kOptional}, K::kDyn});
    for (const auto* f :
         {"getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
          "getHours", "getMinutes", "getSeconds", "getMilliseconds"}) {
      out.push_back({f, true, {K::kTimestamp}, K::kInt});
      out.push_back({f, true, {K::kTimestamp, K::kString}, K::kInt});
      out.push_back({f, true, {K::kDuration}, K::kInt});
      out.push_back({f, true, {K::kDate}, K::kInt});
    }
    return out;
  }();
  return kRows;
}

}  // namespace

std::string to_text(const Type& type) {
  static constexpr std::string_view kNames[] = {
      "dyn",  "null",      "bool",     "int",  "uint", "double", "string",   "bytes", "money",
      "date", "timestamp", "duration", "type", "list", "map",    "optional", "record"};
  if (type.kind == K::kRecord) return type.name;
  return std::string{kNames[static_cast<std::size_t>(type.kind)]};
}

std::optional<Type> result_type(std::string_view name, bool member, const std::vector<Type>& args) {
  std::optional<Type> found;
  for (const auto& row : rows()) {
    if (row.name != name || row.member != member || row.args.size() != args.size()) continue;
    bool good = true;
    bool exact = true;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const bool same = row.args[i] == args[i].kind || row.args[i] == K::kDyn;
      exact = exact && same;
      good = good && (same || args[i].kind == K::kDyn);
    }
    if (!good) continue;
    Type type{row.result, {}, {}, {}};
    if (row.result == K::kList && !args[0].of.empty()) type.of = args[0].of;
    if (exact) return type;
    // Several rows may fit a dynamic operand: then the result is dynamic too, unless they agree.
    if (found && found->kind != type.kind) {
      found = Type{};
    } else if (!found) {
      found = type;
    }
  }
  return found;
}

std::string nearest_function(std::string_view name, bool member) {
  std::string best;
  std::size_t least = name.size() / 3 + 2;
  for (const auto& row : rows()) {
    if (row.member != member || row.name[0] == '_' || row.name[0] == '@') continue;
    const auto distance = edit_distance(name, row.name);
    if (distance < least) {
      least = distance;
      best = (member ? "x." : "") + std::string{row.name} + (member ? "(...)" : "(x)");
    }
  }
  return best;
}

}  // namespace dealwright::rules::cel
