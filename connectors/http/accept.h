// Media types: what a caller takes, what it sends.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dealwright::http {

// `type/subtype` in lower case, without parameters; "" if the text is no media type.
std::string media_type(std::string_view content_type);

// Which of `offers` (media types, the preferred first) an Accept field likes best, by q and then by
// order; none: it takes none of them. An empty or malformed field takes all.
std::optional<std::size_t> negotiate(std::string_view accept,
                                     std::span<const std::string_view> offers);

// Whether an entry of what a route takes covers a media type: equal, or a prefix before a `*`.
bool covers(std::string_view entry, std::string_view type);

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProblemJson = "application/problem+json";
inline constexpr std::string_view kCsv = "text/csv";
inline constexpr std::string_view kNdjson = "application/x-ndjson";
inline constexpr std::string_view kEventStream = "text/event-stream";
inline constexpr std::string_view kTable[] = {kJson, kCsv, kNdjson};  // what a view answers in

}  // namespace dealwright::http
