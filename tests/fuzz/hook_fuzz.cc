// Payloads of webhooks: any bytes from any sender give events of sound form, or a refusal; nothing
// in them vanishes.
#include <array>
#include <cstdlib>
#include <optional>

#include "connectors/hooks/hook.h"
#include "engine/codec/cloudevents_json.h"
#include "tests/fuzz/fuzz.h"

namespace dealwright::hooks {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const Hook& hook_number(std::size_t number) {
  static const auto kHooks = [] {
    std::vector<Hook> out;
    for (const auto* rest :
         {"connector: hubspot\n", "connector: pipedrive\nverify: { user: p }\n",
          "connector: salesforce_cdc\nverify: { scheme: standard_webhooks }\n",
          "connector: salesforce_outbound\n",
          "connector: generic\nverify: { scheme: hmac, header: X, encoding: base64, signed: "
          "\"{timestamp}.{body}\", timestamp: { header: X, prefix: t= } }\n"
          "notices: { each: items, id: \"{id}\", time: \"{at}\", type: \"com.x.{type}\", subject: "
          "\"{subject}\" }\n"
          "emit: [{ when: { a: { filled: true } }, each: list, type: \"{b}\", subject: "
          "\"deal/{@each.id|slug}\", data: { amount: { from: \"{a}\", currency: EUR }, set: { "
          "\"{c}\": \"{d}\" }, to: \"{d}\", due: \"{e}\" } }]\n"}) {
      auto hook =
          Hook::make(std::string{"hook: f\nsecrets: [{ env: S }]\nsettings: { currency: EUR "
                                 "}\n"} +
                         rest,
                     "fuzz", [](const SecretRef& ref) -> Result<std::string> {
                       return ref.name + "ecret-0123456789abcdef";
                     });
      if (!hook) {  // a whsec_ one
        hook = Hook::make(std::string{"hook: f\nsecrets: [{ env: S }]\n"} + rest, "fuzz",
                          [](const SecretRef&) -> Result<std::string> {
                            return std::string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
                          });
      }
      out.push_back(std::move(hook.value()));
    }
    return out;
  }();
  return kHooks[number % kHooks.size()];
}

void check(const Read<HookResult>& read) {
  if (!read) {
    require(read.error().status >= 400 && !read.error().code.empty());
    return;
  }
  for (const auto& event : read.value().events) {
    require(check_envelope(event).empty() && !event.source.empty() && !event.id.empty());
    Event back;
    require(codec::parse_cloudevent(codec::to_cloudevent(event), back).empty());
  }
}

}  // namespace
}  // namespace dealwright::hooks

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright;
  if (size == 0) return 0;
  const auto& hook = hooks::hook_number(data[0]);
  const auto text = fuzz::text_of(data + 1, size - 1);
  hooks::HookRequest request;
  request.method = "POST";
  request.body = text;
  request.received = Instant{1'780'000'000'000};
  hooks::check(hook.dry_run(request));
  // The same bytes as what proves who sent it.
  const std::string word{text.substr(0, 200)};
  request.uri = "https://h/?token=" + word;
  for (const auto* name : {"x-hubspot-signature-v3", "x-hubspot-request-timestamp", "authorization",
                           "webhook-id", "webhook-timestamp", "webhook-signature", "x"})
    request.headers.emplace_back(name, word);
  const auto read = hook.read(request);
  hooks::require(!read);  // no bytes prove a secret by chance
  return 0;
}
