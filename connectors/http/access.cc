#include "connectors/http/access.h"

#include "engine/base/value.h"

namespace dealwright::http {

std::string to_json(const AccessLine& line) {
  Map out{{"time", line.at},
          {"level", line.status >= 500 ? "error" : "info"},
          {"code", "http"},
          {"method", line.method},
          {"route", line.route},
          {"status", line.status},
          {"bytes_in", static_cast<std::int64_t>(line.bytes_in)},
          {"bytes_out", static_cast<std::int64_t>(line.bytes_out)},
          {"duration_us", line.duration_us},
          {"trace_id", line.trace_id}};
  if (!line.code.empty()) out.emplace_back("problem", line.code);
  if (!line.key_id.empty()) out.emplace_back("key", line.key_id);
  return dealwright::to_json(Value{std::move(out)});
}

}  // namespace dealwright::http
