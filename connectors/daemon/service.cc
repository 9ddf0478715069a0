#include "connectors/daemon/service.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "connectors/daemon/api/api.h"
#include "connectors/daemon/channels.h"
#include "connectors/daemon/effects_pause.h"
#include "connectors/daemon/intake.h"
#include "connectors/daemon/log_line.h"
#include "connectors/daemon/metrics.h"
#include "connectors/hooks/hook.h"
#include "connectors/http/server.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"

namespace dealwright::daemon {
namespace {

// Of the five seconds that a stop may take: until then requests in flight may end, and until then
// attempts of effects. What is left is for writing the state down.
constexpr std::int64_t kRequestsMs = 2'000;
constexpr std::int64_t kAttemptsMs = 3'500;
constexpr std::int64_t kAttemptsLeastMs = 250;
constexpr std::string_view kKeysFile = "/keys/api-keys.json";

http::Options http_options(const HttpConfig& config) {
  http::Options out;
  out.address = config.address;
  out.port = config.port;
  out.io_threads = config.threads;
  out.certificate_file = config.certificate_file;
  out.key_file = config.key_file;
  out.clear_text_beyond_loopback = config.clear_text;
  out.hosts = words(config.hosts);
  auto& limits = out.limits;
  limits.connections = config.connections;
  limits.requests_in_flight = config.requests;
  limits.bytes_in_flight = config.memory_bytes;
  const auto rate = static_cast<double>(config.rate);
  limits.per_key = limits.per_address = {rate, rate};
  limits.worker_threads = config.workers;
  return out;
}

// As people reach it, if that is known. What leaves this machine needs a name for it; dropped mails
// are read here, by a port that is known before it is taken.
bool is_reachable(const Config& config) {
  const auto& http = config.http;
  const bool here = http.address == "127.0.0.1" && http.port > 0 && config.mail.send != "smtp";
  return !http.public_url.empty() || here;
}
std::string own_url(const HttpConfig& config) {
  if (!config.public_url.empty()) {
    auto out = config.public_url;
    while (out.ends_with('/')) out.pop_back();
    return out;
  }
  const bool v6 = config.address.find(':') != std::string::npos;
  return (config.certificate_file.empty() ? "http://" : "https://") +
         (v6 ? "[" + config.address + "]" : config.address) + ":" + std::to_string(config.port);
}

// What people follow from their mails: https, or this machine itself.
Result<void> check_url(const std::string& url) {
  if (url.empty() || url.starts_with("https://") || url.starts_with("http://127.0.0.1:")) {
    return ok();
  }
  return Error{Code::kInvalid,
               "http.public_url: '" + url + "' does not begin with https://, and mails link to it"};
}

}  // namespace

// Torn down from the bottom up: first nobody asks any more, then what is asked goes.
struct Service::Parts {
  explicit Parts(ServiceOptions its_options) : options{std::move(its_options)} {}

  ServiceOptions options;
  std::unique_ptr<Clock> clock = os::make_system_clock();
  std::unique_ptr<Random> random = os::make_system_random();
  http::Repeats repeats{*clock};  // outlives what answers late
  Metrics metrics{*clock};
  http::KeyBook keys;
  std::atomic<bool> saving_keys{false};
  std::string keys_path;
  std::string first_key;
  std::unique_ptr<Intake> intake;  // outlives the log's last answers
  std::unique_ptr<Workspace> workspace;
  std::unique_ptr<Drafts> drafts;
  hooks::HookSet hooks;
  std::unique_ptr<Backups> backups;
  std::unique_ptr<Imports> imports;
  std::unique_ptr<api::Parts> api;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<http::WorkerPool> pool;  // ends before the server that its jobs answer through
  std::atomic<http::Server*> serving{nullptr};  // `server`, once it listens
  bool stopped = false;

  Result<void> open_workspace();
  Result<void> load_keys();
  Result<void> open_imports();
  Result<void> listen();
  void save_uses_of_keys();
  void log(const LogLine& line) const {
    if (options.log) options.log(to_json(line, clock->wall()));
  }
  void log(std::string_view code, std::string detail) const {
    LogLine line;
    line.code = code;
    line.detail = std::move(detail);
    log(line);
  }
};

Result<void> Service::Parts::open_workspace() {
  const auto& config = options.config;
  WorkspaceOptions open;
  open.path = config.data;
  open.clock_witness = config.trust_clock;
  open.config = config;
  open.at_point = options.at_point;
  const auto url = own_url(config.http);
  if (is_reachable(config) && check_url(url)) open.unsubscribe_base = url + "/u/";
  open.meter = &metrics;
  open.notify = [this](const Notice& notice) { log(line_of(notice)); };
  open.on_space = [this](const std::string& full) {
    log(full.empty() ? "disk_has_room" : "disk_full", full);
  };
  open.channels = [&config](FileSystem& files, const Clock& time) {
    return make_channels(config, files, time);
  };
  DW_TRY(auto opened, Workspace::open(std::move(open)));
  workspace = std::move(opened);
  return ok();
}

// The first start makes a key that may do everything, and tells it once.
Result<void> Service::Parts::load_keys() {
  keys_path = options.config.data + std::string{kKeysFile};
  auto loaded = http::KeyBook::load(workspace->files(), keys_path, keys);
  if (loaded) return ok();
  if (loaded.error().code != Code::kNotFound) return loaded.error();
  http::KeyRecord asked;
  asked.name = "first";
  asked.workspace = "default";
  for (int i = 0; i < http::kRoles; ++i) asked.roles.add(static_cast<http::Role>(i));
  DW_TRY(auto made, keys.make(*random, clock->wall(), std::move(asked)));
  DW_TRY(keys.save(workspace->files(), keys_path, clock->wall()));
  first_key = std::move(made.key);
  return ok();
}

// Now and then, beside the server's threads. What fails is tried again ten minutes later.
void Service::Parts::save_uses_of_keys() {
  if (!keys.uses_to_save(clock->wall()) || saving_keys.exchange(true)) return;
  const bool taken = pool->submit([this] {
    if (auto saved = keys.save(workspace->files(), keys_path, clock->wall()); !saved)
      log("keys_not_saved", saved.error().detail);
    saving_keys = false;
  });
  if (!taken) saving_keys = false;
}

Result<void> Service::Parts::open_imports() {
  const auto& config = options.config.import;
  ImportsOptions how;
  how.rows_bytes = config.rows_bytes;
  how.append_bytes = config.append_bytes;
  how.file_bytes_max = config.file_bytes;
  how.on_end = [this](const ImportRecord& record) {
    if (record.error) {
      return log("import_failed", record.id + ": " + std::string{code_name(record.error->code)});
    }
    log("import_ended", record.id + ": " + std::string{import_state_name(record.state)} + ", " +
                            std::to_string(record.counts.events) + " events of " +
                            std::to_string(record.counts.rows) + " rows, " +
                            std::to_string(record.counts.bad_rows) + " bad");
  };
  imports = std::make_unique<Imports>(*workspace, std::move(how));
  return imports->open();
}

Result<void> Service::Parts::listen() {
  auto http = http_options(options.config.http);
  http.hooks.access = [this](const http::AccessLine& line) {
    metrics.answered(line);
    save_uses_of_keys();
    if (options.access_log && options.log) options.log(to_json(line));
  };
  intake = std::make_unique<Intake>(
      *workspace, [this](std::int64_t us, const Error* failed, std::uint64_t known) {
        metrics.appended(us, failed, known);
      });
  drafts = std::make_unique<Drafts>(workspace->files(), workspace->path() + "/drafts");
  pool = std::make_unique<http::WorkerPool>(http.limits.worker_threads, http.limits.worker_queue);
  backups = std::make_unique<Backups>(*workspace, options.at_point);
  DW_TRY(auto marks, mail_marks(options.config, workspace->files()));
  DW_TRY(open_imports());
  api = std::make_unique<api::Parts>(api::Parts{
      *workspace, *intake, *drafts, *backups, *imports, *pool, keys, *random, keys_path,
      http.limits, options.config.mail.send == "drop" ? &options.config : nullptr, &hooks,
      [this] {
        auto config = options.config.http;  // not port 0: the one that was taken
        const auto* now = serving.load();
        if (now != nullptr) config.port = now->port();
        return own_url(config);
      },
      metrics,
      [this] {
        const auto* now = serving.load();
        return now == nullptr ? http::Load{} : now->load();
      },
      options.config.metrics_open, std::move(marks), repeats});
  DW_TRY(auto table, api::make_table(*api));
  DW_TRY(auto started,
         http::Server::start(std::move(http), std::move(table), keys, *clock, *random));
  server = std::move(started);
  serving = server.get();
  return ok();
}

Service::Service(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options) {
  const auto files = os::make_posix_file_system();
  DW_TRY(check_channels(options.config, *files));
  DW_TRY(check_url(options.config.http.public_url));
  auto parts = std::make_unique<Parts>(std::move(options));
  DW_TRY(parts->open_workspace());
  DW_TRY(parts->load_keys());
  if (const auto& ops = parts->options.config.ops; !ops.empty()) {
    const auto folder = ops + "/hooks";
    DW_TRY(auto hooks, hooks::HookSet::load(folder, hooks::secrets_from(folder)));
    parts->hooks = std::move(hooks);
  }
  DW_TRY(parts->listen());
  std::unique_ptr<Service> out{new Service{std::move(parts)}};
  out->parts_->log("started", "listening on " + out->url());
  DW_TRY(const auto pause, read_effects_pause(out->workspace().files(), out->workspace().path()));
  if (pause) {
    out->parts_->log("effects_paused",
                     pause->reason + "; nothing leaves until: dealwright workspace resume");
  }
  return out;
}

Service::~Service() { static_cast<void>(stop()); }

std::string Service::url() const {
  auto http = parts_->options.config.http;
  http.public_url.clear();
  http.port = parts_->server->port();
  return own_url(http);
}

const std::string& Service::first_key() const { return parts_->first_key; }
Workspace& Service::workspace() { return *parts_->workspace; }

Result<bool> Service::stop() {
  auto& parts = *parts_;
  if (std::exchange(parts.stopped, true)) return true;
  if (!parts.workspace) return true;  // it never started
  const auto since_us = parts.clock->steady_us();
  parts.log("stopping", "what is in flight may end");
  if (parts.backups) parts.backups->break_off();
  const bool whole = !parts.server || parts.server->stop(kRequestsMs);
  parts.pool.reset();
  parts.backups.reset();
  parts.imports.reset();
  if (const auto now = parts.clock->wall(); parts.keys.uses_to_save(now, Duration{})) {
    if (auto saved = parts.keys.save(parts.workspace->files(), parts.keys_path, now); !saved)
      parts.log("keys_not_saved", saved.error().detail);
  }
  const auto gone_ms = (parts.clock->steady_us() - since_us) / 1'000;
  const auto patience = std::max(kAttemptsLeastMs, kAttemptsMs - gone_ms);
  auto settled = parts.workspace->stop(milliseconds(patience));
  if (!settled) {
    parts.log("stop_failed", settled.error().detail);
    return settled.error();
  }
  if (whole) {
    parts.log("stopped", "all requests in flight are answered, the state is written down");
  } else {
    parts.log("stopped_hard", "some requests were cut; what was acknowledged is in the log");
  }
  return whole;
}

}  // namespace dealwright::daemon
