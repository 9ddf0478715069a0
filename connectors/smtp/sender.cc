#include "connectors/smtp/sender.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "connectors/smtp/address.h"
#include "engine/base/assert.h"

namespace dealwright::smtp {
namespace {

using What = AttemptResult::What;
using Security = ServerSettings::Security;

constexpr int kPollMs = 200;  // the clock is looked at so often while something has a time limit

// What other threads hand to the sender's. It outlives the sender for gates that are called late.
struct Inbox {
  struct Job {
    std::optional<Transaction> transaction;  // none: only report `result`
    Sender::Ready ready;
    Sender::Done done;
    AttemptResult result;
  };
  struct Told {
    std::uint64_t session;
    bool go;
  };
  void wake() {
    if (multi != nullptr) curl_multi_wakeup(multi);
  }
  std::mutex mutex;
  CURLM* multi = nullptr;  // null once the sender's thread has ended
  std::deque<Job> jobs;
  std::size_t waiting = 0;  // jobs with a transaction that did not begin
  std::vector<Told> told;
  bool closing = false;
};

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

struct Session {
  Session(std::uint64_t id_given, Transaction transaction, Sender::Ready ready_given,
          Sender::Done done_given)
      : id{id_given},
        easy{curl_easy_init()},
        dialogue{std::move(transaction)},
        ready{std::move(ready_given)},
        done{std::move(done_given)} {}

  const std::uint64_t id;
  std::unique_ptr<CURL, FreeEasy> easy;
  Dialogue dialogue;
  Sender::Ready ready;
  Sender::Done done;
  bool connected = false;
  std::int64_t since_us = 0;             // of the last progress
  std::optional<std::int64_t> asked_us;  // when `ready` was called
  curl_socket_t socket = CURL_SOCKET_BAD;
  char error[CURL_ERROR_SIZE] = "";
};

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<void> check(const ServerSettings& settings) {
  const auto invalid = [](std::string detail) { return Error{Code::kInvalid, std::move(detail)}; };
  for (const auto* text :
       {&settings.host, &settings.hello, &settings.user, &settings.password, &settings.ca_file}) {
    DW_TRY(check_header_text("a setting of the mail server", *text, 1000));
  }
  const auto bad = std::string_view{"/@?#[]% \\"};
  if (settings.host.empty() || settings.host.find_first_of(bad) != std::string::npos)
    return invalid("mail.host is a name or a numeric address");
  if (settings.hello.empty() || settings.hello.find_first_of(bad) != std::string::npos)
    return invalid("mail.hello is a name");
  if (settings.port == 0) return invalid("mail.port is 1 to 65535");
  if (settings.parallel_max == 0) return invalid("mail.parallel_max is at least 1");
  if (settings.security == Security::kPlainLoopback) {
    if (!is_loopback(settings.host))
      return invalid(
          "mail in clear goes to a server on this machine only: set mail.security: starttls");
    if (!settings.user.empty())
      return invalid("a password is not sent in clear: set mail.security: starttls");
  }
  return ok();
}

class CurlSender final : public Sender {
 public:
  CurlSender(ServerSettings settings, const Clock& clock)
      : settings_{std::move(settings)}, clock_{clock}, multi_{curl_multi_init()} {
    DW_ASSERT(multi_ != nullptr);
    inbox_->multi = multi_;
    thread_ = std::thread{[this] { run(); }};
  }
  ~CurlSender() override {
    {
      const std::scoped_lock lock{inbox_->mutex};
      inbox_->closing = true;
      inbox_->wake();
    }
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  void send(Transaction transaction, Ready ready, Done done) override {
    const std::scoped_lock lock{inbox_->mutex};
    if (inbox_->waiting >= settings_.waiting_max) {
      inbox_->jobs.push_back(
          {{}, {}, std::move(done), {What::kRetry, "too many mails wait", {}, true}});
    } else {
      ++inbox_->waiting;
      inbox_->jobs.push_back({std::move(transaction), std::move(ready), std::move(done), {}});
    }
    inbox_->wake();
  }

  void refuse(AttemptResult result, Done done) override {
    const std::scoped_lock lock{inbox_->mutex};
    inbox_->jobs.push_back({{}, {}, std::move(done), std::move(result)});
    inbox_->wake();
  }

 private:
  void run();
  void take_inbox();
  void begin(Inbox::Job job);
  void set_options(Session& session);
  void take_connected();
  void step(Session& session);
  bool read(Session& session);
  bool write(Session& session);
  void ask(Session& session);
  void let_go(Session& session, bool go);
  void check_time(Session& session);
  void wait();
  void drop_ended();
  bool late(const Session& session) const;

  const ServerSettings settings_;
  const Clock& clock_;
  CURLM* const multi_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  // The sender's thread only, from here on.
  std::deque<Inbox::Job> queue_;
  std::list<Session> sessions_;
  std::uint64_t last_id_ = 0;
  std::optional<std::int64_t> closing_since_us_;
  std::thread thread_;
};

void CurlSender::run() {
  // libcurl leaves SIGPIPE to us where it may use no signals, and OpenSSL writes without a flag.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  for (;;) {
    take_inbox();
    int running = 0;
    curl_multi_perform(multi_, &running);
    take_connected();
    for (auto& session : sessions_) {
      if (session.connected) step(session);
      check_time(session);
    }
    drop_ended();
    if (sessions_.empty() && queue_.empty()) {
      // Only here can it end: with nothing under way, and nothing handed in meanwhile.
      const std::scoped_lock lock{inbox_->mutex};
      if (inbox_->closing && inbox_->jobs.empty()) {
        inbox_->multi = nullptr;
        return;
      }
    }
    wait();
  }
}

// Takes what others handed in, begins what may begin.
void CurlSender::take_inbox() {
  std::deque<Inbox::Job> jobs;
  std::vector<Inbox::Told> told;
  {
    const std::scoped_lock lock{inbox_->mutex};
    jobs.swap(inbox_->jobs);
    told.swap(inbox_->told);
    if (inbox_->closing && !closing_since_us_) closing_since_us_ = clock_.steady_us();
  }
  for (auto& job : jobs) {
    if (job.transaction) {
      queue_.push_back(std::move(job));
    } else {
      job.done(std::move(job.result));
    }
  }
  for (const auto& [id, go] : told) {
    const auto found = std::find_if(sessions_.begin(), sessions_.end(),
                                    [wanted = id](const auto& one) { return one.id == wanted; });
    if (found != sessions_.end()) let_go(*found, go);
  }
  while (!queue_.empty() && (closing_since_us_ || sessions_.size() < settings_.parallel_max)) {
    auto job = std::move(queue_.front());
    queue_.pop_front();
    {
      const std::scoped_lock lock{inbox_->mutex};
      --inbox_->waiting;
    }
    if (closing_since_us_) {
      job.done({What::kAborted, "we shut down", {}});
    } else {
      begin(std::move(job));
    }
  }
}

void CurlSender::begin(Inbox::Job job) {
  auto& session = sessions_.emplace_back(++last_id_, std::move(*job.transaction),
                                         std::move(job.ready), std::move(job.done));
  DW_ASSERT(session.easy != nullptr);
  session.since_us = clock_.steady_us();
  set_options(session);
  DW_ASSERT(curl_multi_add_handle(multi_, session.easy.get()) == CURLM_OK);
}

void CurlSender::set_options(Session& session) {
  auto* easy = session.easy.get();
  const auto host =
      settings_.host.find(':') == std::string::npos ? settings_.host : "[" + settings_.host + "]";
  const bool implicit = settings_.security == Security::kTls;
  const auto url = fmt::format("{}://{}:{}/{}", implicit ? "smtps" : "smtp", host, settings_.port,
                               settings_.hello);
  const auto set = [easy](CURLoption option, auto value) {
    DW_ASSERT(curl_easy_setopt(easy, option, value) == CURLE_OK);
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_CONNECT_ONLY, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_ERRORBUFFER, session.error);
  set(CURLOPT_PRIVATE, &session);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_time.ms));
  if (settings_.security != Security::kPlainLoopback) {
    set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!settings_.ca_file.empty()) set(CURLOPT_CAINFO, settings_.ca_file.c_str());
  }
  if (!settings_.user.empty()) {
    set(CURLOPT_USERNAME, settings_.user.c_str());
    set(CURLOPT_PASSWORD, settings_.password.c_str());
  }
}

// Sessions that are greeted, and those that came to nothing.
void CurlSender::take_connected() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Session* session = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &session);
    const auto code = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_ACTIVESOCKET, &session->socket);
    if (code == CURLE_OK && session->socket != CURL_SOCKET_BAD) {
      session->connected = true;
      session->since_us = clock_.steady_us();
      continue;
    }
    long said = 0;
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &said);
    const std::string_view why =
        session->error[0] != '\0' ? session->error : curl_easy_strerror(code);
    session->dialogue.no_session(said == 0 ? std::string{why} : fmt::format("{} ({})", why, said));
  }
}

void CurlSender::step(Session& session) {
  using Step = Dialogue::Step;
  for (bool more = true; more && session.dialogue.step() != Step::kEnded;) {
    // Reads first: what the server says before the dot leaves is no answer to it.
    const bool heard = read(session);
    const bool said = write(session);
    more = heard || said;
  }
  if (session.dialogue.step() == Step::kHeld && !session.asked_us) ask(session);
}

bool CurlSender::read(Session& session) {
  char buffer[4096];
  std::size_t count = 0;
  const auto code = curl_easy_recv(session.easy.get(), buffer, sizeof buffer, &count);
  if (code == CURLE_AGAIN) return false;
  if (code != CURLE_OK || count == 0) {
    session.dialogue.cut("the connection was cut");
    return false;
  }
  session.dialogue.received({buffer, count});
  session.since_us = clock_.steady_us();
  return true;
}

bool CurlSender::write(Session& session) {
  const auto bytes = session.dialogue.output();
  if (bytes.empty()) return false;
  if (late(session)) {
    session.dialogue.stop("let go too late");
    return false;
  }
  std::size_t count = 0;
  const auto now = clock_.steady_us();
  const auto code = curl_easy_send(session.easy.get(), bytes.data(), bytes.size(), &count);
  if (code == CURLE_AGAIN) return false;
  if (code != CURLE_OK) {
    // A failed write may have left part of its bytes: of the dot, that is the point of no return.
    if (session.dialogue.step() == Dialogue::Step::kDot) session.dialogue.wrote(bytes.size());
    session.dialogue.cut("the connection was cut");
    return false;
  }
  session.dialogue.wrote(count);
  session.since_us = now;
  return count > 0;
}

void CurlSender::ask(Session& session) {
  session.asked_us = clock_.steady_us();
  session.ready([inbox = inbox_, id = session.id](bool go) {
    const std::scoped_lock lock{inbox->mutex};
    inbox->told.push_back({id, go});
    inbox->wake();
  });
}

void CurlSender::let_go(Session& session, bool go) {
  if (session.dialogue.step() != Dialogue::Step::kHeld || !session.asked_us) return;
  check_time(session);
  if (session.dialogue.step() != Dialogue::Step::kHeld) return;
  if (!go) return session.dialogue.stop("stopped");
  if (closing_since_us_) return session.dialogue.stop("we shut down");
  // What the server said while the dot was held is read first.
  while (read(session)) {
  }
  if (session.dialogue.step() != Dialogue::Step::kHeld) return;
  session.dialogue.go();
  session.since_us = clock_.steady_us();
}

// Whether the span has gone by in which the dot might have left.
bool CurlSender::late(const Session& session) const {
  return session.asked_us && !session.dialogue.past_the_dot() &&
         clock_.steady_us() >= *session.asked_us + kAttemptSpan.ms * 1000;
}

void CurlSender::check_time(Session& session) {
  if (session.dialogue.step() == Dialogue::Step::kEnded) return;
  const auto now = clock_.steady_us();
  if (closing_since_us_) {
    const bool drained = now >= *closing_since_us_ + settings_.drain_time.ms * 1000;
    if (!session.dialogue.past_the_dot() || drained) return session.dialogue.stop("we shut down");
  }
  if (!session.connected) return;  // libcurl keeps the time of that
  if (late(session)) return session.dialogue.stop("let go too late");
  const bool held = session.dialogue.step() == Dialogue::Step::kHeld;
  if (!held && now >= session.since_us + settings_.reply_time.ms * 1000)
    session.dialogue.cut("no answer in time");
}

void CurlSender::wait() {
  std::vector<curl_waitfd> sockets;
  for (const auto& session : sessions_) {
    if (!session.connected) continue;
    const bool writes = !session.dialogue.output().empty();
    sockets.push_back({session.socket,
                       static_cast<short>(CURL_WAIT_POLLIN | (writes ? CURL_WAIT_POLLOUT : 0)), 0});
  }
  int ready = 0;
  curl_multi_poll(multi_, sockets.data(), static_cast<unsigned>(sockets.size()),
                  sessions_.empty() ? 60'000 : kPollMs, &ready);
}

void CurlSender::drop_ended() {
  for (auto session = sessions_.begin(); session != sessions_.end();) {
    if (session->dialogue.step() != Dialogue::Step::kEnded) {
      ++session;
      continue;
    }
    // As the standard asks, where it costs nothing; the answer is not waited for.
    std::size_t count = 0;
    if (session->connected && session->dialogue.result().what == What::kDelivered)
      curl_easy_send(session->easy.get(), "QUIT\r\n", 6, &count);
    curl_multi_remove_handle(multi_, session->easy.get());
    auto done = std::move(session->done);
    auto result = session->dialogue.result();
    session = sessions_.erase(session);
    done(std::move(result));
  }
}

}  // namespace

Result<std::unique_ptr<Sender>> Sender::make(ServerSettings settings, const Clock& clock) {
  DW_TRY(check(settings));
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return std::make_unique<CurlSender>(std::move(settings), clock);
}

}  // namespace dealwright::smtp
