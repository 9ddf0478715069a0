#include "engine/domain/history.h"

#include "engine/base/bytes.h"

namespace dealwright {
namespace {

// kBeforeAll is far from everything: unsigned arithmetic wraps and comes back.
void put_difference(std::string& out, std::uint64_t now, std::uint64_t before) {
  put_signed(out, static_cast<std::int64_t>(now - before));
}
void put_difference(std::string& out, Instant now, Instant before) {
  put_difference(out, static_cast<std::uint64_t>(now.ms), static_cast<std::uint64_t>(before.ms));
}
std::uint64_t get_sum(ByteReader& in, std::uint64_t before) {
  return before + static_cast<std::uint64_t>(in.signed_varint());
}
Instant get_sum(ByteReader& in, Instant before) {
  return Instant{static_cast<std::int64_t>(get_sum(in, static_cast<std::uint64_t>(before.ms)))};
}

bool unpack(ByteReader& in, const HistoryEntry& before, HistoryEntry& entry) {
  entry.occurred = get_sum(in, before.occurred);
  entry.ingested = get_sum(in, entry.occurred);
  entry.order = get_sum(in, before.order);
  entry.position = get_sum(in, before.position);
  const auto rest = in.varint();
  entry.index = static_cast<std::uint32_t>(rest >> 5);
  entry.role = static_cast<HistoryRole>((rest >> 3) & 3);
  entry.mark = static_cast<HistoryMark>((rest >> 1) & 3);
  entry.decision = (rest & 1) != 0;
  return !in.failed() && (rest >> 5) <= 0xffffffffU && ((rest >> 1) & 3) <= 2;
}

}  // namespace

History::History(const std::vector<HistoryEntry>& entries) {
  for (const auto& entry : entries) push_back(entry);
}

void History::push_back(const HistoryEntry& entry) {
  put_difference(bytes_, entry.occurred, last_.occurred);
  put_difference(bytes_, entry.ingested, entry.occurred);
  put_difference(bytes_, entry.order, last_.order);
  put_difference(bytes_, entry.position, last_.position);
  put_varint(bytes_,
             (std::uint64_t{entry.index} << 5) | (static_cast<std::uint64_t>(entry.role) << 3) |
                 (static_cast<std::uint64_t>(entry.mark) << 1) | (entry.decision ? 1U : 0U));
  last_ = entry;
  ++count_;
}

std::optional<History> History::read(std::string_view bytes) {
  History out;
  ByteReader in{bytes};
  while (!in.at_end()) {
    HistoryEntry entry;
    if (!unpack(in, out.last_, entry)) return std::nullopt;
    out.last_ = entry;
    ++out.count_;
  }
  if (in.failed()) return std::nullopt;
  out.bytes_ = bytes;
  return out;
}

std::vector<HistoryEntry> History::entries() const {
  std::vector<HistoryEntry> out;
  out.reserve(count_);
  ByteReader in{bytes_};
  HistoryEntry before{Instant{0}, Instant{0}};
  for (std::uint32_t i = 0; i < count_; ++i) {
    unpack(in, before, out.emplace_back());
    before = out.back();
  }
  return out;
}

}  // namespace dealwright
