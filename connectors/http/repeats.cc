#include "connectors/http/repeats.h"

#include <algorithm>
#include <utility>

namespace dealwright::http {
namespace {

constexpr std::size_t kKeyBytesMax = 255;

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

std::string name_of(const Request& request, std::string_view key) {
  const auto who = request.key == nullptr ? std::string_view{} : std::string_view{request.key->id};
  std::string text;
  for (const auto part :
       {who, std::string_view{request.method}, std::string_view{request.path}, key})
    text.append(part).push_back('\n');
  return text;
}

bool is_secret(const Response& answer) {
  const auto* control = answer.fields.find("cache-control");
  return control != nullptr && *control == "no-store";
}

}  // namespace

std::string repeat_name(const Request& request) {
  const auto* key = request.fields.find(kIdempotencyKey);
  return key == nullptr ? std::string{} : hex(sha256(name_of(request, *key)));
}

// Takes the entry away unless an answer came: a handler may throw, a caller may go.
struct Repeats::Turn {
  Repeats& book;
  const Sha256 name;
  bool open = true;
  void close(bool done, std::optional<Response> answer) {
    if (std::exchange(open, false)) book.end(name, done, std::move(answer));
  }
  ~Turn() { close(false, {}); }
};

void Repeats::add_to(Route& route, Again again) {
  Parameter key;
  key.name = kIdempotencyKey;
  key.in = Parameter::In::kHeader;
  key.description = "a name of this request: sent again with it, it is done once";
  key.pattern = "^[!-~]{1,255}$";
  route.parameters.push_back(std::move(key));
  if (again == Again::kAnswered) route.fields.emplace_back("Idempotency-Replayed");
  for (const auto* code : {"bad_parameter", "idempotency_mismatch", "in_flight"}) {
    const auto& all = route.problems;
    if (std::find(all.begin(), all.end(), code) == all.end()) route.problems.emplace_back(code);
  }
  route.handler = [this, again, inner = std::move(route.handler)](Request& request) {
    return once(inner, again, request);
  };
}

Awaitable<Response> Repeats::once(const Handler& inner, Again again, Request& request) {
  const auto* key = request.fields.find(kIdempotencyKey);
  if (key == nullptr) co_return co_await inner(request);
  if (key->empty() || key->size() > kKeyBytesMax || !is_visible(*key)) {
    co_return problem_response(
        make_problem("bad_parameter", "Idempotency-Key is 1 to 255 visible ASCII characters"),
        request.trace);
  }
  const auto name = sha256(name_of(request, *key));
  const auto asked = sha256(request.query_text + "\n" + request.body);
  if (auto known = begin(name, asked, request.trace)) co_return std::move(*known);
  Turn turn{*this, name};
  auto out = co_await inner(request);
  const bool done = out.status >= 200 && out.status < 300;
  turn.close(done, done && again == Again::kAnswered ? std::optional{out} : std::nullopt);
  co_return out;
}

std::optional<Response> Repeats::begin(const Sha256& name, const Sha256& asked,
                                       const Trace& trace) {
  const std::lock_guard lock{mutex_};
  forget_old(clock_.steady_us());
  const auto [it, fresh] = entries_.try_emplace(name);
  auto& entry = it->second;
  if (fresh) {
    entry.asked = asked;
    return std::nullopt;
  }
  if (entry.asked != asked) {
    return problem_response(
        make_problem("idempotency_mismatch",
                     "its query or body is not that of the request that had this Idempotency-Key "
                     "first: give each request one of its own"),
        trace);
  }
  if (entry.under_way) {
    return problem_response(
        make_problem("in_flight",
                     "the request that had this Idempotency-Key first is not answered yet: "
                     "repeat it in a second"),
        trace);
  }
  if (!entry.answer) {
    entry.under_way = true;
    return std::nullopt;
  }
  auto out = *entry.answer;
  out.fields.add("Idempotency-Replayed", "true");
  return out;
}

void Repeats::end(const Sha256& name, bool done, std::optional<Response> answer) {
  const std::lock_guard lock{mutex_};
  const auto it = entries_.find(name);
  if (it == entries_.end()) return;
  auto& entry = it->second;
  const bool repeated = entry.until_us > 0;  // it stands in the order already
  entry.under_way = false;
  if (repeated) return;
  if (!done) {
    entries_.erase(it);
    return;
  }
  const auto kept = answer && is_secret(*answer) ? limits_.kept_secret : limits_.kept;
  entry.until_us = clock_.steady_us() + kept.ms * 1'000;
  entry.answer = std::move(answer);
  bytes_ += entry.bytes();
  order_.emplace_back(name, entry.until_us);
  while (order_.size() > limits_.requests || bytes_ > limits_.bytes) {
    forget(order_.front().first);
    order_.pop_front();
  }
}

void Repeats::forget(const Sha256& name) {
  const auto it = entries_.find(name);
  if (it == entries_.end()) return;
  bytes_ -= it->second.bytes();
  entries_.erase(it);
}

// Secret answers end sooner than those around them, so all are looked at; not on every request.
void Repeats::forget_old(std::int64_t now_us) {
  if (now_us < looked_us_ + 60'000'000) return;
  looked_us_ = now_us;
  std::erase_if(order_, [&](const auto& one) {
    if (one.second > now_us) return false;
    forget(one.first);
    return true;
  });
}

}  // namespace dealwright::http
