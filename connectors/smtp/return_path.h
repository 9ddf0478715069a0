// The address that bounces of a mail of ours go to: it names the effect, and only we can make it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/enrolment.h"

namespace dealwright::smtp {

// The first 160 bits of an effect id: enough to find it, and the local part stays below 64 bytes.
using EffectPrefix = std::array<std::uint8_t, 20>;
EffectPrefix prefix_of(const EffectId& effect);

// `b+<prefix, base32>.<mac, base32>@domain`; the mac is the first 80 bits of an HMAC-SHA-256 under
// `key`, so that nobody can report a bounce of a mail that he did not get.
std::string return_path(const EffectId& effect, std::string_view key, std::string_view domain);

// The effect of a return path of ours, in any case of letters (some servers change it). None: not
// ours, or the mac is wrong. Constant time in the mac.
std::optional<EffectPrefix> effect_of_return_path(std::string_view address, std::string_view key,
                                                  std::string_view domain);
// Whether it is written as one of ours, whatever its mac.
bool looks_like_return_path(std::string_view address, std::string_view domain);

}  // namespace dealwright::smtp
