#include "tests/sim/node.h"

#include <algorithm>

#include "engine/base/planted.h"

namespace dealwright::sim {

Instant Node::OwnClock::wall() const {
  const auto now = clock_.wall() + skew_;
  planted_wall_ms = now.ms;
  return now;
}

class Node::OpenStore final : public Store {
 public:
  OpenStore(Node& node, FakeStore& store) : node_{node}, store_{store} {}
  Result<std::optional<std::string>> get(std::string_view key) const override {
    if (node_.dead_) return gone();
    return store_.get(key);
  }
  using Store::write;
  Result<void> write(std::span<const StoreEntry> batch) override {
    if (dies()) return gone();
    return store_.write(batch);
  }
  Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    if (node_.dead_) return gone();
    return store_.scan(from, to, visit);
  }
  Result<void> erase_range(std::string_view from, std::string_view to) override {
    if (dies()) return gone();
    return store_.erase_range(from, to);
  }
  Result<void> flush() override {
    if (dies()) return gone();
    return store_.flush();
  }
  std::uint64_t approximate_bytes() const override { return store_.approximate_bytes(); }

 private:
  static Error gone() { return {Code::kIo, "the process is dead"}; }
  bool dies() {
    auto& left = node_.store_left_;
    if (!node_.dead_ && left && (*left)-- == 0) {
      left.reset();
      node_.dead_ = true;
      node_.log_->dead = true;
      node_.place_.story.met("died at a write of the store");
    }
    return node_.dead_;
  }
  Node& node_;
  FakeStore& store_;
};

void Node::Flusher::post(std::function<void()> job) {
  if (!late_) return job();
  jobs_.push_back(std::move(job));
}

bool Node::Flusher::run_one() {
  if (jobs_.empty()) return false;
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  job();
  return true;
}

Node::Node(std::uint32_t id, const Place& place)
    : id_{id},
      place_{place},
      files_{mixed(place.plan.seed, 10 + id)},
      random_{mixed(place.plan.seed, 20 + id)},
      clock_{place.clock, skew},
      mail_{true,
            place.books,
            place.dice,
            place.story,
            place.clock,
            dead_,
            [this](const Attempt& a) { place_.passes(id_, a); },
            place.known},
      hook_{false,
            place.books,
            place.dice,
            place.story,
            place.clock,
            dead_,
            [this](const Attempt& a) { place_.passes(id_, a); },
            place.known} {
  for (PartitionId p = 0; p < place.plan.partitions; ++p) {
    seats_.push_back(std::make_unique<Seat>(place.plan.late_flush));
  }
}

Node::~Node() {
  for (PartitionId p = 0; p < seats_.size(); ++p) close(p);
}

void Node::start() {
  if (up_) return;
  dead_ = false;
  if (place_.broker != nullptr) {
    log_ = std::make_unique<Connection>(*place_.broker, place_.dice, place_.story);
  } else {
    auto opened = Lockstep::open(files_, place_.clock, place_.plan.partitions);
    if (!opened) {  // the disk fails just now: later again
      place_.story.say("node {}: {}", id_, opened.error().detail);
      const auto code = opened.error().code;
      if (code != Code::kIo && code != Code::kNoSpace && code != Code::kUnknownOutcome &&
          !place_.story.is_damaged()) {
        place_.story.breaks("O6", opened.error().detail);
      }
      files_.fail_nothing();
      return;
    }
    log_ = std::move(opened).value();
    place_.reopened(*log_);
  }
  up_ = true;
  hosts_ = std::make_unique<runtime::Hosts>();
  for (auto& seat : seats_) {
    seat->attempts = std::make_shared<runtime::Attempts>();
    seat->turns_down = 0;
    seat->effects_paused = false;
  }
  place_.story.say("node {} starts", id_);
}

void Node::die(bool power) {
  if (!up_) return;
  place_.story.say("node {} {}", id_, power ? "loses its power" : "is killed");
  place_.story.met(power ? "power cut" : "kill");
  dead_ = true;
  log_->dead = true;
  if (power) files_.power_cut();
  for (auto& seat : seats_) {
    seat->partition.reset();
    seat->flusher.drop();
    seat->open.reset();
    seat->attempts.reset();
  }
  mail_.crash(random_);
  hook_.crash(random_);
  log_->crash(random_);
  log_.reset();
  for (auto& seat : seats_) seat->store.crash(random_.below(3));
  if (power) files_.reboot();
  files_.fail_nothing();
  up_ = false;
  paused = false;
  restart_ = false;
  point_left_.reset();
  store_left_.reset();
}

void Node::at_point(std::string_view name) {
  if (!point_left_ || dead_ || (*point_left_)-- > 0) return;
  point_left_.reset();
  dead_ = true;
  log_->dead = true;
  place_.story.met("died at " + std::string{name});
}

bool Node::open(PartitionId id) {
  auto& seat = *seats_[id];
  const runtime::PartitionParts parts{
      *log_,           *(seat.open = std::make_unique<OpenStore>(*this, seat.store)),
      files_,          clock_,
      random_,         seat.flusher,
      place_.deciders, place_.key,
      place_.views,    channels_,
      seat.attempts,   hosts_.get()};
  seat.store.crash(random_.below(3));
  runtime::PartitionOptions options;
  options.id = id;
  options.dedup_directory = "state/" + std::to_string(id) + "/ids";
  options.node = "node " + std::to_string(id_);
  options.lead = seat.lead;
  options.clock_witness = place_.plan.witness || place_.dice.healed();
  options.events_per_record = 1 + static_cast<std::uint32_t>(place_.plan.seed % 13);
  options.limits.generation_events = 10 + place_.plan.seed % 40;
  options.limits.timers_in_memory = 2 + place_.plan.seed % 5;
  options.limits.record_cache_bytes = 16'000;
  options.at_point = [this](std::string_view name) { at_point(name); };
  if (place_.plan.retention) {
    options.on_snapshot = [this](PartitionId of, Position events, Position decisions) {
      place_.story.met("retention");
      return log_->release_before(of, events, decisions);
    };
  }
  auto opened = runtime::Partition::open(parts, std::move(options), [] {});
  if (!opened) {
    seat.open.reset();
    fail(id, opened.error());
    return false;
  }
  seat.partition = std::move(opened).value();
  return true;
}

void Node::fail(PartitionId id, const Error& error) {
  if (dead_) return;
  auto& seat = *seats_[id];
  place_.story.say("node {}, partition {} stops: {}", id_, id, error.detail);
  seat.turns_down = 1 + random_.below(20);
  switch (error.code) {
    case Code::kUnknownOutcome:
    case Code::kNoSpace:
    case Code::kOverload:
    case Code::kConflict:
    case Code::kIo:
      place_.story.met("stopped: " + std::string{code_name(error.code)});
      return;
    default:
      if (place_.broker == nullptr && disk_failed()) {  // it goes on when it is opened again
        place_.story.met("the log stopped for its disk");
        restart_ = true;
        return;
      }
      if (!place_.story.is_damaged()) place_.story.breaks("O6", error.detail);
      place_.story.met("parked: " + std::string{code_name(error.code)});
      seat.parked = error;
  }
}

void Node::close(PartitionId id) {
  auto& seat = *seats_[id];
  while (seat.flusher.run_one()) {
  }
  if (seat.partition) {
    seat.effects_paused = seat.partition->effects_wait();
    seat.partition->forget_in_flight();
  }
  seat.partition.reset();
  seat.open.reset();
}

bool Node::step(PartitionId id) {
  if (!up_ || paused) return false;
  auto& seat = *seats_[id];
  if (seat.parked) return false;
  if (log_->stopped(id) && disk_failed() && !place_.story.is_damaged()) {
    // Whoever watches it starts it anew.
    place_.story.met("the log stopped for its disk");
    die(false);
    return true;
  }
  bool moved = false;
  if (!seat.partition) {
    if (seat.turns_down > 0 && --seat.turns_down > 0) return true;
    moved = open(id);
  } else {
    seat.partition->lead(seat.lead);
    auto stepped = seat.partition->step();
    if (stepped) {
      moved = stepped.value();
    } else if (dead_) {
      moved = true;
    } else if (seat.partition->answered()) {  // what it appended may still turn up
      const auto error = stepped.error();
      close(id);
      fail(id, error);
      moved = true;
    }
  }
  if (dead_) die(random_.chance(50));
  if (restart_) die(false);
  return moved;
}

bool Node::disk_failed() const {
  return place_.dice.counts()[static_cast<std::size_t>(Fault::kDiskFault)] > 0;
}

bool Node::run_flush(PartitionId id) {
  if (!up_ || paused) return false;
  const bool ran = seats_[id]->flusher.run_one();
  if (dead_) die(random_.chance(50));
  return ran;
}

bool Node::run_peers(std::uint64_t which) {
  if (!up_ || paused) return false;
  const bool mail = mail_.lines() > 0 && (hook_.lines() == 0 || which % 2 == 0);
  const bool moved = (mail ? mail_ : hook_).go_on(which / 2);
  if (dead_) die(random_.chance(50));
  return moved;
}

void Node::lead(PartitionId id, bool on) { seats_[id]->lead = on; }

bool Node::leads(PartitionId id) const {
  return seats_[id]->partition && seats_[id]->partition->leads();
}

std::optional<Instant> Node::next_due(PartitionId id) {
  auto& seat = *seats_[id];
  if (!up_ || !seat.partition) return {};
  return seat.partition->next_due();
}

void Node::forget_state(PartitionId id) {
  auto& seat = *seats_[id];
  close(id);
  static_cast<void>(seat.store.erase_range("A", "\xff"));
  static_cast<void>(seat.store.flush());
  seat.parked.reset();
}

}  // namespace dealwright::sim
