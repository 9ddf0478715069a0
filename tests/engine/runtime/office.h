// A partition with a mail channel and a hook channel, and what happens to it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/codec/state_codec.h"
#include "engine/ports/fake/fake_channel.h"
#include "engine/runtime/keys.h"
#include "tests/engine/runtime/world.h"

namespace dealwright::runtime {

inline std::map<EffectId, Effect> ledger(State& state) {
  std::map<EffectId, Effect> out;
  state.write_back();
  EXPECT_TRUE(state.scan(keys::kEffect, [&](std::string_view, std::string_view value) {
    Effect effect;
    EXPECT_TRUE(codec::decode(value, effect));
    const auto id = effect.id;
    out.emplace(id, std::move(effect));
    return true;
  }));
  return out;
}

struct Office {
  explicit Office(std::uint64_t seed) : world{seed} {
    world.channels = {&mail, &hook};
    world.start();
    world.add(world.pipeline());
    world.run();
  }
  // A deal that enters `offer`: one mail; a note: one call of a hook.
  void offer(const std::string& deal) { happen(deal, TypeId::kDealStageChanged); }
  void note(const std::string& deal) { happen(deal, TypeId::kNoteAdded); }
  void happen(const std::string& deal, TypeId type) {
    Event opened;
    opened.source = "crm";
    opened.id = "open-" + deal;
    opened.type = TypeId::kDealOpened;
    opened.subject = {Kind::kDeal, deal};
    opened.data.set(Field::kPipeline, Value{"p"});
    world.add(opened);
    Event event;
    event.source = "crm";
    event.id = "e" + std::to_string(++events);
    event.type = type;
    event.subject = opened.subject;
    event.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    event.data.set(Field::kTo, Value{"offer"});
    event.data.set(Field::kText, Value{"call"});
    world.add(event);
    world.run();
  }
  Effect only(std::string_view channel) {
    Effect out;
    for (auto& [id, effect] : ledger(world.partition->state())) {
      if (effect.channel == channel) out = effect;
    }
    return out;
  }
  void add_of_rule(TypeId type, const std::string& rule = "note") {
    Event event;
    event.source = "ops";
    event.id = "rule" + std::to_string(++events);
    event.type = type;
    event.subject = {Kind::kRule, rule};
    event.data.set(Field::kText, Value{"rule: " + rule});
    event.data.set(Field::kVersion, Value{1});
    world.add(event);
    world.run();
  }
  void pause(TypeId type) {
    Event event;
    event.source = "ops";
    event.id = "pause" + std::to_string(++events);
    event.type = type;
    event.subject = {Kind::kWorkspace, "default"};
    event.time = world.clock.wall();
    event.data.set(Field::kAuthor, Value{"user/u1"});
    event.data.set(Field::kReason, Value{"a drill"});
    world.add(event);
    world.run();
  }
  // A person's word on the mail.
  void act(TypeId type, bool genuine = true) {
    Event event;
    event.source = "ops";
    event.id = "act" + std::to_string(++events);
    event.type = type;
    event.subject = {Kind::kDeal, "d1"};
    event.time = world.clock.wall();
    event.data.set(Field::kEffect, Value{hex(only("email").id)});
    event.data.set(Field::kAuthor, Value{"user/u1"});
    event.data.set(Field::kReason, Value{"asked for"});
    event.data.set(Field::kOutcome, Value{"delivered"});
    if (genuine) world.key.sign(event, 0);
    world.add(event);
    world.run();
  }
  Event about_person(TypeId type, const std::string& id) {
    Event event;
    event.source = "web";
    event.id = id;
    event.type = type;
    event.subject = {Kind::kContact, "c1"};
    event.time = world.clock.wall();
    event.data.set(Field::kPurpose, Value{"newsletter"});
    event.data.set(Field::kChannel, Value{"email"});
    event.data.set(Field::kSource, Value{"form"});
    return event;
  }
  // A page seen by a person: one mail of marketing.
  void letter(const std::string& contact) {
    Event event;
    event.source = "crm";
    event.id = "e" + std::to_string(++events);
    event.type = TypeId::kContentViewed;
    event.subject = {Kind::kContact, contact};
    event.data.set(Field::kUrl, Value{"/"});
    world.add(event);
    world.run();
  }
  bool go_on(FakeChannel& channel, FakeChannel::Fate fate) {
    const bool moved = channel.go_on(fate);
    world.run();
    return moved;
  }

  World world;
  FakeChannel mail{"email", true};
  FakeChannel hook{"webhook", false};
  int events = 0;
};

}  // namespace dealwright::runtime
