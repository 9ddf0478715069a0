#include "rules/liquid/filters.h"

#include <algorithm>

namespace dealwright::rules::liquid {
namespace {

std::array<std::span<const Filter>, 5> tables() {
  return {text_filters(), code_filters(), number_filters(), list_filters(), time_filters()};
}

}  // namespace

const Filter* find_filter(std::string_view name) {
  for (const auto table : tables()) {
    const auto it =
        std::find_if(table.begin(), table.end(), [&](const Filter& f) { return f.name == name; });
    if (it != table.end()) return &*it;
  }
  return nullptr;
}

std::vector<std::string_view> filter_names() {
  std::vector<std::string_view> out;
  for (const auto table : tables()) {
    for (const auto& filter : table) out.push_back(filter.name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<Datum> checked(std::string text) {
  if (text.size() > kOutputBytesMax)
    return Error{Code::kInvalid, "a text grows past " + std::to_string(kOutputBytesMax) + " bytes"};
  return Datum{Value{std::move(text)}};
}

// A list of long texts costs what they hold.
Result<Datum> checked(Items items, const Call& call) {
  std::size_t bytes = 0;
  for (const auto& item : items) bytes += text_of(item) == nullptr ? 0 : text_of(item)->size();
  if (!call.budget.spend(bytes / kBytesAnOperation))
    return Error{Code::kInvalid, "the list grows too long"};
  return Datum{std::move(items)};
}

std::string_view to_text(const Datum& d, std::string& scratch) {
  if (const auto* text = text_of(d)) return *text;
  scratch = print(d);
  return scratch;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::size_t point_at(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && count-- == 0) break;
  }
  return at;
}

}  // namespace dealwright::rules::liquid
