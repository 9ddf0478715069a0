#include "connectors/hooks/hook.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "connectors/hooks/config.h"
#include "connectors/hooks/mapping.h"
#include "connectors/hooks/verify.h"
#include "engine/base/base64.h"
#include "engine/codec/json.h"

namespace dealwright::hooks {
namespace {

constexpr std::size_t kSecretBytesMax = 4096;
constexpr std::size_t kHookFilesMax = 1000;
constexpr std::size_t kHookFileBytesMax = 256 * 1024;
// Of one notice and of a batch; an event may have 10,000 values and 64 levels.
constexpr std::size_t kItemValuesMax = 5'000;
constexpr std::size_t kEventBytesMax = std::size_t{8} << 20;
constexpr std::size_t kEventsMax = 5'000;
constexpr codec::JsonLimits kJsonLimits{kBodyBytesMax, 32, 50'000, 400};

const Connector* const kConnectors[] = {&kGenericConnector, &kHubspotConnector,
                                        &kPipedriveConnector, &kSalesforceCdcConnector,
                                        &kSalesforceOutboundConnector};

// What a value weighs in an event, about.
std::size_t bytes_of(const Value& value) {
  std::size_t bytes = 16;
  if (const auto* text = value.as_text()) bytes += text->size();
  if (const auto* list = value.as_list()) {
    for (const auto& element : *list) bytes += bytes_of(element);
  } else if (const auto* map = value.as_map()) {
    for (const auto& [name, member] : *map) bytes += name.size() + bytes_of(member);
  }
  return bytes;
}

std::size_t values_of(const Value& value) {
  std::size_t count = 1;
  if (const auto* list = value.as_list()) {
    for (const auto& element : *list) count += values_of(element);
  } else if (const auto* map = value.as_map()) {
    for (const auto& member : *map) count += values_of(member.second);
  }
  return count;
}

Result<std::string> read_capped(const std::string& path, std::size_t bytes_max) {
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return Error{Code::kNotFound, path + " cannot be read; is it there, and ours to read?"};
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > bytes_max)
    return Error{Code::kInvalid,
                 path + " is larger than " + std::to_string(bytes_max / 1024) + " KiB"};
  return text;
}

Result<std::string> sound_secret(std::string text, const std::string& where) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return Error{Code::kInvalid, where + " is empty; it has to hold the secret"};
  if (text.size() > kSecretBytesMax)
    return Error{Code::kInvalid, where + " is larger than 4 KiB; a secret is one line"};
  return text;
}

// A secret as the scheme wants it.
Result<std::string> usable(const Verify& verify, std::string text, const std::string& where) {
  if (verify.scheme == Verify::Scheme::kStandard) {
    constexpr std::string_view kPrefix = "whsec_";
    const auto bytes =
        parse_base64(std::string_view{text}.substr(text.starts_with(kPrefix) ? kPrefix.size() : 0));
    if (!text.starts_with(kPrefix) || !bytes || bytes.value().size() < 24 ||
        bytes.value().size() > 64)
      return Error{Code::kInvalid, where + " holds no whsec_ and base64 of 24 to 64 bytes"};
    return bytes;
  }
  if (text.size() < 16)
    return Error{Code::kInvalid,
                 where + " holds less than 16 bytes; a secret that short can be guessed"};
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  if (verify.scheme == Verify::Scheme::kQuery &&
      text.find_first_not_of(kPlain) != std::string::npos)
    return Error{Code::kInvalid, where + " has letters that a query escapes; A-Z a-z 0-9 - . _ ~"};
  return text;
}

Result<void> load_secrets(HookConfig& config, const SecretReader& secrets) {
  for (const auto& ref : config.secret_refs) {
    const auto where = config.file + ": secret " + ref.name;
    auto text = secrets(ref);
    if (!text) return Error{text.error().code, config.file + ": " + text.error().detail};
    DW_TRY(auto secret, usable(config.verify, std::move(text.value()), where));
    config.secrets.push_back(std::move(secret));
  }
  return ok();
}

std::optional<HookRefusal> too_large(const HookRequest& request) {
  if (request.body.size() <= kBodyBytesMax) return std::nullopt;
  return HookRefusal{"body_too_large", 413, "a hook takes at most 1 MiB", {}};
}

Read<HookResult> translate(const HookConfig& config, const HookRequest& request) {
  auto batch = config.connector->split(request, config);
  if (!batch) return batch.error();
  HookResult out;
  out.when_durable = config.connector->reply;
  out.left_out = std::move(batch.value().left_out);
  std::size_t bytes = 0;
  for (auto& notice : batch.value().notices) {
    // What one body says of many records is kept with each of them.
    bytes += bytes_of(notice.body);
    if (bytes > kEventBytesMax || out.events.size() > kEventsMax)
      return HookRefusal{"batch_too_large",
                         400,
                         "the events of one request would be more than 5000, or 8 MiB",
                         {}};
    notice.id = sound_id(std::move(notice.id));
    apply(config, notice, out.events, out.left_out);
  }
  return out;
}

}  // namespace

SecretReader secrets_from(std::string folder) {
  return [folder = std::move(folder)](const SecretRef& ref) -> Result<std::string> {
    if (ref.from == SecretRef::From::kEnvironment) {
      const char* text = std::getenv(ref.name.c_str());
      if (text == nullptr)
        return Error{Code::kNotFound, "the environment variable " + ref.name + " is not set"};
      return sound_secret(text, "the environment variable " + ref.name);
    }
    const auto path = (std::filesystem::path{folder} / ref.name).string();
    DW_TRY(auto text, read_capped(path, kSecretBytesMax + 2));
    return sound_secret(std::move(text), path);
  };
}

const Connector* find_connector(std::string_view name) {
  for (const auto* connector : kConnectors) {
    if (connector->name == name) return connector;
  }
  return nullptr;
}

std::vector<std::string_view> connector_names() {
  std::vector<std::string_view> out;
  for (const auto* connector : kConnectors) out.push_back(connector->name);
  return out;
}

Read<std::vector<Value>> json_items(std::string_view body) {
  if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
  auto value = codec::parse_json(body, kJsonLimits);
  if (!value) return HookRefusal{"bad_payload", 400, "the body: " + value.error().detail, {}};
  std::vector<Value> out;
  if (const auto* list = value.value().as_list()) {
    if (list->size() > kBatchMax)
      return HookRefusal{"batch_too_large",
                         400,
                         "the body holds " + std::to_string(list->size()) +
                             " notices; at most 100 are taken at once",
                         {}};
    out = *list;
  } else {
    out.push_back(value.value());
  }
  for (const auto& item : out) {
    if (values_of(item) > kItemValuesMax)
      return HookRefusal{"bad_payload", 400, "a notice has more than 5000 values", {}};
  }
  return out;
}

Result<Hook> Hook::make(std::string_view text, std::string_view file, const SecretReader& secrets) {
  DW_TRY(auto config, parse_hook(text, file));
  if (secrets) {
    DW_TRY(load_secrets(config, secrets));
  }
  return Hook{std::make_shared<const HookConfig>(std::move(config))};
}

const std::string& Hook::name() const { return config_->name; }
std::string_view Hook::connector() const { return config_->connector->name; }

Read<HookResult> Hook::read(const HookRequest& request) const {
  if (auto refusal = too_large(request)) return std::move(*refusal);
  if (auto refusal = verify(*config_, request)) return std::move(*refusal);
  return translate(*config_, request);
}

Read<HookResult> Hook::dry_run(const HookRequest& request) const {
  if (auto refusal = too_large(request)) return std::move(*refusal);
  return translate(*config_, request);
}

Result<HookSet> HookSet::load(const std::string& folder, const SecretReader& secrets) {
  HookSet out;
  std::error_code ec;
  if (!std::filesystem::exists(folder, ec)) return out;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator it{folder, ec}, end; !ec && it != end;
       it.increment(ec)) {
    auto path = it->path().string();
    if (path.ends_with(".hook.yaml")) paths.push_back(std::move(path));
  }
  if (ec) return Error{Code::kIo, folder + ": " + ec.message()};
  if (paths.size() > kHookFilesMax)
    return Error{Code::kInvalid, folder + " holds more than 1000 files *.hook.yaml"};
  std::sort(paths.begin(), paths.end());
  std::string wrong;
  for (const auto& path : paths) {
    const auto note = [&](const std::string& detail) {
      wrong += (wrong.empty() ? "" : "\n") + detail;
    };
    const auto text = read_capped(path, kHookFileBytesMax);
    if (!text) {
      note(text.error().detail);
      continue;
    }
    auto hook = Hook::make(text.value(), path, secrets);
    if (!hook) {
      note(hook.error().detail);
      continue;
    }
    const std::pair key{std::string{hook.value().connector()}, hook.value().name()};
    if (!out.hooks_.emplace(key, std::move(hook.value())).second)
      note(path + ": another file of this folder is " + key.first + "/" + key.second + " too");
  }
  if (!wrong.empty()) return Error{Code::kInvalid, std::move(wrong)};
  return out;
}

const Hook* HookSet::find(std::string_view connector, std::string_view name) const {
  const auto it = hooks_.find(std::pair{std::string{connector}, std::string{name}});
  return it == hooks_.end() ? nullptr : &it->second;
}

}  // namespace dealwright::hooks
