// A template's samples, rendered as they would be sent.
#include <fmt/core.h>

#include "rules/decide/factory.h"
#include "rules/mail/renderer.h"
#include "rules/testing/test_world.h"

namespace dealwright::rules::mail {

std::vector<Diagnostic> check_samples(const Mail& mail, std::string_view id,
                                      const std::map<std::string, std::string>& layouts,
                                      const Workspace& workspace, const ZoneProvider& zones,
                                      SchemaPtr schema) {
  Diagnostics out;
  Renderer renderer{workspace, zones, [](std::uint32_t, const Effect&) {
                      return std::string{"https://example.com/unsubscribe/sample"};
                    }};
  const auto decider = make_decider_factory()->make({});
  for (const auto& sample : mail.samples) {
    if (!sample.about || !decider) continue;
    TestWorld world{*decider.value()};
    world.give(sample.given);
    for (const auto& [name, text] : layouts) {
      auto& record = world.give(RecordKey{Kind::kTemplate, name});
      give_value(record, Field::kText, Value{text});
    }
    const auto effect = preview_effect(world, id.substr(0, id.find('.')), *sample.about, sample.to,
                                       sample.language, "marketing");
    const auto content = renderer.render_with(mail, id, effect, world, schema.get());
    if (!content)
      out.error(
          5007, sample.at,
          fmt::format("the sample '{}' cannot be sent: {}", sample.name, content.error().detail));
  }
  return out.take();
}

}  // namespace dealwright::rules::mail
