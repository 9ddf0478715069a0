#include "rules/steps/notify.h"

#include "rules/steps/step_run.h"

namespace dealwright::rules {
namespace {

// A line to people inside. Nobody to tell: it goes to the fallback queue.
class Notify : public Step {
 public:
  Notify(Expression to, TextPlan text, std::string channel)
      : to_{std::move(to)}, text_{std::move(text)}, channel_{std::move(channel)} {}

  StepResult run(StepRun& run) const override {
    const auto [who, failure] = evaluate_who(to_, run);
    if (failure) return *failure;
    Map payload{{"text", Value{render(text_, run)}}};
    payload.emplace_back("to", Value{who ? to_text(*who) : "queue/fallback"});
    if (!channel_.empty()) payload.emplace_back("channel", Value{channel_});
    run.request("notify", who ? to_text(*who) : "queue/fallback", std::move(payload));
    return StepResult::go();
  }

 private:
  Expression to_;
  TextPlan text_;
  std::string channel_;
};

std::optional<Built> compile(StepCompiler& c, const yaml::Node&, const yaml::Node& value) {
  using Need = KeySpec::Need;
  static constexpr KeySpec kKeys[] = {{"to", Need::kNeeded}, {"text", Need::kNeeded}, {"channel"}};
  if (!check_keys(value, kKeys, "'notify'", c.out())) return std::nullopt;
  const auto* to = value.find("to");
  const auto* text = value.find("text");
  std::string channel;
  if (const auto* node = value.find("channel")) {
    if (const auto* name = read_text(*node, "channel", c.out())) channel = *name;
  }
  auto who = to == nullptr ? std::nullopt : c.who(*to);
  auto line = text == nullptr ? std::nullopt : c.text(*text);
  if (!who || !line) return std::nullopt;
  return Built{std::make_unique<Notify>(std::move(*who), std::move(*line), std::move(channel)),
               to->text,
               true,
               {}};
}

}  // namespace

StepKind notify_step() { return {"notify", {}, false, compile}; }

}  // namespace dealwright::rules
