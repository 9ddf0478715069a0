#include "connectors/smtp/message.h"

#include <fmt/format.h>
#include <gmime/gmime.h>

#include <algorithm>

#include "connectors/smtp/gmime.h"
#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/base/utf8.h"

namespace dealwright::smtp {
namespace {

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kSubjectBytesMax = 400;
constexpr std::size_t kUrlBytesMax = 900;  // a header line has at most 998
constexpr std::size_t kBodyBytesMax = std::size_t{256} << 10;

Error invalid(std::string detail) { return Error{Code::kInvalid, std::move(detail)}; }

Result<void> check_address_of(std::string_view part, std::string_view address) {
  DW_TRY(check_header_text(part, address, 254));
  if (auto checked = check_address(address); !checked)
    return invalid(fmt::format("{}: {}", part, checked.error().detail));
  return ok();
}

// The URL stands in a header between < and >: visible ASCII without what would end it there.
Result<void> check_unsubscribe_url(std::string_view url) {
  if (url.empty()) return ok();
  DW_TRY(check_header_text("unsubscribe_url", url, kUrlBytesMax));
  // To this machine itself: for trying things out, mails that are dropped as files.
  const bool here = url.starts_with("http://127.0.0.1:");
  if ((!here && !url.starts_with("https://")) || url.size() < 12)
    return invalid("unsubscribe_url begins with https:// (RFC 8058)");
  for (const char c : url) {
    if (c <= 0x20 || c >= 0x7f ||
        std::string_view{"<>\"\\^`{|},"}.find(c) != std::string_view::npos)
      return invalid("unsubscribe_url holds a character that has to be percent-encoded");
  }
  return ok();
}

Result<void> check_body(std::string_view part, std::string_view body) {
  if (body.size() > kBodyBytesMax)
    return invalid(fmt::format("{} is longer than {} bytes", part, kBodyBytesMax));
  if (body.find('\0') != std::string_view::npos) return invalid(fmt::format("{} holds NUL", part));
  if (!is_utf8(body)) return invalid(fmt::format("{} is no UTF-8", part));
  return ok();
}

Result<void> check(const Message& message, const Identity& identity) {
  DW_TRY(check_header_text("from.name", message.from.name, kNameBytesMax));
  DW_TRY(check_address_of("from.address", message.from.address));
  DW_TRY(check_header_text("to.name", message.to.name, kNameBytesMax));
  DW_TRY(check_address_of("to.address", message.to.address));
  if (!message.reply_to.empty()) {
    DW_TRY(check_address_of("reply_to", message.reply_to));
  }
  DW_TRY(check_header_text("subject", message.subject, kSubjectBytesMax));
  DW_TRY(check_unsubscribe_url(message.unsubscribe_url));
  if (message.text.empty()) return invalid("text is empty: a mail without it is taken for junk");
  DW_TRY(check_body("text", message.text));
  DW_TRY(check_body("html", message.html));
  if (message.date < kInstantMin || message.date > kInstantMax) return invalid("date is none");
  DW_TRY(check_domain(identity.domain));
  if (std::find(identity.from.begin(), identity.from.end(), message.from.address) ==
      identity.from.end())
    return Error{Code::kRefused,
                 fmt::format("{} is not among the addresses that mail may come from (mail.from)",
                             message.from.address)};
  return ok();
}

// CRLF and lone CR as LF: GMime writes LF as CRLF.
std::string with_line_feeds(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out.push_back(text[i]);
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      out.push_back('\n');
    }
  }
  if (out.empty() || out.back() != '\n') out.push_back('\n');
  return out;
}

Ref<GMimePart> part_of(const char* subtype, std::string_view body) {
  Ref<GMimePart> part{g_mime_part_new_with_type("text", subtype)};
  g_mime_object_set_content_type_parameter(GMIME_OBJECT(part.get()), "charset", "utf-8");
  const auto stream = stream_of(with_line_feeds(body));
  const Ref<GMimeDataWrapper> content{
      g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT)};
  g_mime_part_set_content(part.get(), content.get());
  g_mime_part_set_content_encoding(part.get(), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  return part;
}

void add_mailbox(GMimeMessage* mime, GMimeAddressType type, const Mailbox& mailbox) {
  const char* name = mailbox.name.empty() ? nullptr : mailbox.name.c_str();
  const Ref<InternetAddress> address{internet_address_mailbox_new(name, mailbox.address.c_str())};
  internet_address_set_charset(address.get(), "utf-8");
  internet_address_list_add(g_mime_message_get_addresses(mime, type), address.get());
}

// As it stands: GMime would fold it, and a URL has nowhere to fold.
void add_raw(GMimeMessage* mime, const char* name, const std::string& value) {
  auto* headers = g_mime_object_get_header_list(GMIME_OBJECT(mime));
  g_mime_header_list_append(headers, name, value.c_str(), nullptr);
  g_mime_header_set_raw_value(g_mime_header_list_get_header(headers, name),
                              (" " + value + "\n").c_str());
}

void add_headers(GMimeMessage* mime, const Message& message, const Identity& identity) {
  add_mailbox(mime, GMIME_ADDRESS_TYPE_FROM, message.from);
  add_mailbox(mime, GMIME_ADDRESS_TYPE_TO, message.to);
  if (!message.reply_to.empty())
    add_mailbox(mime, GMIME_ADDRESS_TYPE_REPLY_TO, Mailbox{{}, message.reply_to});
  g_mime_message_set_subject(mime, message.subject.c_str(), "utf-8");
  const auto seconds = message.date.ms / 1000 - (message.date.ms % 1000 < 0 ? 1 : 0);
  auto* date = g_date_time_new_from_unix_utc(seconds);
  g_mime_message_set_date(mime, date);
  g_date_time_unref(date);
  g_mime_message_set_message_id(mime, message_id(message.effect, identity.domain).c_str());
  if (!message.unsubscribe_url.empty()) {
    add_raw(mime, "List-Unsubscribe", "<" + message.unsubscribe_url + ">");
    add_raw(mime, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
  }
  if (message.automatic) add_raw(mime, "Auto-Submitted", "auto-generated");
}

void add_body(GMimeMessage* mime, const Message& message) {
  const auto text = part_of("plain", message.text);
  if (message.html.empty()) {
    g_mime_message_set_mime_part(mime, GMIME_OBJECT(text.get()));
    return;
  }
  const auto html = part_of("html", message.html);
  const Ref<GMimeMultipart> both{g_mime_multipart_new_with_subtype("alternative")};
  // Quoted-printable never holds "=_", so no line of a body can be the boundary.
  g_mime_multipart_set_boundary(both.get(), ("=_" + hex(message.effect).substr(0, 32)).c_str());
  g_mime_multipart_add(both.get(), GMIME_OBJECT(text.get()));
  g_mime_multipart_add(both.get(), GMIME_OBJECT(html.get()));
  g_mime_message_set_mime_part(mime, GMIME_OBJECT(both.get()));
}

std::string bytes_of_message(GMimeMessage* mime) {
  auto* options = g_mime_format_options_new();
  g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
  const Ref<GMimeStream> out{g_mime_stream_mem_new()};
  g_mime_object_write_to_stream(GMIME_OBJECT(mime), options, out.get());
  g_mime_format_options_free(options);
  auto bytes = bytes_of_stream(out.get());
  if (!bytes.ends_with("\r\n")) bytes += "\r\n";
  return bytes;
}

// What leaves is looked at once more, whatever wrote it.
Result<void> check_bytes(std::string_view bytes) {
  if (bytes.size() > kMessageBytesMax) return invalid("the mail is larger than 2 MiB");
  std::size_t line = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n') {
      line = 0;
      ++i;
    } else if (c == '\r' || c == '\n' || c == '\0' || static_cast<unsigned char>(c) >= 0x80) {
      return invalid(fmt::format("the mail came out with the byte 0x{:02x} alone at {}",
                                 static_cast<unsigned char>(c), i));
    } else if (++line > 998) {
      return invalid("the mail came out with a line of more than 998 bytes");
    }
  }
  return ok();
}

}  // namespace

std::string message_id(const EffectId& effect, std::string_view domain) {
  return fmt::format("{}@{}", hex(effect), domain);
}

std::optional<EffectId> effect_of_message_id(std::string_view id, std::string_view domain) {
  if (id.starts_with('<') && id.ends_with('>')) id = id.substr(1, id.size() - 2);
  EffectId effect{};
  if (id.size() != 2 * effect.size() + 1 + domain.size() || id[2 * effect.size()] != '@') return {};
  for (std::size_t i = 0; i < effect.size(); ++i) {
    for (const char c : id.substr(2 * i, 2)) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit && (c < 'a' || c > 'f')) return {};
      effect[i] = static_cast<std::uint8_t>(effect[i] << 4 | (digit ? c - '0' : c - 'a' + 10));
    }
  }
  // Relays keep our half as it is; the domain's case means nothing.
  const auto theirs = id.substr(2 * effect.size() + 1);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < domain.size(); ++i) {
    if (lower(theirs[i]) != lower(domain[i])) return {};
  }
  return effect;
}

Result<std::string> build(const Message& message, const Identity& identity) {
  DW_TRY(check(message, identity));
  ready_gmime();
  const Ref<GMimeMessage> mime{g_mime_message_new(FALSE)};
  add_headers(mime.get(), message, identity);
  add_body(mime.get(), message);
  auto bytes = bytes_of_message(mime.get());
  DW_TRY(check_bytes(bytes));
  return bytes;
}

}  // namespace dealwright::smtp
