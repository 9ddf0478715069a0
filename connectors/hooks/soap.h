// XML of a SOAP request to values. Any bytes may come in: no DTD, no entities but XML's own five,
// limits on size, depth and number of elements.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "engine/base/value.h"

namespace dealwright::hooks {

inline constexpr std::size_t kXmlDepthMax = 16;
inline constexpr std::size_t kXmlElementsMax = 50'000;

// A map of the root element, by local names: an element with elements is a map, one with text its
// text, one with xsi:nil null; of several of one name a list. An xsi:type stands as member `type`,
// without its prefix. A map holds the namespace of the root and of what stands in its Body as
// `xmlns`. kInvalid: no well-formed XML in UTF-8, or past a limit.
Result<Value> read_xml(std::string_view text);

}  // namespace dealwright::hooks
