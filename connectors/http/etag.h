// Strong entity tags and the conditions on them (RFC 9110 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/http/fields.h"

namespace dealwright::http {

// `"value"`. REQUIRES: printable ASCII without quotes.
std::string make_etag(std::string_view value);

// What If-Match and If-None-Match make of a request on something whose tag is `etag` (none: it does
// not exist): none goes on; else a code of problem.h, or "not_modified" (304) for GET and HEAD.
// `match_needed`: a change without If-Match is `if_match_missing` (428).
std::optional<std::string_view> check_conditions(const Fields& fields, std::string_view method,
                                                 const std::optional<std::string>& etag,
                                                 bool match_needed = false);

}  // namespace dealwright::http
