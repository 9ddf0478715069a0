// Reading keys of a map: which are known, which are missing, which come later. The value of a key
// is typed here, by the key.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/value.h"
#include "engine/domain/vocabulary.h"
#include "rules/time/length.h"
#include "rules/yaml/tree.h"

namespace dealwright::rules {

struct KeySpec {
  enum class Need : std::uint8_t { kOptional, kNeeded, kLater };  // later: a coming version's
  std::string_view name;
  Need need = Need::kOptional;
};

// Reports unknown (1004), missing (1005) and coming keys (1010). `what` names the map: "a rule".
// False: `node` is no map.
bool check_keys(const yaml::Node& node, std::span<const KeySpec> keys, std::string_view what,
                Diagnostics& out);
// `'split' comes with a later version of the language`
void refuse_later(Place at, std::string_view what, Diagnostics& out);

// Each reports what is wrong and gives none.
const std::string* read_text(const yaml::Node& node, std::string_view key, Diagnostics& out);
std::optional<bool> read_bool(const yaml::Node& node, std::string_view key, Diagnostics& out);
std::optional<Length> read_length(const yaml::Node& node, std::string_view key, Diagnostics& out);
std::optional<std::int64_t> read_int(const yaml::Node& node, std::string_view key, std::int64_t min,
                                     std::int64_t max, Diagnostics& out);
// "10%" or "0.5%" as basis points.
std::optional<std::uint32_t> read_percent(const yaml::Node& node, std::string_view key,
                                          Diagnostics& out);
// The index of the word in `words`.
std::optional<std::size_t> read_word(const yaml::Node& node, std::string_view key,
                                     std::span<const std::string_view> words, Diagnostics& out);
// [a-z][a-z0-9-]{0,63}
bool is_name(std::string_view text);

// Free data: JSON's numbers and booleans, the rest is text; a bare yes, no, on, off, y, n, null or
// ~ is refused (1006).
std::optional<Value> read_free(const yaml::Node& node, Diagnostics& out);
// A value of a declared field, as written in a rule file.
std::optional<Value> read_typed(const yaml::Node& node, const FieldSpec& spec, Diagnostics& out);

}  // namespace dealwright::rules
