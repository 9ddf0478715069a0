// How a value is written where it stands, so that it stays a value there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dealwright::rules::liquid {

// Where an output stands.
enum class Spot : std::uint8_t {
  kPlain,      // text of no language
  kHeader,     // one line: no CR, LF, NUL
  kText,       // of an HTML element
  kAttribute,  // between the quotes of one
  kUrlBegin,   // of href, src ...: the value has to begin with https: or mailto:
  kUrlPart,    // behind the beginning of one
};

// & < > " ' as character references.
void append_escaped(std::string& out, std::string_view text);
// All but letters, digits and -._~ as %XX.
void append_url_part(std::string& out, std::string_view text);
// Whether it begins with https:// or mailto:, or leads to this machine itself.
bool is_safe_url(std::string_view url);
// Writes a value at its place; `markup`: HTML already, which stands as it is in an HTML text. What
// is wrong with it otherwise.
std::optional<std::string> write_at(Spot spot, std::string_view value, bool markup,
                                    std::string& out);

}  // namespace dealwright::rules::liquid
