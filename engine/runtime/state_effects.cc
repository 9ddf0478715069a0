// The ledger of a partition's state: effects, and what is found by them: when one is looked at,
// what holds it, which mails wait for a person, what a person got, what a rule let out.
#include <algorithm>

#include "engine/base/bytes.h"
#include "engine/codec/state_codec.h"
#include "engine/runtime/keys.h"
#include "engine/runtime/state.h"

namespace dealwright::runtime {
namespace {

constexpr std::size_t kPrefixDigits = 40;  // of a return path: 160 bits

// The bytes of hex digits; "": they are none, or too few to name an effect.
std::string prefix_of_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() < kPrefixDigits || text.size() > 2 * sizeof(EffectId) || text.size() % 2 != 0)
    return {};
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit(text[i]);
    const auto low = digit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

void put_counts(std::string& out, const RuleFlow::Counts& counts) {
  put_varint(out, counts.size());
  for (const auto& [span, n] : counts) {
    put_signed(out, span);
    put_varint(out, n);
  }
}
RuleFlow::Counts get_counts(ByteReader& in) {
  RuleFlow::Counts out;
  for (auto n = std::min<std::uint64_t>(in.varint(), 4096); n > 0 && !in.failed(); --n) {
    const auto span = in.signed_varint();
    out.emplace_back(span, static_cast<std::uint32_t>(in.varint()));
  }
  return out;
}

std::string encoded(const RuleFlow& flow) {
  std::string out;
  put_counts(out, flow.minutes);
  put_counts(out, flow.tens);
  put_varint(out, flow.version);
  put_varint(out, flow.of_version);
  put_varint(out, flow.canary_until ? 1 : 0);
  if (flow.canary_until) put_signed(out, flow.canary_until->ms);
  return out;
}
RuleFlow read_flow(std::string_view bytes) {
  ByteReader in{bytes};
  RuleFlow out;
  out.minutes = get_counts(in);
  out.tens = get_counts(in);
  out.version = static_cast<std::uint32_t>(in.varint());
  out.of_version = static_cast<std::uint32_t>(in.varint());
  if (in.varint() != 0) out.canary_until = Instant{in.signed_varint()};
  return out;
}

std::string in_order(char letter, std::string_view text, const EffectId& id) {
  std::string out{letter};
  out += text;
  out += '\0';
  out += bytes_of(id);
  return out;
}
EffectId id_of(std::string_view key) {
  EffectId out{};
  std::copy_n(key.end() - static_cast<std::ptrdiff_t>(out.size()), out.size(), out.begin());
  return out;
}

}  // namespace

EffectPlace place_of(const Effect& effect) {
  EffectPlace out{effect.next, effect.held_by, {}};
  const bool waits =
      effect.state == EffectState::kRequested || effect.state == EffectState::kRetryAt;
  if (waits && effect.channel == "email") out.person = effect.recipient;
  return out;
}

void State::put(const Effect& effect, const EffectPlace& was) {
  std::string bytes;
  codec::encode(effect, bytes);
  cache_.put(keys::effect(effect.id), std::move(bytes));
  const auto is = place_of(effect);
  if (was.next != is.next) {
    if (was.next) open_effects_.cancel(*was.next, effect.id);
    if (is.next) open_effects_.set(*is.next, effect.id);
  } else if (is.next) {
    open_effects_.give_back(*is.next, effect.id);  // it may be taken
  }
  const auto index = [&](char letter, const std::string& before, const std::string& after) {
    if (before == after) return;
    if (!before.empty()) cache_.erase(in_order(letter, before, effect.id));
    if (!after.empty()) cache_.put(in_order(letter, after, effect.id), "");
  };
  index(keys::kHeld, was.held_by, is.held_by);
  index(keys::kOpenMail, was.person, is.person);
}

std::optional<Effect> State::find_effect(std::string_view hex_digits) {
  const auto prefix = prefix_of_hex(hex_digits);
  if (prefix.empty()) return std::nullopt;
  if (prefix.size() == sizeof(EffectId)) return effect(*sha256_of_hex(hex_digits));
  const auto first = keys::with_letter(keys::kEffect, prefix);
  std::optional<EffectId> found;
  auto scanned = cache_.scan(first, prefix_end(first), [&](std::string_view key, std::string_view) {
    found = id_of(key);
    return false;
  });
  if (!scanned) fail(scanned.error());
  return found ? effect(*found) : std::nullopt;
}

std::vector<EffectId> State::open_mails(std::string_view person) {
  std::vector<EffectId> out;
  const auto first = keys::with_letter(keys::kOpenMail, std::string{person} + '\0');
  auto scanned = cache_.scan(first, prefix_end(first), [&](std::string_view key, std::string_view) {
    out.push_back(id_of(key));
    return true;
  });
  if (!scanned) fail(scanned.error());
  return out;
}

std::optional<State::Held> State::next_held(std::string_view by, const EffectId& from) {
  std::optional<Held> out;
  auto scanned = cache_.scan(
      in_order(keys::kHeld, by, from), prefix_end(std::string(1, keys::kHeld)),
      [&](std::string_view key, std::string_view) {
        out = Held{std::string{key.substr(1, key.size() - sizeof(EffectId) - 2)}, id_of(key)};
        return false;
      });
  if (!scanned) fail(scanned.error());
  return out;
}

SentTo State::sent_to(std::string_view person) {
  SentTo out;
  const auto bytes = read(keys::with_letter(keys::kSentTo, person));
  if (!bytes) return out;
  ByteReader in{*bytes};
  while (!in.at_end() && !in.failed()) {
    Sent one;
    const auto id = in.take(one.effect.size());
    std::copy(id.begin(), id.end(), one.effect.begin());
    one.at.ms = in.signed_varint();
    one.rule = in.text();
    one.template_name = in.text();
    one.marketing = in.varint() != 0;
    one.kept.ms = in.signed_varint();
    out.push_back(std::move(one));
  }
  if (in.failed()) fail(Error{Code::kDamaged, "what was sent to " + std::string{person}});
  return out;
}

void State::put_sent(std::string_view person, const SentTo& sent) {
  auto key = keys::with_letter(keys::kSentTo, person);
  if (sent.empty()) return cache_.erase(std::move(key));
  std::string bytes;
  for (const auto& one : sent) {
    bytes += bytes_of(one.effect);
    put_signed(bytes, one.at.ms);
    put_text(bytes, one.rule);
    put_text(bytes, one.template_name);
    put_varint(bytes, one.marketing ? 1 : 0);
    put_signed(bytes, one.kept.ms);
  }
  cache_.put(std::move(key), std::move(bytes));
}

const RuleFlow& State::flow(std::string_view rule) {
  const auto it = flows_.find(rule);
  if (it != flows_.end()) return it->second.flow;
  const auto bytes = read(keys::with_letter(keys::kFlow, rule));
  return flows_[std::string{rule}].flow = bytes ? read_flow(*bytes) : RuleFlow{};
}

RuleFlow& State::edit_flow(std::string_view rule) {
  static_cast<void>(flow(rule));
  auto& slot = flows_.find(rule)->second;
  slot.dirty = true;
  return slot.flow;
}

void State::write_back_flows() {
  for (auto& [rule, slot] : flows_) {
    if (slot.dirty) cache_.put(keys::with_letter(keys::kFlow, rule), encoded(slot.flow));
    slot.dirty = false;
  }
}

}  // namespace dealwright::runtime
