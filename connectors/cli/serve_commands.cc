// serve, dev: the program as a server.
#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <mutex>

#include "connectors/cli/context.h"
#include "connectors/cli/dev_data.h"
#include "connectors/daemon/channels.h"
#include "connectors/daemon/service.h"
#include "connectors/os/give_back.h"
#include "connectors/os/posix_file_system.h"
#include "connectors/os/system_clock.h"

namespace dealwright::cli {
namespace {

// Taken from all threads, so that only the one that waits for them meets them.
class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  void wait() const {
    int got = 0;
    ::sigwait(&set_, &got);
  }

 private:
  sigset_t set_{};
};

struct ServeOptions {
  bool access_log = false;
};

// One writer a line: they come from many threads.
std::function<void(std::string_view)> log_to(std::ostream& out) {
  return [&out, mutex = std::make_shared<std::mutex>()](std::string_view line) {
    const std::lock_guard lock{*mutex};
    out << line << '\n' << std::flush;
  };
}

daemon::ServiceOptions service_options(const daemon::Config& config, const ServeOptions& options) {
  daemon::ServiceOptions out;
  out.config = config;
  out.access_log = options.access_log;
  out.log = log_to(std::cerr);
  return out;
}

Result<void> run_until_told(daemon::Service& service, const Signals& signals) {
  signals.wait();
  DW_TRY(service.stop());
  return ok();
}

Result<void> serve(Context& context, const ServeOptions& options) {
  DW_TRY(context.needs_data("serve"));
  const Signals signals;
  DW_TRY(auto service, daemon::Service::start(service_options(context.config(), options)));
  Map told{{"url", Value{service->url()}}, {"data", Value{context.data()}}};
  if (!service->first_key().empty()) {
    context.print_line("The first key, for all there is; it is not shown again:");
    told.emplace_back("key", Value{service->first_key()});
  }
  context.print_object(told);
  std::cout.flush();
  return run_until_told(*service, signals);
}

// ---- dev

// Plenty for a year of a small company; a large one says --state-memory.
constexpr std::size_t kDevMemory = std::size_t{32} << 20;

// A key for the curl line: kept beside the data, for it is a toy's.
Result<std::string> dev_key(const daemon::Config& config, const daemon::Service& service) {
  const auto files = os::make_posix_file_system();
  const auto path = config.data + "/keys/dev-key";
  if (!service.first_key().empty()) {
    DW_TRY(write_durable(*files, path, service.first_key()));
    return service.first_key();
  }
  auto key = read_whole(*files, path, 1'000);
  return key ? key.value() : std::string{"$DEALWRIGHT_KEY"};
}

// A customer who missed a meeting: the sample rule `no-show` mails at once. The shell fills in N: a
// person of its own each time, since one gets that mail once a day at most.
std::string curl_line(const std::string& url, const std::string& key) {
  const auto event = [](const char* id, const char* type, const char* data) {
    return std::string{"{\"specversion\":\"1.0\",\"source\":\"you\",\"id\":\""} + id +
           "-'$N'\",\"type\":\"" + type + "\",\"subject\":\"contact/try-'$N'\",\"data\":" + data +
           "}";
  };
  return "curl -s " + url + "/v1/events -H \"Authorization: Bearer " + key +
         "\" -H 'Content-Type: application/cloudevents-batch+json' -d \"$(N=$(date +%s%N); echo "
         "'[" +
         event("try-1", "contact.updated",
               "{\"set\":{\"name\":\"Ada Try\",\"emails\":[\"ada@example.com\"]}}") +
         "," + event("try-2", "meeting.no_show", "{\"meeting\":\"m1\",\"kind\":\"demo\"}") +
         "]')\"";
}

Result<void> dev(Context& context, bool empty, const ServeOptions& options) {
  DW_TRY(context.needs_data("dev"));
  const Signals signals;
  auto config = context.config();
  const auto chosen = [&](std::string_view name) {
    for (const auto& value : context.config_values()) {
      if (value.key->name == name) return value.from != "default";
    }
    return false;
  };
  if (!chosen("mail.send")) config.mail.send = "drop";
  if (!chosen("webhook.loopback")) config.webhook_loopback = true;
  const auto clock = os::make_system_clock();
  DW_TRY(const auto data, make_dev_data(config, empty, *clock));
  os::give_back_memory();  // that was for a year at once
  if (!chosen("state.memory")) config.state.memory_bytes = kDevMemory;
  DW_TRY(auto service, daemon::Service::start(service_options(config, options)));
  DW_TRY(const auto key, dev_key(config, *service));
  std::error_code ignored;
  const auto mails =
      std::filesystem::absolute(daemon::mail_folder(config), ignored).lexically_normal().string();
  if (context.json) {
    context.print_object({{"url", Value{service->url()}},
                          {"key", Value{key}},
                          {"mails", Value{mails}},
                          {"events", Value{static_cast<std::int64_t>(data.events)}},
                          {"rules", Value{static_cast<std::int64_t>(data.rules)}}});
  } else {
    if (data.made && !empty) {
      context.print_line("A sales year of " + std::to_string(data.events) + " events and " +
                         std::to_string(data.rules) + " rules, in " + context.data());
    }
    context.print_line("API    " + service->url() + "/v1/views/board   (the key: " + key + ")");
    context.print_line("Try    " + curl_line(service->url(), key));
    context.print_line("Mails  " + mails);
  }
  std::cout.flush();
  return run_until_told(*service, signals);
}

}  // namespace

void add_serve_commands(CLI::App& app, Context& context) {
  auto options = std::make_shared<ServeOptions>();
  auto* serves = verb(app, context, "serve", "Serve a data directory over HTTP, send what is due",
                      "dealwright serve --http-port 7380",
                      [&context, options] { return serve(context, *options); });
  auto empty = std::make_shared<bool>(false);
  auto* tries =
      verb(app, context, "dev", "Serve a sales year to try things on; mails become files",
           "dealwright dev", [&context, options, empty] { return dev(context, *empty, *options); });
  tries->add_flag("--empty", *empty, "Without the sales year and its rules");
  for (auto* one : {serves, tries}) {
    one->add_flag("--access-log", options->access_log, "A line for each request, on stderr");
  }
}

}  // namespace dealwright::cli
