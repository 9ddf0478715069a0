#include "connectors/http/etag.h"

#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

// Whether a list of tags, or *, names `etag`. Weakly: W/"a" names "a" too.
bool names(std::string_view list, const std::optional<std::string>& etag, bool weakly) {
  if (!etag) return false;
  if (trim(list) == "*") return true;
  for (const auto part : split_quoted(list, ',')) {
    auto tag = trim(part);
    if (tag.starts_with("W/")) {
      if (!weakly) continue;
      tag.remove_prefix(2);
    }
    if (tag == *etag) return true;
  }
  return false;
}

}  // namespace

std::string make_etag(std::string_view value) { return '"' + std::string{value} + '"'; }

std::optional<std::string_view> check_conditions(const Fields& fields, std::string_view method,
                                                 const std::optional<std::string>& etag,
                                                 bool match_needed) {
  const auto match = fields.count("if-match");
  if (match > 0) {
    if (!names(fields.joined("if-match"), etag, false)) return "stale";
  }
  const auto none = fields.count("if-none-match");
  if (none > 0) {
    if (names(fields.joined("if-none-match"), etag, true))
      return method == "GET" || method == "HEAD" ? "not_modified" : "stale";
  }
  if (match_needed && match == 0 && none == 0) return "if_match_missing";
  return std::nullopt;
}

}  // namespace dealwright::http
