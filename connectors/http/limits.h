// What the server takes, at most. Past a limit a caller hears 400, 408, 413, 414, 429, 431 or 503,
// the last two kinds with Retry-After; memory follows from the bytes here, not from the load.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dealwright::http {

struct Rate {
  double per_s = 0;  // 0: no limit
  double burst = 0;  // how many at once
};

struct Limits {
  // Form.
  std::size_t head_bytes = 16 << 10;
  std::size_t head_fields = 100;
  std::size_t target_bytes = 8 << 10;
  std::size_t body_bytes = std::size_t{1} << 20;        // a route may say more
  std::size_t batch_body_bytes = std::size_t{8} << 20;  // what routes of batches say
  std::size_t inflate_ratio = 20;                       // of a gzip body
  std::size_t json_depth = 64;
  // Time, each in milliseconds.
  std::int64_t head_ms = 10'000;     // first byte to end of head; a TLS handshake too
  std::int64_t body_ms = 30'000;     // end of head to end of body
  std::int64_t idle_ms = 60'000;     // between requests
  std::int64_t request_ms = 60'000;  // first byte to last byte of the answer
  std::int64_t linger_ms = 1'000;    // to let a refused caller read why
  // Number.
  std::size_t connections = 1'024;
  std::size_t connections_per_address = 256;
  std::size_t requests_in_flight = 512;
  std::size_t bytes_in_flight = std::size_t{64} << 20;  // bodies and answers, all together
  std::size_t drain_bytes = 64 << 10;  // of a refused body, read so that the connection lives on
  // Rates.
  Rate per_key{20'000, 20'000};
  Rate per_address{20'000, 20'000};
  Rate failures_per_address{10, 50};  // answers 401
  std::size_t rate_entries = 20'000;  // keys and addresses remembered
  int retry_after_s = 1;
  // Streams.
  std::size_t streams = 256;
  std::size_t stream_queue_bytes = 256 << 10;  // a reader that falls behind so far is cut
  std::int64_t heartbeat_ms = 15'000;
  std::int64_t stream_write_ms = 30'000;  // one write that makes no progress for so long: cut
  // Blocking work.
  std::size_t worker_threads = 2;
  std::size_t worker_queue = 128;
};

}  // namespace dealwright::http
