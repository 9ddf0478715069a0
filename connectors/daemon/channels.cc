#include "connectors/daemon/channels.h"

#include <fmt/core.h>

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "connectors/daemon/logs.h"
#include "connectors/daemon/mail_rates.h"
#include "connectors/smtp/drop.h"
#include "connectors/smtp/mail_channel.h"
#include "connectors/webhook/request.h"
#include "connectors/webhook/signature.h"
#include "connectors/webhook/webhook_channel.h"
#include "engine/runtime/engine.h"
#include "rules/yaml/tree.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;
constexpr std::string_view kEndpoints = "endpoints.yaml";
// Channels go behind the engine, which waited for attempts as long as a stop may take: what they
// come to by then nobody hears.
constexpr Duration kDrainTime = milliseconds(0);

// A secret as a file holds it, its last line end taken away. The error names the key, not what the
// file holds.
Result<std::string> read_secret(FileSystem& files, const std::string& path, std::string_view key) {
  auto text = read_whole(files, path, kFileBytesMax);
  if (!text) {
    return Error{Code::kInvalid,
                 fmt::format("{}: cannot read its file: {}", key, text.error().detail)};
  }
  while (!text.value().empty() && (text.value().back() == '\n' || text.value().back() == '\r')) {
    text.value().pop_back();
  }
  if (text.value().empty()) return Error{Code::kInvalid, fmt::format("{}: its file is empty", key)};
  return text;
}

// A file of authorities, if one is named; what is in it the library reads.
Result<std::string> authorities(FileSystem& files, const std::string& path, std::string_view key) {
  if (!path.empty()) {
    DW_TRY(read_secret(files, path, key));
  }
  return path;
}

std::string domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return std::string{at == std::string_view::npos ? address : address.substr(at + 1)};
}

// ---- mail

Result<smtp::MailSettings> mail_settings(const MailConfig& mail) {
  smtp::MailSettings out;
  out.identity.from = words(mail.from);
  if (out.identity.from.empty()) return Error{Code::kInvalid, "mail.from names no address"};
  for (const auto& address : out.identity.from) {
    if (address.find('@') == std::string::npos || address.find('@') == 0 || address.back() == '@') {
      return Error{Code::kInvalid, "mail.from: '" + address + "' is no address; write name@domain"};
    }
  }
  out.identity.domain = domain_of(out.identity.from.front());
  out.from.address = out.identity.from.front();
  out.from.name = mail.from_name;
  out.reply_to = mail.reply_to;
  out.bounce_domain = mail.bounce_domain.empty() ? out.identity.domain : mail.bounce_domain;
  return out;
}

Result<std::optional<smtp::DkimSigner>> signer_of(const MailConfig& mail, FileSystem& files,
                                                  const std::string& domain) {
  const auto selectors = words(mail.dkim_selector);
  const auto paths = words(mail.dkim_key_files);
  if (selectors.size() != paths.size()) {
    return Error{
        Code::kInvalid,
        fmt::format("mail.dkim_selector and mail.dkim_key belong together, one selector for "
                    "each file: {} and {}",
                    selectors.size(), paths.size())};
  }
  if (selectors.empty()) return std::optional<smtp::DkimSigner>{};
  if (std::set<std::string>{selectors.begin(), selectors.end()}.size() < selectors.size())
    return Error{Code::kInvalid, "mail.dkim_selector: each key has a selector of its own"};
  std::vector<smtp::DkimKey> keys;
  for (std::size_t n = 0; n < paths.size(); ++n) {
    smtp::DkimKey key;
    key.selector = selectors[n];
    DW_TRY(key.pem, read_secret(files, paths[n], "mail.dkim_key"));
    key.pem += '\n';
    keys.push_back(std::move(key));
  }
  DW_TRY(auto signer, smtp::DkimSigner::make(domain, std::move(keys)));
  return std::optional{std::move(signer)};
}

Result<smtp::ServerSettings> server_settings(const MailConfig& mail, FileSystem& files) {
  using Security = smtp::ServerSettings::Security;
  smtp::ServerSettings out;
  out.host = mail.server;
  out.port = mail.port;
  out.security = mail.security == "tls"        ? Security::kTls
                 : mail.security == "loopback" ? Security::kPlainLoopback
                                               : Security::kStartTls;
  DW_TRY(out.ca_file, authorities(files, mail.ca_file, "mail.ca_file"));
  out.user = mail.user;
  if (!mail.password_file.empty()) {
    DW_TRY(auto password, read_secret(files, mail.password_file, "mail.password_file"));
    out.password = std::move(password);
  }
  out.parallel_max = mail.parallel;
  out.drain_time = kDrainTime;
  return out;
}

// Bounces are believed by a key of this data directory's own.
Result<smtp::MailSettings> keyed_settings(const Config& config, FileSystem& files) {
  DW_TRY(auto settings, mail_settings(config.mail));
  DW_TRY(const auto secret,
         read_whole(files, cluster_key_path(config.cluster_key_file, config.data), 64));
  settings.bounce_key = std::string{bytes_of(hmac_sha256(secret, "dealwright return path"))};
  return settings;
}

Result<void> add_mail(const Config& config, FileSystem& files, const Clock& clock, Channels& out) {
  if (config.mail.send == "off") return ok();
  DW_TRY(auto settings, keyed_settings(config, files));
  if (config.mail.send == "drop") {
    auto drop = std::make_shared<smtp::MailDrop>(files, mail_folder(config));
    out.workers.push_back(std::make_unique<runtime::ThreadWorker>());
    out.list.push_back(smtp::make_drop_channel(
        std::move(settings),
        [drop](const Effect& effect, std::string_view bytes) {
          return drop->write(effect.id, effect.requested, bytes);
        },
        *out.workers.back()));
    return ok();
  }
  DW_TRY(auto signer, signer_of(config.mail, files, settings.identity.domain));
  DW_TRY(auto server, server_settings(config.mail, files));
  DW_TRY(auto channel,
         smtp::make_mail_channel(std::move(settings), std::move(server), std::move(signer), clock));
  out.list.push_back(std::move(channel));
  return ok();
}

// ---- webhooks

Result<std::map<std::string, Receiver>> receivers_of(const Config& config, FileSystem& files) {
  std::map<std::string, Receiver> out;
  if (config.ops.empty()) return out;
  const auto path = config.ops + "/" + std::string{kEndpoints};
  auto text = read_whole(files, path, kFileBytesMax);
  if (!text && text.error().code == Code::kNotFound) return out;
  DW_TRY(const auto bytes, std::move(text));
  return read_endpoints(bytes, path);
}

Result<webhook::WebhookSettings> webhook_settings(const Config& config, FileSystem& files) {
  DW_TRY(const auto receivers, receivers_of(config, files));
  webhook::WebhookSettings out;
  out.loopback_http = config.webhook_loopback;
  DW_TRY(out.ca_file, authorities(files, config.webhook_ca_file, "webhook.ca_file"));
  out.drain_time = kDrainTime;
  for (const auto& [name, receiver] : receivers) {
    webhook::Endpoint endpoint{receiver.url, {}};
    for (const auto& file : receiver.secret_files) {
      DW_TRY(auto secret, read_secret(files, file, "endpoint " + name));
      if (auto sound = webhook::parse_secret(secret); !sound) {
        return Error{Code::kInvalid, "endpoint " + name + ": " + sound.error().detail};
      }
      endpoint.secrets.push_back(std::move(secret));
    }
    out.endpoints.emplace(name, std::move(endpoint));
  }
  return out;
}

void read_receiver(const rules::yaml::Entry& entry, std::map<std::string, Receiver>& out,
                   rules::Diagnostics& faults) {
  if (!entry.value.is_map()) {
    faults.error(1006, entry.value.at, fmt::format("'{}' is no endpoint", entry.key),
                 "Below it write url: and secret_file:");
    return;
  }
  Receiver receiver;
  std::string old_secret;
  for (const auto& key : entry.value.entries) {
    std::string* to = nullptr;
    if (key.key == "url") to = &receiver.url;
    if (key.key == "secret_file") to = &receiver.secret_files.emplace_back();
    if (key.key == "old_secret_file") to = &old_secret;
    if (to == nullptr || !key.value.is_scalar()) {
      faults.error(1004, key.at, fmt::format("unknown key '{}', or no text behind it", key.key),
                   "An endpoint has url, secret_file and, while it changes, old_secret_file");
    } else {
      *to = key.value.text;
    }
  }
  if (receiver.url.empty() || receiver.secret_files.empty()) {
    faults.error(1008, entry.at, fmt::format("endpoint '{}' lacks url or secret_file", entry.key),
                 "Write both: the secret is whsec_ and base64 of 24 to 64 bytes");
  }
  if (!old_secret.empty()) receiver.secret_files.push_back(std::move(old_secret));
  out.emplace(entry.key, std::move(receiver));
}

}  // namespace

Result<std::map<std::string, Receiver>> read_endpoints(std::string_view text,
                                                       std::string_view name) {
  std::map<std::string, Receiver> out;
  rules::Diagnostics faults;
  rules::yaml::Node root;
  if (rules::yaml::read(text, root, faults)) {
    for (const auto& entry : root.entries) {
      if (entry.key != "endpoints" || !entry.value.is_map()) {
        faults.error(1004, entry.at, fmt::format("unknown key '{}'", entry.key),
                     "The file has one key, endpoints, with a map of names below it");
        continue;
      }
      for (const auto& one : entry.value.entries) read_receiver(one, out, faults);
    }
  }
  if (!faults.has_errors()) return out;
  auto all = rules::render(faults.take(), name, text);
  while (!all.empty() && all.back() == '\n') all.pop_back();
  return Error{Code::kInvalid, std::move(all)};
}

std::string mail_folder(const Config& config) { return config.data + "/mail"; }

Result<ViewRows> dropped_mails(FileSystem& files, const Config& config, std::size_t limit) {
  DW_TRY(const auto mails, smtp::MailDrop(files, mail_folder(config)).list());
  ViewRows out;
  out.columns = {{"mail", "text"}, {"at", "instant"}, {"effect", "text"}};
  for (const auto& mail : mails) {
    if (limit > 0 && out.rows.size() == limit) break;
    out.rows.push_back({Value{mail.name}, Value{mail.at}, Value{hex(mail.effect)}});
  }
  return out;
}

Result<std::string> dropped_mail(FileSystem& files, const Config& config, const std::string& name) {
  auto read = smtp::MailDrop(files, mail_folder(config)).read(name);
  if (!read && read.error().code == Code::kInvalid)  // of another form: so it is not there
    return Error{Code::kNotFound, read.error().detail};
  return read;
}

Result<MailMarks> mail_marks(const Config& config, FileSystem& files) {
  DW_TRY(auto settings, keyed_settings(config, files));
  return MailMarks{std::move(settings.identity.domain), std::move(settings.bounce_domain),
                   std::move(settings.bounce_key), std::move(settings.identity.from)};
}

Result<void> check_channels(const Config& config, FileSystem& files) {
  DW_TRY(const auto webhooks, webhook_settings(config, files));
  webhook::GuardRules rules;
  rules.loopback_http = webhooks.loopback_http;
  rules.ports = webhooks.ports;
  DW_TRY(webhook::read_endpoints(webhooks, rules));
  DW_TRY(mail_rates(config.effects));
  DW_TRY(const auto settings, mail_settings(config.mail));  // answers come in whatever leaves
  if (config.mail.send != "smtp") return ok();
  DW_TRY(signer_of(config.mail, files, settings.identity.domain));
  DW_TRY(server_settings(config.mail, files));
  return ok();
}

Result<Channels> make_channels(const Config& config, FileSystem& files, const Clock& clock) {
  Channels out;
  DW_TRY(add_mail(config, files, clock, out));
  DW_TRY(auto settings, webhook_settings(config, files));
  DW_TRY(auto channel, webhook::make_webhook_channel(std::move(settings), clock));
  out.list.push_back(std::move(channel));
  return out;
}

}  // namespace dealwright::daemon
