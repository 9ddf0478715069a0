// Record and its history.
#include "engine/codec/state_codec.h"
#include "engine/codec/state_parts.h"

namespace dealwright::codec {
namespace {

constexpr std::uint64_t kVersion = 1;

void put_named(std::string& out, const std::vector<NamedRegister>& all) {
  put_varint(out, all.size());
  for (const auto& r : all) {
    put_text(out, r.name);
    put_value(out, r.value);
    put_stamp(out, r.stamp);
  }
}
bool get_named(ByteReader& in, std::vector<NamedRegister>& all) {
  all.resize(get_count(in));
  for (auto& r : all) {
    r.name = in.text();
    if (!get_value(in, r.value)) return false;
    r.stamp = get_stamp(in);
  }
  return true;
}

void put_stage(std::string& out, const StageMeaning& stage) {
  put_varint(out, static_cast<std::uint64_t>(stage.category));
  put_signed(out, stage.order);
  put_signed(out, stage.probability_bp);
}
StageMeaning get_stage(ByteReader& in) {
  StageMeaning stage;
  stage.category = static_cast<DealStatus>(std::min<std::uint64_t>(in.varint(), 2));
  stage.order = static_cast<std::int32_t>(in.signed_varint());
  stage.probability_bp = static_cast<std::int32_t>(in.signed_varint());
  return stage;
}

void put_life(std::string& out, const Life& life) {
  const unsigned flags = (life.opened ? 1U : 0U) | (life.deleted ? 2U : 0U) |
                         (life.merged ? 4U : 0U) | (life.undated ? 8U : 0U) |
                         (life.no_decision ? 16U : 0U) | (life.probability_bp ? 32U : 0U) |
                         (life.amount ? 64U : 0U);
  put_varint(out, flags);
  put_text(out, life.state);
  put_text(out, life.pipeline);
  put_text(out, life.stage);
  put_stage(out, life.meaning);
  if (life.probability_bp) put_signed(out, *life.probability_bp);
  if (life.amount) {
    put_signed(out, life.amount->minor);
    out.append(life.amount->currency.text());
  }
  put_text(out, life.owner);
  for (const auto at : {life.opened_at, life.entered_at, life.closed_at}) put_instant(out, at);
  put_text(out, life.lost_reason);
  put_optional(out, life.due);
  put_optional(out, life.first_due);
}

bool get_life(ByteReader& in, Life& life) {
  const auto flags = in.varint();
  life.opened = (flags & 1) != 0;
  life.deleted = (flags & 2) != 0;
  life.merged = (flags & 4) != 0;
  life.undated = (flags & 8) != 0;
  life.no_decision = (flags & 16) != 0;
  life.state = in.text();
  life.pipeline = in.text();
  life.stage = in.text();
  life.meaning = get_stage(in);
  if ((flags & 32) != 0) life.probability_bp = static_cast<std::int32_t>(in.signed_varint());
  if ((flags & 64) != 0) {
    Money money;
    money.minor = in.signed_varint();
    auto currency = Currency::parse(in.take(3));
    if (!currency) return false;
    money.currency = currency.value();
    life.amount = money;
  }
  life.owner = in.text();
  for (auto* at : {&life.opened_at, &life.entered_at, &life.closed_at}) *at = get_instant(in);
  life.lost_reason = in.text();
  life.due = get_optional(in);
  life.first_due = get_optional(in);
  return true;
}

void put_fact(std::string& out, const LifeFact& fact) {
  put_stamp(out, fact.stamp);
  put_instant(out, fact.ingested);
  put_varint(out, static_cast<std::uint64_t>(fact.type));
  put_varint(out, fact.undated ? 1 : 0);
  put_stage(out, fact.stage);
  put_fields(out, fact.args);
}
bool get_fact(ByteReader& in, LifeFact& fact) {
  fact.stamp = get_stamp(in);
  fact.ingested = get_instant(in);
  const auto type = in.varint();
  if (type > all_event_specs().size()) return false;
  fact.type = TypeId{static_cast<std::uint16_t>(type)};
  fact.undated = in.varint() != 0;
  fact.stage = get_stage(in);
  return get_fields(in, fact.args);
}

void put_consent(std::string& out, const ConsentRow& row) {
  put_text(out, row.purpose);
  put_text(out, row.channel);
  put_varint(out, row.granted ? 1 : 0);
  put_stamp(out, row.stamp);
  put_optional(out, row.until);
  put_text(out, row.basis);
  put_text(out, row.source);
}
ConsentRow get_consent(ByteReader& in) {
  ConsentRow row;
  row.purpose = in.text();
  row.channel = in.text();
  row.granted = in.varint() != 0;
  row.stamp = get_stamp(in);
  row.until = get_optional(in);
  row.basis = in.text();
  row.source = in.text();
  return row;
}

void put_history(std::string& out, const std::vector<HistoryEntry>& entries) {
  put_varint(out, entries.size());
  HistoryEntry last;
  last.occurred = last.ingested = Instant{0};
  for (const auto& entry : entries) {  // neighbours are near: deltas
    // kBeforeAll is far from everything: unsigned arithmetic wraps and comes back.
    put_signed(out, static_cast<std::int64_t>(static_cast<std::uint64_t>(entry.occurred.ms) -
                                              static_cast<std::uint64_t>(last.occurred.ms)));
    put_signed(out, static_cast<std::int64_t>(static_cast<std::uint64_t>(entry.ingested.ms) -
                                              static_cast<std::uint64_t>(last.ingested.ms)));
    put_signed(out, static_cast<std::int64_t>(entry.order - last.order));
    put_signed(out, static_cast<std::int64_t>(entry.position - last.position));
    put_varint(out, (std::uint64_t{entry.index} << 5) |
                        (static_cast<std::uint64_t>(entry.role) << 3) |
                        (static_cast<std::uint64_t>(entry.mark) << 1) | (entry.decision ? 1U : 0U));
    last = entry;
  }
}
void get_history(ByteReader& in, std::vector<HistoryEntry>& entries) {
  entries.resize(get_count(in));
  HistoryEntry last;
  last.occurred = last.ingested = Instant{0};
  for (auto& entry : entries) {
    entry.occurred.ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(last.occurred.ms) +
                                                  static_cast<std::uint64_t>(in.signed_varint()));
    entry.ingested.ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(last.ingested.ms) +
                                                  static_cast<std::uint64_t>(in.signed_varint()));
    entry.order = last.order + static_cast<std::uint64_t>(in.signed_varint());
    entry.position = last.position + static_cast<std::uint64_t>(in.signed_varint());
    const auto packed = in.varint();
    entry.index = static_cast<std::uint32_t>(packed >> 5);
    entry.role = static_cast<HistoryRole>((packed >> 3) & 3);
    entry.mark = static_cast<HistoryMark>(std::min<std::uint64_t>((packed >> 1) & 3, 2));
    entry.decision = (packed & 1) != 0;
    last = entry;
  }
}

void put_record(const Record& record, std::string& out, bool with_history) {
  put_varint(out, kVersion);
  put_key(out, record.key);
  put_varint(out, record.fields.size());
  for (const auto& r : record.fields) {
    put_varint(out, static_cast<std::uint64_t>(r.field));
    put_value(out, r.value);
    put_stamp(out, r.stamp);
  }
  put_named(out, record.custom);
  put_named(out, record.extra);
  put_life(out, record.base);
  put_stamp(out, record.melted);
  put_varint(out, record.facts.size());
  for (const auto& fact : record.facts) put_fact(out, fact);
  put_life(out, record.life);
  put_varint(out, record.consents.size());
  for (const auto& row : record.consents) put_consent(out, row);
  put_varint(out, record.counts.size());
  for (const auto& [type, count] : record.counts) {
    put_varint(out, static_cast<std::uint64_t>(type));
    put_varint(out, count);
  }
  put_stamp(out, record.newest);
  put_stamp(out, record.last_activity);
  put_text(out, record.merged_into);
  put_varint(out, record.erased ? 1 : 0);
  put_varint(out, record.watchers.size());
  for (const auto& id : record.watchers) put_hash(out, id);
  put_varint(out, record.chunks);
  put_history(out, with_history ? record.history : std::vector<HistoryEntry>{});
}

bool get_registers(ByteReader& in, Record& out) {
  out.fields.resize(get_count(in));
  for (auto& r : out.fields) {
    r.field = Field{static_cast<std::uint16_t>(in.varint())};
    if (!get_value(in, r.value)) return false;
    r.stamp = get_stamp(in);
  }
  return get_named(in, out.custom) && get_named(in, out.extra);
}

bool get_record(ByteReader& in, Record& out) {
  out = Record{};
  out.key = get_key(in);
  if (!get_registers(in, out) || !get_life(in, out.base)) return false;
  out.melted = get_stamp(in);
  out.facts.resize(get_count(in));
  for (auto& fact : out.facts) {
    if (!get_fact(in, fact)) return false;
  }
  if (!get_life(in, out.life)) return false;
  out.consents.resize(get_count(in));
  for (auto& row : out.consents) row = get_consent(in);
  out.counts.resize(get_count(in));
  for (auto& [type, count] : out.counts) {
    type = TypeId{static_cast<std::uint16_t>(in.varint())};
    count = static_cast<std::uint32_t>(in.varint());
  }
  out.newest = get_stamp(in);
  out.last_activity = get_stamp(in);
  out.merged_into = in.text();
  out.erased = in.varint() != 0;
  out.watchers.resize(get_count(in));
  for (auto& id : out.watchers) id = get_hash(in);
  out.chunks = in.varint();
  get_history(in, out.history);
  return !in.failed();
}

}  // namespace

void encode(const Record& record, std::string& out) { put_record(record, out, true); }

Result<void> decode(std::string_view bytes, Record& out) {
  ByteReader in{bytes};
  if (in.varint() != kVersion || !get_record(in, out) || !in.at_end()) {
    return damaged_state("a record");
  }
  return ok();
}

void encode_history_chunk(const Record& record, std::string& out) {
  put_history(out, record.history);
  put_record(record, out, false);
}

Result<HistoryChunk> decode_history_chunk(std::string_view bytes) {
  HistoryChunk chunk;
  ByteReader in{bytes};
  get_history(in, chunk.entries);
  if (in.varint() != kVersion || !get_record(in, chunk.checkpoint) || !in.at_end()) {
    return damaged_state("a record's history");
  }
  return chunk;
}

}  // namespace dealwright::codec
