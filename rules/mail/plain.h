// The text of a mail that has only HTML.
#pragma once

#include <string>
#include <string_view>

namespace dealwright::rules::mail {

// Paragraphs, lines and list items on lines of their own, links as `words (https://...)`, without
// what a page does not show.
std::string plain_text(std::string_view html);

}  // namespace dealwright::rules::mail
