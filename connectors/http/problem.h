// Errors as RFC 9457 tells them: one table gives each stable code its status and title.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/value.h"

namespace dealwright::http {

struct ProblemCode {
  std::string_view code;
  int status;
  std::string_view title;
};
// All codes that this library itself answers with, sorted by name. Others (bad_money) take the
// status that their Problem says.
std::span<const ProblemCode> problem_codes();
// Null if the table has none of that name.
const ProblemCode* find_problem_code(std::string_view code);

// One fault of several.
struct ProblemDetail {
  std::optional<std::int64_t> event;  // index in a batch
  std::string pointer;                // JSON pointer (RFC 6901)
  std::int64_t line = 0;              // from 1; 0: none
  std::int64_t column = 0;
  std::string detail;
  std::string hint;
};

struct Problem {
  std::string code = "internal";
  int status = 0;     // 0: the table's
  std::string title;  // "": the table's
  std::string detail;
  std::vector<ProblemDetail> errors;
  int retry_after_s = 0;                // 0: no Retry-After
  std::vector<std::string> allow = {};  // of 405

  int http_status() const;
};

Problem make_problem(std::string_view code, std::string detail = {});
// One mapping of what failed to what a caller is told.
Problem problem_of(const Error& error);
// application/problem+json. `trace_id` may be "".
std::string to_json(const Problem& problem, std::string_view trace_id);

}  // namespace dealwright::http
