// Ids: opaque, 1 to 200 bytes, unique per kind. One way in (parse), one way out (text).
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace dealwright {

inline constexpr std::size_t kIdBytesMax = 200;

// 1 to 200 bytes of UTF-8 (RFC 3629) without control characters.
bool is_id(std::string_view text);

template <class Tag>
class Id {
 public:
  static Result<Id> parse(std::string_view text) {
    if (!is_id(text))
      return Error{Code::kInvalid, "an id has 1 to 200 bytes of UTF-8, none a control character"};
    return Id{std::string{text}};
  }
  const std::string& text() const { return text_; }
  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  explicit Id(std::string text) : text_{std::move(text)} {}
  std::string text_;
};

using RuleId = Id<struct RuleTag>;
using WorkspaceId = Id<struct WorkspaceTag>;

}  // namespace dealwright
