#include "connectors/http/trace.h"

#include <algorithm>

#include "connectors/http/text.h"

namespace dealwright::http {
namespace {

constexpr std::size_t kLength = 55;  // of version 00

bool is_low_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}
bool all_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}
std::string hex16(std::uint64_t number) {
  std::string out(16, '0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, number >>= 4)
    *at = "0123456789abcdef"[number & 15];
  return out;
}
// An id of all 0 is invalid; such a draw counts as 1.
std::uint64_t not_zero(std::uint64_t number) { return number == 0 ? 1 : number; }

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// Lower case, digits and _-*/; a vendor's name stands behind its tenant and an @.
bool is_key(std::string_view key) {
  const auto at = key.find('@');
  const auto tenant = key.substr(0, at);
  if (at != std::string_view::npos) {
    const auto vendor = key.substr(at + 1);
    if (vendor.empty() || vendor.size() > 14 || !is_lower(vendor[0]) || tenant.size() > 241 ||
        vendor.find('@') != std::string_view::npos || !is_key(vendor))
      return false;
  }
  if (tenant.empty() || tenant.size() > 256 || !(is_digit(tenant[0]) || is_lower(tenant[0])))
    return false;
  return std::all_of(tenant.begin(), tenant.end(), [](char c) {
    return is_digit(c) || is_lower(c) || std::string_view{"_-*/"}.find(c) < 4;
  });
}

bool is_member(std::string_view member) {
  const auto equals = member.find('=');
  if (equals == std::string_view::npos || !is_key(member.substr(0, equals))) return false;
  const auto value = member.substr(equals + 1);
  if (value.empty() || value.size() > 256) return false;
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f && c != ',' && c != '='; });
}

}  // namespace

std::string Trace::traceparent() const {
  return "00-" + trace_id + '-' + span_id + (sampled ? "-01" : "-00");
}

std::optional<Trace> parse_traceparent(std::string_view text) {
  text = trim(text);
  if (text.size() < kLength) return std::nullopt;
  const auto version = text.substr(0, 2);
  if (!is_low_hex(version) || version == "ff") return std::nullopt;
  if (version == "00" && text.size() != kLength) return std::nullopt;
  if (text.size() > kLength && text[kLength] != '-') return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto trace = text.substr(3, 32);
  const auto parent = text.substr(36, 16);
  const auto flags = text.substr(53, 2);
  if (!is_low_hex(trace) || !is_low_hex(parent) || !is_low_hex(flags)) return std::nullopt;
  if (all_zero(trace) || all_zero(parent)) return std::nullopt;
  Trace out;
  out.trace_id = trace;
  out.parent_id = parent;
  const char last = flags[1];
  out.sampled = ((is_digit(last) ? last - '0' : last - 'a' + 10) & 1) != 0;
  return out;
}

std::string clean_tracestate(std::string_view joined) {
  std::string out;
  std::vector<std::string_view> keys;
  for (const auto part : split(joined, ',')) {
    const auto member = trim(part);
    if (member.empty()) continue;
    if (!is_member(member) || keys.size() == 32) return {};
    const auto key = member.substr(0, member.find('='));
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return {};
    keys.push_back(key);
    if (!out.empty()) out += ',';
    out += member;
  }
  return out.size() > 4'096 ? std::string{} : out;
}

Trace continue_trace(const Fields& fields, const std::uint64_t (&random)[3]) {
  std::optional<Trace> trace;
  if (fields.count("traceparent") == 1) trace = parse_traceparent(fields.get("traceparent"));
  if (trace) {
    trace->state = clean_tracestate(fields.joined("tracestate"));
  } else {
    trace.emplace();
    trace->trace_id = hex16(not_zero(random[1])) + hex16(random[2]);
  }
  trace->span_id = hex16(not_zero(random[0]));
  return std::move(*trace);
}

}  // namespace dealwright::http
