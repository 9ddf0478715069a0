#include "tests/sim/world.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "engine/codec/event_codec.h"
#include "projections/registry.h"
#include "rules/decide/factory.h"

namespace dealwright::sim {
namespace {

constexpr std::uint64_t kTicksMax = 60'000;
constexpr std::size_t kRoundsMax = 20'000;  // in which a healed world comes to rest

}  // namespace

DeciderFactory& deciders() {
  static const auto factory = rules::make_decider_factory();
  // One that has them all keeps their plans.
  static const auto kept = [] {
    std::vector<PublishedRule> rules;
    for (const auto& text : Workload::all_texts()) {
      const auto name = text.substr(6, text.find('\n') - 6);
      const auto version = static_cast<std::uint32_t>(rules.size() + 1);
      rules.push_back({name, version, text, "live"});
    }
    std::sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
      return std::pair{a.rule, a.version} < std::pair{b.rule, b.version};
    });
    auto made = factory->make(rules);
    if (!made) fmt::print(stderr, "{}\n", made.error().detail);
    return made;
  }();
  DW_ASSERT(kept);
  return *factory;
}

// Asks again for a fact whose answer never came.
class World::Ticket {
 public:
  Ticket(World& world, std::size_t at) : world_{world}, at_{at} {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (!told_) world_.answered(at_, false);
  }
  void tell(bool durable) {
    told_ = true;
    world_.answered(at_, durable);
  }

 private:
  World& world_;
  const std::size_t at_;
  bool told_ = false;
};

World::World(const Plan& plan, bool told)
    : plan_{plan},
      story_{clock_, told},
      dice_{plan_},
      scheduler_{mixed(plan.seed, 2)},
      workload_{plan_, key_},
      place_{plan_,  dice_,   story_, clock_, deciders(), key_, projections::all_views(),
             books_, nullptr, {},     {},     {}},
      facts_left_{plan.facts} {
  for (PartitionId id = 0; id < plan_.partitions; ++id) {
    chronicles_.push_back(std::make_unique<Chronicle>(story_, id));
  }
  oracles_.resize(plan_.partitions);
  for (auto& oracle : oracles_) oracle.partitions = plan_.partitions;
  fed_.resize(plan_.partitions);
  if (!plan_.embedded) {
    broker_ = std::make_unique<Broker>(
        plan_.partitions, [this](Topic topic, PartitionId id, Position position) {
          const auto batch = broker_->log.read(topic, id, position, 1);
          const auto bytes = batch.value().records.front().bytes;
          if (topic == Topic::kEvents) return chronicles_[id]->add_event(position, bytes);
          chronicles_[id]->add_decision(position, bytes);
        });
    place_.broker = broker_.get();
  }
  place_.passes = [this](std::uint32_t node, const Attempt& attempt) { check_pass(node, attempt); };
  place_.known = [this](const EffectId& id, std::uint32_t attempt) {
    return std::any_of(chronicles_.begin(), chronicles_.end(),
                       [&](const auto& chronicle) { return chronicle->has_outcome(id, attempt); });
  };
  place_.reopened = [this](NodeLog& log) { take_records(log); };
  back_at_.resize(plan_.nodes);
  for (std::uint32_t id = 0; id < plan_.nodes; ++id) {
    nodes_.push_back(std::make_unique<Node>(id, place_));
    nodes_.back()->start();
  }
  for (PartitionId id = 0; id < plan_.partitions; ++id) suggest(id, 0);
}

World::~World() { nodes_.clear(); }

void World::suggest(PartitionId partition, std::size_t node) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i]->lead(partition, i == node);
}

// What an embedded log holds durably and the chronicle does not know yet. What it knows and the log
// lost was acknowledged.
void World::take_records(NodeLog& log) {
  for (PartitionId id = 0; id < plan_.partitions; ++id) {
    auto& chronicle = *chronicles_[id];
    if (log.stopped(id)) continue;
    const auto end_of = [](const auto& kept) {
      return kept.empty() ? Position{0} : kept.back().position + 1;
    };
    for (const auto topic : {Topic::kEvents, Topic::kDecisions}) {
      const bool events = topic == Topic::kEvents;
      const auto known = end_of(events ? chronicle.events() : chronicle.decisions());
      const auto end = log.end(topic, id);
      if (end && end.value() < known && !damaged_) {
        story_.breaks("O1", std::string{topic_name(topic)} + " of partition " + std::to_string(id) +
                                " ended at " + std::to_string(known) + " durably, now at " +
                                std::to_string(end.value()));
        return;
      }
      if (end && end.value() < known) {
        story_.breaks("O9", "damage was cut off like an unfinished write: " +
                                std::to_string(known - end.value()) + " durable records are gone");
        return;
      }
      for (auto from = known;;) {
        const auto batch = log.read(topic, id, from, 1 << 20);
        if (!batch || batch.value().records.empty()) break;
        for (const auto& record : batch.value().records) {
          if (events) chronicle.add_event(record.position, record.bytes);
          if (!events) chronicle.add_decision(record.position, record.bytes);
        }
        from = batch.value().next;
      }
    }
  }
}

// ---- facts and their answers

void World::post(PartitionId partition, std::string bytes, std::string fact) {
  posted_.push_back({partition, std::move(bytes), std::move(fact), false});
  send(posted_.size() - 1);
}

void World::post(const Event& event) {
  const bool foreign = event.type == TypeId::kForeignType;
  if (!foreign && spec_of(event.type).group == EventGroup::kReference) {
    story_.say("{} about {}", event.type_name(), to_text(event.subject));
  }
  std::string bytes;
  codec::encode(event, bytes);
  post(workload_.partition_of(event), std::move(bytes), Chronicle::name_of(event.source, event.id));
}

void World::send(std::size_t at) {
  auto& node = any_node();
  const auto& one = posted_[at];
  if (!node.up() || node.paused || node.parked(one.partition)) {
    outbox_.push_back(at);
    return;
  }
  ++on_way_;
  auto ticket = std::make_shared<Ticket>(*this, at);
  node.log().append(
      Topic::kEvents, one.partition, {one.bytes},
      [ticket](Result<std::vector<Position>> done) { ticket->tell(static_cast<bool>(done)); });
}

void World::answered(std::size_t at, bool durable) {
  --on_way_;
  if (durable) {
    posted_[at].acknowledged = true;
  } else {
    outbox_.push_back(at);
    story_.met("a fact sent again");
  }
}

void World::publish() {
  if (!outbox_.empty() && scheduler_.chance(50)) {
    const auto at = outbox_.front();
    outbox_.pop_front();
    return send(at);
  }
  if (facts_left_ == 0) return;
  --facts_left_;
  const auto now = clock_.wall();
  if (dice_.hit(Fault::kPoison)) {
    return post(any_partition(), workload_.poison(), {});
  }
  if (dice_.hit(Fault::kForged)) return post(workload_.forged(now));
  if (dice_.hit(Fault::kRepeat) && !posted_.empty()) {
    // One of the last, or of long ago.
    auto& random = dice_.of(Fault::kRepeat);
    const auto back = random.chance(40) ? random.below(std::min<std::size_t>(posted_.size(), 12))
                                        : random.below(posted_.size());
    const auto again = posted_[posted_.size() - 1 - back];
    story_.say("{} again", again.fact);
    return post(again.partition, again.bytes, again.fact);
  }
  post(workload_.fact(now));
}

// ---- what moves

bool World::move_all() {
  bool moved = false;
  const auto first = scheduler_.below(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto& node = *nodes_[(first + i) % nodes_.size()];
    for (PartitionId id = 0; id < plan_.partitions; ++id) {
      moved |= node.step(id);
      moved |= node.run_append(id);
      moved |= node.run_flush(id);
      if (node.up() && plan_.embedded) take_records(node.log());
    }
    for (auto lines = node.attempts_under_way(); lines > 0; --lines) {
      moved |= node.run_peers(scheduler_.next());
    }
  }
  return moved;
}

void World::run_quiet(std::size_t rounds) {
  while (rounds-- > 0 && !story_.broken() && move_all()) {
  }
}

void World::pass_time() {
  if (scheduler_.chance(85)) run_quiet(60);
  const auto draw = scheduler_.below(100);
  Duration by{static_cast<std::int64_t>(1 + scheduler_.below(400))};
  if (draw >= 30) by = seconds(static_cast<std::int64_t>(1 + scheduler_.below(30)));
  if (draw >= 50) by = minutes(static_cast<std::int64_t>(1 + scheduler_.below(40)));
  if (draw >= 75) by = hours(static_cast<std::int64_t>(1 + scheduler_.below(9)));
  if (draw >= 85 && plan_.months) by = hours(static_cast<std::int64_t>(1 + scheduler_.below(96)));
  clock_.advance(by);
}

void World::tick() {
  auto& node = any_node();
  const auto id = any_partition();
  const auto draw = scheduler_.below(100);
  if (draw < 45) {
    node.step(id);
  } else if (draw < 62) {
    node.run_append(id);
    if (node.up() && plan_.embedded) take_records(node.log());
  } else if (draw < 68) {
    node.run_flush(id);
  } else if (draw < 82) {
    node.run_peers(scheduler_.next());
  } else if (draw < 95) {
    publish();
  } else {
    pass_time();
  }
}

void World::machines_fail() {
  auto& node = any_node();
  if (dice_.hit(Fault::kKill)) node.die(false);
  if (dice_.hit(Fault::kPowerCut)) node.die(true);
  if (!node.up()) return;
  if (dice_.hit(Fault::kKillPoint)) node.die_at_point(scheduler_.below(40));
  if (dice_.hit(Fault::kStoreDies)) node.die_at_store(scheduler_.below(6));
  if (dice_.hit(Fault::kStoreFull)) {
    node.store(any_partition()).fail_write(1 + scheduler_.below(4), Code::kNoSpace);
  }
  if (dice_.hit(Fault::kDiskFault)) {
    static constexpr FakeFileSystem::Fault kHow[] = {
        FakeFileSystem::Fault::kIo, FakeFileSystem::Fault::kNoSpace,
        FakeFileSystem::Fault::kShortIo, FakeFileSystem::Fault::kShortSpace,
        FakeFileSystem::Fault::kDoneButIo};
    node.files().fail_change(1 + scheduler_.below(12), kHow[scheduler_.below(5)]);
  }
  if (dice_.hit(Fault::kPause)) {
    node.paused = true;
    story_.say("a node is paused");
  }
}

void World::cluster_fails() {
  const auto id = any_partition();
  if (dice_.hit(Fault::kLeaderMoves)) {
    suggest(id, scheduler_.below(nodes_.size()));
    story_.say("the lead of partition {} is to move", id);
  }
  if (dice_.hit(Fault::kTwoLeaders)) {
    any_node().lead(id, true);
    story_.say("one more is to lead partition {}", id);
  }
  if (dice_.hit(Fault::kBrokerMoves)) {  // what is on its way is there or not, and nobody hears
    for (auto& node : nodes_) {
      if (node->up()) node->log().lose_answers(id, scheduler_);
    }
  }
  if (dice_.hit(Fault::kReadBehind)) {
    auto& node = any_node();
    if (node.up()) node.log().fall_behind(id, 1 + scheduler_.below(6));
  } else if (scheduler_.chance(2)) {
    for (auto& node : nodes_) {
      if (node->up()) node->log().catch_up();
    }
  }
}

void World::clocks_fail() {
  auto& node = any_node();
  if (dice_.hit(Fault::kClockAhead)) {
    static constexpr Duration kJumps[] = {hours(1), days(3), days(40), days(3650)};
    node.skew = plan_.witness ? hours(1) : kJumps[scheduler_.below(4)];
    story_.say("a clock jumps ahead by {} h", node.skew.ms / 3'600'000);
  }
  if (dice_.hit(Fault::kClockBack)) {
    node.skew = minutes(0) - (scheduler_.chance(50) ? minutes(1) : hours(2));
    story_.say("a clock goes back by {} min", -node.skew.ms / 60'000);
  }
  if (node.skew.ms != 0 && scheduler_.below(300) == 0) node.skew = {};
}

void World::people_act() {
  const auto now = clock_.wall();
  // Whoever publishes waits until the version before is there.
  const bool waits = edited_ && !posted_[*edited_].acknowledged;
  if (dice_.hit(Fault::kRuleEdit) && !waits) {
    edited_ = posted_.size();
    post(workload_.rule_edit(now));
  }
  if (dice_.hit(Fault::kPauseEffects)) post(workload_.pause(now, scheduler_.chance(50)));
  if (dice_.hit(Fault::kRebuild) && rebuilds_ < 3) rebuild_a_view();
  if (dice_.hit(Fault::kRestore) && restores_ < 2 && !damaged_) check_restore(any_partition());
}

void World::go_wrong() {
  machines_fail();
  if (plan_.embedded && dice_.hit(Fault::kBitFlip)) damage_a_disk();
  if (!plan_.embedded && dice_.hit(Fault::kTruncate)) truncate_log();
  if (!plan_.embedded) cluster_fails();
  clocks_fail();
  people_act();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto& node = *nodes_[i];
    const bool away = !node.up() || node.paused;
    if (!away) {
      back_at_[i] = 0;
    } else if (back_at_[i] == 0) {
      back_at_[i] = ticks_ + 1 + scheduler_.below(120);
      if (scheduler_.chance(60)) suggest(any_partition(), scheduler_.below(nodes_.size()));
    } else if (ticks_ >= back_at_[i]) {
      back_at_[i] = 0;
      node.paused = false;
      node.start();
    }
  }
}

void World::live() {
  for (const auto& event : workload_.begin(clock_.wall())) post(event);
  while ((facts_left_ > 0 || ticks_ < 500) && ticks_ < kTicksMax && !story_.broken()) {
    ++ticks_;
    tick();
    go_wrong();
    if (ticks_ % 1024 == 0 && compared_ < 2) check_anywhere();
    if (damaged_) return;
  }
}

void World::run() {
  live();
  if (story_.broken()) return;
  if (damaged_) return check_damage();
  heal();
  converge();
  if (!story_.broken()) check_end();
}

// ---- healing

void World::heal() {
  dice_.heal();
  story_.say("--- nothing goes wrong any more");
  for (auto& node : nodes_) {
    node->paused = false;
    node->skew = {};
    node->files().fail_nothing();
    node->start();
    if (node->up()) node->log().catch_up();
  }
  for (PartitionId id = 0; id < plan_.partitions; ++id) {
    suggest(id, scheduler_.below(nodes_.size()));
  }
}

// Somebody vouches for a clock that is not believed: a start with a witness.
bool World::vouch() {
  bool any = false;
  for (auto& node : nodes_) {
    for (PartitionId id = 0; id < plan_.partitions; ++id) {
      auto* partition = node->partition(id);
      if (partition == nullptr || !partition->status().clock_held) continue;
      node->die(false);
      any = true;
    }
  }
  return any;
}

bool World::at_rest() {
  if (!outbox_.empty() || on_way_ > 0) return false;
  for (auto& node : nodes_) {
    if (!node->up() || node->attempts_under_way() > 0) return false;
    for (PartitionId id = 0; id < plan_.partitions; ++id) {
      const auto* partition = node->partition(id);
      if (partition == nullptr || !partition->at_rest() || node->appends_wait(id)) return false;
    }
  }
  return true;
}

void World::converge() {
  std::size_t days_on = 0;
  for (std::size_t round = 0; round < kRoundsMax && !story_.broken(); ++round) {
    if (!outbox_.empty()) publish();
    for (auto& node : nodes_) node->start();
    if (move_all() || !outbox_.empty()) continue;
    const bool late = std::any_of(nodes_.begin(), nodes_.end(),
                                  [&](const auto& node) { return node->appends_wait(0); });
    if (vouch()) continue;
    if (on_way_ == 0 && !late && !resumed_) {  // behind every pause that was still on its way
      resumed_ = true;
      for (const auto& event : workload_.resume_all(clock_.wall())) post(event);
      continue;
    }
    std::optional<Instant> due;
    for (auto& node : nodes_) {
      for (PartitionId id = 0; id < plan_.partitions; ++id) {
        const auto next = node->next_due(id);
        if (next && (!due || *next < *due)) due = next;
      }
    }
    const bool busy = std::any_of(nodes_.begin(), nodes_.end(),
                                  [](const auto& node) { return node->attempts_under_way() > 0; });
    if (due && (!busy || *due < clock_.wall() + seconds(10))) {
      clock_.advance(std::max(milliseconds(1), *due - clock_.wall()));
      continue;
    }
    if (at_rest()) {
      story_.met("came to rest");
      return;
    }
    clock_.advance(seconds(10));  // an attempt hangs
    if (++days_on > 1000) break;
  }
  if (story_.broken()) return;
  std::string why = std::to_string(outbox_.size()) + " facts to send, " + std::to_string(on_way_) +
                    " on their way";
  for (PartitionId id = 0; id < plan_.partitions; ++id) {
    for (auto& node : nodes_) {
      auto* partition = node->partition(id);
      if (partition == nullptr) {
        why += "; down";
        continue;
      }
      const auto status = partition->status();
      why += "; partition " + std::to_string(id) + (status.leading ? " leads" : " follows") +
             (status.caught_up ? "" : ", is behind") +
             (partition->at_rest() ? "" : ", not at rest") + ", " +
             std::to_string(node->attempts_under_way()) + " attempts" + ", now " +
             to_text(status.now) + ", timers " + std::to_string(status.timers);
    }
  }
  story_.breaks("O7", "healed, and it does not come to rest: " + why);
}

}  // namespace dealwright::sim
