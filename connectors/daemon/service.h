// Dealwright as a server: a workspace with its channels and the API over it, started and stopped as
// one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "connectors/daemon/config.h"
#include "connectors/daemon/workspace.h"

namespace dealwright::daemon {

struct ServiceOptions {
  Config config;
  std::function<void(std::string_view line)>
      log;                  // a line of JSON each; any thread, must not block
  bool access_log = false;  // a line for each request
  std::function<void(std::string_view)> at_point;  // crash tests: see Partition, EmbeddedLog
};

class Service {
 public:
  // Listens when it returns; partitions may still fold (health/ready tells). kInvalid: settings;
  // kNotFound: no data directory; kIo: the port.
  static Result<std::unique_ptr<Service>> start(ServiceOptions options);
  ~Service();  // stop()

  std::string url() const;  // http://127.0.0.1:7380
  // The key of all rights that was made because there was none yet; "" else. Shown once.
  const std::string& first_key() const;
  Workspace& workspace();
  // Takes nothing new, lets what is in flight finish, writes the state down. True: nothing was cut.
  Result<bool> stop();

 private:
  struct Parts;
  explicit Service(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace dealwright::daemon
