// A service on a data directory of the test's own, and who asks it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "connectors/daemon/service.h"
#include "engine/codec/json.h"
#include "tests/connectors/http/client.h"
#include "tests/contract/temporary_directory.h"

namespace dealwright::daemon {

class ServiceBed {
 public:
  // `configure` may change what is set by default: two partitions, mails into files.
  explicit ServiceBed(const std::function<void(Config&)>& configure = {}) {
    ConfigReader reader;
    config = reader.config();
    config.data = folder.path() + "/data";
    config.http.port = 0;
    config.mail.send = "drop";
    config.webhook_loopback = true;
    if (configure) configure(config);
    WorkspaceOptions make;
    make.path = config.data;
    make.create = true;
    make.partitions = 2;
    auto made = Workspace::open(std::move(make));
    EXPECT_TRUE(made) << made.error().detail;
    EXPECT_TRUE(made.value()->engine().wait_idle());
    EXPECT_TRUE(made.value()->stop());
    made.value().reset();
    start();
  }

  void start() {
    ServiceOptions options;
    options.config = config;
    options.log = [](std::string_view) {};  // codes that nobody knows stop the process
    auto started = Service::start(std::move(options));
    ASSERT_TRUE(started) << started.error().detail;
    service = std::move(started.value());
    if (!service->first_key().empty()) key = service->first_key();
    const auto url = service->url();
    port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  }
  void stop() {
    const auto stopped = service->stop();
    EXPECT_TRUE(stopped) << stopped.error().detail;
    service.reset();
  }

  http::Answer get(const std::string& path, const std::string& more = {}) {
    return ask("GET", path, "", "", more);
  }
  http::Answer post(const std::string& path, const std::string& type = {},
                    const std::string& body = {}, const std::string& more = {}) {
    return ask("POST", path, type, body, more);
  }
  http::Answer ask(const std::string& method, const std::string& path, const std::string& type,
                   const std::string& body, const std::string& more = {}) {
    std::string text = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!key.empty()) text += "Authorization: Bearer " + key + "\r\n";
    if (!type.empty()) text += "Content-Type: " + type + "\r\n";
    if (!body.empty() || method == "POST" || method == "PUT") {
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    http::Client client{port};
    return client.ask(text + more + "\r\n" + body);
  }
  // One event, durable; where it stands.
  std::string append(const std::string& type, const std::string& subject, const std::string& data,
                     const std::string& id) {
    const auto answer =
        post("/v1/events", "application/cloudevents+json",
             R"({"specversion":"1.0","source":"test","id":")" + id + R"(","type":")" + type +
                 R"(","subject":")" + subject + R"(","data":)" + data + "}");
    EXPECT_EQ(answer.status, 202) << answer.body;
    return text_in(answer.body, "position");
  }
  static Value json(const std::string& body) {
    auto value = codec::parse_json(body);
    EXPECT_TRUE(value) << body;
    return value ? value.value() : Value{};
  }
  static std::string text_in(const std::string& body, std::string_view name) {
    const auto value = json(body);
    const auto* map = value.as_map();
    const auto* found = map == nullptr ? nullptr : find(*map, name);
    return found == nullptr ? std::string{} : std::string{found->text_or_empty()};
  }

  TemporaryDirectory folder;
  Config config;
  std::unique_ptr<Service> service;
  std::string key;
  std::uint16_t port = 0;
};

}  // namespace dealwright::daemon
