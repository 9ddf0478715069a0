// Bytes of the wire as text: what RFC 9110 and 3986 call tokens, white space, escapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dealwright::http {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
std::string lower(std::string_view text);
// A character of RFC 9110's token.
bool is_token_char(char c);
bool is_token(std::string_view text);
// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text);
// One part more than there are separators.
std::vector<std::string_view> split(std::string_view text, char separator);
// The same, leaving separators inside "quoted strings" alone.
std::vector<std::string_view> split_quoted(std::string_view text, char separator);

// Decodes %XX once; none if an escape is cut or no hex, or if what comes out is no UTF-8 or holds a
// control character.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank = false);
// Escapes all but unreserved characters (RFC 3986).
std::string percent_encode(std::string_view text);

// RFC 4648 5, without padding. Decoding takes the one spelling that encoding gives.
std::string base64url(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

// A whole number in decimal digits alone; none if it is anything else or beyond 64 bits.
std::optional<std::uint64_t> parse_count(std::string_view text);

// Takes the time that the lengths tell, never what the bytes tell.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace dealwright::http
