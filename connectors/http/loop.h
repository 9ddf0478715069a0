// A thread that serves connections, and the sockets themselves, without Asio in sight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/http/awaitable.h"
#include "engine/base/result.h"

namespace boost::asio {
class io_context;
}

namespace dealwright::http {

// One event loop, run by one thread.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  void run();                             // until stop()
  void stop();                            // any thread
  void post(std::function<void()> job);   // any thread
  void spawn(Awaitable<void> coroutine);  // on this loop's thread
  // Calls `tick` about every `period_ms` on this loop's thread, from now on.
  void every(std::int64_t period_ms, std::function<void()> tick);
  boost::asio::io_context& context();
  static Loop* current();  // of this thread, or null

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// A connection's bytes, with or without TLS. Its loop's thread only.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual Awaitable<bool> handshake() = 0;
  // How many bytes came; 0: the other side is done; -1: failed, or cancelled.
  virtual Awaitable<std::ptrdiff_t> read_some(char* to, std::size_t count) = 0;
  // Writes both, all of them, in one go where it can.
  virtual Awaitable<bool> write(std::string_view first, std::string_view second) = 0;
  virtual Awaitable<void> finish() = 0;  // tells the other side that nothing more comes
  virtual void cancel() = 0;             // what waits fails
  virtual void close() = 0;

  // Of the other side: an IPv4 address, or the first 64 bits of an IPv6 address, which is what one
  // caller has to itself.
  std::string address;
};

class Tls;
// kInvalid: a file that is no certificate, no key, or a key of another certificate.
Result<std::shared_ptr<Tls>> load_tls(const std::string& certificate_file,
                                      const std::string& key_file);

class Listener {
 public:
  // Called on the loop that the connection shall live on.
  using OnWire = std::function<void(std::shared_ptr<Wire>, Loop&)>;
  virtual ~Listener() = default;
  virtual std::uint16_t port() const = 0;
  virtual void close() = 0;  // on the first loop's thread
  // Listens at once, accepts when started. `tls` may be null. kIo, kInvalid.
  static Result<std::shared_ptr<Listener>> open(const std::string& address, std::uint16_t port,
                                                std::vector<std::shared_ptr<Loop>> loops,
                                                std::shared_ptr<Tls> tls);
  virtual void start(OnWire on_wire) = 0;
};

// Whether that address is the machine's own. kInvalid: it is none.
Result<bool> is_loopback(const std::string& address);

}  // namespace dealwright::http
