// W3C Trace Context, level 1: continued where the caller's is sound, else begun anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/http/fields.h"

namespace dealwright::http {

struct Trace {
  std::string trace_id;   // 32 hex digits, not all 0
  std::string parent_id;  // 16 hex digits of the caller's span; "" where the trace begins here
  std::string span_id;    // 16 hex digits, ours
  bool sampled = false;
  std::string state;  // tracestate, "" where none came or none was sound

  // What goes to the next one: `00-trace-span-flags`.
  std::string traceparent() const;
};

// The caller's part of a Trace; span_id stays empty. None: bad, or of a version that says no more.
std::optional<Trace> parse_traceparent(std::string_view text);
// The tracestate fields as one list; "" if it breaks the form or has more than 32 members.
std::string clean_tracestate(std::string_view joined);

// `random`: 3 numbers, used for the new span and, where none came, the new trace.
Trace continue_trace(const Fields& fields, const std::uint64_t (&random)[3]);

}  // namespace dealwright::http
