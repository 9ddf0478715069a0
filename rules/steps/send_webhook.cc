#include "rules/steps/send_webhook.h"

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

// Free data with values in it: a list, a map, or a leaf that is evaluated.
struct Data {
  std::vector<Data> items;        // of a list, or of a map
  std::vector<std::string> keys;  // of a map: a key each
  std::optional<ValuePlan> leaf;
  bool is_list = false;
};

std::optional<Data> read_data(StepCompiler& c, const yaml::Node& node) {
  Data out;
  if (node.is_scalar()) {
    out.leaf = c.value(node, nullptr);
    return out.leaf ? std::optional{std::move(out)} : std::nullopt;
  }
  out.is_list = node.is_list();
  bool sound = true;
  for (const auto& item : node.items) {
    auto data = read_data(c, item);
    sound = sound && data.has_value();
    if (data) out.items.push_back(std::move(*data));
  }
  for (const auto& entry : node.entries) {
    auto data = read_data(c, entry.value);
    sound = sound && data.has_value();
    if (!data) continue;
    out.keys.push_back(entry.key);
    out.items.push_back(std::move(*data));
  }
  return sound ? std::optional{std::move(out)} : std::nullopt;
}

// An absent value is null there: JSON has a word for it.
Value evaluate_data(const Data& data, StepRun& run, std::optional<Outcome>& failure) {
  if (data.leaf) {
    auto outcome = evaluate(*data.leaf, run);
    if (outcome.failed && !outcome.absent && !failure) failure = outcome;
    return outcome.failed || outcome.value.absent() ? Value{Null{}} : std::move(outcome.value);
  }
  if (data.is_list) {
    List list;
    for (const auto& item : data.items) list.push_back(evaluate_data(item, run, failure));
    return Value{std::move(list)};
  }
  Map map;
  for (std::size_t i = 0; i < data.keys.size(); ++i) {
    map.emplace_back(data.keys[i], evaluate_data(data.items[i], run, failure));
  }
  return Value{std::move(map)};
}

class SendWebhook : public Step {
 public:
  SendWebhook(std::string endpoint, std::optional<Data> data)
      : endpoint_{std::move(endpoint)}, data_{std::move(data)} {}

  StepResult run(StepRun& run) const override {
    std::optional<Outcome> failure;
    Map payload{{"endpoint", Value{endpoint_}}};
    if (data_) payload.emplace_back("data", evaluate_data(*data_, run, failure));
    if (failure) return StepResult::failed(failure->code, failure->detail);
    run.request("webhook", "", std::move(payload));
    return StepResult::go();
  }

 private:
  std::string endpoint_;
  std::optional<Data> data_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  static constexpr KeySpec kKeys[] = {{"endpoint", KeySpec::Need::kNeeded}, {"data"}};
  if (!check_keys(value, kKeys, "'send_webhook'", c.out())) return std::nullopt;
  const auto* endpoint = value.find("endpoint");
  const auto* name = endpoint == nullptr ? nullptr : read_text(*endpoint, "endpoint", c.out());
  std::optional<Data> data;
  if (const auto* node = value.find("data")) {
    data = read_data(c, *node);
    if (!data) return std::nullopt;
  }
  if (name == nullptr) return std::nullopt;
  return Built{std::make_unique<SendWebhook>(*name, std::move(data)), *name, true, {}};
}

}  // namespace

StepKind send_webhook_step() { return {"send_webhook", {}, false, compile}; }

}  // namespace dealwright::rules
