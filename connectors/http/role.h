// Who may do what. A route names the roles that may call it; who has none of them may not.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dealwright::http {

enum class Role : std::uint8_t {
  kPublisher,  // appends events, reads nothing
  kViewer,
  kAuthor,
  kApprover,
  kOperator,
  kAdmin,
  kAuditor,
};
inline constexpr int kRoles = 7;

std::string_view role_name(Role role);
std::optional<Role> parse_role(std::string_view name);

class RoleSet {
 public:
  RoleSet() = default;
  RoleSet(std::initializer_list<Role> roles) {
    for (const auto role : roles) add(role);
  }
  void add(Role role) { bits_ = static_cast<std::uint8_t>(bits_ | bit(role)); }
  bool has(Role role) const { return (bits_ & bit(role)) != 0; }
  bool meets(RoleSet other) const { return (bits_ & other.bits_) != 0; }
  bool empty() const { return bits_ == 0; }
  std::vector<std::string_view> names() const;
  friend bool operator==(RoleSet, RoleSet) = default;

 private:
  static std::uint8_t bit(Role role) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role));
  }
  std::uint8_t bits_ = 0;
};

}  // namespace dealwright::http
