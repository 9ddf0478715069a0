#include "engine/codec/value_codec.h"

#include <bit>

#include "engine/base/overloaded.h"

namespace dealwright::codec {
namespace {

// message Value: one of these fields.
enum : std::uint32_t {
  kNull = 1,
  kBool = 2,
  kInt = 3,
  kDouble = 4,
  kText = 5,
  kMoney = 6,
  kInstant = 7,
  kDate = 8,
  kList = 9,
  kMap = 10,
  kSealed = 11
};
constexpr int kDepthMax = 64;

void write_list(WireWriter& out, const List& list) {
  for (const auto& entry : list) {
    out.message(1, [&](WireWriter& w) { write_value(w, entry); });
  }
}

bool read_money(std::string_view bytes, Value& out) {
  WireReader in{bytes};
  Money money;
  while (in.next()) {
    if (in.field() == 1) {
      money.minor = in.sint();
    } else if (in.field() == 2) {
      auto currency = Currency::parse(in.text());
      if (!currency) return false;
      money.currency = currency.value();
    }
  }
  out = money;
  return !in.failed();
}

bool read_list(std::string_view bytes, Value& out, int depth) {
  WireReader in{bytes};
  List list;
  while (in.next()) {
    if (in.field() != 1) continue;
    if (!read_value(in.text(), list.emplace_back(), depth + 1)) return false;
  }
  out = Value{std::move(list)};
  return !in.failed();
}

bool read_entry(std::string_view bytes, Map& map, int depth) {
  WireReader in{bytes};
  auto& entry = map.emplace_back();
  while (in.next()) {
    if (in.field() == 1) {
      entry.first = in.text();
    } else if (in.field() == 2 && !read_value(in.text(), entry.second, depth + 1)) {
      return false;
    }
  }
  return !in.failed();
}

bool read_map(std::string_view bytes, Value& out, int depth) {
  WireReader in{bytes};
  Map map;
  while (in.next()) {
    if (in.field() == 1 && !read_entry(in.text(), map, depth)) return false;
  }
  out = Value{std::move(map)};
  return !in.failed();
}

bool read_sealed(std::string_view bytes, Value& out) {
  WireReader in{bytes};
  Sealed sealed;
  while (in.next()) {
    if (in.field() == 1) sealed.key_id = in.text();
    if (in.field() == 2) sealed.bytes = in.text();
  }
  out = Value{std::move(sealed)};
  return !in.failed();
}

}  // namespace

void write_value(WireWriter& out, const Value& value) {
  std::visit(overloaded{
                 [](std::monostate) {},
                 [&](Null) { out.flag(kNull, true); },
                 [&](bool v) { out.flag(kBool, v); },
                 [&](std::int64_t v) { out.sint(kInt, v); },
                 [&](double v) { out.fixed64(kDouble, std::bit_cast<std::uint64_t>(v)); },
                 [&](const std::string& v) { out.text(kText, v); },
                 [&](const Money& v) {
                   out.message(kMoney, [&](WireWriter& w) {
                     w.sint(1, v.minor);
                     w.text(2, v.currency.text());
                   });
                 },
                 [&](Instant v) { out.sint(kInstant, v.ms); },
                 [&](LocalDate v) { out.sint(kDate, v.days); },
                 [&](const std::shared_ptr<const List>& v) {
                   out.message(kList, [&](WireWriter& w) { write_list(w, *v); });
                 },
                 [&](const std::shared_ptr<const Map>& v) {
                   out.message(kMap, [&](WireWriter& w) { write_map(w, 1, *v); });
                 },
                 [&](const std::shared_ptr<const Sealed>& v) {
                   out.message(kSealed, [&](WireWriter& w) {
                     w.text(1, v->key_id);
                     w.text(2, v->bytes);
                   });
                 },
             },
             value.variant());
}

bool read_value(std::string_view bytes, Value& out, int depth) {
  if (depth > kDepthMax) return false;
  WireReader in{bytes};
  out = Value{};
  while (in.next()) {
    switch (in.field()) {
      case kNull:
        out = Null{};
        break;
      case kBool:
        out = in.flag();
        break;
      case kInt:
        out = in.sint();
        break;
      case kDouble:
        out = std::bit_cast<double>(in.number());
        break;
      case kText:
        out = Value{in.text()};
        break;
      case kMoney:
        if (!read_money(in.text(), out)) return false;
        break;
      case kInstant:
        out = Instant{in.sint()};
        break;
      case kDate:
        out = LocalDate{static_cast<std::int32_t>(in.sint())};
        break;
      case kList:
        if (!read_list(in.text(), out, depth)) return false;
        break;
      case kMap:
        if (!read_map(in.text(), out, depth)) return false;
        break;
      case kSealed:
        if (!read_sealed(in.text(), out)) return false;
        break;
      default:
        break;  // of a newer writer
    }
  }
  return !in.failed();
}

void write_map(WireWriter& out, std::uint32_t field, const Map& map) {
  for (const auto& entry : map) {
    out.message(field, [&](WireWriter& w) {
      w.text(1, entry.first);
      w.message(2, [&](WireWriter& inner) { write_value(inner, entry.second); });
    });
  }
}

bool read_named(std::string_view bytes, Map& out) { return read_entry(bytes, out, 0); }

void write_fields(WireWriter& out, std::uint32_t field, const Fields& fields) {
  for (const auto& entry : fields) {
    out.message(field, [&](WireWriter& w) {
      w.number(1, static_cast<std::uint64_t>(entry.first));
      w.message(2, [&](WireWriter& inner) { write_value(inner, entry.second); });
    });
  }
}

bool read_datum(std::string_view bytes, Fields& out) {
  WireReader in{bytes};
  std::uint64_t field = 0;
  Value value;
  while (in.next()) {
    if (in.field() == 1) {
      field = in.number();
    } else if (in.field() == 2 && !read_value(in.text(), value)) {
      return false;
    }
  }
  if (in.failed() || field == 0 || field > 0xffff) return false;
  out.append(Field{static_cast<std::uint16_t>(field)}, std::move(value));
  return true;
}

}  // namespace dealwright::codec
