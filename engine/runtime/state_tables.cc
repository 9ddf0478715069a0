// The smaller tables of a partition's state, and its meta entry.
#include <algorithm>

#include "engine/base/bytes.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {
namespace {

constexpr std::uint64_t kMetaVersion = 1;

void put_numbers(std::string& out, const std::vector<std::uint64_t>& numbers) {
  put_varint(out, numbers.size());
  for (const auto number : numbers) put_varint(out, number);
}
std::vector<std::uint64_t> get_numbers(ByteReader& in) {
  std::vector<std::uint64_t> out(std::min<std::uint64_t>(in.varint(), 4096));
  for (auto& number : out) number = in.varint();
  return out;
}

template <class T>
void put_entry_of(KvCache& cache, std::string key, const T& value) {
  std::string bytes;
  codec::encode(value, bytes);
  cache.put(std::move(key), std::move(bytes));
}

}  // namespace

void encode(const Meta& meta, std::string& out) {
  put_varint(out, kMetaVersion);
  put_varint(out, meta.state_version);
  put_varint(out, meta.events);
  put_varint(out, meta.decisions);
  put_signed(out, meta.now.ms);
  put_varint(out, meta.clock_epoch);
  put_varint(out, (meta.event_clock ? 1U : 0U) | (meta.clock_fixed ? 2U : 0U));
  put_varint(out, meta.term);
  out.append(reinterpret_cast<const char*>(meta.claim.data()), meta.claim.size());
  put_varint(out, meta.sequence);
  out.append(bytes_of(meta.chain));
  for (const auto n :
       {meta.order, meta.timers, meta.reference, meta.accepted, meta.duplicates, meta.refused,
        meta.set_aside, meta.forwarded, meta.timers_fired, meta.aside, meta.aside_bytes}) {
    put_varint(out, n);
  }
  for (const auto n : meta.lateness) put_varint(out, n);
  put_numbers(out, meta.sent);
  put_numbers(out, meta.acked);
  put_numbers(out, meta.received);
}

Result<Meta> decode_meta(std::string_view bytes) {
  ByteReader in{bytes};
  Meta meta;
  if (in.varint() != kMetaVersion) {
    return Error{Code::kUnsupported,
                 "the state's meta entry is of a version that this binary does not know"};
  }
  meta.state_version = static_cast<std::uint32_t>(in.varint());
  meta.events = in.varint();
  meta.decisions = in.varint();
  meta.now.ms = in.signed_varint();
  meta.clock_epoch = static_cast<std::uint32_t>(in.varint());
  const auto flags = in.varint();
  meta.event_clock = (flags & 1) != 0;
  meta.clock_fixed = (flags & 2) != 0;
  meta.term = in.varint();
  const auto claim = in.take(meta.claim.size());
  std::copy(claim.begin(), claim.end(), meta.claim.begin());
  meta.sequence = in.varint();
  const auto chain = in.take(meta.chain.size());
  std::copy(chain.begin(), chain.end(), meta.chain.begin());
  for (auto* n :
       {&meta.order, &meta.timers, &meta.reference, &meta.accepted, &meta.duplicates, &meta.refused,
        &meta.set_aside, &meta.forwarded, &meta.timers_fired, &meta.aside, &meta.aside_bytes}) {
    *n = in.varint();
  }
  for (auto& n : meta.lateness) n = in.varint();
  meta.sent = get_numbers(in);
  meta.acked = get_numbers(in);
  meta.received = get_numbers(in);
  if (in.failed() || !in.at_end()) {
    return Error{Code::kDamaged, "the state's meta entry is damaged"};
  }
  return meta;
}

template <class T>
std::optional<T> State::read_entry(const std::string& key) {
  const auto bytes = read(key);
  if (!bytes) return std::nullopt;
  T out;
  if (auto decoded = codec::decode(*bytes, out); !decoded) {
    fail(decoded.error());
    return std::nullopt;
  }
  return out;
}

std::optional<Entry> State::entry(std::string_view rule, std::string_view key) {
  return read_entry<Entry>(keys::entry(rule, key));
}
void State::put_entry(std::string_view rule, std::string_view key, const Entry& entry) {
  put_entry_of(cache_, keys::entry(rule, key), entry);
}

std::optional<Effect> State::effect(const EffectId& id) {
  return read_entry<Effect>(keys::effect(id));
}
std::optional<SetAside> State::set_aside(std::uint64_t position) {
  return read_entry<SetAside>(keys::number(keys::kSetAside, position));
}
void State::put(const SetAside& entry) {
  put_entry_of(cache_, keys::number(keys::kSetAside, entry.position), entry);
  if (entry.verdict == Verdict::kSetAside && !entry.key.empty()) {
    cache_.put(keys::text_number(keys::kBlocked, entry.key, entry.position), "");
  }
}
void State::erase_set_aside(const SetAside& entry) {
  cache_.erase(keys::number(keys::kSetAside, entry.position));
  if (entry.verdict == Verdict::kSetAside && !entry.key.empty()) {
    cache_.erase(keys::text_number(keys::kBlocked, entry.key, entry.position));
  }
}
std::optional<std::uint64_t> State::blocked(std::string_view key, std::uint64_t from) {
  if (key.empty() || meta.aside == 0) return std::nullopt;
  std::optional<std::uint64_t> first;
  const auto start = keys::text_number(keys::kBlocked, key, from);
  const auto end = prefix_end(start.substr(0, start.size() - 8));
  auto scanned = cache_.scan(start, end, [&](std::string_view at, std::string_view) {
    ByteReader in{at.substr(at.size() - 8)};
    first = in.key64();
    return false;
  });
  if (!scanned) fail(scanned.error());
  return first;
}

void State::put_pipeline(const Event& event, Stamp stamp) {
  auto pipeline = read_pipeline(event.subject.id, event.data);
  if (!pipeline) return;  // decide refused it
  reference.pipelines.put(std::move(pipeline.value()), stamp);
  std::string value;
  put_signed(value, stamp.occurred.ms);
  put_varint(value, stamp.order);
  codec::encode(event, value);
  cache_.put(keys::text_number(keys::kPipeline, event.subject.id, stamp.order), std::move(value));
}

void State::put_schema(const Event& event, std::uint64_t order) {
  auto schema = read_schema(event.data);
  if (!schema) return;  // decide refused it, or it is older than declarations
  reference.schemas.put(std::move(schema.value()), order);
  std::string value;
  codec::encode(event, value);
  cache_.put(keys::number(keys::kSchema, order), std::move(value));
}

std::string_view State::rule_status(std::string_view rule) const {
  const auto it = rule_status_.find(rule);
  return it == rule_status_.end() ? std::string_view{} : std::string_view{it->second};
}

void State::publish(const PublishedRule& rule) {
  if (!rule.status.empty()) rule_status_[rule.rule] = rule.status;
  std::string value;
  put_text(value, rule.status);
  put_text(value, rule.text);
  cache_.put(keys::text_number(keys::kPublished, rule.rule, rule.version), std::move(value));
}

Result<std::vector<PublishedRule>> State::published() const {
  std::vector<PublishedRule> out;
  DW_TRY(scan(keys::kPublished, [&](std::string_view key, std::string_view value) {
    PublishedRule rule;
    rule.rule = key.substr(1, key.size() - 10);
    ByteReader number{key.substr(key.size() - 8)};
    rule.version = static_cast<std::uint32_t>(number.key64());
    ByteReader in{value};
    rule.status = in.text();
    rule.text = in.text();
    out.push_back(std::move(rule));
    return true;
  }));
  return out;
}

void State::set_rule_status(std::string_view rule, std::string_view status) {
  auto all = published();
  if (!all) {
    fail(all.error());
    return;
  }
  const PublishedRule* newest = nullptr;
  for (const auto& version : all.value()) {
    if (version.rule == rule) newest = &version;
  }
  if (newest == nullptr) return;
  auto changed = *newest;
  changed.status = status;
  publish(changed);
}

ImportBatch State::batch(std::string_view name) {
  ImportBatch out;
  const auto bytes = read(keys::with_letter(keys::kBatch, name));
  if (!bytes) return out;
  ByteReader in{*bytes};
  out.policy = static_cast<Policy>(in.varint());
  out.highest_row = in.varint();
  out.phase = static_cast<ImportBatch::Phase>(in.varint());
  out.per_hour = static_cast<std::int64_t>(in.varint());
  out.opened_at = in.varint();
  return out;
}
void State::put_batch(std::string_view name, const ImportBatch& batch) {
  std::string value;
  put_varint(value, static_cast<std::uint64_t>(batch.policy));
  put_varint(value, batch.highest_row);
  put_varint(value, static_cast<std::uint64_t>(batch.phase));
  put_varint(value, static_cast<std::uint64_t>(batch.per_hour));
  put_varint(value, batch.opened_at);
  cache_.put(keys::with_letter(keys::kBatch, name), std::move(value));
}

void State::put_send(const Send& send) {
  std::string key{keys::kSend};
  put_key32(key, send.to);
  put_key64(key, send.number);
  cache_.put(std::move(key), send.event);
}
// By their numbers, which follow each other: a scan would pass by all that was erased of late.
void State::erase_sends(std::uint32_t to, std::uint64_t behind, std::uint64_t through) {
  for (auto number = behind + 1; number <= through; ++number) {
    std::string key{keys::kSend};
    put_key32(key, to);
    put_key64(key, number);
    cache_.erase(std::move(key));
  }
}
Result<std::vector<Send>> State::sends() const {
  std::vector<Send> out;
  DW_TRY(scan(keys::kSend, [&](std::string_view key, std::string_view value) {
    ByteReader in{key.substr(1)};
    Send send;
    send.to = in.key32();
    send.number = in.key64();
    send.event = value;
    out.push_back(std::move(send));
    return true;
  }));
  return out;
}

std::optional<std::string> State::home(const RecordKey& subject) {
  return read(keys::with_letter(keys::kHome, to_text(subject)));
}
void State::put_home(const RecordKey& subject, std::string_view key) {
  cache_.put(keys::with_letter(keys::kHome, to_text(subject)), std::string{key});
}

}  // namespace dealwright::runtime
