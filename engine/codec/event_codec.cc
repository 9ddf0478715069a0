#include "engine/codec/event_codec.h"

#include <algorithm>
#include <limits>

#include "engine/codec/cloudevents_json.h"
#include "engine/codec/foreign_record.h"
#include "engine/codec/value_codec.h"
#include "engine/codec/wire.h"

namespace dealwright::codec {
namespace {

constexpr std::uint64_t kFormat = 1;

enum : std::uint32_t {  // message Event
  kFormatField = 1,
  kSource = 2,
  kId = 3,
  kType = 4,
  kTypeName = 5,
  kSubjectKind = 6,
  kSubjectId = 7,
  kTime = 8,
  kPartitionKey = 9,
  kData = 10,
  kExtra = 11,
  kActor = 12,
  kImportBatch = 13,
  kImportRow = 14,
  kPolicy = 15,
  kCausation = 16,
  kCorrelation = 17,
  kTraceparent = 18,
  kExtensions = 19,
  kKeyId = 20,
  kMac = 21,
  kOpaque = 22,
  kContentType = 23,
  kWorkspace = 24  // absent: `default`
};

void clear(Event& event) {
  event.source.clear();
  event.id.clear();
  event.type = TypeId::kForeignType;
  event.foreign_type.clear();
  event.subject.kind = Kind::kForeign;
  event.subject.id.clear();
  event.time.reset();
  event.partition_key.clear();
  event.data.clear();
  event.extra.clear();
  event.actor.clear();
  event.import_batch.clear();
  event.import_row = 0;
  event.policy = Policy::kUnset;
  event.causation_id.clear();
  event.correlation_id.clear();
  event.traceparent.clear();
  event.extensions.clear();
  event.key_id.clear();
  event.mac.clear();
  event.opaque.clear();
  event.content_type.clear();
}

Error malformed(std::string_view why) {
  return Error{Code::kInvalid, "the bytes are no event: " + std::string{why}};
}

// The member that a text or bytes field of the message fills; none: another kind of field.
std::string* text_member(Event& out, std::uint32_t field) {
  switch (field) {
    case kSource:
      return &out.source;
    case kId:
      return &out.id;
    case kTypeName:
      return &out.foreign_type;
    case kSubjectId:
      return &out.subject.id;
    case kPartitionKey:
      return &out.partition_key;
    case kActor:
      return &out.actor;
    case kImportBatch:
      return &out.import_batch;
    case kCausation:
      return &out.causation_id;
    case kCorrelation:
      return &out.correlation_id;
    case kTraceparent:
      return &out.traceparent;
    case kKeyId:
      return &out.key_id;
    case kMac:
      return &out.mac;
    case kOpaque:
      return &out.opaque;
    case kContentType:
      return &out.content_type;
    default:
      return nullptr;
  }
}

// One field of the message. False: malformed.
bool take(const WireReader& in, Event& out) {
  switch (in.field()) {
    case kType:
      out.type = TypeId{static_cast<std::uint16_t>(in.number())};
      return true;
    case kSubjectKind:
      if (in.number() >= kKinds) return false;
      out.subject.kind = static_cast<Kind>(in.number());
      return true;
    case kTime:
      out.time = Instant{in.sint()};
      return true;
    case kData:
      return read_datum(in.text(), out.data);
    case kExtra:
      return read_named(in.text(), out.extra);
    case kImportRow:
      if (in.number() > std::numeric_limits<std::int64_t>::max()) return false;
      out.import_row = in.number();
      return true;
    case kPolicy:
      if (in.number() > static_cast<std::uint64_t>(Policy::kSuppress)) return false;
      out.policy = static_cast<Policy>(in.number());
      return true;
    case kExtensions:
      return read_named(in.text(), out.extensions);
    case kWorkspace:  // one for now: another's event is never taken for one of ours
      return in.text() == "default";
    default:
      if (auto* text = text_member(out, in.field())) *text = in.text();
      return true;  // else: of a newer writer
  }
}

// Look-ups need names in order and unique; other writers may put them as they like.
void put_in_order(Map& map) {
  const bool rising = std::adjacent_find(map.begin(), map.end(), [](const auto& a, const auto& b) {
                        return a.first >= b.first;
                      }) == map.end();
  if (!rising) map = *Value{std::move(map)}.as_map();
}

}  // namespace

std::optional<std::pair<Kind, std::string_view>> peek_subject(std::string_view bytes) {
  if (is_foreign(bytes)) return std::nullopt;
  WireReader in{bytes};
  auto kind = Kind::kForeign;
  while (in.next()) {
    if (in.field() == kSubjectKind && in.number() < kKinds) kind = static_cast<Kind>(in.number());
    if (in.field() == kSubjectId) return std::pair{kind, in.text()};
    if (in.field() > kSubjectId) break;
  }
  return std::nullopt;
}

std::string peek_placement(std::string_view bytes) {
  WireReader in{bytes};
  RecordKey subject;
  while (in.next() && in.field() <= kPartitionKey) {
    if (in.field() == kSubjectKind && in.number() < kKinds)
      subject.kind = static_cast<Kind>(in.number());
    if (in.field() == kSubjectId) subject.id = in.text();
    if (in.field() == kPartitionKey && !in.text().empty()) return std::string{in.text()};
  }
  return subject.id.empty() ? std::string{} : to_text(subject);
}

bool is_of_type(std::string_view bytes, TypeId type) {
  WireReader in{bytes};
  while (in.next() && in.field() < kSubjectId) {
    if (in.field() == kType) return in.number() == static_cast<std::uint64_t>(type);
  }
  return false;
}

void encode(const Event& event, std::string& out) {
  WireWriter w{out};
  w.number(kFormatField, kFormat);
  w.text(kSource, event.source);
  w.text(kId, event.id);
  if (event.type == TypeId::kForeignType) {
    w.text(kTypeName, event.foreign_type);
  } else {
    w.number(kType, static_cast<std::uint64_t>(event.type));
  }
  w.number_if(kSubjectKind, static_cast<std::uint64_t>(event.subject.kind));
  w.text(kSubjectId, event.subject.id);
  if (event.time) w.sint(kTime, event.time->ms);
  w.text_if(kPartitionKey, event.partition_key);
  write_fields(w, kData, event.data);
  write_map(w, kExtra, event.extra);
  w.text_if(kActor, event.actor);
  w.text_if(kImportBatch, event.import_batch);
  w.number_if(kImportRow, event.import_row);
  w.number_if(kPolicy, static_cast<std::uint64_t>(event.policy));
  w.text_if(kCausation, event.causation_id);
  w.text_if(kCorrelation, event.correlation_id);
  w.text_if(kTraceparent, event.traceparent);
  write_map(w, kExtensions, event.extensions);
  w.text_if(kKeyId, event.key_id);
  w.text_if(kMac, event.mac);
  w.text_if(kOpaque, event.opaque);
  w.text_if(kContentType, event.content_type);
}

Result<void> decode(std::string_view bytes, Event& out) {
  if (is_foreign(bytes)) {
    const auto faults = decode_foreign(bytes, out);
    if (!faults.empty()) return Error{Code::kInvalid, render(faults.front())};
    return ok();
  }
  clear(out);
  WireReader in{bytes};
  std::uint64_t format = 0;
  while (in.next()) {
    if (in.field() == kType && in.number() > all_event_specs().size()) {
      return Error{Code::kUnsupported, "an event of type number " + std::to_string(in.number()) +
                                           ", which this binary does not know"};
    }
    if (in.field() == kFormatField) {
      format = in.number();
      if (format != kFormat) {
        return Error{Code::kUnsupported, "an event of format " + std::to_string(format) +
                                             "; this binary knows format 1"};
      }
    } else if (!take(in, out)) {
      return malformed("field " + std::to_string(in.field()));
    }
  }
  if (in.failed()) return malformed("cut short or garbled");
  if (format == 0) return malformed("no format");
  if (out.type == TypeId::kForeignType && out.foreign_type.empty()) return malformed("no type");
  if (out.subject.id.empty()) return malformed("no subject");
  if (out.id.empty()) return malformed("no id");
  out.data.normalize();
  put_in_order(out.extra);
  put_in_order(out.extensions);
  return ok();
}

}  // namespace dealwright::codec
