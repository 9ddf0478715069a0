#include "tests/connectors/http/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "connectors/http/text.h"

namespace dealwright::http {

std::string Answer::code() const {
  constexpr std::string_view kMember = "\"code\":\"";
  const auto at = body.find(kMember);
  if (at == std::string::npos) return {};
  const auto from = at + kMember.size();
  return body.substr(from, body.find('"', from) - from);
}

Client::Client(std::uint16_t port, int receive_bytes) : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
  if (receive_bytes > 0)
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  const timeval patience{30, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
}
Client::~Client() {
  if (socket_ >= 0) ::close(socket_);
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Client::fill() {
  char buffer[16'384];
  const auto came = ::recv(socket_, buffer, sizeof buffer, 0);
  EXPECT_FALSE(came < 0 && errno == EAGAIN) << "nothing came for half a minute";
  if (came <= 0) return false;
  in_.append(buffer, static_cast<std::size_t>(came));
  return true;
}

std::string Client::read_to(std::string_view text) {
  for (;;) {
    const auto at = in_.find(text);
    if (at != std::string::npos) {
      auto out = in_.substr(0, at + text.size());
      in_.erase(0, out.size());
      return out;
    }
    if (!fill()) return {};
  }
}

Answer Client::read(bool head_only) {
  Answer out;
  const auto head = read_to("\r\n\r\n");
  if (head.size() < 12) return out;
  const auto lines = split(head, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto colon = lines[i].find(':');
    if (colon == std::string_view::npos) continue;
    auto value = lines[i].substr(colon + 1);
    if (value.ends_with('\r')) value.remove_suffix(1);
    out.fields[lower(lines[i].substr(0, colon))] = trim(value);
  }
  out.status = std::stoi(head.substr(9, 3));
  out.whole = true;
  if (head_only || out.status == 204 || out.status == 304 || out.status < 200) return out;
  if (out.fields.count("transfer-encoding") > 0) {
    for (;;) {
      const auto size = std::stoul("0" + read_to("\r\n"), nullptr, 16);
      while (in_.size() < size + 2 && fill()) {
      }
      out.whole = in_.size() >= size + 2;
      out.body += in_.substr(0, size);
      in_.erase(0, size + 2);
      if (size == 0 || !out.whole) return out;
    }
  }
  const auto length = out.fields.count("content-length") == 0
                          ? std::string::npos
                          : std::stoul(out.fields["content-length"]);
  while (in_.size() < length && fill()) {
  }
  out.whole = length == std::string::npos || in_.size() >= length;
  out.body = in_.substr(0, length);
  in_.erase(0, out.body.size());
  return out;
}

bool Client::ended() { return in_.empty() && !fill(); }

void Client::until_readable(const std::function<void()>& turn) {
  for (int i = 0; in_.empty() && i < 10'000; ++i) {
    pollfd one{socket_, POLLIN, 0};
    if (::poll(&one, 1, 3) > 0) return;
    turn();
  }
}

void Client::shutdown_send() { ::shutdown(socket_, SHUT_WR); }

}  // namespace dealwright::http
