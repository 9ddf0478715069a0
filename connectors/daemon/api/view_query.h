// What a request asks of a view, and what of the answer the API itself makes.
#pragma once

#include <string>

#include "connectors/daemon/api/api.h"

namespace dealwright::daemon::api {

struct Asked {
  std::string view;
  ViewQuery query;
  std::size_t limit = 50;
  std::size_t skip = 0;  // rows of the pages before
};
// REQUIRES: a thread that may block. kNotFound: no such view. kInvalid: a parameter. kUnsupported:
// the view cannot tell that.
Result<Asked> asked_of(Parts& parts, const http::Request& request);
// By the workspace's own clock.
Result<Instant> now_of(Parts& parts);

// The problem of a view: kUnsupported is `not_supported`, 400.
http::Problem view_problem(const Error& error);

void add_query(http::Route& route);  // name, as_of, from ...

}  // namespace dealwright::daemon::api
