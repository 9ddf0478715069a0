#include "engine/codec/decision_codec.h"

#include <algorithm>

#include "engine/base/overloaded.h"
#include "engine/codec/change_codec.h"
#include "engine/codec/wire.h"

namespace dealwright::codec {
namespace {

constexpr std::uint64_t kFormat = 1;
constexpr std::string_view kChecksumTag = "\xa5\x06";  // field 100, fixed32
constexpr std::size_t kChecksumBytes = kChecksumTag.size() + 4;

enum : std::uint32_t {
  kFormatField = 1,
  kHeader = 2,
  kClaim = 3,
  kBatch = 4,
  kBarrier = 5,
  kChecksum = 100
};

void write_header(WireWriter& w, const DecisionHeader& h) {
  w.number(1, h.state_version);
  w.number(2, h.term);
  w.text(3, {reinterpret_cast<const char*>(h.claim.data()), h.claim.size()});
  w.number(4, h.sequence);
  w.number(5, h.from);
  w.number(6, h.through);
  w.number(7, h.event_count);
  w.sint(8, h.now.ms);
  w.number(9, h.clock_epoch);
  w.flag(10, h.event_clock);
  w.text(11, bytes_of(h.rule_set));
  w.text(12, bytes_of(h.schema));
  w.text(13, h.workspace);
  w.text(14, bytes_of(h.chain));
}

template <class Array>
bool take_bytes(std::string_view bytes, Array& out) {
  if (bytes.size() != out.size()) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

bool read_header(std::string_view bytes, DecisionHeader& h) {
  WireReader in{bytes};
  bool good = true;
  while (good && in.next()) {
    switch (in.field()) {
      case 1:
        h.state_version = static_cast<std::uint32_t>(in.number());
        break;
      case 2:
        h.term = in.number();
        break;
      case 3:
        good = take_bytes(in.text(), h.claim);
        break;
      case 4:
        h.sequence = in.number();
        break;
      case 5:
        h.from = in.number();
        break;
      case 6:
        h.through = in.number();
        break;
      case 7:
        h.event_count = static_cast<std::uint32_t>(in.number());
        break;
      case 8:
        h.now.ms = in.sint();
        break;
      case 9:
        h.clock_epoch = static_cast<std::uint32_t>(in.number());
        break;
      case 10:
        h.event_clock = in.flag();
        break;
      case 11:
        good = take_bytes(in.text(), h.rule_set);
        break;
      case 12:
        good = take_bytes(in.text(), h.schema);
        break;
      case 13:
        h.workspace = in.text();
        break;
      case 14:
        good = take_bytes(in.text(), h.chain);
        break;
      default:
        break;
    }
  }
  return good && !in.failed();
}

void write_turn(WireWriter& w, const TurnRecord& turn) {
  w.number(1, turn.position);
  if (turn.timer) w.message(2, [&](WireWriter& m) { write_timer(m, *turn.timer); });
  w.number_if(3, static_cast<std::uint64_t>(turn.verdict));
  w.text_if(4, turn.code);
  w.text_if(5, turn.detail);
  for (const auto& change : turn.changes) {
    w.message(6, [&](WireWriter& m) { write_change(m, change); });
  }
  for (const auto& send : turn.sends) {
    w.message(7, [&](WireWriter& m) {
      m.number(1, send.to);
      m.number(2, send.number);
      m.text(3, send.event);
    });
  }
}

bool read_send(std::string_view bytes, Send& send) {
  WireReader in{bytes};
  while (in.next()) {
    if (in.field() == 1) send.to = static_cast<std::uint32_t>(in.number());
    if (in.field() == 2) send.number = in.number();
    if (in.field() == 3) send.event = in.text();
  }
  return !in.failed();
}

bool read_turn(std::string_view bytes, TurnRecord& turn) {
  WireReader in{bytes};
  bool good = true;
  while (good && in.next()) {
    switch (in.field()) {
      case 1:
        turn.position = in.number();
        break;
      case 2:
        good = read_timer(in.text(), turn.timer.emplace());
        break;
      case 3:
        good = in.number() <= static_cast<std::uint64_t>(Verdict::kSetAside);
        turn.verdict = static_cast<Verdict>(in.number());
        break;
      case 4:
        turn.code = in.text();
        break;
      case 5:
        turn.detail = in.text();
        break;
      case 6:
        good = read_change(in.text(), turn.changes.emplace_back());
        break;
      case 7:
        good = read_send(in.text(), turn.sends.emplace_back());
        break;
      default:
        break;
    }
  }
  return good && !in.failed();
}

void write_batch(WireWriter& w, const Batch& batch) {
  for (const auto& turn : batch.turns) {
    w.message(1, [&](WireWriter& m) { write_turn(m, turn); });
  }
  for (const auto& ack : batch.acks) {
    w.message(2, [&](WireWriter& m) {
      m.number(1, ack.to);
      m.number(2, ack.through);
    });
  }
  for (const auto& moved : batch.effects) {
    w.message(3, [&](WireWriter& m) { write_effect_moved(m, moved); });
  }
}

bool read_batch(std::string_view bytes, Batch& batch) {
  WireReader in{bytes};
  while (in.next()) {
    if (in.field() == 1 && !read_turn(in.text(), batch.turns.emplace_back())) return false;
    if (in.field() == 2) {
      auto& ack = batch.acks.emplace_back();
      WireReader one{in.text()};
      while (one.next()) {
        if (one.field() == 1) ack.to = static_cast<std::uint32_t>(one.number());
        if (one.field() == 2) ack.through = one.number();
      }
      if (one.failed()) return false;
    }
    if (in.field() == 3 && !read_effect_moved(in.text(), batch.effects.emplace_back())) {
      return false;
    }
  }
  return !in.failed();
}

bool read_claim(std::string_view bytes, LeaderClaim& claim) {
  WireReader in{bytes};
  while (in.next()) {
    if (in.field() == 1) claim.node = in.text();
  }
  return !in.failed();
}

bool read_barrier(std::string_view bytes, Barrier& barrier) {
  WireReader in{bytes};
  std::uint64_t what = 0;
  while (in.next()) {
    if (in.field() == 1) what = in.number();
    if (in.field() == 2) barrier.state_version = static_cast<std::uint32_t>(in.number());
    if (in.field() == 3) barrier.author = in.text();
  }
  if (what < 1 || what > 3) return false;  // what it switches cannot be passed over
  barrier.what = static_cast<Barrier::What>(what);
  return !in.failed();
}

Error damaged(std::string_view why) {
  return Error{Code::kDamaged, "a decision record is damaged: " + std::string{why}};
}

}  // namespace

void encode(const DecisionRecord& record, std::string& out) {
  WireWriter w{out};
  w.number(kFormatField, kFormat);
  w.message(kHeader, [&](WireWriter& m) { write_header(m, record.header); });
  std::visit(overloaded{
                 [&](const LeaderClaim& claim) {
                   w.message(kClaim, [&](WireWriter& m) { m.text(1, claim.node); });
                 },
                 [&](const Batch& batch) {
                   w.message(kBatch, [&](WireWriter& m) { write_batch(m, batch); });
                 },
                 [&](const Barrier& barrier) {
                   w.message(kBarrier, [&](WireWriter& m) {
                     m.number(1, static_cast<std::uint64_t>(barrier.what));
                     m.number_if(2, barrier.state_version);
                     m.text_if(3, barrier.author);
                   });
                 },
             },
             record.body);
  const auto sum = crc32c(out);
  w.fixed32(kChecksum, sum);
}

Result<void> decode(std::string_view bytes, DecisionRecord& out) {
  if (bytes.size() < kChecksumBytes) return damaged("too short");
  const auto end = bytes.substr(bytes.size() - kChecksumBytes);
  ByteReader sum{end.substr(kChecksumTag.size())};
  if (!end.starts_with(kChecksumTag) ||
      sum.fixed32() != crc32c(bytes.substr(0, bytes.size() - kChecksumBytes))) {
    return damaged("bad checksum");
  }
  out = DecisionRecord{};
  WireReader in{bytes};
  bool body = false;
  bool header = false;
  while (in.next()) {
    bool good = true;
    switch (in.field()) {
      case kFormatField:
        if (in.number() != kFormat) {
          return Error{Code::kUnsupported, "a decision record of format " +
                                               std::to_string(in.number()) +
                                               "; this binary knows format 1"};
        }
        break;
      case kHeader:
        good = header = read_header(in.text(), out.header);
        break;
      case kClaim:
        good = body = read_claim(in.text(), out.body.emplace<LeaderClaim>());
        break;
      case kBatch:
        good = body = read_batch(in.text(), out.body.emplace<Batch>());
        break;
      case kBarrier:
        good = body = read_barrier(in.text(), out.body.emplace<Barrier>());
        break;
      default:
        break;
    }
    if (!good) return damaged("field " + std::to_string(in.field()));
  }
  if (in.failed() || !body || !header) return damaged("incomplete");
  if (const auto& name = out.header.workspace; !name.empty() && name != "default") {
    return Error{Code::kUnsupported,
                 "a decision record of workspace " + name + "; this binary knows `default`"};
  }
  return ok();
}

}  // namespace dealwright::codec
