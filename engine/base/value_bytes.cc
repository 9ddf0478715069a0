#include "engine/base/value_bytes.h"

#include <bit>

#include "engine/base/overloaded.h"

namespace dealwright {
namespace {

enum Tag : char {
  kAbsent = 0,
  kNull = 1,
  kFalse = 2,
  kTrue = 3,
  kInt = 4,
  kDouble = 5,
  kText = 6,
  kMoney = 7,
  kInstant = 8,
  kDate = 9,
  kList = 10,
  kMap = 11,
  kSealed = 12
};

bool unpack_list(ByteReader& in, Value& out, int depth) {
  List list;
  for (auto n = in.varint(); n > 0 && !in.failed(); --n) {
    if (!unpack(in, list.emplace_back(), depth - 1)) return false;
  }
  out = Value{std::move(list)};
  return !in.failed();
}

bool unpack_map(ByteReader& in, Value& out, int depth) {
  Map map;
  for (auto n = in.varint(); n > 0 && !in.failed(); --n) {
    auto& entry = map.emplace_back();
    entry.first = in.text();
    if (!unpack(in, entry.second, depth - 1)) return false;
  }
  out = Value{std::move(map)};
  return !in.failed();
}

bool unpack_money(ByteReader& in, Value& out) {
  const auto minor = in.signed_varint();
  const auto currency = Currency::parse(in.take(3));
  if (!currency) return false;
  out = Value{Money{minor, currency.value()}};
  return !in.failed();
}

}  // namespace

void pack(std::string& out, const Value& value) {
  const auto tag = [&](Tag t) { out.push_back(t); };
  std::visit(overloaded{
                 [&](std::monostate) { tag(kAbsent); },
                 [&](Null) { tag(kNull); },
                 [&](bool v) { tag(v ? kTrue : kFalse); },
                 [&](std::int64_t v) {
                   tag(kInt);
                   put_signed(out, v);
                 },
                 [&](double v) {
                   tag(kDouble);
                   put_fixed64(out, std::bit_cast<std::uint64_t>(v));
                 },
                 [&](const std::string& v) {
                   tag(kText);
                   put_text(out, v);
                 },
                 [&](const Money& v) {
                   tag(kMoney);
                   put_signed(out, v.minor);
                   out.append(v.currency.text());
                 },
                 [&](Instant v) {
                   tag(kInstant);
                   put_signed(out, v.ms);
                 },
                 [&](LocalDate v) {
                   tag(kDate);
                   put_signed(out, v.days);
                 },
                 [&](const std::shared_ptr<const List>& v) {
                   tag(kList);
                   put_varint(out, v->size());
                   for (const auto& entry : *v) pack(out, entry);
                 },
                 [&](const std::shared_ptr<const Map>& v) {
                   tag(kMap);
                   put_varint(out, v->size());
                   for (const auto& [key, entry] : *v) {
                     put_text(out, key);
                     pack(out, entry);
                   }
                 },
                 [&](const std::shared_ptr<const Sealed>& v) {
                   tag(kSealed);
                   put_text(out, v->key_id);
                   put_text(out, v->bytes);
                 },
             },
             value.variant());
}

bool unpack(ByteReader& in, Value& out, int depth) {
  const auto tag = in.take(1);
  if (tag.empty() || depth == 0) return false;
  switch (tag.front()) {
    case kAbsent:
      out = Value{};
      return true;
    case kNull:
      out = Value{Null{}};
      return true;
    case kFalse:
    case kTrue:
      out = Value{tag.front() == kTrue};
      return true;
    case kInt:
      out = Value{in.signed_varint()};
      return !in.failed();
    case kDouble:
      out = Value{std::bit_cast<double>(in.fixed64())};
      return !in.failed();
    case kText:
      out = Value{in.text()};
      return !in.failed();
    case kMoney:
      return unpack_money(in, out);
    case kInstant:
      out = Value{Instant{in.signed_varint()}};
      return !in.failed();
    case kDate:
      out = Value{LocalDate{static_cast<std::int32_t>(in.signed_varint())}};
      return !in.failed();
    case kList:
      return unpack_list(in, out, depth);
    case kMap:
      return unpack_map(in, out, depth);
    case kSealed: {
      Sealed sealed;
      sealed.key_id = in.text();
      sealed.bytes = in.text();
      out = Value{std::move(sealed)};
      return !in.failed();
    }
    default:
      return false;
  }
}

}  // namespace dealwright
