// Mail transactions over libcurl, many at once on one thread. libcurl connects, negotiates TLS and
// authenticates; the transaction itself is a Dialogue, because libcurl's own SMTP waits for the
// answer to the dot with its thread blocked, and sends the dot when a transfer is taken away.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "connectors/smtp/dialogue.h"
#include "engine/base/result.h"
#include "engine/ports/channel.h"
#include "engine/ports/clock.h"

namespace dealwright::smtp {

struct ServerSettings {
  enum class Security : std::uint8_t {
    kStartTls,       // refused without; the certificate is checked
    kTls,            // from the first byte
    kPlainLoopback,  // an MTA on this machine
  };
  std::string host;  // a name, or a numeric address; IPv6 without brackets
  std::uint16_t port = 587;
  Security security = Security::kStartTls;
  std::string ca_file;  // PEM; empty: what the system trusts
  std::string user;     // empty: no AUTH
  std::string password;
  std::string hello = "localhost";      // what EHLO says of us
  std::size_t parallel_max = 5;         // transactions at once
  std::size_t waiting_max = 1000;       // more are told to come again
  Duration connect_time = seconds(15);  // to the end of AUTH
  Duration reply_time = minutes(5);     // for each answer (RFC 5321: 5 min; 10 min to the dot)
  Duration drain_time = seconds(30);    // for what is past the dot when we shut down
};

class Sender {
 public:
  using Ready = std::function<void(Channel::Gate)>;
  using Done = std::function<void(AttemptResult)>;

  // kInvalid: settings that contradict each other, or would send a password in clear. `clock` has
  // to outlive the sender.
  static Result<std::unique_ptr<Sender>> make(ServerSettings settings, const Clock& clock);
  virtual ~Sender() = default;

  // As Channel says. Callbacks come on the sender's thread. When the sender goes away, it lets end
  // what is past the dot and aborts the rest; each `done` is called before the destructor returns.
  virtual void send(Transaction transaction, Ready ready, Done done) = 0;
  // `done` on the sender's thread, without an attempt.
  virtual void refuse(AttemptResult result, Done done) = 0;
};

}  // namespace dealwright::smtp
