#include "connectors/daemon/log_line.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/base/value.h"

namespace dealwright::daemon {
namespace {

constexpr LogCode kCodes[] = {
    {"started", "info"},
    {"stopping", "info"},
    {"stopped", "info"},
    {"stopped_hard", "warning"},
    {"stop_failed", "error"},
    {"partition_leads", "info"},
    {"partition_stopped", "error"},
    {"partition_back", "info"},
    {"clock_held", "error"},
    {"clock_believed", "info"},
    {"disk_full", "error"},
    {"disk_has_room", "info"},
    {"effect_unknown", "warning"},
    {"effects_paused", "warning"},
    {"import_ended", "info"},
    {"import_failed", "warning"},
    {"keys_not_saved", "warning"},
};

}  // namespace

std::span<const LogCode> log_codes() { return kCodes; }

LogLine line_of(const Notice& notice) {
  LogLine out;
  out.partition = notice.partition;
  out.position = notice.position;
  out.trace_id = notice.trace_id;
  out.detail = notice.detail;
  switch (notice.what) {
    case Notice::What::kLeads:
      out.code = "partition_leads";
      break;
    case Notice::What::kStopped:
      out.code = "partition_stopped";
      break;
    case Notice::What::kBack:
      out.code = "partition_back";
      break;
    case Notice::What::kClockHeld:
      out.code = "clock_held";
      out.detail = "nothing fires until the clock keeps step again or somebody vouches for it";
      break;
    case Notice::What::kClockBelieved:
      out.code = "clock_believed";
      break;
    case Notice::What::kEffectUnknown:
      out.code = "effect_unknown";
      break;
  }
  return out;
}

std::string to_json(const LogLine& line, Instant time) {
  const auto known = std::find_if(std::begin(kCodes), std::end(kCodes),
                                  [&](const auto& code) { return code.name == line.code; });
  DW_ASSERT(known != std::end(kCodes));
  std::string out;  // in an order for those who read along
  const auto put = [&out](std::string_view name, const Value& value) {
    out += out.empty() ? '{' : ',';
    append_json_string(out, name);
    out += ':';
    append_json(out, value);
  };
  put("time", Value{time});
  put("level", Value{known->level});
  put("code", Value{line.code});
  if (line.partition) put("partition", Value{std::int64_t{*line.partition}});
  if (line.position) put("position", Value{static_cast<std::int64_t>(*line.position)});
  if (!line.trace_id.empty()) put("trace_id", Value{line.trace_id});
  if (!line.detail.empty()) put("detail", Value{line.detail});
  return out + '}';
}

}  // namespace dealwright::daemon
