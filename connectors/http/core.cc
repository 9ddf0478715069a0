#include "connectors/http/core.h"

#include <fmt/format.h>

namespace dealwright::http {
namespace {

constexpr std::size_t kRefusalsMax = 64;  // callers at a time that hear why they are not served

}  // namespace

Core::Core(Options asked, RouteTable routes, const KeyBook& book, Clock& the_clock)
    : options{std::move(asked)},
      limits{options.limits},
      table{std::move(routes)},
      keys{book},
      clock{the_clock},
      connections{limits.connections},
      refusals{kRefusalsMax},
      requests{limits.requests_in_flight},
      bytes{limits.bytes_in_flight},
      streams{limits.streams},
      addresses{limits.connections_per_address},
      per_key{limits.per_key, limits.rate_entries},
      per_address{limits.per_address, limits.rate_entries},
      failures{limits.failures_per_address, limits.rate_entries} {}

std::uint64_t Lane::random() {
  random_state += 0x9e3779b97f4a7c15;
  std::uint64_t z = random_state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

const std::string& Lane::http_date(Instant now) {
  static constexpr std::string_view kDays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto second = now.ms / 1000;
  if (second == date_s) return date;
  date_s = second;
  const auto day = utc_date(now);
  const auto c = civil(day);
  const auto of_day = second - start_of(day).ms / 1000;
  date =
      fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[((day.days % 7) + 7) % 7], c.day,
                  kMonths[c.month - 1], c.year, of_day / 3600, of_day / 60 % 60, of_day % 60);
  return date;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace dealwright::http
