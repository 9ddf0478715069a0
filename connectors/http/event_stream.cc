#include "connectors/http/event_stream.h"

#include <utility>

namespace dealwright::http {
namespace {

std::string one_line(std::string_view text) {
  std::string out{text};
  for (auto& c : out) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return out;
}

}  // namespace

std::string to_text(const ServerEvent& event) {
  std::string out;
  if (!event.id.empty()) out += "id: " + one_line(event.id) + "\n";
  if (!event.name.empty()) out += "event: " + one_line(event.name) + "\n";
  if (event.retry_ms > 0) out += "retry: " + std::to_string(event.retry_ms) + "\n";
  std::string_view rest = event.data;
  for (;;) {
    const auto end = rest.find_first_of("\r\n");
    out.append("data: ").append(rest.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  return out + "\n";
}

bool EventStream::push(const ServerEvent& event) {
  const auto text = to_text(event);
  Resume wake;
  bool full = false;
  {
    const std::lock_guard lock{mutex_};
    if (over_) return false;
    full = queue_.size() + writing_ + text.size() > queue_bytes_max_;
    if (!full) {
      queue_ += text;
      wake = std::exchange(writer_, nullptr);
    }
  }
  if (full) end(true);
  if (wake) wake();
  return !full;
}

Awaitable<bool> EventStream::send(ServerEvent event) {
  {
    Resume wake;
    const auto text = to_text(event);
    const std::lock_guard lock{mutex_};
    if (over_) co_return false;
    queue_ += text;
    wake = std::exchange(writer_, nullptr);
    if (wake) wake();
  }
  std::function<void(Resume)> begin = [this](Resume resume) {
    {
      const std::lock_guard lock{mutex_};
      if (!over_ && (!queue_.empty() || writing_ > 0)) {
        senders_.push_back(std::move(resume));
        return;
      }
    }
    resume();
  };
  co_await suspend(std::move(begin));
  co_return open();
}

void EventStream::close() { end(false); }

void EventStream::end(bool cut) {
  Resume wake;
  std::vector<Resume> senders;
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock{mutex_};
    if (over_) return;
    over_ = true;
    cut_ = cut;
    wake = std::exchange(writer_, nullptr);
    senders.swap(senders_);
    calls.swap(on_close_);
  }
  if (wake) wake();
  for (const auto& sender : senders) sender();
  for (const auto& call : calls) call();
}

bool EventStream::open() const {
  const std::lock_guard lock{mutex_};
  return !over_;
}
bool EventStream::cut() const {
  const std::lock_guard lock{mutex_};
  return cut_;
}

void EventStream::on_close(std::function<void()> call) {
  {
    const std::lock_guard lock{mutex_};
    if (!over_) {
      on_close_.push_back(std::move(call));
      return;
    }
  }
  call();
}

Awaitable<void> EventStream::wait() {
  std::function<void(Resume)> begin = [this](Resume resume) {
    {
      const std::lock_guard lock{mutex_};
      if (!over_ && queue_.empty() && !nudged_) {
        writer_ = std::move(resume);
        return;
      }
      nudged_ = false;
    }
    resume();
  };
  co_await suspend(std::move(begin));
}

void EventStream::nudge() {
  Resume wake;
  {
    const std::lock_guard lock{mutex_};
    wake = std::exchange(writer_, nullptr);
    if (!wake) nudged_ = true;
  }
  if (wake) wake();
}

std::string EventStream::take() {
  const std::lock_guard lock{mutex_};
  writing_ = queue_.size();
  return std::exchange(queue_, {});
}

void EventStream::taken() {
  std::vector<Resume> senders;
  {
    const std::lock_guard lock{mutex_};
    writing_ = 0;
    if (queue_.empty()) senders.swap(senders_);
  }
  for (const auto& sender : senders) sender();
}

}  // namespace dealwright::http
