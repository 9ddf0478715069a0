// The OpenAPI 3.1 document of a table of routes.
#pragma once

#include <string>
#include <string_view>

#include "connectors/http/route.h"
#include "engine/base/value.h"

namespace dealwright::http {

struct ApiInfo {
  std::string title = "Dealwright";
  std::string version;
  std::string description = {};
  std::string license = {};  // SPDX
};

// `schemas`: name to JSON Schema, as the routes name them; Problem is added. Each operation has its
// roles in `x-roles`; open ones have an empty `security`. kInvalid: a route names a schema that is
// not there.
Result<Value> openapi(const RouteTable& table, const ApiInfo& info, const Map& schemas);

}  // namespace dealwright::http
