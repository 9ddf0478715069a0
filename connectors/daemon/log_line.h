// Lines of the server's log: JSON, few, each with a code that docs/operations.md explains.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/ports/notice.h"

namespace dealwright::daemon {

// A code, and how grave it is.
struct LogCode {
  std::string_view name;
  std::string_view level;  // info, warning, error
};
// All of them, save "http" of a request's line.
std::span<const LogCode> log_codes();

struct LogLine {
  std::string_view code;  // REQUIRES: of log_codes()
  std::optional<PartitionId> partition{};
  std::optional<Position> position{};  // events folded up to here
  std::string trace_id{};
  std::string detail{};
};
LogLine line_of(const Notice& notice);
// One line without its end: time, level, code, and what there is of partition, position, trace_id,
// detail.
std::string to_json(const LogLine& line, Instant time);

}  // namespace dealwright::daemon
