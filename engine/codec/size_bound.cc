#include "engine/codec/size_bound.h"

#include "engine/base/overloaded.h"

namespace dealwright::codec {
namespace {

// A tag has at most 2 bytes here, a length 5, a number 10.
constexpr std::size_t kHead = 2 + 5;
constexpr std::size_t kNumber = 2 + 10;
constexpr std::size_t kHash = kHead + 16;
constexpr std::size_t kDigest = kHead + 32;

std::size_t of(std::string_view text) { return kHead + text.size(); }

std::size_t of(const RecordKey& key) { return kHead + kNumber + of(key.id); }

std::size_t of(const Map& map) {
  std::size_t out = 0;
  for (const auto& [name, value] : map) out += 2 * kHead + of(name) + size_bound(value);
  return out;
}

std::size_t of(const Fields& fields) {
  std::size_t out = 0;
  for (const auto& [field, value] : fields) out += 2 * kHead + kNumber + size_bound(value);
  return out;
}

std::size_t of(const std::vector<RecordKey>& keys) {
  std::size_t out = 0;
  for (const auto& key : keys) out += of(key);
  return out;
}

std::size_t of(const Enrolment& e) {
  return kHead + kHash + of(e.rule) + of(e.key) + of(e.subject) + of(e.cause) + of(e.round) +
         10 * kNumber + of(e.watched) + of(e.kept) + e.effects.size() * kDigest;
}

std::size_t of(const Effect& e) {
  return kHead + kDigest + kHash + of(e.rule) + of(e.step) + of(e.channel) + of(e.subject) +
         of(e.recipient) + of(e.reason) + 7 * kNumber + of(e.payload) + of(e.traceparent);
}

std::size_t of(const std::vector<UsedValue>& used) {
  std::size_t out = 0;
  for (const auto& one : used) out += 2 * kHead + of(one.path) + size_bound(one.value);
  return out;
}

}  // namespace

std::size_t size_bound(const Value& value) {
  return std::visit(overloaded{
                        [](const std::string& v) { return of(v); },
                        [](const Money&) { return kHead + kNumber + kHead + 3; },
                        [](const std::shared_ptr<const List>& v) {
                          std::size_t out = kHead;
                          for (const auto& entry : *v) out += kHead + size_bound(entry);
                          return out;
                        },
                        [](const std::shared_ptr<const Map>& v) { return kHead + of(*v); },
                        [](const std::shared_ptr<const Sealed>& v) {
                          return kHead + of(v->key_id) + of(v->bytes);
                        },
                        [](const auto&) { return kNumber; },
                    },
                    value.variant());
}

std::size_t size_bound(const Event& e) {
  std::size_t out = 7 * kNumber + of(e.data) + of(e.extra) + of(e.extensions);
  for (const auto* text : {&e.source, &e.id, &e.foreign_type, &e.subject.id, &e.partition_key,
                           &e.actor, &e.import_batch, &e.causation_id, &e.correlation_id,
                           &e.traceparent, &e.key_id, &e.mac, &e.opaque, &e.content_type}) {
    out += of(*text);
  }
  return out;
}

std::size_t size_bound(const Change& change) {
  const auto body = std::visit(
      overloaded{
          [](const EnrolmentStarted& c) { return of(c.enrolment) + of(c.used) + kNumber; },
          [](const EnrolmentMoved& c) { return kHash + 5 * kNumber + of(c.round) + of(c.watched); },
          [](const EnrolmentEnded& c) { return kHash + of(c.reason) + kNumber; },
          [](const EntryRefused& c) { return of(c.rule) + kNumber + of(c.subject) + of(c.reason); },
          [](const EffectRequested& c) { return of(c.effect); },
          [](const EffectMoved& c) { return kDigest + 2 * kNumber + of(c.reason) + of(c.held_by); },
          [](const FactDecided& c) { return size_bound(c.event); },
          [](const RuleFailed& c) {
            return of(c.rule) + kNumber + of(c.subject) + of(c.where) + of(c.code) + of(c.detail);
          },
          [](const EventRedriven& c) { return 2 * kNumber + of(c.code); },
      },
      change);
  return 2 * kHead + body;  // in a turn, one of the kinds
}

}  // namespace dealwright::codec
