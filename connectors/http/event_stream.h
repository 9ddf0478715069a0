// Server-sent events (the HTML standard's event stream), bounded: who reads too slowly is cut and
// comes back with Last-Event-ID.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/http/awaitable.h"
#include "connectors/http/awaiting.h"

namespace dealwright::http {

struct ServerEvent {
  std::string id;    // a position; "": none
  std::string name;  // "": message
  std::string data;
  std::int64_t retry_ms = 0;  // how long to wait before coming back; 0: unsaid
};
// Ends with the blank line. Line ends within data become lines; within id and name, blanks.
std::string to_text(const ServerEvent& event);

class EventStream {
 public:
  explicit EventStream(std::size_t queue_bytes_max) : queue_bytes_max_{queue_bytes_max} {}

  // Any thread. False: it is over, or the queue went past its limit and it is over now.
  bool push(const ServerEvent& event);
  // The handler's thread: queues, and waits until the caller has taken all but the socket's own
  // buffer. False: over.
  Awaitable<bool> send(ServerEvent event);
  void close();  // any thread
  bool open() const;
  bool cut() const;
  // Called once, when it is over, on the thread that ends it; at once if it is over already.
  void on_close(std::function<void()> call);

  // The server's side.
  // Waits until there is something to write, or it is over, or nudge().
  Awaitable<void> wait();
  void nudge();
  // What is to be written; counts as queued until taken() says that it is written.
  std::string take();
  void taken();

 private:
  void end(bool cut);

  const std::size_t queue_bytes_max_;
  mutable std::mutex mutex_;
  std::string queue_;
  std::size_t writing_ = 0;
  bool over_ = false;
  bool cut_ = false;
  bool nudged_ = false;
  Resume writer_;
  std::vector<Resume> senders_;
  std::vector<std::function<void()>> on_close_;
};

}  // namespace dealwright::http
