// The table of routes: what is dispatched, checked and described is one and the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/http/limits.h"
#include "connectors/http/message.h"
#include "connectors/http/role.h"
#include "engine/base/result.h"

namespace dealwright::http {

enum class ParameterType : std::uint8_t { kText, kInteger, kBoolean, kInstant };

struct Parameter {
  enum class In : std::uint8_t { kPath, kQuery, kHeader };
  std::string name;
  In in = In::kQuery;
  ParameterType type = ParameterType::kText;
  bool required = false;
  std::string description;
  std::optional<std::int64_t> least, most;  // of an integer
  std::vector<std::string> one_of;          // of a text
  std::string pattern = {};  // of a text, as JSON Schema writes it: told, and held by the handler
  bool repeats = false;
};

struct Route {
  std::string method;     // GET answers HEAD too
  std::string pattern;    // /v1/records/{kind}/{id}: a parameter is a whole segment
  std::string operation;  // operationId
  std::string summary;
  std::string resource;  // what scopes name: records
  RoleSet roles;         // who may; none and not open: nobody
  bool open = false;     // needs no key

  std::vector<Parameter> parameters = {};  // those of the path may be left out: text
  bool other_parameters = false;           // takes query parameters that are not listed

  std::vector<std::string> takes = {};  // media types of the body; `application/cloudevents*`
  std::size_t body_bytes = 0;           // 0: Limits::body_bytes
  bool gzip = false;                    // takes Content-Encoding: gzip
  bool body_required = true;            // where it takes one; without one: 400
  std::string request_schema = {};
  // Media types and their schemas ("": none), told in place of `takes` where they differ.
  std::vector<std::pair<std::string, std::string>> request_schemas = {};

  int success = 200;
  std::vector<int> also = {};  // further statuses that answer alike; 204 and 304 have no body
  std::vector<std::string> fields = {};  // of the answer's head: ETag, Link
  std::vector<std::string> gives = {};   // media types of the answer; none: no body
  std::string answer_schema = {};
  std::vector<std::string> problems = {};  // codes beside those of the server itself

  Handler handler = {};
};

// What a route says of its query is what it gets. None: sound.
std::optional<Problem> check_parameters(const Route& route, const Query& query,
                                        const Fields& fields);

class RouteTable {
 public:
  // kInvalid: a pattern or operation twice, no method, nobody may call it, a parameter that the
  // pattern lacks.
  static Result<RouteTable> make(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;
    std::vector<std::pair<std::string, std::string>> params = {};
    std::vector<std::string> allow = {};  // methods of the path, sorted; empty: no such path
    bool bad_path = false;                // a bad escape
  };
  // The first pattern that fits has the path, literal segments before parameters: as OpenAPI says.
  Match find(std::string_view method, std::string_view path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Segment {
    std::string text;
    bool param = false;
  };
  std::vector<Route> routes_;  // literal segments before parameters
  std::vector<std::vector<Segment>> segments_;
};

}  // namespace dealwright::http
