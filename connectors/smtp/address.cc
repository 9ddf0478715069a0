#include "connectors/smtp/address.h"

#include <fmt/format.h>

#include "engine/base/utf8.h"

namespace dealwright::smtp {
namespace {

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Error invalid(std::string detail) { return Error{Code::kInvalid, std::move(detail)}; }

std::string name_of(char c) {
  switch (c) {
    case '\r':
      return "CR";
    case '\n':
      return "LF";
    case '\0':
      return "NUL";
    default:
      return fmt::format("the control character 0x{:02x}", static_cast<unsigned char>(c));
  }
}

Result<void> check_local_part(std::string_view local) {
  if (local.empty() || local.size() > 64)
    return invalid("the part of an address before @ has 1 to 64 bytes");
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos)
    return invalid("the part of an address before @ has no dot at its ends and no two in a row");
  for (const char c : local) {
    if (!alphanumeric(c) &&
        std::string_view{".!#$%&'*+-/=?^_`{|}~"}.find(c) == std::string_view::npos)
      return invalid(fmt::format("an address holds a character that it may not hold (0x{:02x})",
                                 static_cast<unsigned char>(c)));
  }
  return ok();
}

}  // namespace

Result<void> check_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > 253) return invalid("a domain has 1 to 253 bytes");
  std::size_t labels = 0;
  for (std::size_t from = 0; from <= domain.size(); ++labels) {
    const auto to = std::min(domain.find('.', from), domain.size());
    const auto label = domain.substr(from, to - from);
    if (label.empty() || label.size() > 63)
      return invalid("a domain is made of labels of 1 to 63 bytes with a dot between them");
    if (label.front() == '-' || label.back() == '-')
      return invalid("a label of a domain has no hyphen at its ends");
    for (const char c : label) {
      if (!alphanumeric(c) && c != '-')
        return invalid(
            "a domain holds letters, digits, hyphens and dots; in another script, its xn-- form");
    }
    from = to + 1;
  }
  if (labels < 2) return invalid("a domain has at least two labels");
  return ok();
}

Result<void> check_address(std::string_view address) {
  if (address.size() > 254) return invalid("an address has at most 254 bytes");
  const auto at = address.rfind('@');
  if (at == std::string_view::npos) return invalid("an address has an @");
  DW_TRY(check_local_part(address.substr(0, at)));
  return check_domain(address.substr(at + 1));
}

Result<void> check_header_text(std::string_view part, std::string_view text,
                               std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return invalid(fmt::format("{} is longer than {} bytes", part, bytes_max));
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return invalid(fmt::format("{} holds {}, which a mail's header may not", part, name_of(c)));
  }
  if (!is_utf8(text)) return invalid(fmt::format("{} is no UTF-8", part));
  return ok();
}

}  // namespace dealwright::smtp
