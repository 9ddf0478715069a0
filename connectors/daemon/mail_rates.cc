#include "connectors/daemon/mail_rates.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "connectors/http/text.h"

namespace dealwright::daemon {
Result<runtime::Budget::Rates> mail_rates(const EffectsConfig& config) {
  runtime::Budget::Rates out;
  out.all = static_cast<double>(config.mails_per_hour);
  out.domain = static_cast<double>(config.mails_per_domain_per_hour);
  out.provider = static_cast<double>(config.mails_per_provider_per_hour);
  std::set<std::string> names;
  for (const auto& group : words(config.providers)) {
    const auto fault = [&](std::string_view what) {
      return Error{Code::kInvalid,
                   fmt::format("effects.providers: '{}' {}; write name=domain,domain with blanks "
                               "between providers",
                               group, what)};
    };
    const auto sign = group.find('=');
    if (sign == 0 || sign == std::string::npos) return fault("has no name and '=' in front");
    const auto name = group.substr(0, sign);
    if (!names.insert(name).second) return fault("has the name of another");
    auto domains = std::string_view{group}.substr(sign + 1);
    do {
      const auto end = std::min(domains.find(','), domains.size());
      const auto domain = http::lower(domains.substr(0, end));
      if (domain.find('.') == std::string::npos || domain.find_first_of("@=") != std::string::npos)
        return fault("names a domain that is none");
      if (!out.providers.emplace(domain, name).second)
        return fault("names a domain that stands with another already");
      domains.remove_prefix(std::min(end + 1, domains.size()));
    } while (!domains.empty());
  }
  if (out.provider > 0 && names.empty()) {
    return Error{Code::kInvalid,
                 "effects.mails_per_provider_per_hour limits nobody: effects.providers is empty"};
  }
  return out;
}

}  // namespace dealwright::daemon
