#include "connectors/http/server.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "connectors/http/connection.h"
#include "connectors/http/core.h"
#include "engine/base/assert.h"

namespace dealwright::http {
namespace {

Result<void> check(const Options& options) {
  if (options.io_threads == 0) return Error{Code::kInvalid, "at least one io thread is needed"};
  if (options.certificate_file.empty() != options.key_file.empty())
    return Error{Code::kInvalid, "TLS needs both a certificate and its key"};
  DW_TRY(const bool loopback, is_loopback(options.address));
  if (!loopback && options.certificate_file.empty() && !options.clear_text_beyond_loopback)
    return Error{Code::kRefused, "keys would cross the network in clear text on " +
                                     options.address +
                                     ": give a certificate and key, or allow it expressly"};
  return ok();
}

// Often enough for the shortest limit of time, seldom enough to cost nothing.
std::int64_t tick_ms(const Limits& limits) {
  const auto least = std::min({limits.head_ms, limits.body_ms, limits.idle_ms, limits.request_ms,
                               limits.linger_ms, limits.heartbeat_ms, limits.stream_write_ms});
  return std::clamp<std::int64_t>(least / 8, 2, 250);
}

void welcome(const std::shared_ptr<Core>& core, Lane& lane, std::shared_ptr<Wire> wire) {
  std::string_view refusal;
  if (core->stopping) return wire->close();
  if (!core->connections.take(1)) {
    refusal = "overload";
  } else if (!core->addresses.enter(wire->address)) {
    core->connections.give_back(1);
    refusal = "rate";
  }
  if (!refusal.empty()) {
    ++core->refused_connections;
    // Whom there is no time to tell, or only behind a handshake, is hung up on.
    if (!core->options.certificate_file.empty() || !core->refusals.take(1)) return wire->close();
  }
  lane.loop->spawn(
      Connection::run(std::make_shared<Connection>(core, lane, std::move(wire), refusal)));
}

void tick(const Core& core, Lane& lane) {
  const auto now = core.clock.steady_us();
  for (auto* connection : lane.connections) connection->tick(now);
}

// Runs on each lane's thread and waits until all have.
void on_each(Core& core, const std::function<void(Lane&)>& call) {
  for (auto& lane : core.lanes) {
    std::promise<void> done;
    lane->loop->post([&] {
      call(*lane);
      done.set_value();
    });
    done.get_future().wait();
  }
}

}  // namespace

struct Server::Threads {
  std::shared_ptr<Listener> listener;
  std::vector<std::thread> list;
};

Result<std::unique_ptr<Server>> Server::start(Options options, RouteTable table,
                                              const KeyBook& keys, Clock& clock, Random& random) {
  DW_TRY(check(options));
  std::shared_ptr<Tls> tls;
  if (!options.certificate_file.empty()) {
    DW_TRY(tls, load_tls(options.certificate_file, options.key_file));
  }
  const auto core = std::make_shared<Core>(std::move(options), std::move(table), keys, clock);
  std::vector<std::shared_ptr<Loop>> loops;
  for (std::size_t i = 0; i < core->options.io_threads; ++i) {
    core->lanes.push_back(std::make_unique<Lane>());
    core->lanes.back()->random_state = random.next();
    loops.push_back(core->lanes.back()->loop);
  }
  DW_TRY(auto listener, Listener::open(core->options.address, core->options.port, loops, tls));
  std::unique_ptr<Server> out{new Server};
  out->core_ = core;
  out->threads_ = std::make_unique<Threads>();
  out->threads_->listener = listener;
  listener->start([core](std::shared_ptr<Wire> wire, Loop& loop) {
    for (auto& lane : core->lanes) {
      if (lane->loop.get() == &loop) return welcome(core, *lane, std::move(wire));
    }
  });
  for (auto& lane : core->lanes) {
    lane->loop->every(tick_ms(core->limits), [&core = *core, &lane = *lane] { tick(core, lane); });
    out->threads_->list.emplace_back([loop = lane->loop] { loop->run(); });
  }
  return out;
}

Server::~Server() { stop(); }

std::uint16_t Server::port() const { return threads_->listener->port(); }

Load Server::load() const {
  return Load{core_->connections.used(), core_->requests.used(), core_->bytes.used(),
              core_->streams.used(), core_->refused_connections};
}

bool Server::stop(std::int64_t grace_ms) {
  auto& core = *core_;
  if (core.stopping.exchange(true)) return true;
  core.lanes.front()->loop->post([listener = threads_->listener] { listener->close(); });
  on_each(core, [](Lane& lane) {
    for (auto* connection : lane.connections) connection->wind_up();
  });
  const auto all_left = [&](std::int64_t ms) {
    std::unique_lock lock{core.mutex};
    return core.left.wait_for(lock, std::chrono::milliseconds{ms}, [&] { return core.open == 0; });
  };
  const bool whole = all_left(grace_ms);
  if (!whole) {
    on_each(core, [](Lane& lane) {
      for (auto* connection : lane.connections) connection->cut();
    });
    all_left(core.limits.linger_ms);  // those whose handler waits for somebody stay behind
  }
  for (auto& lane : core.lanes) lane->loop->stop();
  for (auto& thread : threads_->list) thread.join();
  // A loop keeps what waits on it, and that keeps the core: let go of the loops first.
  auto lanes = std::move(core.lanes);
  lanes.clear();
  return whole;
}

}  // namespace dealwright::http
