#include "tests/engine/codec/samples.h"

#include <algorithm>

namespace dealwright::codec {

std::string Sampler::word() {
  static constexpr const char* kWords[] = {"offer",           "d-17", "Zo\xc3\xab \"x\"",
                                           "line\nbreak",     "a/b",  "\xe6\x97\xa5\xe6\x9c\xac",
                                           "\xf0\x9f\x99\x82"};
  auto out = std::string{kWords[below(7)]} + std::to_string(below(1000));
  if (chance(5)) out += std::string(below(300), 'x');  // lengths of one and two bytes
  return out;
}
std::string Sampler::bytes() {
  std::string out(below(40), '\0');
  for (auto& c : out) c = static_cast<char>(below(256));
  return out;
}
Instant Sampler::instant() {
  if (chance(10)) return chance(50) ? kInstantMin : kInstantMax;
  return Instant{static_cast<std::int64_t>(below(4'000'000'000'000)) - 1'000'000'000'000};
}
std::optional<Instant> Sampler::maybe_instant() {
  return chance(50) ? std::optional{instant()} : std::nullopt;
}
std::uint32_t Sampler::number() {
  return static_cast<std::uint32_t>(chance(10) ? random_.next() : below(300));
}
Money Sampler::money() {
  return {static_cast<std::int64_t>(random_.next() >> below(64)),
          chance(50) ? Currency::unchecked('E', 'U', 'R') : Currency::unchecked('J', 'P', 'Y')};
}
Hash128 Sampler::hash() { return {random_.next(), random_.next()}; }
template <std::size_t N>
std::array<std::uint8_t, N> Sampler::digest() {
  std::array<std::uint8_t, N> out{};
  for (auto& byte : out) byte = static_cast<std::uint8_t>(below(256));
  return out;
}

Value Sampler::value(int depth) {
  switch (below(depth < 4 ? 11 : 9)) {
    case 0:
      return Null{};
    case 1:
      return chance(50);
    case 2:
      return static_cast<std::int64_t>(random_.next() >> below(64));
    case 3:
      return -static_cast<std::int64_t>(below(1000));
    case 4:
      return static_cast<double>(below(1000)) / 8 - 50;
    case 5:
      return money();
    case 6:
      return instant();
    case 7:
      return LocalDate{static_cast<std::int32_t>(below(40'000)) - 10'000};
    case 8:
      return chance(80) ? Value{word()} : Value{Sealed{word(), bytes()}};
    case 9: {
      List list;
      for (auto n = below(4); n > 0; --n) list.push_back(value(depth + 1));
      return list;
    }
    default:
      return map(depth + 1);
  }
}

Map Sampler::map(int depth) {
  Map out;
  for (auto n = below(4); n > 0; --n) out.emplace_back(word(), value(depth));
  return *Value{std::move(out)}.as_map();  // sorted, unique
}

RecordKey Sampler::key() { return {static_cast<Kind>(below(kKinds)), word()}; }

Value Sampler::value_of(const FieldSpec& spec) {
  if (spec.personal && chance(30)) return Sealed{word(), bytes()};
  switch (spec.type) {
    case FieldType::kInt:
      return static_cast<std::int64_t>(below(100'000)) - 1000;
    case FieldType::kBool:
      return chance(50);
    case FieldType::kMoney:
      return money();
    case FieldType::kInstant:
      return instant();
    case FieldType::kDate:
      return LocalDate{static_cast<std::int32_t>(below(40'000))};
    case FieldType::kZone:
      return "Europe/Paris";
    case FieldType::kDecimal:
      return std::to_string(below(100)) + ".0061";
    case FieldType::kEnum:
      return spec.values[below(spec.values.size())];
    case FieldType::kTexts:
    case FieldType::kRefs: {
      List list;
      for (auto n = below(3); n > 0; --n) list.emplace_back("r" + std::to_string(below(100)));
      return list;
    }
    case FieldType::kRef:
      return "r" + std::to_string(below(100));
    case FieldType::kJson:
      return map();
    case FieldType::kText:
      return word();
  }
  return {};
}

void Sampler::envelope(Event& event) {
  const auto perhaps = [&] { return chance(50) ? word() : std::string{}; };
  event.source = word();
  event.id = word();
  event.time = maybe_instant();
  event.partition_key = perhaps();
  event.extra = map();
  event.actor = perhaps();
  event.import_batch = perhaps();
  event.import_row = chance(50) ? random_.next() >> (1 + below(63)) : 0;
  event.policy = static_cast<Policy>(below(5));
  event.causation_id = perhaps();
  event.correlation_id = perhaps();
  event.traceparent = perhaps();
  event.extensions = map();
  event.key_id = perhaps();
  event.mac = bytes();
  event.opaque = bytes();
  event.content_type = perhaps();
}

Event Sampler::event(TypeId type) {
  Event out;
  envelope(out);
  out.type = type;
  const auto& spec = spec_of(type);
  do {
    out.subject = key();
  } while (!spec.allows(out.subject.kind));
  for (const auto& field : spec.data) {
    if (field.required || chance(60)) out.data.set(field.field, value_of(field));
  }
  return out;
}

Event Sampler::foreign_event() {
  Event out;
  envelope(out);
  out.foreign_type = "com.example." + word();
  out.subject = key();
  return out;
}

Enrolment Sampler::enrolment() {
  Enrolment out;
  out.id = hash();
  out.rule = word();
  out.version = number();
  out.key = bytes();
  out.subject = key();
  out.started = instant();
  out.base = instant();
  out.cause = bytes();
  out.step = number();
  out.round = chance(50) ? word() : "";
  out.step_since = instant();
  out.due = maybe_instant();
  out.waits_for_event = chance(50);
  out.control = chance(50);
  out.held = chance(50);
  out.shadow = chance(50);
  out.watched = some<RecordKey>([&] { return key(); });
  out.kept = map();
  out.effects = some<Sha256>([&] { return digest<32>(); });
  return out;
}

Effect Sampler::effect() {
  Effect out;
  out.id = digest<32>();
  out.rule = word();
  out.version = number();
  out.enrolment = hash();
  out.step = word();
  out.channel = "task";
  out.subject = key();
  out.recipient = chance(50) ? word() : "";
  out.state = static_cast<EffectState>(below(9));
  out.reason = chance(50) ? word() : "";
  out.requested = instant();
  out.changed = instant();
  out.not_before = maybe_instant();
  out.expires = maybe_instant();
  out.attempts = number();
  out.payload = map();
  out.traceparent = chance(50) ? word() : "";
  return out;
}

TimerKey Sampler::timer() { return {instant(), word(), hash(), number()}; }

EffectMoved Sampler::moved() {
  EffectMoved out{digest<32>(), static_cast<EffectState>(below(9)), chance(50) ? word() : "",
                  maybe_instant()};
  out.held_by = out.retry_at ? "" : "workspace";
  return out;
}

Change Sampler::change(std::size_t alternative) {
  switch (alternative) {
    case 0:
      return EnrolmentStarted{enrolment(), some<UsedValue>([&] {
                                return UsedValue{word(), value()};
                              }),
                              chance(50)};
    case 1:
      return EnrolmentMoved{hash(),
                            number(),
                            chance(50) ? word() : "",
                            instant(),
                            maybe_instant(),
                            chance(50),
                            chance(50),
                            some<RecordKey>([&] { return key(); })};
    case 2:
      return EnrolmentEnded{hash(), word(), chance(50)};
    case 3:
      return EntryRefused{word(), number(), key(), "cooldown"};
    case 4:
      return EffectRequested{effect()};
    case 5:
      return moved();
    case 6:
      return FactDecided{event(TypeId::kTaskCreated)};
    case 7:
      return RuleFailed{word(), number(), key(), "when", word(), chance(50) ? word() : ""};
    default:
      return EventRedriven{random_.next() >> below(64), static_cast<Verdict>(below(4)),
                           chance(50) ? word() : ""};
  }
}

DecisionHeader Sampler::header() {
  DecisionHeader out;
  out.state_version = number();
  out.term = random_.next() >> below(64);
  out.claim = digest<16>();
  out.sequence = number();
  out.from = random_.next() >> below(64);
  out.through = number();
  out.event_count = number();
  out.now = instant();
  out.clock_epoch = number();
  out.event_clock = chance(50);
  out.rule_set = digest<32>();
  out.schema = digest<32>();
  out.workspace = "default";
  out.chain = digest<32>();
  return out;
}

TurnRecord Sampler::turn() {
  TurnRecord out;
  out.position = random_.next() >> below(64);
  if (chance(50)) out.timer = timer();
  out.verdict = static_cast<Verdict>(below(4));
  out.code = chance(50) ? word() : "";
  out.detail = chance(50) ? word() : "";
  out.changes = some<Change>([&] { return change(below(std::variant_size_v<Change>)); });
  out.sends = some<Send>([&] { return Send{number(), random_.next() >> below(64), bytes()}; });
  return out;
}

DecisionRecord Sampler::decision(std::size_t body) {
  DecisionRecord out;
  out.header = header();
  if (body == 0) {
    out.body = LeaderClaim{word()};
  } else if (body == 1) {
    out.body = Batch{some<TurnRecord>([&] { return turn(); }), some<SendAck>([&] {
                       return SendAck{number(), random_.next() >> below(64)};
                     }),
                     some<EffectMoved>([&] { return moved(); })};
  } else {
    out.body =
        Barrier{static_cast<Barrier::What>(1 + below(3)), number(), chance(50) ? word() : ""};
  }
  return out;
}

Stamp Sampler::stamp() {
  return {chance(10) ? kBeforeAll : instant(), random_.next() >> below(64)};
}

Life Sampler::life() {
  Life out;
  for (auto* flag : {&out.opened, &out.deleted, &out.merged, &out.undated, &out.no_decision})
    *flag = chance(50);
  for (auto* text : {&out.state, &out.pipeline, &out.stage, &out.owner, &out.lost_reason})
    *text = chance(50) ? word() : "";
  out.meaning = {static_cast<DealStatus>(below(3)), static_cast<std::int32_t>(below(10)),
                 static_cast<std::int32_t>(below(10'001))};
  if (chance(50)) out.probability_bp = static_cast<std::int32_t>(below(10'001));
  if (chance(50)) out.amount = money();
  for (auto* at : {&out.opened_at, &out.entered_at, &out.closed_at})
    *at = chance(30) ? kBeforeAll : instant();
  out.due = maybe_instant();
  out.first_due = maybe_instant();
  return out;
}

Record Sampler::record() {
  const auto named = [&] {
    NamedRegister out;
    out.name = word();
    out.value = chance(10) ? Value{} : value();
    out.stamp = stamp();
    out.fills = out.stamp.order % 5 == 0;
    return out;
  };
  const auto declared = [&] {
    Register out;
    out.field = Field{static_cast<std::uint16_t>(1 + below(200))};
    out.value = chance(10) ? Value{} : value();
    out.stamp = stamp();
    out.fills = out.stamp.order % 5 == 0;
    return out;
  };
  const auto entry = [&] {
    HistoryEntry out;
    out.occurred = chance(10) ? kBeforeAll : instant();
    out.ingested = instant();
    out.order = random_.next() >> below(64);
    out.position = random_.next() >> below(64);
    out.index = number() >> 8;
    out.decision = chance(50);
    out.role = static_cast<HistoryRole>(below(4));
    out.mark = static_cast<HistoryMark>(below(3));
    return out;
  };
  const auto fact = [&] {
    LifeFact out;
    out.stamp = stamp();
    out.ingested = instant();
    out.type = static_cast<TypeId>(below(all_event_specs().size() + 1));
    out.undated = chance(50);
    out.stage = life().meaning;
    out.args.set(Field::kTo, Value{word()});
    return out;
  };
  const auto consent = [&] {
    return ConsentRow{word(), "email", chance(50), stamp(), maybe_instant(), word(), word()};
  };
  Record out;
  out.key = key();
  out.fields = some<Register>(declared);
  out.custom = some<NamedRegister>(named);
  out.extra = some<NamedRegister>(named);
  out.base = life();
  out.melted = {instant(), 1 + below(100)};
  out.facts = some<LifeFact>(fact);
  out.life = life();
  out.consents = some<ConsentRow>(consent);
  for (auto n = below(4); n > 0; --n)
    out.counts.emplace_back(static_cast<TypeId>(1 + below(100)), number());
  out.newest = stamp();
  out.last_activity = stamp();
  out.merged_into = chance(50) ? word() : "";
  out.erased = chance(50);
  out.key_conflict = chance(20);
  if (chance(50)) out.home_key = word();
  out.watchers = some<Hash128>([&] { return hash(); });
  out.chunks = random_.next() >> below(64);
  out.history = some<HistoryEntry>(entry);
  return out;
}

SetAside Sampler::set_aside() {
  SetAside out;
  out.position = random_.next() >> below(64);
  out.verdict = static_cast<Verdict>(below(4));
  for (auto* text : {&out.code, &out.detail, &out.key, &out.subject, &out.type}) *text = word();
  if (chance(50)) out.blocked_by = number();
  out.now = instant();
  out.redrives = number();
  out.event = bytes();
  return out;
}

Event sample_event(TypeId type) {
  const auto& spec = spec_of(type);
  Event out;
  out.source = "crm/eu";
  out.id = "e" + std::to_string(static_cast<int>(type));
  out.type = type;
  auto kind = static_cast<std::size_t>(Kind::kAccount);
  while (!spec.allows(static_cast<Kind>(kind))) ++kind;
  out.subject = {static_cast<Kind>(kind), "s1"};
  out.time = Instant{1'772'442'000'000};  // 2026-03-02T09:00:00Z
  Sampler sampler{static_cast<std::uint64_t>(type)};
  for (const auto& field : spec.data) {
    auto plain = field;
    plain.personal = false;
    out.data.set(field.field, sampler.value_of(plain));
  }
  if (spec.group == EventGroup::kOwn) {
    out.key_id = "k1";
    out.mac = std::string(32, '\x5a');
  }
  return out;
}

}  // namespace dealwright::codec
