// Record and its history.
#include <algorithm>

#include "engine/codec/state_codec.h"
#include "engine/codec/state_parts.h"

namespace dealwright::codec {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kErased = 1, kKeyConflict = 2, kHasHomeKey = 4;  // flags of a record
constexpr std::uint64_t kFills = 1U << 15;  // beside the field of a register that fills a gap
constexpr std::uint64_t kSomeFill = 1;      // at the end of a record: what few have
constexpr std::uint64_t kMergedFrom = 2;

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

// Which of them only fill a gap, by index.
void put_fills(std::string& out, const std::vector<NamedRegister>& all) {
  put_varint(out, static_cast<std::uint64_t>(std::count_if(all.begin(), all.end(),
                                                           [](const auto& r) { return r.fills; })));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].fills) put_varint(out, i);
  }
}
bool get_fills(ByteReader& in, std::vector<NamedRegister>& all) {
  for (auto n = get_count(in); n > 0; --n) {
    const auto i = in.varint();
    if (i >= all.size()) return false;
    all[i].fills = true;
  }
  return !in.failed();
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

void put_record(const Record& record, std::string& out, bool with_history) {
  put_varint(out, kVersion);
  put_key(out, record.key);
  put_varint(out, record.fields.size());
  for (const auto& r : record.fields) {
    put_varint(out, static_cast<std::uint64_t>(r.field) | (r.fills ? kFills : 0));
    put_value(out, r.value);
    put_stamp(out, r.stamp);
  }
  put_named(out, record.custom);
  put_named(out, record.extra);
  const bool melted = record.melted != Stamp{};
  put_varint(out, melted ? 1 : 0);
  if (melted) {
    put_life(out, record.base.get());
    put_stamp(out, record.melted);
  }
  put_text(out, record.facts.bytes());
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
  put_varint(out, (record.erased ? kErased : 0) | (record.key_conflict ? kKeyConflict : 0) |
                      (record.home_key.get().empty() ? 0 : kHasHomeKey));
  if (!record.home_key.get().empty()) put_text(out, record.home_key.get());
  put_varint(out, record.watchers.size());
  for (const auto& id : record.watchers) put_hash(out, id);
  put_varint(out, record.chunks);
  put_text(out, with_history ? record.history.bytes() : std::string_view{});
  const auto fills = [](const auto& r) { return r.fills; };
  const bool some = std::any_of(record.custom.begin(), record.custom.end(), fills) ||
                    std::any_of(record.extra.begin(), record.extra.end(), fills);
  const auto& losers = record.merged_from.get();
  put_varint(out, (some ? kSomeFill : 0) | (losers.empty() ? 0 : kMergedFrom));  // of few records
  if (some) {
    put_fills(out, record.custom);
    put_fills(out, record.extra);
  }
  if (losers.empty()) return;
  put_varint(out, losers.size());
  for (const auto& id : losers) put_text(out, id);
}

bool get_registers(ByteReader& in, Record& out) {
  out.fields.resize(get_count(in));
  for (auto& r : out.fields) {
    const auto field = in.varint();
    r.field = Field{static_cast<std::uint16_t>(field & (kFills - 1))};
    r.fills = (field & kFills) != 0;
    if (!get_value(in, r.value)) return false;
    r.stamp = get_stamp(in);
  }
  return get_named(in, out.custom) && get_named(in, out.extra);
}

bool get_record(ByteReader& in, Record& out) {
  out = Record{};
  out.key = get_key(in);
  if (!get_registers(in, out)) return false;
  if (in.varint() != 0) {
    if (!get_life(in, out.base.edit())) return false;
    out.melted = get_stamp(in);
  }
  auto facts = LifeFacts::read(in.text());
  if (!facts) return false;
  out.facts = std::move(*facts);
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
  const auto flags = in.varint();
  out.erased = (flags & kErased) != 0;
  out.key_conflict = (flags & kKeyConflict) != 0;
  if ((flags & kHasHomeKey) != 0) out.home_key = std::string{in.text()};
  out.watchers.resize(get_count(in));
  for (auto& id : out.watchers) id = get_hash(in);
  out.chunks = in.varint();
  auto history = History::read(in.text());
  if (!history) return false;
  out.history = std::move(*history);
  const auto rare = in.varint();
  if ((rare & kSomeFill) != 0 && !(get_fills(in, out.custom) && get_fills(in, out.extra))) {
    return false;
  }
  if ((rare & kMergedFrom) != 0) {
    auto& losers = out.merged_from.edit();
    losers.resize(get_count(in));
    for (auto& id : losers) id = in.text();
  }
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
  put_text(out, record.history.bytes());
  put_record(record, out, false);
}

Result<HistoryChunk> decode_history_chunk(std::string_view bytes) {
  HistoryChunk chunk;
  ByteReader in{bytes};
  const auto history = History::read(in.text());
  if (history) chunk.entries = history->entries();
  if (!history || in.varint() != kVersion || !get_record(in, chunk.checkpoint) || !in.at_end()) {
    return damaged_state("a record's history");
  }
  return chunk;
}

}  // namespace dealwright::codec
