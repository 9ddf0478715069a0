#include "rules/cel/val.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace dealwright::rules::cel {

std::string_view fault_name(Fault fault) {
  static constexpr std::string_view kNames[] = {
      "absent",   "no_such_overload", "no_such_field",     "no_such_key", "out_of_range",
      "overflow", "divide_by_zero",   "currency_mismatch", "invalid",     "unknown_name",
      "not_at_hand", "budget"};
  return kNames[static_cast<std::size_t>(fault)];
}

Val Val::borrowed(Tag tag, std::string_view text) {
  DW_ASSERT(text.size() <= 0xffff'ffffu);
  Val out{tag, static_cast<std::uint32_t>(text.size()), 0};
  out.text_ = text.data();
  return out;
}

Val Val::pointing(Tag tag, std::uint32_t extra, const void* data) {
  Val out{tag, extra, 0};
  out.data_ = data;
  return out;
}

Val Val::real(double v) {
  Val out{Tag::kDouble, 0, 0};
  out.real_ = v;
  return out;
}

Val Val::money(Money v) {
  const auto code = v.currency.text();
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(code[i]));
  };
  return {Tag::kMoney, byte(0) << 16 | byte(1) << 8 | byte(2), v.minor};
}

Money Val::as_money() const {
  const auto letter = [&](int shift) { return static_cast<char>(extra_ >> shift & 0xff); };
  return {number_, Currency::unchecked(letter(16), letter(8), letter(0))};
}

namespace {

// Seconds and nanoseconds of milliseconds, rounded towards the past.
std::pair<std::int64_t, std::uint32_t> split(std::int64_t ms) {
  const auto rest = ((ms % 1000) + 1000) % 1000;
  return {(ms - rest) / 1000, static_cast<std::uint32_t>(rest) * 1'000'000};
}

}  // namespace

Val Val::instant(Instant v) {
  const auto [seconds, nanos] = split(v.ms);
  return timestamp(seconds, nanos);
}

Val Val::length(Duration v) {
  const auto [seconds, nanos] = split(v.ms);
  return duration(seconds, nanos);
}

Instant Val::as_instant() const { return {number_ * 1000 + extra_ / 1'000'000}; }
Duration Val::as_length() const { return {number_ * 1000 + extra_ / 1'000'000}; }

Val Val::list(std::span<const Val> items) {
  return pointing(Tag::kList, static_cast<std::uint32_t>(items.size()), items.data());
}

Val Val::map(std::span<const Entry> entries) {
  return pointing(Tag::kMap, static_cast<std::uint32_t>(entries.size()), entries.data());
}

std::span<const Val> Val::as_list() const { return {static_cast<const Val*>(data_), extra_}; }
std::span<const Entry> Val::as_map() const { return {static_cast<const Entry*>(data_), extra_}; }

Val Val::error(Fault fault, std::string_view detail) {
  auto out = borrowed(Tag::kError, detail);
  out.sub_ = static_cast<std::uint8_t>(fault);
  return out;
}

std::string_view type_name(const Val& val) {
  static constexpr std::string_view kNames[] = {
      "error", "null_type", "bool", "int", "uint", "double", "string", "bytes", "money", "date",
      "google.protobuf.Timestamp", "google.protobuf.Duration", "list", "map", "record", "type",
      "optional_type"};
  if (val.is(Tag::kRecord)) return val.as_record().kind();
  return kNames[static_cast<std::size_t>(val.tag())];
}

Val from_value(const Value& value, Arena& arena) {
  if (value.absent()) return Val::absent();
  if (value.null()) return Val::null();
  if (const auto* v = value.as_bool()) return Val::boolean(*v);
  if (const auto* v = value.as_int()) return Val::integer(*v);
  if (const auto* v = value.as_double()) return Val::real(*v);
  if (const auto* v = value.as_text()) return Val::text(*v);
  if (const auto* v = value.as_money()) return Val::money(*v);
  if (const auto* v = value.as_instant()) return Val::instant(*v);
  if (const auto* v = value.as_date()) return Val::date(*v);
  if (const auto* v = value.as_list()) {
    const auto items = arena.array<Val>(v->size());
    for (std::size_t i = 0; i < v->size(); ++i) items[i] = from_value((*v)[i], arena);
    return Val::list(items);
  }
  if (const auto* v = value.as_map()) {
    // Sorted by bytes and unique already, as Val's maps are.
    const auto entries = arena.array<Entry>(v->size());
    for (std::size_t i = 0; i < v->size(); ++i) {
      entries[i] = {Val::text((*v)[i].first), from_value((*v)[i].second, arena)};
    }
    return Val::map(entries);
  }
  return Val::error(Fault::kNotAtHand, "the field is sealed");
}

Value to_value(const Val& val) {
  switch (val.tag()) {
    case Tag::kError: return {};
    case Tag::kNull: return Null{};
    case Tag::kBool: return val.as_bool();
    case Tag::kInt: return val.as_int();
    case Tag::kDouble: return val.as_double();
    case Tag::kString: case Tag::kType: return val.as_text();
    case Tag::kMoney: return val.as_money();
    case Tag::kDate: return val.as_date();
    case Tag::kTimestamp: return val.as_instant();
    case Tag::kRecord: return val.as_record().id();
    case Tag::kOptional: return val.as_optional() == nullptr ? Value{} : to_value(*val.as_optional());
    case Tag::kList: {
      List out;
      for (const auto& item : val.as_list()) out.push_back(to_value(item));
      return out;
    }
    case Tag::kMap: {
      Map out;
      for (const auto& entry : val.as_map()) {
        const auto key = entry.key.is(Tag::kString) ? std::string{entry.key.as_text()}
                                                    : to_text(entry.key);
        out.emplace_back(key, to_value(entry.value));
      }
      return out;
    }
    case Tag::kUint:
      if (val.as_int() >= 0) return val.as_int();
      return to_text(val);
    case Tag::kBytes: case Tag::kDuration: return to_text(val);
  }
  return {};
}

Val deep_copy(const Val& val, Arena& arena) {
  switch (val.tag()) {
    case Tag::kString: return Val::text(arena.copy(val.as_text()));
    case Tag::kBytes: return Val::bytes(arena.copy(val.as_text()));
    case Tag::kType: return Val::type(arena.copy(val.as_text()));
    case Tag::kError: return Val::error(val.fault(), arena.copy(val.as_text()));
    case Tag::kList: {
      const auto from = val.as_list();
      const auto items = arena.array<Val>(from.size());
      std::transform(from.begin(), from.end(), items.begin(),
                     [&](const Val& item) { return deep_copy(item, arena); });
      return Val::list(items);
    }
    case Tag::kMap: {
      const auto from = val.as_map();
      const auto entries = arena.array<Entry>(from.size());
      std::transform(from.begin(), from.end(), entries.begin(), [&](const Entry& entry) {
        return Entry{deep_copy(entry.key, arena), deep_copy(entry.value, arena)};
      });
      return Val::map(entries);
    }
    case Tag::kOptional: {
      if (val.as_optional() == nullptr) return val;
      const auto inner = arena.array<Val>(1);
      inner[0] = deep_copy(*val.as_optional(), arena);
      return Val::some(inner.data());
    }
    default: return val;
  }
}

}  // namespace dealwright::rules::cel
