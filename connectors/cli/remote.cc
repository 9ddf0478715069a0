#include "connectors/cli/remote.h"

#include <curl/curl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "connectors/http/text.h"
#include "engine/codec/json.h"

namespace dealwright::cli {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{256} << 20;
constexpr std::size_t kPage = 1'000;
constexpr long kSecondsMax = 60;

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& out = *static_cast<std::string*>(to);
  if (out.size() + size * count > kAnswerBytesMax) return 0;
  out.append(bytes, size * count);
  return size * count;
}

std::size_t take_field(char* bytes, std::size_t size, std::size_t count, void* to) {
  const std::string_view line{bytes, size * count};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  std::string name{line.substr(0, colon)};
  for (auto& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  auto value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
  (*static_cast<std::map<std::string, std::string>*>(to))[std::move(name)] = value;
  return line.size();
}

Code code_of(long status) {
  if (status == 404) return Code::kNotFound;
  if (status == 409) return Code::kConflict;
  if (status == 429 || status == 503) return Code::kOverload;
  if (status == 401 || status == 403 || status == 412 || status == 422) return Code::kRefused;
  return status >= 500 ? Code::kIo : Code::kInvalid;
}

std::string text_in(const Map& map, std::string_view name) {
  const auto* found = find(map, name);
  return found == nullptr ? std::string{} : std::string{found->text_or_empty()};
}

// What the server said is wrong, each fault a line.
Error error_of(long status, const std::string& body) {
  const auto value = codec::parse_json(body);
  const auto* map = value ? value.value().as_map() : nullptr;
  if (map == nullptr)
    return Error{code_of(status), "the server answered " + std::to_string(status)};
  auto text = text_in(*map, "detail");
  if (text.empty()) text = text_in(*map, "title");
  if (const auto* faults = find(*map, "errors");
      faults != nullptr && faults->as_list() != nullptr) {
    text.clear();
    for (const auto& fault : *faults->as_list()) {
      const auto* one = fault.as_map();
      if (one == nullptr) continue;
      const auto hint = text_in(*one, "hint");
      const auto* line = find(*one, "line");
      text += text.empty() ? "" : "\n  ";
      if (line != nullptr) text += "line " + to_json(*line) + ": ";
      if (const auto pointer = text_in(*one, "pointer"); !pointer.empty()) text += pointer + ": ";
      text += text_in(*one, "detail") + (hint.empty() ? "" : ". Mend it: " + hint);
    }
  }
  if (status == 401) text += "; say a key by DEALWRIGHT_KEY or --server-key-file";
  return Error{code_of(status), text, status == 429 || status == 503};
}

// One cell, of the type that the server names.
Value cell_of(const Map& row, const ViewColumn& column) {
  const auto* value = find(row, column.name);
  if (column.type == "money") {
    const auto* minor = find(row, column.name + "_minor");
    const auto unit = column.name == "amount" ? "currency" : column.name + "_currency";
    const auto currency = Currency::parse(text_in(row, unit));
    if (minor == nullptr || minor->as_int() == nullptr || !currency) return Value{Null{}};
    return Value{Money{*minor->as_int(), currency.value()}};
  }
  if (value == nullptr) return Value{Null{}};
  if (column.type == "instant" && value->as_text() != nullptr) {
    const auto at = parse_instant(*value->as_text());
    return at ? Value{at.value()} : *value;
  }
  return column.type == "rate" && value->as_text() == nullptr && !value->null()
             ? Value{to_json(*value)}
             : *value;
}

std::vector<ViewColumn> columns_of(std::string_view text) {
  std::vector<ViewColumn> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto one = text.substr(0, end);
    const auto colon = one.find(':');
    out.push_back({std::string{one.substr(0, colon)}, std::string{one.substr(colon + 1)}});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The target of `<target>; rel="next"`.
std::string next_of(const std::string& link) {
  const auto from = link.find('<');
  const auto to = link.find('>');
  if (from == std::string::npos || to == std::string::npos || to < from) return {};
  return link.substr(from + 1, to - from - 1);
}

}  // namespace

struct Remote::Asked {
  std::string method;
  std::string path;
  std::string accept = "application/json";
  std::string type = {};
  std::string body = {};
  std::string if_match = {};
  std::string last_event_id = {};
};
struct Remote::Prepared {
  std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> curl{nullptr, ::curl_easy_cleanup};
  std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)> fields{nullptr,
                                                                       ::curl_slist_free_all};
  std::string url;
  std::unique_ptr<std::array<char, CURL_ERROR_SIZE>> problem =
      std::make_unique<std::array<char, CURL_ERROR_SIZE>>();
};
struct Remote::Answer {
  std::string body;
  std::map<std::string, std::string> fields;
};

std::string escaped(std::string_view text) { return http::percent_encode(text); }

std::string with_query(std::string path,
                       const std::vector<std::pair<std::string, std::string>>& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    path += separator + escaped(name) + "=" + escaped(value);
    separator = '&';
  }
  return path;
}

Remote::Prepared Remote::prepare(const Asked& asked) const {
  Prepared out;
  out.curl.reset(::curl_easy_init());
  out.url = url_ + asked.path;
  curl_slist* list = nullptr;
  const auto add = [&](const std::string& field) {
    list = ::curl_slist_append(list, field.c_str());
  };
  add("Accept: " + asked.accept);
  add("Expect:");
  if (!key_.empty()) add("Authorization: Bearer " + key_);
  if (!asked.type.empty()) add("Content-Type: " + asked.type);
  if (!asked.if_match.empty()) add("If-Match: " + asked.if_match);
  if (!asked.last_event_id.empty()) add("Last-Event-ID: " + asked.last_event_id);
  out.fields.reset(list);
  auto* curl = out.curl.get();
  ::curl_easy_setopt(curl, CURLOPT_URL, out.url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, out.problem->data());
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT, kSecondsMax);
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  if (!ca_file_.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file_.c_str());
  return out;
}

Error Remote::nobody_there(const Prepared& prepared, int done) const {
  const std::string why = prepared.problem->front() != '\0'
                              ? prepared.problem->data()
                              : ::curl_easy_strerror(static_cast<CURLcode>(done));
  return Error{Code::kClosed, "no server answers at " + url_ + ": " + why +
                                  "; start it with: dealwright serve, or leave --server away"};
}

Result<Remote::Answer> Remote::ask(const Asked& asked) const {
  const auto prepared = prepare(asked);
  auto* curl = prepared.curl.get();
  Answer out;
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out.body);
  ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_field);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &out.fields);
  if (asked.method != "GET") {
    ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, asked.method.c_str());
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(asked.body.size()));
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, asked.body.c_str());
  }
  if (const auto done = ::curl_easy_perform(curl); done != CURLE_OK)
    return nobody_there(prepared, done);
  long status = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 300) return error_of(status, out.body);
  return out;
}

Result<Value> Remote::value(const Asked& asked) const {
  DW_TRY(const auto answer, ask(asked));
  if (answer.body.empty()) return Value{Map{}};
  codec::JsonLimits limits;
  limits.bytes = kAnswerBytesMax;
  limits.values = 10'000'000;
  return codec::parse_json(answer.body, limits);
}

Result<std::string> Remote::text(const std::string& path, const std::string& accept) const {
  DW_TRY(auto answer, ask({"GET", path, accept}));
  return std::move(answer.body);
}
Result<Value> Remote::get(const std::string& path) const { return value({"GET", path}); }
Result<Value> Remote::post(const std::string& path, const std::string& type,
                           const std::string& body) const {
  return value({"POST", path, "application/json", type, body});
}
Result<Value> Remote::put(const std::string& path, const std::string& type, const std::string& body,
                          const std::string& if_match) const {
  return value({"PUT", path, "application/json", type, body, if_match});
}

Result<std::string> Remote::page(const std::string& path, ViewRows& out) const {
  DW_TRY(const auto answer, ask({"GET", path, "application/x-ndjson"}));
  const auto columns = answer.fields.find("dealwright-columns");
  if (columns != answer.fields.end()) out.columns = columns_of(columns->second);
  for (std::string_view rest = answer.body; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    DW_TRY(const auto row, codec::parse_json(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (row.as_map() == nullptr) continue;
    auto& cells = out.rows.emplace_back();
    for (const auto& column : out.columns) cells.push_back(cell_of(*row.as_map(), column));
  }
  const auto link = answer.fields.find("link");
  return link == answer.fields.end() ? std::string{} : next_of(link->second);
}

Result<ViewRows> Remote::rows(const std::string& path) const {
  ViewRows out;
  DW_TRY(page(path, out));
  return out;
}

Result<ViewRows> Remote::pages(const std::string& path, std::size_t limit, bool* more) const {
  ViewRows out;
  const auto rows = std::to_string(limit == 0 ? kPage : std::min(limit, kPage));
  auto next = path + (path.find('?') == std::string::npos ? "?" : "&") + "limit=" + rows;
  while (!next.empty() && (limit == 0 || out.rows.size() < limit)) {
    DW_TRY(next, page(next, out));
  }
  const bool cut = limit > 0 && out.rows.size() > limit;
  if (cut) out.rows.resize(limit);
  if (more != nullptr) *more = cut || !next.empty();
  return out;
}

// ---- streams

namespace {

struct Following {
  explicit Following(const Remote::Take& to) : take{to} {}
  const Remote::Take& take;
  CURL* curl = nullptr;
  std::string line, id, name, data, last_id, refusal, failure;
  std::chrono::steady_clock::time_point heard = std::chrono::steady_clock::now();
  bool began = false;
  int retry_ms = 1'000;  // until it is asked for again, as the server said

  void end_line() {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto field = [&](std::string_view key) -> std::optional<std::string_view> {
      if (!line.starts_with(key)) return std::nullopt;
      auto value = std::string_view{line}.substr(key.size());
      if (value.starts_with(' ')) value.remove_prefix(1);
      return value;
    };
    if (line.empty()) {
      if (name == "error") failure = data.empty() ? "the stream failed" : data;
      if (!name.empty() || !data.empty()) take(name, data);
      if (!id.empty()) last_id = id;
      id.clear(), name.clear(), data.clear();
    } else if (const auto place = field("id:")) {
      id = *place;
    } else if (const auto wait = field("retry:")) {
      retry_ms = static_cast<int>(http::parse_count(*wait).value_or(1'000) % 60'000);
    } else if (const auto event = field("event:")) {
      name = *event;
    } else if (const auto more = field("data:")) {
      data += (data.empty() ? "" : "\n") + std::string{*more};
    }
    line.clear();
  }
};

std::size_t take_piece(char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& f = *static_cast<Following*>(to);
  const std::string_view piece{bytes, size * count};
  long status = 0;
  ::curl_easy_getinfo(f.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 300) {
    f.refusal.append(piece.substr(0, std::min<std::size_t>(piece.size(), 64 << 10)));
    return piece.size();
  }
  f.began = true;
  f.heard = std::chrono::steady_clock::now();
  for (const char c : piece) {
    if (c == '\n') {
      f.end_line();
    } else {
      f.line += c;
    }
  }
  return f.failure.empty() ? piece.size() : 0;
}

// Heartbeats come each 15 s: behind three of them nobody is there.
int watch(void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto silent = std::chrono::steady_clock::now() - static_cast<Following*>(to)->heard;
  return silent > std::chrono::seconds{45} ? 1 : 0;
}

// Of a server that is busy, or that is being started again behind a proxy.
bool may_pass(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

Result<void> Remote::follow(const std::string& path, const Take& take) const {
  Following f{take};
  for (;;) {
    Asked asked{"GET", path, "text/event-stream"};
    asked.last_event_id = f.last_id;
    const auto prepared = prepare(asked);
    f.curl = prepared.curl.get();
    f.line.clear(), f.id.clear(), f.name.clear(), f.data.clear(), f.refusal.clear();
    f.heard = std::chrono::steady_clock::now();
    ::curl_easy_setopt(f.curl, CURLOPT_WRITEFUNCTION, take_piece);
    ::curl_easy_setopt(f.curl, CURLOPT_WRITEDATA, &f);
    ::curl_easy_setopt(f.curl, CURLOPT_TIMEOUT, 0L);
    ::curl_easy_setopt(f.curl, CURLOPT_NOPROGRESS, 0L);
    ::curl_easy_setopt(f.curl, CURLOPT_XFERINFOFUNCTION, watch);
    ::curl_easy_setopt(f.curl, CURLOPT_XFERINFODATA, &f);
    const auto done = ::curl_easy_perform(f.curl);
    long status = 0;
    ::curl_easy_getinfo(f.curl, CURLINFO_RESPONSE_CODE, &status);
    if (!f.failure.empty()) return Error{Code::kIo, f.failure};
    if (status >= 300 && !(f.began && may_pass(status))) return error_of(status, f.refusal);
    if (done != CURLE_OK && !f.began) return nobody_there(prepared, done);
    ::poll(nullptr, 0, f.retry_ms);
  }
}

}  // namespace dealwright::cli
