#include "connectors/hooks/mapping.h"

#include <algorithm>

#include "connectors/hooks/convert.h"
#include "engine/domain/form.h"

namespace dealwright::hooks {
namespace {

constexpr const char* kPayload = "payload";  // in `extra`: what of the notice no field took

bool filled(const Value& value) {
  if (value.absent() || value.null()) return false;
  const auto* text = value.as_text();
  const auto* list = value.as_list();
  return (text == nullptr || !text->empty()) && (list == nullptr || !list->empty());
}

bool one_of(const std::vector<std::string>& values, const std::string& text) {
  return std::find(values.begin(), values.end(), text) != values.end();
}

// Whether a list holds one of the texts.
bool has(const Value& value, const std::vector<std::string>& texts) {
  const auto* list = value.as_list();
  return list != nullptr && std::any_of(list->begin(), list->end(), [&](const Value& element) {
           return one_of(texts, scalar_text(element));
         });
}

bool holds(const Condition& condition, Scope& scope) {
  const auto value = scope.find(condition.path);
  switch (condition.op) {
    case Condition::Op::kIn:
      return !value.absent() && one_of(condition.values, scalar_text(value));
    case Condition::Op::kNotIn:
      return value.absent() || !one_of(condition.values, scalar_text(value));
    case Condition::Op::kFilled:
      return filled(value);
    case Condition::Op::kEmpty:
      return !filled(value);
    case Condition::Op::kPresent:
      return !value.absent();
    case Condition::Op::kAbsent:
      return value.absent();
    case Condition::Op::kPrefix:
      return !value.absent() && scalar_text(value).starts_with(condition.values.front());
    case Condition::Op::kHas:
      return has(value, condition.values);
    case Condition::Op::kLacks:
      return !has(value, condition.values);
  }
  return false;
}

std::string text_of(const FormError& error) {
  return error.pointer + " " + error.detail + (error.hint.empty() ? "" : "; " + error.hint);
}

// One notice on its way to events.
class Mapper {
 public:
  Mapper(const HookConfig& config, const Notice& notice, std::vector<Event>& events,
         std::vector<LeftOut>& left_out)
      : config_{config},
        notice_{notice},
        scope_{notice, config.settings},
        events_{events},
        left_out_{left_out},
        first_{events.size()} {}

  void run() {
    const bool ours = take(config_.emits) || take(config_.defaults);
    if (!ours || (events_.size() == first_ && !dropped_)) {
      events_.push_back(foreign());
    } else if (events_.size() > first_) {
      keep_rest(events_[first_]);
    }
    for (std::size_t i = first_; i < events_.size(); ++i) {
      auto id = notice_.id;
      if (i > first_) id += ":" + std::to_string(i - first_ + 1);
      events_[i].id = std::move(id);
      if (!events_[i].extra.empty())
        events_[i].extra = *Value{std::move(events_[i].extra)}.as_map();  // sorted
    }
  }

  // The notice as it came.
  Event foreign() const {
    auto event = envelope();
    event.foreign_type = notice_.type;
    event.subject = notice_.subject;
    if (event.subject.kind != Kind::kForeign)
      event.subject.id = config_.setting("prefix") + event.subject.id;
    if (const auto* map = notice_.body.as_map())
      event.extra = *map;
    else
      event.extra = {{"value", notice_.body}};
    if (!check_envelope(event).empty()) {  // then it is kept under names of ours
      event.subject = parse_record_key(std::string{config_.connector->name} + "/unknown");
      event.foreign_type = "com.dealwright.hook";
    }
    return event;
  }

 private:
  // Whether any entry matched.
  bool take(const std::vector<Emit>& emits) {
    bool matched = false;
    for (const auto& emit : emits) {
      if (emit.otherwise && matched) continue;
      Scope tests{notice_, config_.settings};  // what a test reads is not taken by it
      if (!std::all_of(emit.when.begin(), emit.when.end(),
                       [&](const Condition& c) { return holds(c, tests); }))
        continue;
      matched = true;
      take(emit);
    }
    return matched;
  }

  void take(const Emit& emit) {
    if (!emit.drop.empty()) {
      dropped_ = true;
      left_out_.push_back({notice_.id, "dropped", emit.drop});
      return;
    }
    if (!emit.each) return make(emit);
    const auto list = scope_.find(*emit.each);
    if (list.as_list() == nullptr) return left(emit, "there is no list to make events of each");
    for (const auto& element : *list.as_list()) {
      scope_.set_each(element);
      make(emit);
    }
    scope_.set_each({});
  }

  void left(const Emit& emit, const std::string& why) {
    const auto type = scope_.render(emit.type);
    left_out_.push_back(
        {notice_.id, "not_mapped", (type.empty() ? "an event" : type) + ": " + why});
  }

  void make(const Emit& emit) {
    Event event = envelope();
    scope_.mark();
    const auto type = scope_.render(emit.type);
    const auto subject = scope_.render(emit.subject);
    if (type.empty() || subject.empty()) {
      scope_.forget();
      return left(emit, type.empty() ? "its type is empty" : "its subject is empty");
    }
    const auto* spec = event_spec(type);
    // A payload may choose among facts; what is in force in every partition only the file may.
    if (spec != nullptr && !emit.type.constant() && spec->group == EventGroup::kReference) {
      scope_.forget();
      return left(emit, "such a type has to stand in the file as it is");
    }
    event.type = spec == nullptr ? TypeId::kForeignType : spec->type;
    if (spec == nullptr) event.foreign_type = type;
    event.subject = parse_record_key(subject);
    event.partition_key = scope_.render(emit.partition_key);
    if (!emit.actor.empty()) event.actor = scope_.render(emit.actor);
    if (emit.time) event.time = evaluate_time(*emit.time, config_, scope_);
    std::vector<LeftOut> fields;
    fill(emit, spec, event, fields);
    const auto wrong = fault(event, spec);
    if (!wrong.empty()) {
      for (const auto& field : fields) left(emit, field.reason);
      if (fields.empty()) left(emit, wrong);
      scope_.forget();
      return;
    }
    left_out_.insert(left_out_.end(), fields.begin(), fields.end());
    events_.push_back(std::move(event));
  }

  // Fields that do not fit are left out, and what they were made of stays in the payload.
  void fill(const Emit& emit, const EventSpec* spec, Event& event, std::vector<LeftOut>& fields) {
    const auto about = event.subject.kind;
    for (const auto& [name, value_spec] : emit.data) {
      const auto field = spec == nullptr ? std::nullopt : field_of(name);
      const auto* known = field ? spec->find(*field) : nullptr;
      auto value = evaluate(value_spec, known, about, config_, scope_);
      if (!value) {
        fields.push_back(
            {notice_.id, "field_not_mapped",
             std::string{event.type_name()} + ": " + name + ": " + value.error().detail});
        keep_all_ = true;
      } else if (!value.value().absent()) {
        if (known != nullptr)
          event.data.set(*field, std::move(value.value()));
        else
          event.extra.emplace_back(name, std::move(value.value()));
      }
    }
  }

  // Empty: it is sound.
  static std::string fault(const Event& event, const EventSpec* spec) {
    if (spec != nullptr) {
      for (const auto& known : spec->data) {
        if (known.required && event.data.find(known.field) == nullptr)
          return std::string{field_name(known.field)} + " is empty, and the type needs it";
      }
      if (spec->group == EventGroup::kOwn) return "only the engine itself says that";
    }
    auto probe = event;
    probe.id = "x";  // given later, and sound then
    const auto errors = check_envelope(probe);
    return errors.empty() ? std::string{} : text_of(errors.front());
  }

  Event envelope() const {
    Event event;
    event.source = config_.source;
    event.id = notice_.id;
    event.time = notice_.time;
    event.actor = notice_.actor;
    return event;
  }

  void keep_rest(Event& event) const {
    auto rest = keep_all_ ? notice_.body : scope_.rest();
    const auto* map = rest.as_map();
    if (rest.absent() || (map != nullptr && map->empty())) return;
    event.extra.emplace_back(kPayload, std::move(rest));
  }

  const HookConfig& config_;
  const Notice& notice_;
  Scope scope_;
  std::vector<Event>& events_;
  std::vector<LeftOut>& left_out_;
  std::size_t first_;
  bool dropped_ = false;
  bool keep_all_ = false;
};

}  // namespace

void apply(const HookConfig& config, const Notice& notice, std::vector<Event>& events,
           std::vector<LeftOut>& left_out) {
  const auto first = events.size();
  Mapper mapper{config, notice, events, left_out};
  mapper.run();
  const auto unsound =
      std::find_if(events.begin() + static_cast<std::ptrdiff_t>(first), events.end(),
                   [](const Event& event) { return !check_envelope(event).empty(); });
  if (unsound == events.end()) return;
  // With what is kept beside its fields it is too large for one event: as it came it is not.
  const auto why = text_of(check_envelope(*unsound).front());
  left_out.push_back({notice.id, "not_mapped", why});
  events.resize(first);
  auto whole = mapper.foreign();
  if (check_envelope(whole).empty()) events.push_back(std::move(whole));
}

}  // namespace dealwright::hooks
