#include "connectors/webhook/webhook_channel.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "connectors/webhook/request.h"
#include "connectors/webhook/resolver.h"
#include "engine/base/assert.h"

namespace dealwright::webhook {
namespace {

using What = AttemptResult::What;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using StringList = std::unique_ptr<curl_slist, FreeList>;

std::optional<IpAddress> address_of(const sockaddr* raw) {
  IpAddress out;
  if (raw->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, raw, sizeof in);
    out.v6 = true;
    std::memcpy(out.bytes.data(), &in.sin6_addr, 16);
  } else if (raw->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, raw, sizeof in);
    std::memcpy(out.bytes.data(), &in.sin_addr, 4);
  } else {
    return {};
  }
  return out;
}

std::vector<IpAddress> own_addresses() {
  std::vector<IpAddress> out;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return out;
  for (const auto* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    if (const auto address = address_of(one->ifa_addr)) out.push_back(*address);
  }
  ::freeifaddrs(list);
  return out;
}

constexpr Duration kGone = days(1);  // an endpoint that said 410 is left alone

std::string endpoint_of(const Effect& effect) {
  const auto* name = find(effect.payload, "endpoint");
  return name == nullptr ? std::string{} : std::string{name->text_or_empty()};
}

// One attempt. On the channel's thread, save where it waits for its addresses.
struct Hook {
  std::string endpoint;
  Request request;
  std::function<void(AttemptResult)> done;
  std::int64_t since_us = 0;  // of send()
  std::vector<IpAddress> addresses;
  const GuardRules* rules = nullptr;
  const Clock* clock = nullptr;

  std::unique_ptr<CURL, FreeEasy> easy{};
  StringList headers{};
  StringList pinned{};
  std::size_t read = 0;     // bytes of the answer
  bool head_whole = false;  // of a final answer
  bool begun = false;       // the request's first byte may have left
  bool late = false;
  std::string refused{};  // an address that it may not connect to
  char error[CURL_ERROR_SIZE] = "";

  bool out_of_span() const { return clock->steady_us() >= since_us + kAttemptSpan.ms * 1000; }
};

// The last look before a connection is made: only what was looked up and allowed, whatever a cache
// or a second look-up says by now.
curl_socket_t open_socket(void* given, curlsocktype, curl_sockaddr* address) {
  auto& hook = *static_cast<Hook*>(given);
  const auto to = address_of(&address->addr);
  const bool known =
      to && std::find(hook.addresses.begin(), hook.addresses.end(), *to) != hook.addresses.end();
  if (!known || !check_addresses(hook.request.target, {&*to, 1}, *hook.rules)) {
    hook.refused = to ? to_text(*to) : "an address of another family";
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Connected, and the request is next.
int before_request(void* given, char*, char*, int, int) {
  auto& hook = *static_cast<Hook*>(given);
  hook.late = hook.out_of_span();
  if (hook.late) return CURL_PREREQFUNC_ABORT;
  hook.begun = true;
  return CURL_PREREQFUNC_OK;
}

std::size_t take(char*, std::size_t size, std::size_t count, void* given) {
  auto& hook = *static_cast<Hook*>(given);
  hook.read += size * count;
  return hook.read > kReplyBytesMax ? 0 : size * count;
}

// The head comes line by line, the empty one last.
std::size_t take_head(char* bytes, std::size_t size, std::size_t count, void* given) {
  auto& hook = *static_cast<Hook*>(given);
  long status = 0;
  curl_easy_getinfo(hook.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (std::string_view{bytes, size * count} == "\r\n" && status >= 200) hook.head_whole = true;
  return take(bytes, size, count, given);
}

void append(StringList& list, const std::string& text) {
  auto* longer = curl_slist_append(list.get(), text.c_str());
  DW_ASSERT(longer != nullptr);
  static_cast<void>(list.release());
  list.reset(longer);
}

// What other threads hand to the channel's.
struct Inbox {
  void push(std::unique_ptr<Hook> hook, std::optional<AttemptResult> result) {
    const std::scoped_lock lock{mutex};
    jobs.emplace_back(std::move(hook), std::move(result));
    curl_multi_wakeup(multi);
  }
  std::mutex mutex;
  CURLM* multi = nullptr;
  // With a result: only report it. Else its addresses are known and allowed.
  std::deque<std::pair<std::unique_ptr<Hook>, std::optional<AttemptResult>>> jobs;
  std::size_t open = 0;  // attempts whose outcome is not told
  bool closing = false;
};

class WebhookChannel final : public Channel {
 public:
  WebhookChannel(WebhookSettings settings, Endpoints endpoints, GuardRules rules,
                 const Clock& clock, Resolve resolve)
      : settings_{std::move(settings)},
        endpoints_{std::move(endpoints)},
        rules_{std::move(rules)},
        clock_{clock},
        multi_{curl_multi_init()},
        resolver_{std::make_unique<Resolver>(std::move(resolve), settings_.resolvers)} {
    DW_ASSERT(multi_ != nullptr);
    inbox_.multi = multi_;
    thread_ = std::thread{[this] { run(); }};
  }
  ~WebhookChannel() override {
    {
      const std::scoped_lock lock{inbox_.mutex};
      inbox_.closing = true;
      curl_multi_wakeup(multi_);
    }
    thread_.join();
    resolver_.reset();
    curl_multi_cleanup(multi_);
  }

  std::string_view name() const override { return "webhook"; }
  bool waits_at_gate() const override { return false; }
  std::string destination(const Effect& effect) const override;
  void send(Attempt attempt, std::function<void(Gate)> ready,
            std::function<void(AttemptResult)> done) override;

 private:
  struct Gone {
    Instant wall;
    std::int64_t us = 0;
  };
  void look_up(std::unique_ptr<Hook> hook);
  void run();
  void take_inbox();
  void begin(std::unique_ptr<Hook> hook);
  void set_options(Hook& hook);
  void take_ended();
  void end(Hook& hook, AttemptResult result);
  AttemptResult result_of(Hook& hook, CURLcode code);
  bool all_told();
  const Gone* rests(const Hook& hook) const;

  const WebhookSettings settings_;
  const Endpoints endpoints_;
  const GuardRules rules_;
  const Clock& clock_;
  CURLM* const multi_;
  Inbox inbox_;
  // The channel's thread only.
  std::deque<std::unique_ptr<Hook>> queue_;
  std::list<std::unique_ptr<Hook>> hooks_;
  std::map<std::string, Gone> gone_;  // endpoints that wanted no more, and when they said so
  bool closing_ = false;
  std::int64_t closing_since_us_ = 0;
  std::unique_ptr<Resolver> resolver_;
  std::thread thread_;
};

std::string WebhookChannel::destination(const Effect& effect) const {
  const auto it = endpoints_.find(endpoint_of(effect));
  if (it == endpoints_.end()) return {};  // send() says what is wrong with it
  return fmt::format("{}:{}", it->second.target.host, it->second.target.port);
}

void WebhookChannel::send(Attempt attempt, std::function<void(Gate)>,
                          std::function<void(AttemptResult)> done) {
  auto hook = std::make_unique<Hook>();
  hook->endpoint = endpoint_of(attempt.effect);
  hook->done = std::move(done);
  hook->since_us = clock_.steady_us();
  hook->rules = &rules_;
  hook->clock = &clock_;
  bool full = false;
  {
    const std::scoped_lock lock{inbox_.mutex};
    full = ++inbox_.open > settings_.waiting_max + settings_.parallel_max;
  }
  if (full)
    return inbox_.push(std::move(hook),
                       AttemptResult{What::kRetry, "too many webhooks wait", {}, true});
  auto request = request_of(attempt, endpoints_, clock_.wall());
  if (!request)
    return inbox_.push(std::move(hook), AttemptResult{What::kRejected, request.error().detail, {}});
  hook->request = std::move(request.value());
  look_up(std::move(hook));
}

// Each attempt looks its name up anew and holds it against the rules: what was allowed an hour ago
// may lead elsewhere now.
void WebhookChannel::look_up(std::unique_ptr<Hook> hook) {
  if (hook->request.target.literal) {
    hook->addresses = {*hook->request.target.literal};
    return inbox_.push(std::move(hook), {});
  }
  auto host = hook->request.target.host;
  resolver_->find(std::move(host), [this,
                                    shared = std::make_shared<std::unique_ptr<Hook>>(
                                        std::move(hook))](Result<std::vector<IpAddress>> found) {
    auto& one = *shared;
    if (!found) {
      const auto what = found.error().code == Code::kClosed ? What::kAborted : What::kRetry;
      return inbox_.push(std::move(one), AttemptResult{what, found.error().detail, {}});
    }
    one->addresses = std::move(found.value());
    auto allowed = check_addresses(one->request.target, one->addresses, *one->rules);
    if (!allowed)
      return inbox_.push(std::move(one), AttemptResult{What::kRetry, allowed.error().detail, {}});
    inbox_.push(std::move(one), {});
  });
}

void WebhookChannel::run() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  for (;;) {
    take_inbox();
    int running = 0;
    curl_multi_perform(multi_, &running);
    take_ended();
    if (closing_ && all_told()) return;
    curl_multi_poll(multi_, nullptr, 0, closing_ ? 20 : 1000, nullptr);
  }
}

bool WebhookChannel::all_told() {
  const std::scoped_lock lock{inbox_.mutex};
  return inbox_.open == 0;
}

const WebhookChannel::Gone* WebhookChannel::rests(const Hook& hook) const {
  const auto it = gone_.find(hook.endpoint);
  if (it == gone_.end()) return nullptr;
  return clock_.steady_us() < it->second.us + kGone.ms * 1000 ? &it->second : nullptr;
}

void WebhookChannel::take_inbox() {
  decltype(inbox_.jobs) jobs;
  {
    const std::scoped_lock lock{inbox_.mutex};
    jobs.swap(inbox_.jobs);
    if (inbox_.closing && !closing_) closing_since_us_ = clock_.steady_us();
    closing_ = inbox_.closing;
  }
  for (auto& [hook, result] : jobs) {
    if (result) {
      end(*hook, std::move(*result));
    } else {
      queue_.push_back(std::move(hook));
    }
  }
  while (!queue_.empty() && (closing_ || hooks_.size() < settings_.parallel_max)) {
    auto hook = std::move(queue_.front());
    queue_.pop_front();
    if (closing_ || hook->out_of_span()) {
      end(*hook, {What::kAborted, closing_ ? "we shut down" : "begun too late", {}});
    } else if (const auto* gone = rests(*hook)) {
      end(*hook, {What::kRejected, "410 gone at " + to_text(gone->wall) + ": a day's rest", {}});
    } else {
      begin(std::move(hook));
    }
  }
}

void WebhookChannel::begin(std::unique_ptr<Hook> hook) {
  hook->easy.reset(curl_easy_init());
  DW_ASSERT(hook->easy != nullptr);
  set_options(*hook);
  DW_ASSERT(curl_multi_add_handle(multi_, hook->easy.get()) == CURLM_OK);
  hooks_.push_back(std::move(hook));
}

void WebhookChannel::set_options(Hook& hook) {
  auto* easy = hook.easy.get();
  const auto set = [easy](CURLoption option, auto value) {
    DW_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK);
  };
  const auto& target = hook.request.target;
  for (const auto& header : hook.request.headers) append(hook.headers, header);
  append(hook.headers, "Expect:");
  append(hook.headers, "Accept:");
  set(CURLOPT_URL, target.url().c_str());
  set(CURLOPT_PROTOCOLS_STR, target.https ? "https" : "http");
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FRESH_CONNECT, 1L);  // a reused connection would be sent on twice if it is dead
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "dealwright");
  set(CURLOPT_HTTPHEADER, hook.headers.get());
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE, static_cast<long>(hook.request.body.size()));
  set(CURLOPT_POSTFIELDS, hook.request.body.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_time.ms));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.answer_time.ms));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!settings_.ca_file.empty()) set(CURLOPT_CAINFO, settings_.ca_file.c_str());
  set(CURLOPT_ERRORBUFFER, hook.error);
  set(CURLOPT_PRIVATE, &hook);
  set(CURLOPT_WRITEFUNCTION, &take);
  set(CURLOPT_WRITEDATA, &hook);
  set(CURLOPT_HEADERFUNCTION, &take_head);
  set(CURLOPT_HEADERDATA, &hook);
  set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  set(CURLOPT_OPENSOCKETDATA, &hook);
  set(CURLOPT_PREREQFUNCTION, &before_request);
  set(CURLOPT_PREREQDATA, &hook);
  if (target.literal) return;
  std::string pin = fmt::format("{}:{}:", target.host, target.port);
  for (const auto& address : hook.addresses) {
    if (!pin.ends_with(':')) pin += ',';
    pin += address.v6 ? "[" + to_text(address) + "]" : to_text(address);
  }
  append(hook.pinned, pin);
  set(CURLOPT_RESOLVE, hook.pinned.get());
}

void WebhookChannel::take_ended() {
  if (closing_) {
    // What has not begun its request does not begin it; the rest has until we have drained.
    const auto drained = closing_since_us_ + settings_.drain_time.ms * 1000;
    const bool over = clock_.steady_us() >= drained;
    if (over) resolver_->give_up();
    for (auto hook = hooks_.begin(); hook != hooks_.end();) {
      const bool begun = (*hook)->begun;
      if (begun && !over) {
        ++hook;
        continue;
      }
      curl_multi_remove_handle(multi_, (*hook)->easy.get());
      end(**hook, {begun ? What::kUnknown : What::kAborted, "we shut down", {}});
      hook = hooks_.erase(hook);
    }
  }
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Hook* hook = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &hook);
    auto result = result_of(*hook, message->data.result);
    curl_multi_remove_handle(multi_, hook->easy.get());
    end(*hook, std::move(result));
    hooks_.remove_if([hook](const auto& one) { return one.get() == hook; });
  }
}

AttemptResult WebhookChannel::result_of(Hook& hook, CURLcode code) {
  long status = 0;
  curl_off_t retry_after_s = 0;
  curl_easy_getinfo(hook.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(hook.easy.get(), CURLINFO_RETRY_AFTER, &retry_after_s);
  // The head says it all: a body that is cut or too long changes nothing in it.
  if (hook.begun && status >= 200 &&
      (code == CURLE_OK || hook.head_whole || hook.read > kReplyBytesMax)) {
    if (status == 410) gone_[hook.endpoint] = {clock_.wall(), clock_.steady_us()};
    return result_of_answer(static_cast<int>(status), retry_after_s);
  }
  if (hook.late) return {What::kAborted, "begun too late", {}};
  if (!hook.refused.empty())
    return {What::kRetry, fmt::format("refused to connect to {}", hook.refused), {}};
  const std::string_view why = hook.error[0] != '\0' ? hook.error : curl_easy_strerror(code);
  return {hook.begun ? What::kUnknown : What::kRetry, std::string{why.substr(0, 512)}, {}};
}

void WebhookChannel::end(Hook& hook, AttemptResult result) {
  auto done = std::move(hook.done);
  done(std::move(result));
  const std::scoped_lock lock{inbox_.mutex};
  --inbox_.open;
}

}  // namespace

Result<std::unique_ptr<Channel>> make_webhook_channel(WebhookSettings settings, const Clock& clock,
                                                      Resolve resolve) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  GuardRules rules{settings.loopback_http, settings.ports, own_addresses()};
  DW_TRY(auto endpoints, read_endpoints(settings, rules));
  if (settings.parallel_max == 0 || settings.resolvers == 0)
    return Error{Code::kInvalid, "webhooks: parallel_max and resolvers are at least 1"};
  std::unique_ptr<Channel> out = std::make_unique<WebhookChannel>(
      std::move(settings), std::move(endpoints), std::move(rules), clock, std::move(resolve));
  return out;
}

}  // namespace dealwright::webhook
