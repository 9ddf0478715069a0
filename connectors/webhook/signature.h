// Standard Webhooks: the headers that let a receiver tell that a hook is ours and not a repeat.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace dealwright::webhook {

// The bytes of `whsec_<base64>`: 24 to 64. kInvalid; the detail does not hold the secret.
Result<std::string> parse_secret(std::string_view text);

// `v1,<base64>` of HMAC-SHA-256 over `id.timestamp.body`, one per secret with a blank between them:
// during rotation the new one first. REQUIRES: secrets are bytes of parse_secret()
std::string signatures(const std::vector<std::string>& secrets, std::string_view id,
                       std::int64_t timestamp_s, std::string_view body);

}  // namespace dealwright::webhook
