#include "engine/domain/home.h"

namespace dealwright {
namespace {

// A reference of the data, or of what they set.
std::string_view named(const Event& event, Field field) {
  if (const auto text = event.data.text(field); !text.empty()) return text;
  const auto* set = event.data.find(Field::kSet);
  const auto* map = set == nullptr ? nullptr : set->as_map();
  const auto* value = map == nullptr ? nullptr : find(*map, field_name(field));
  return value == nullptr ? std::string_view{} : value->text_or_empty();
}

// The first of a deal's contacts.
std::string_view first_contact(const Event& event) {
  const auto* contacts = event.data.find(Field::kContacts);
  const auto* list = contacts == nullptr ? nullptr : contacts->as_list();
  if (list == nullptr || list->empty()) return {};
  const auto* map = list->front().as_map();
  const auto* value = map == nullptr ? nullptr : find(*map, "contact");
  return value == nullptr ? std::string_view{} : value->text_or_empty();
}

bool fits_an_id(std::string_view id) { return !id.empty() && id.size() <= 200; }

}  // namespace

bool has_home(Kind kind) { return kind <= Kind::kSurvey; }

std::string customer_of(const Event& event) {
  const auto kind = event.subject.kind;
  if (kind == Kind::kAccount || event.type == TypeId::kForeignType) return to_text(event.subject);
  const auto record = [](Kind of, std::string_view id) {
    return to_text(RecordKey{of, std::string{id}});
  };
  if (const auto id = named(event, Field::kAccount); fits_an_id(id)) {
    return record(Kind::kAccount, id);
  }
  if (kind == Kind::kLead || kind == Kind::kContact) return to_text(event.subject);
  if (const auto id = named(event, Field::kLead); fits_an_id(id)) return record(Kind::kLead, id);
  if (const auto id = named(event, Field::kContact); fits_an_id(id)) {
    return record(Kind::kContact, id);
  }
  if (const auto id = first_contact(event); fits_an_id(id)) return record(Kind::kContact, id);
  if (kind == Kind::kDeal) return to_text(event.subject);
  if (const auto id = named(event, Field::kDeal); fits_an_id(id)) return record(Kind::kDeal, id);
  if (const auto about = named(event, Field::kAbout); fits_an_id(about)) {
    if (const auto key = parse_record_key(about); key.kind != Kind::kForeign && has_home(key.kind))
      return to_text(key);
  }
  return to_text(event.subject);
}

}  // namespace dealwright
