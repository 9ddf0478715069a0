#include "engine/domain/reference.h"

#include <algorithm>

namespace dealwright {
namespace {

std::string_view text_at(const Map& map, std::string_view key) {
  const auto* value = find(map, key);
  return value == nullptr ? std::string_view{} : value->text_or_empty();
}
std::int64_t int_at(const Map& map, std::string_view key, std::int64_t otherwise) {
  const auto* value = find(map, key);
  const auto* v = value == nullptr ? nullptr : value->as_int();
  return v == nullptr ? otherwise : *v;
}
std::vector<std::string> texts_at(const Map& map, std::string_view key) {
  std::vector<std::string> out;
  const auto* value = find(map, key);
  const auto* list = value == nullptr ? nullptr : value->as_list();
  if (list == nullptr) return out;
  for (const auto& entry : *list) out.emplace_back(entry.text_or_empty());
  return out;
}

Error bad(std::string_view pipeline, std::string_view why) {
  return Error{Code::kInvalid, "pipeline " + std::string{pipeline} + ": " + std::string{why}};
}

Result<Stage> read_stage(std::string_view pipeline, const Value& value, std::int32_t index) {
  const auto* map = value.as_map();
  if (map == nullptr)
    return bad(pipeline, "a stage is an object {id, name, order, probability, category}");
  Stage stage;
  stage.id = text_at(*map, "id");
  if (stage.id.empty()) return bad(pipeline, "a stage needs an id");
  stage.name = text_at(*map, "name");
  stage.meaning.order = static_cast<std::int32_t>(int_at(*map, "order", index));
  const auto probability = int_at(*map, "probability", 0);
  if (probability < 0 || probability > 10'000) {
    return bad(pipeline, "stage " + stage.id + ": probability is 0 to 10000 (1/100 %)");
  }
  stage.meaning.probability_bp = static_cast<std::int32_t>(probability);
  const auto category = text_at(*map, "category");
  if (category == "won") {
    stage.meaning.category = DealStatus::kWon;
  } else if (category == "lost") {
    stage.meaning.category = DealStatus::kLost;
  } else if (category != "open" && !category.empty()) {
    return bad(pipeline, "stage " + stage.id + ": category is open, won or lost");
  }
  if (const auto days_left = int_at(*map, "rot_after_days", -1); days_left >= 0) {
    stage.rot_after = days(days_left);
  }
  stage.required = texts_at(*map, "required");
  stage.next = texts_at(*map, "next");
  const auto* retired = find(*map, "retired");
  stage.retired = retired != nullptr && retired->as_bool() != nullptr && *retired->as_bool();
  return stage;
}

}  // namespace

const Stage* Pipeline::find(std::string_view stage) const {
  const auto it =
      std::find_if(stages.begin(), stages.end(), [&](const Stage& s) { return s.id == stage; });
  return it == stages.end() ? nullptr : &*it;
}

const Stage* Pipeline::first(DealStatus category) const {
  for (const auto& stage : stages) {
    if (stage.meaning.category == category && !stage.retired) return &stage;
  }
  return nullptr;
}

Result<Pipeline> read_pipeline(std::string_view id, const Fields& data) {
  Pipeline out;
  out.id = id;
  const auto* value = data.find(Field::kStages);
  const auto* list = value == nullptr ? nullptr : value->as_list();
  if (list == nullptr) return bad(id, "stages is a list of stages");
  for (std::size_t i = 0; i < list->size(); ++i) {
    DW_TRY(auto stage, read_stage(id, (*list)[i], static_cast<std::int32_t>(i)));
    if (out.find(stage.id) != nullptr) return bad(id, "stage " + stage.id + " stands there twice");
    out.stages.push_back(std::move(stage));
  }
  std::stable_sort(out.stages.begin(), out.stages.end(), [](const Stage& a, const Stage& b) {
    return a.meaning.order < b.meaning.order;
  });
  for (const auto category : {DealStatus::kOpen, DealStatus::kWon, DealStatus::kLost}) {
    if (out.first(category) == nullptr) {
      return bad(id, "it needs a stage of category " + std::string{status_name(category)});
    }
  }
  out.moves_listed = data.text(Field::kMoves) == "listed";
  out.refuse = data.text(Field::kEnforce) == "refuse";
  out.qualified_from = data.text(Field::kQualifiedFrom);
  if (!out.qualified_from.empty() && out.find(out.qualified_from) == nullptr) {
    return bad(id, "qualified_from names no stage of it");
  }
  return out;
}

const Pipeline* Pipelines::find(std::string_view id, Instant at, std::uint64_t order) const {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return nullptr;
  const Pipeline* best = nullptr;
  const std::pair<Stamp, Pipeline>* first = &it->second.front();
  for (const auto& version : it->second) {
    const auto& [stamp, pipeline] = version;
    if (stamp.order < first->first.order) first = &version;
    if (stamp.order < order && (best == nullptr || stamp.occurred <= at)) best = &pipeline;
  }
  return best == nullptr ? &first->second : best;
}

void Pipelines::put(Pipeline pipeline, Stamp in_force) {
  auto& versions = by_id_[pipeline.id];
  const auto at = std::upper_bound(versions.begin(), versions.end(), in_force,
                                   [](const Stamp& s, const auto& v) { return s < v.first; });
  versions.emplace(at, in_force, std::move(pipeline));
}

}  // namespace dealwright
