#include "engine/runtime/retry_time.h"

#include <algorithm>
#include <iterator>

namespace dealwright::runtime {
namespace {

constexpr Duration kAskedMax = hours(1);
// Behind which try of a webhook the next one comes (reliability.md 6).
constexpr Duration kWebhookWaits[] = {seconds(5), minutes(5), minutes(30), hours(2), hours(5),
                                      hours(10),  hours(14),  hours(20),   hours(24)};
constexpr Duration kMailFirst = minutes(1);
constexpr Duration kMailMost = hours(4);

// How long the wait behind this attempt is at most; none: there is no further one.
std::optional<Duration> wait_behind(std::string_view channel, std::uint32_t attempts) {
  if (channel == "webhook") {
    if (attempts > std::size(kWebhookWaits)) return std::nullopt;
    return kWebhookWaits[attempts - 1];
  }
  auto wait = kMailFirst;
  for (std::uint32_t i = 1; i < attempts && wait < kMailMost; ++i) wait = wait + wait;
  return std::min(wait, kMailMost);
}

// How long an effect may be on its way, behind its request.
Duration lifetime(std::string_view channel) { return channel == "webhook" ? hours(76) : hours(24); }

}  // namespace

std::optional<Instant> retry_time(const Effect& effect, std::uint32_t attempts,
                                  std::optional<Duration> asked, Instant now, std::uint64_t draw) {
  // A person who asks for it again gives it its time anew.
  const auto tries = attempts - std::min(effect.attempts_before, attempts - 1);
  const auto most = wait_behind(effect.channel, tries);
  if (!most) return std::nullopt;
  // Anywhere in the wait, so that what failed together does not come again together.
  const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(1, most->ms));
  auto wait = milliseconds(static_cast<std::int64_t>(draw % span) + 1);
  if (asked) wait = std::max(wait, std::min(*asked, kAskedMax));
  const auto at = now + wait;
  if (at >= effect.expires.value_or(asked_at(effect) + lifetime(effect.channel)))
    return std::nullopt;
  return at;
}

}  // namespace dealwright::runtime
