// The rules of the deals workload as rule files, and its oracle.
#pragma once

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/codec/json.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/keys.h"
#include "projections/registry.h"
#include "rules/decide/factory.h"

namespace dealwright::bench {

inline std::string rule_id(std::size_t i) {
  if (i == 100) return "follow-up";
  auto digits = std::to_string(i);
  return "r" + std::string(3 - digits.size(), '0') + digits;
}

// A rule of rules.jsonl in our language; behind them the follow-up of deals that enter `offer`.
inline std::vector<std::string> rules_of(const std::string& path) {
  static const std::map<std::string, std::string> kTypes = {{"created", "deal.opened"},
                                                            {"moved", "deal.stage_changed"},
                                                            {"updated", "deal.amount_changed"},
                                                            {"note", "note.added"}};
  std::vector<std::string> out;
  std::ifstream in{path};
  for (std::string line; std::getline(in, line);) {
    const auto value = codec::parse_json(line).value();
    const auto& map = *value.as_map();
    const std::string stage{find(map, "stage")->text_or_empty()};
    const std::string type{find(map, "type")->text_or_empty()};
    const auto trigger = type == "closed" ? "deal." + stage : kTypes.at(type);
    const Money above{*find(map, "above")->as_int(), Currency::unchecked('E', 'U', 'R')};
    out.push_back("rule: " + rule_id(out.size()) +
                  "\nname: bench\nowner: ops\ntrigger: " + trigger + "\nwhen: 'deal.stage == \"" +
                  stage + "\" && deal.amount > money(\"" + to_text(above) +
                  "\")'\nentry: each_time\nsteps:\n  - send_webhook: { endpoint: crm, data: { "
                  "deal: \"= deal.stage\" } }\n");
  }
  out.push_back(
      "rule: follow-up\nname: bench\nowner: ops\ntrigger: { changed: deal.stage, to: offer "
      "}\nentry: { once_per: event.id }\nexit:\n"
      "  - { when: 'deal.stage != \"offer\"', reason: left }\nsteps:\n  - wait: 3d\n  - "
      "send_webhook: { endpoint: crm, data: { deal: \"= deal.stage\" } }\n");
  return out;
}

inline std::unique_ptr<DeciderFactory> make_deciders() { return rules::make_decider_factory(); }

// Compares effects, timers and views with expected.json; prints what differs.
inline bool equals_expected(runtime::Engine& engine, const std::string& path) {
  std::ifstream in{path};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto parsed = codec::parse_json(text);
  const auto& expected = *parsed.value().as_map();
  std::int64_t matches = 0, fired = 0, pending = 0;
  std::map<std::string, std::vector<std::string>> parts;
  for (PartitionId id = 0; id < engine.partitions(); ++id) {
    auto asked = engine.ask(id, [&](runtime::Partition& partition) {
      auto& state = partition.state();
      state.write_back();
      pending += static_cast<std::int64_t>(state.timers().pending());
      static_cast<void>(
          state.scan(runtime::keys::kEffect, [&](std::string_view, std::string_view value) {
            Effect effect;
            if (codec::decode(value, effect)) ++(effect.rule == "follow-up" ? fired : matches);
            return true;
          }));
      for (const auto* name : {"board", "deals"})
        parts[name].push_back(state.view_fold(name)->query({}).value());
    });
    if (!asked) {
      std::printf("%s\n", asked.error().detail.c_str());
      return false;
    }
  }
  bool good = true;
  const auto same = [&](const std::string& what, std::int64_t want, std::int64_t got) {
    if (want == got) return;
    good = false;
    std::printf("%s: expected %lld, got %lld\n", what.c_str(), static_cast<long long>(want),
                static_cast<long long>(got));
  };
  same("matches", *find(expected, "matches")->as_int(), matches);
  same("timers_fired", *find(expected, "timers_fired")->as_int(), fired);
  same("timers_pending", *find(expected, "timers_pending")->as_int(), pending);
  ViewQuery by_stage;
  by_stage.group_by = {"stage"};
  const auto board = projections::find_view("board")->merge(by_stage, parts["board"]).value();
  for (const auto& [stage, sums] : *find(expected, "pipeline")->as_map()) {
    std::int64_t count = 0, amount = 0;
    for (const auto& row : board.rows) {
      if (*row[0].as_text() == stage) count = *row[1].as_int(), amount = *row[2].as_int();
    }
    same(stage + " count", *(*sums.as_list())[0].as_int(), count);
    same(stage + " amount", *(*sums.as_list())[1].as_int(), amount);
  }
  ViewQuery by_owner;
  by_owner.group_by = {"owner"};
  const auto deals = projections::find_view("deals")->merge(by_owner, parts["deals"]).value();
  for (const auto& row : deals.rows) {
    const auto* kpi = find(*find(expected, "kpi")->as_map(), *row[0].as_text());
    if (kpi == nullptr) continue;
    same(*row[0].as_text() + " won", *(*kpi->as_list())[0].as_int(), *row[2].as_int());
    same(*row[0].as_text() + " won amount", *(*kpi->as_list())[1].as_int(), *row[6].as_int());
    same(*row[0].as_text() + " lost", *(*kpi->as_list())[2].as_int(),
         *row[3].as_int() + *row[4].as_int());
  }
  if (deals.rows.size() != 50) same("owners", 50, static_cast<std::int64_t>(deals.rows.size()));
  return good;
}

}  // namespace dealwright::bench
