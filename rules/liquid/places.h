// Follows HTML as it is written, to know what an output stands in: text, an attribute, a link. Not
// a parser of all there is: what it cannot follow for sure takes no output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/liquid/escape.h"

namespace dealwright::rules::liquid {

class Places {
 public:
  struct Fault {
    std::string message;
    std::string hint;
    std::size_t offset = 0;  // in the text given
  };
  // Literal text. A link that begins with neither https:// nor mailto: is a fault.
  std::optional<Fault> text(std::string_view html);
  // Where an output here stands; a fault if it may not.
  std::optional<Fault> output(Spot& spot);
  // In the text of an element, where a page may end.
  bool in_text() const { return state_ == State::kText; }
  friend bool operator==(const Places&, const Places&) = default;

 private:
  enum class State : std::uint8_t {
    kText,
    kTagName,
    kInTag,      // between attributes
    kAttribute,  // its name
    kValue,      // behind its =
    kQuoted,
    kBare,
    kComment,
    kHidden,  // in script or style
    kMarkup,  // <! ... >
  };
  enum class Link : std::uint8_t { kNone, kBegins, kScheme, kOn };
  std::optional<Fault> step(char c, std::string_view rest);
  std::optional<Fault> step_in_text(char c, std::string_view rest);
  void step_in_tag(char c);
  std::optional<Fault> step_in_value(char c);
  void begin_value(char quote);
  std::optional<Fault> in_link(char c);
  std::optional<Fault> end_link();
  void end_tag();

  State state_ = State::kText;
  std::string word_;  // name of the tag or attribute under way, beginning of a link
  std::string tag_;   // script or style, whose content is under way
  char quote_ = '\0';
  bool closing_ = false;  // of </
  bool code_ = false;     // the value is a script or style
  Link link_ = Link::kNone;
};

}  // namespace dealwright::rules::liquid
