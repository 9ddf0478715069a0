#include "connectors/kafka_log/members.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "connectors/kafka_log/admin.h"
#include "connectors/kafka_log/client.h"
#include "connectors/kafka_log/consumer.h"
#include "engine/base/value.h"
#include "engine/codec/json.h"

namespace dealwright::kafka_log {
namespace {

constexpr Duration kAskTime = seconds(10);
constexpr std::int64_t kHearFirst = 3;  // heartbeats of each
constexpr int kListenMs = 20;           // at once, between two looks at the clock

class Membership final : public Members {
 public:
  Membership(const Clock& clock, MembersSettings settings)
      : clock_{clock}, settings_{std::move(settings)} {}
  ~Membership() override;
  Result<void> start(const Options& options);
  void leave() override { leaving_ = true; }

 private:
  struct Heard {
    Heartbeat last;
    std::int64_t at_us = 0;
  };
  void run();
  void listen();
  void take(const rd_kafka_message_t& message);
  void say();
  void tell();

  const Clock& clock_;
  const MembersSettings settings_;
  std::string topic_;
  Hooks hooks_;
  Handle producer_;
  std::unique_ptr<Consumer> consumer_;
  Queue queue_;
  std::map<std::string, Heard> heard_;  // by node
  std::vector<Heartbeat> told_;
  std::optional<std::int64_t> begun_us_;  // when it first heard itself
  std::int64_t said_us_ = 0;
  Heartbeat said_;
  std::atomic<bool> leaving_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

Result<void> Membership::start(const Options& options) {
  topic_ = options.prefix + ".members";
  auto client = client_properties(options);
  DW_TRY(auto consumer, Consumer::make(client, true));
  consumer_ = std::move(consumer);
  DW_TRY(const auto there, describe_topic(consumer_->handle(), topic_, kAskTime));
  if (!there.there && !options.create) {
    return Error{Code::kNotFound,
                 "a topic is not there, and may not be made from here:\n  " +
                     create_heartbeat_command(options.brokers, topic_, options.replication)};
  }
  if (!there.there) {
    DW_TRY(create_heartbeat_topic(consumer_->handle(), topic_, options.replication, kAskTime));
  }
  // What is late is of no use: it is not sent again, and none waits for another.
  client["acks"] = "1";
  client["linger.ms"] = "0";
  client["message.timeout.ms"] = std::to_string(settings_.silence.ms);
  DW_TRY(auto producer, make_handle(RD_KAFKA_PRODUCER, client, hooks_));
  producer_ = std::move(producer);
  DW_TRY(const auto bounds, consumer_->bounds(topic_, 0, kAskTime));
  DW_TRY(auto queue, consumer_->assign(topic_, 0, bounds.end, -1, nullptr));
  queue_ = std::move(queue);
  thread_ = std::thread{[this] { run(); }};
  return ok();
}

Membership::~Membership() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  if (producer_ == nullptr) return;
  leaving_ = true;
  say();
  rd_kafka_flush(producer_.get(), static_cast<int>(settings_.silence.ms));
  queue_.reset();
}

void Membership::run() {
  while (!stop_) {
    say();
    listen();
    rd_kafka_poll(producer_.get(), 0);
    consumer_->serve();
    tell();
  }
}

// At once when something changed, else at its time.
void Membership::say() {
  Heartbeat now{settings_.node, settings_.leads ? settings_.leads() : std::vector<PartitionId>{},
                leaving_};
  const auto at = clock_.steady_us();
  if (now == said_ && at - said_us_ < settings_.every.ms * 1000) return;
  const auto text = to_text(now);
  rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(0),
                    RD_KAFKA_V_KEY(now.node.data(), now.node.size()),
                    RD_KAFKA_V_VALUE(const_cast<char*>(text.data()), text.size()),
                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  said_ = std::move(now);
  said_us_ = at;
}

void Membership::take(const rd_kafka_message_t& message) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR || message.payload == nullptr) return;
  auto heartbeat = parse_heartbeat({static_cast<const char*>(message.payload), message.len});
  if (!heartbeat) return;  // not one of ours
  auto& heard = heard_[heartbeat.value().node];
  heard.at_us = clock_.steady_us();
  heard.last = std::move(heartbeat).value();
}

void Membership::listen() {
  for (int wait = kListenMs;; wait = 0) {
    rd_kafka_message_t* raw = nullptr;
    if (rd_kafka_consume_batch_queue(queue_.get(), wait, &raw, 1) <= 0) return;
    const Message message{raw};
    take(*message);
  }
}

void Membership::tell() {
  const auto now = clock_.steady_us();
  std::vector<Heartbeat> there;
  bool myself = false;
  for (auto at = heard_.begin(); at != heard_.end();) {
    if (now - at->second.at_us > settings_.silence.ms * 1000) {
      at = heard_.erase(at);
      continue;
    }
    myself = myself || at->first == settings_.node;
    there.push_back(at->second.last);
    ++at;
  }
  if (!myself || there == told_ || !settings_.on_members) return;
  // Who begins listens first: what it does not hear yet may be there.
  if (!begun_us_) begun_us_ = now;
  if (now - *begun_us_ < kHearFirst * settings_.every.ms * 1000) return;
  told_ = there;
  settings_.on_members(told_);
}

}  // namespace

std::string to_text(const Heartbeat& heartbeat) {
  List leads;
  for (const auto id : heartbeat.leads) leads.push_back(Value{static_cast<std::int64_t>(id)});
  Map out;
  out.emplace_back("node", Value{heartbeat.node});
  out.emplace_back("leads", Value{std::move(leads)});
  out.emplace_back("leaving", Value{heartbeat.leaving});
  return to_json(Value{std::move(out)});
}

Result<Heartbeat> parse_heartbeat(std::string_view text) {
  DW_TRY(const auto value, codec::parse_json(text));
  const auto* map = value.as_map();
  const Error bad{Code::kInvalid, "no heartbeat"};
  if (map == nullptr) return bad;
  Heartbeat out;
  if (const auto* node = find(*map, "node")) out.node = node->text_or_empty();
  if (const auto* leaving = find(*map, "leaving")) {
    out.leaving = leaving->as_bool() != nullptr && *leaving->as_bool();
  }
  const auto* leads = find(*map, "leads");
  const auto* list = leads == nullptr ? nullptr : leads->as_list();
  if (out.node.empty() || list == nullptr) return bad;
  for (const auto& one : *list) {
    if (one.as_int() == nullptr || *one.as_int() < 0) return bad;
    out.leads.push_back(static_cast<PartitionId>(*one.as_int()));
  }
  std::sort(out.leads.begin(), out.leads.end());
  return out;
}

Result<std::unique_ptr<Members>> join(const Clock& clock, const Options& options,
                                      MembersSettings settings) {
  auto out = std::make_unique<Membership>(clock, std::move(settings));
  DW_TRY(out->start(options));
  return std::unique_ptr<Members>{std::move(out)};
}

}  // namespace dealwright::kafka_log
