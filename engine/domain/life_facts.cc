#include "engine/domain/life_facts.h"

#include "engine/base/value_bytes.h"

namespace dealwright {
namespace {

// A fact: occurred, order, ingested behind occurred, type, flags, stage, fields.
constexpr std::uint64_t kUndated = 1;
constexpr std::uint64_t kStage = 2;

bool unpack_fields(ByteReader& in, Fields& out) {
  for (auto n = in.varint(); n > 0 && !in.failed(); --n) {
    const Field field{static_cast<std::uint16_t>(in.varint())};
    Value value;
    if (!unpack(in, value)) return false;
    out.append(field, std::move(value));
  }
  return !in.failed();
}

bool unpack_fact(ByteReader& in, LifeFact& out) {
  out.stamp.occurred.ms = in.signed_varint();
  out.stamp.order = in.varint();
  out.ingested.ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(out.stamp.occurred.ms) +
                                              static_cast<std::uint64_t>(in.signed_varint()));
  const auto type = in.varint();
  if (type > all_event_specs().size()) return false;
  out.type = TypeId{static_cast<std::uint16_t>(type)};
  const auto flags = in.varint();
  out.undated = (flags & kUndated) != 0;
  if ((flags & kStage) != 0) {
    out.stage.category = static_cast<DealStatus>(std::min<std::uint64_t>(in.varint(), 2));
    out.stage.order = static_cast<std::int32_t>(in.signed_varint());
    out.stage.probability_bp = static_cast<std::int32_t>(in.signed_varint());
  }
  return unpack_fields(in, out.args);
}

}  // namespace

LifeFacts::LifeFacts(const std::vector<LifeFact>& facts) {
  for (const auto& fact : facts) push_back(fact);
}

void LifeFacts::push_back(const LifeFact& fact) {
  put_signed(bytes_, fact.stamp.occurred.ms);
  put_varint(bytes_, fact.stamp.order);
  put_signed(bytes_, static_cast<std::int64_t>(static_cast<std::uint64_t>(fact.ingested.ms) -
                                               static_cast<std::uint64_t>(fact.stamp.occurred.ms)));
  put_varint(bytes_, static_cast<std::uint64_t>(fact.type));
  const bool staged = fact.stage != StageMeaning{};
  put_varint(bytes_, (fact.undated ? kUndated : 0) | (staged ? kStage : 0));
  if (staged) {
    put_varint(bytes_, static_cast<std::uint64_t>(fact.stage.category));
    put_signed(bytes_, fact.stage.order);
    put_signed(bytes_, fact.stage.probability_bp);
  }
  put_varint(bytes_, fact.args.size());
  for (const auto& [field, value] : fact.args) {
    put_varint(bytes_, static_cast<std::uint64_t>(field));
    pack(bytes_, value);
  }
  last_ = fact.stamp;
  last_ingested_ = fact.ingested;
  last_undated_ = fact.undated;
  ++count_;
}

LifeFact LifeFacts::pop_front() {
  const auto left = bytes();
  ByteReader in{left};
  LifeFact fact;
  unpack_fact(in, fact);
  begin_ = static_cast<std::uint32_t>(bytes_.size() - in.rest().size());
  --count_;
  if (std::size_t{begin_} * 2 > bytes_.size()) {  // moved once for as many bytes as have gone
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  return fact;
}

std::optional<LifeFacts> LifeFacts::read(std::string_view bytes) {
  LifeFacts out;
  ByteReader in{bytes};
  while (!in.at_end()) {
    LifeFact fact;
    if (!unpack_fact(in, fact)) return std::nullopt;
    out.last_ = fact.stamp;
    out.last_ingested_ = fact.ingested;
    out.last_undated_ = fact.undated;
    ++out.count_;
  }
  if (in.failed()) return std::nullopt;
  out.bytes_ = bytes;
  return out;
}

std::vector<LifeFact> LifeFacts::entries() const {
  std::vector<LifeFact> out(count_);
  const auto left = bytes();
  ByteReader in{left};
  for (auto& fact : out) unpack_fact(in, fact);
  return out;
}

}  // namespace dealwright
