// Who sent it: signatures, passwords and tokens, compared in constant time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "connectors/hooks/config.h"

namespace dealwright::hooks {

// None: it is proved by one of the hook's secrets. The sizes were checked before.
std::optional<HookRefusal> verify(const HookConfig& config, const HookRequest& request);

// The one field of that name, in any case; none: there is none, or there are several.
std::optional<std::string_view> header_of(const HookRequest& request, std::string_view name);
bool same_name(std::string_view a, std::string_view b);  // of fields: in any case

// HubSpot's page says that these escapes are decoded before signing: : / ? @ ! $ ' ( ) * , ;
std::string decoded_for_hubspot(std::string_view uri);

}  // namespace dealwright::hooks
