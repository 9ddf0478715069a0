#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "connectors/http/loop.h"

namespace dealwright::http {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

class Tls {
 public:
  asio::ssl::context context{asio::ssl::context::tls_server};
};

namespace {

constexpr std::int64_t kAcceptPauseMs = 20;  // after a failed accept: no descriptors, no memory

std::string address_of(const tcp::socket& socket) {
  ErrorCode failed;
  const auto end = socket.remote_endpoint(failed);
  if (failed) return {};
  if (end.address().is_v4()) return end.address().to_string();
  auto v6 = end.address().to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return asio::ip::address_v6{bytes}.to_string();
}

std::ptrdiff_t count_of(const ErrorCode& failed, std::size_t count) {
  if (failed == asio::error::eof || failed == asio::ssl::error::stream_truncated) return 0;
  return failed ? -1 : static_cast<std::ptrdiff_t>(count);
}

template <class Stream>
Awaitable<std::ptrdiff_t> read_from(Stream& stream, char* to, std::size_t count) {
  ErrorCode failed;
  const auto read = co_await stream.async_read_some(
      asio::buffer(to, count), asio::redirect_error(asio::use_awaitable, failed));
  co_return count_of(failed, read);
}
template <class Stream>
Awaitable<bool> write_to(Stream& stream, std::string_view first, std::string_view second) {
  ErrorCode failed;
  const std::array<asio::const_buffer, 2> both{asio::buffer(first.data(), first.size()),
                                               asio::buffer(second.data(), second.size())};
  co_await asio::async_write(stream, both, asio::redirect_error(asio::use_awaitable, failed));
  co_return !failed;
}

class PlainWire final : public Wire {
 public:
  explicit PlainWire(tcp::socket socket) : socket_{std::move(socket)} {
    address = address_of(socket_);
  }
  Awaitable<bool> handshake() override { co_return true; }
  Awaitable<std::ptrdiff_t> read_some(char* to, std::size_t count) override {
    return read_from(socket_, to, count);
  }
  Awaitable<bool> write(std::string_view first, std::string_view second) override {
    return write_to(socket_, first, second);
  }
  Awaitable<void> finish() override {
    ErrorCode ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    co_return;
  }
  void cancel() override {
    ErrorCode ignored;
    socket_.cancel(ignored);
  }
  void close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  tcp::socket socket_;
};

class TlsWire final : public Wire {
 public:
  TlsWire(tcp::socket socket, std::shared_ptr<Tls> tls)
      : tls_{std::move(tls)}, stream_{std::move(socket), tls_->context} {
    address = address_of(stream_.next_layer());
  }
  Awaitable<bool> handshake() override {
    ErrorCode failed;
    co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                     asio::redirect_error(asio::use_awaitable, failed));
    co_return !failed;
  }
  Awaitable<std::ptrdiff_t> read_some(char* to, std::size_t count) override {
    return read_from(stream_, to, count);
  }
  Awaitable<bool> write(std::string_view first, std::string_view second) override {
    return write_to(stream_, first, second);
  }
  Awaitable<void> finish() override {
    ErrorCode ignored;
    co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
  }
  void cancel() override {
    ErrorCode ignored;
    stream_.next_layer().cancel(ignored);
  }
  void close() override {
    ErrorCode ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  std::shared_ptr<Tls> tls_;
  asio::ssl::stream<tcp::socket> stream_;
};

class SocketListener final : public Listener, public std::enable_shared_from_this<SocketListener> {
 public:
  SocketListener(std::vector<std::shared_ptr<Loop>> loops, std::shared_ptr<Tls> tls)
      : loops_{std::move(loops)},
        tls_{std::move(tls)},
        acceptor_{loops_.front()->context()},
        pause_{loops_.front()->context()} {}

  Result<void> listen(const std::string& address, std::uint16_t port) {
    ErrorCode failed;
    const auto where = asio::ip::make_address(address, failed);
    if (failed) return Error{Code::kInvalid, "\"" + address + "\" is no address"};
    const tcp::endpoint end{where, port};
    acceptor_.open(end.protocol(), failed);
    if (!failed) acceptor_.set_option(asio::socket_base::reuse_address{true}, failed);
    if (!failed) acceptor_.bind(end, failed);
    if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    if (failed)
      return Error{Code::kIo, "cannot listen on " + address + " port " + std::to_string(port) +
                                  ": " + failed.message()};
    port_ = acceptor_.local_endpoint(failed).port();
    return ok();
  }
  std::uint16_t port() const override { return port_; }
  void start(OnWire on_wire) override {
    on_wire_ = std::move(on_wire);
    loops_.front()->post([self = shared_from_this()] { self->accept(); });
  }
  void close() override {
    ErrorCode ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  void accept() {
    if (!acceptor_.is_open()) return;
    const auto turn = next_++ % loops_.size();
    acceptor_.async_accept(
        loops_[turn]->context(),
        [self = shared_from_this(), turn](const ErrorCode& failed, tcp::socket socket) {
          if (!failed) self->hand_over(turn, std::move(socket));
          if (!failed || failed == asio::error::connection_aborted) return self->accept();
          if (failed == asio::error::operation_aborted) return;
          self->pause_.expires_after(std::chrono::milliseconds{kAcceptPauseMs});
          self->pause_.async_wait([self](const ErrorCode&) { self->accept(); });
        });
  }
  void hand_over(std::size_t turn, tcp::socket socket) {
    ErrorCode ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    std::shared_ptr<Wire> wire;
    if (tls_ != nullptr) {
      wire = std::make_shared<TlsWire>(std::move(socket), tls_);
    } else {
      wire = std::make_shared<PlainWire>(std::move(socket));
    }
    auto& loop = *loops_[turn];
    loop.post([self = shared_from_this(), wire, &loop]() mutable {
      self->on_wire_(std::move(wire), loop);
    });
  }

  std::vector<std::shared_ptr<Loop>> loops_;
  std::shared_ptr<Tls> tls_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  OnWire on_wire_;
  std::uint16_t port_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::shared_ptr<Tls>> load_tls(const std::string& certificate_file,
                                      const std::string& key_file) {
  auto tls = std::make_shared<Tls>();
  ErrorCode failed;
  using Context = asio::ssl::context;
  tls->context.set_options(Context::default_workarounds | Context::no_sslv2 | Context::no_sslv3 |
                               Context::no_tlsv1 | Context::no_tlsv1_1 | Context::no_compression,
                           failed);
  if (!failed) tls->context.use_certificate_chain_file(certificate_file, failed);
  if (failed) return Error{Code::kInvalid, certificate_file + ": " + failed.message()};
  tls->context.use_private_key_file(key_file, Context::pem, failed);
  if (failed) return Error{Code::kInvalid, key_file + ": " + failed.message()};
  return tls;
}

Result<std::shared_ptr<Listener>> Listener::open(const std::string& address, std::uint16_t port,
                                                 std::vector<std::shared_ptr<Loop>> loops,
                                                 std::shared_ptr<Tls> tls) {
  auto out = std::make_shared<SocketListener>(std::move(loops), std::move(tls));
  DW_TRY(out->listen(address, port));
  return std::shared_ptr<Listener>{std::move(out)};
}

Result<bool> is_loopback(const std::string& address) {
  ErrorCode failed;
  const auto parsed = asio::ip::make_address(address, failed);
  if (failed) return Error{Code::kInvalid, "\"" + address + "\" is no address"};
  return parsed.is_loopback();
}

}  // namespace dealwright::http
