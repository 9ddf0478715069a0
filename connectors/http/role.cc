#include "connectors/http/role.h"

namespace dealwright::http {
namespace {

constexpr std::string_view kNames[kRoles] = {"publisher", "viewer", "author", "approver",
                                             "operator",  "admin",  "auditor"};

}  // namespace

std::string_view role_name(Role role) { return kNames[static_cast<int>(role)]; }

std::optional<Role> parse_role(std::string_view name) {
  for (int i = 0; i < kRoles; ++i) {
    if (kNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

std::vector<std::string_view> RoleSet::names() const {
  std::vector<std::string_view> out;
  for (int i = 0; i < kRoles; ++i) {
    if (has(static_cast<Role>(i))) out.push_back(kNames[i]);
  }
  return out;
}

}  // namespace dealwright::http
