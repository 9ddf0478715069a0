#include "engine/domain/consent.h"

namespace dealwright {

bool is_marketing(const Schema* schema, std::string_view purpose) {
  const auto* declared = schema == nullptr ? nullptr : schema->purpose(purpose);
  if (declared != nullptr) return declared->of == PurposeClass::kMarketing;
  return purpose != "service";
}

const ConsentRow* standing_consent(const Record& person, std::string_view purpose,
                                   std::string_view channel) {
  const ConsentRow* newest = nullptr;
  for (const auto& row : person.consents) {  // in history order
    const bool about = row.purpose == purpose || (!row.granted && row.purpose == kAllMarketing);
    if (about && (row.channel == channel || row.channel == "all")) newest = &row;
  }
  return newest;
}

}  // namespace dealwright
