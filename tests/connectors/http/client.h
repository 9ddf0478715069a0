// A client that sends exactly the bytes it is told, which no well-behaved library would.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace dealwright::http {

struct Answer {
  int status = 0;                             // 0: the connection ended before a whole answer
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;                           // without its chunks
  bool whole = false;

  std::string code() const;  // of a problem in the body; ""
};

// One thread. A read that nobody answers fails after half a minute instead of hanging the test.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_bytes = 0);
  ~Client();
  Client(Client&& other) noexcept : socket_{other.socket_}, in_{std::move(other.in_)} {
    other.socket_ = -1;
  }
  Client& operator=(Client&&) = delete;

  bool send(std::string_view bytes);
  Answer read(bool head_only = false);
  Answer ask(std::string_view bytes) {
    send(bytes);
    return read();
  }
  // Reads until that text has come, and takes all up to its end. "": the connection ended first.
  std::string read_to(std::string_view text);
  bool ended();  // waits for the other side's end
  // Calls `turn` again and again until something has come to read, or the end.
  void until_readable(const std::function<void()>& turn);
  void shutdown_send();

 private:
  bool fill();

  int socket_;
  std::string in_;
};

}  // namespace dealwright::http
