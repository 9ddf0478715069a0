#include "connectors/smtp/bounce.h"

#include <gmime/gmime.h>

#include <algorithm>

#include "connectors/smtp/dialogue.h"
#include "connectors/smtp/gmime.h"
#include "engine/base/utf8.h"

namespace dealwright::smtp {
namespace {

constexpr std::size_t kRecipientsMax = 100;
constexpr int kDepthMax = 20;
constexpr std::size_t kPartBytesMax = std::size_t{256} << 10;
constexpr std::size_t kHeadBytesMax = std::size_t{256} << 10;
constexpr std::size_t kAddressesMax = 100;
constexpr std::size_t kAddressBytesMax = 320;
constexpr std::size_t kReferencesMax = 100;
constexpr std::size_t kThreadBytesMax = std::size_t{64} << 10;  // of a References header

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return std::string{text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1)};
}

std::string header(GMimeObject* object, const char* name) {
  const char* value = g_mime_object_get_header(object, name);
  return value == nullptr ? std::string{} : trimmed(value);
}

// The first <...> of a Message-ID or References header, without brackets; some leave them out.
std::string first_id(const std::string& text) {
  const auto from = text.find('<');
  if (from == std::string::npos) return printable(text.substr(0, text.find_first_of(" \t")));
  const auto to = text.find('>', from);
  if (to == std::string::npos) return {};
  return printable(trimmed(std::string_view{text}.substr(from + 1, to - from - 1)));
}

// Every <...> of such a header, the last ones if there are many: read in one pass, whatever it
// holds.
std::vector<std::string> all_ids(std::string_view text) {
  if (text.size() > kThreadBytesMax) text.remove_prefix(text.size() - kThreadBytesMax);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto to = text.find('>', at);
    if (to == std::string_view::npos) break;
    const auto from = text.rfind('<', to);
    if (from != std::string_view::npos && from >= at)
      out.push_back(printable(trimmed(text.substr(from + 1, to - from - 1))));
    at = to + 1;
  }
  return out;
}

// What a mailbox file or a pipe puts in front of a mail is taken away.
std::string_view without_mbox_line(std::string_view bytes) {
  if (!bytes.starts_with("From ")) return bytes;
  return bytes.substr(std::min(bytes.find('\n'), bytes.size() - 1) + 1);
}

// Up to the first empty line.
std::string_view head_of(std::string_view bytes) {
  bytes = without_mbox_line(bytes).substr(0, kHeadBytesMax);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = std::min(bytes.find('\n', at), bytes.size());
    const auto line = bytes.substr(at, end - at);
    if (line.empty() || line == "\r") return bytes.substr(0, at);
    at = end + 1;
  }
  return bytes;
}

// Fields as of RFC 822, in groups with a blank line between them: what a report's machine-readable
// part is made of. Names in lower case, folded lines joined.
using Fields = std::vector<std::pair<std::string, std::string>>;
std::vector<Fields> groups_of(std::string_view text) {
  std::vector<Fields> out(1);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trimmed(line).empty()) {
      if (!out.back().empty() && out.size() <= kRecipientsMax) out.emplace_back();
    } else if ((line[0] == ' ' || line[0] == '\t') && !out.back().empty()) {
      out.back().back().second += " " + trimmed(line);
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      out.back().emplace_back(lower(trimmed(line.substr(0, colon))),
                              trimmed(line.substr(colon + 1)));
    }
  }
  return out;
}

std::string field(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return {};
}

// "rfc822; a@example.com" -> "a@example.com"
std::string behind_type(const std::string& value) {
  const auto semicolon = value.find(';');
  auto text = trimmed(semicolon == std::string::npos ? value : value.substr(semicolon + 1));
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  return printable(text);
}

// "5.1.1 (no such user)" -> "5.1.1"; empty if it is no status.
std::string status_of(const std::string& value) {
  const auto text = value.substr(0, value.find_first_not_of("0123456789."));
  const bool sound = text.size() >= 5 && text.size() <= 11 &&
                     (text[0] == '2' || text[0] == '4' || text[0] == '5') && text[1] == '.' &&
                     std::count(text.begin(), text.end(), '.') == 2 && text.back() != '.' &&
                     text.find("..") == std::string::npos;
  return sound ? text : std::string{};
}

// Only that an address is not there, or never takes mail, is hard. A full mailbox (x.2.2), a policy
// (x.7.x), the size or the network are of the day, or of this mail.
Bounce::Kind kind_of(std::string_view action, std::string_view status) {
  if (action == "delayed") return Bounce::Kind::kDelayed;
  if (action == "delivered" || action == "relayed" || action == "expanded")
    return Bounce::Kind::kArrived;
  const bool hard = status.starts_with("5.1.") || status == "5.2.1" || status == "5.0.0" ||
                    status == "5.4.4" || status == "5.5.0";
  return hard ? Bounce::Kind::kHard : Bounce::Kind::kSoft;
}

// What a mail is made of that matters here.
struct Parts {
  std::string delivery;    // of message/delivery-status
  std::string feedback;    // of message/feedback-report
  std::string inner_id;    // Message-ID of the mail that comes back
  std::string inner_path;  // its Return-Path
};

std::string content_of(GMimeObject* object) {
  GMimeDataWrapper* content = nullptr;
  if (GMIME_IS_PART(object)) content = g_mime_part_get_content(GMIME_PART(object));
  const Ref<GMimeStream> out{g_mime_stream_mem_new()};
  if (content != nullptr) {
    g_mime_data_wrapper_write_to_stream(content, out.get());
  } else {
    g_mime_object_write_content_to_stream(object, nullptr, out.get());
  }
  return bytes_of_stream(out.get()).substr(0, kPartBytesMax);
}

void walk(GMimeObject* object, Parts& out, int depth) {
  if (object == nullptr || depth > kDepthMax) return;
  auto* type = g_mime_object_get_content_type(object);
  const auto is = [type](const char* media, const char* subtype) {
    return type != nullptr && g_mime_content_type_is_type(type, media, subtype) != FALSE;
  };
  if (is("message", "delivery-status") || is("message", "global-delivery-status")) {
    if (out.delivery.empty()) out.delivery = content_of(object);
  } else if (is("message", "feedback-report")) {
    if (out.feedback.empty()) out.feedback = content_of(object);
  } else if (GMIME_IS_MESSAGE_PART(object)) {
    auto* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (inner != nullptr && out.inner_id.empty()) {
      out.inner_id = first_id(header(GMIME_OBJECT(inner), "Message-ID"));
      out.inner_path = behind_type(header(GMIME_OBJECT(inner), "Return-Path"));
    }
  } else if (is("text", "rfc822-headers")) {
    const auto groups = groups_of(content_of(object));
    if (out.inner_id.empty()) {
      out.inner_id = first_id(field(groups.front(), "message-id"));
      out.inner_path = behind_type(field(groups.front(), "return-path"));
    }
  } else if (GMIME_IS_MULTIPART(object)) {
    auto* several = GMIME_MULTIPART(object);
    for (int i = 0; i < std::min(g_mime_multipart_get_count(several), 50); ++i)
      walk(g_mime_multipart_get_part(several, i), out, depth + 1);
  }
}

Report report_of(const Parts& parts) {
  Report out;
  out.message_id = parts.inner_id;
  for (const auto& fields : groups_of(parts.delivery)) {
    const auto final = field(fields, "final-recipient");
    const auto original = field(fields, "original-recipient");
    if (final.empty() && original.empty()) continue;  // the fields of the whole mail
    Bounce bounce;
    bounce.recipient = behind_type(original.empty() ? final : original);
    bounce.status = status_of(field(fields, "status"));
    bounce.diagnostic = behind_type(field(fields, "diagnostic-code"));
    bounce.kind = kind_of(lower(field(fields, "action")), bounce.status);
    if (out.bounces.size() < kRecipientsMax) out.bounces.push_back(std::move(bounce));
  }
  return out;
}

Complaint complaint_of(const Parts& parts) {
  Complaint out;
  for (const auto& fields : groups_of(parts.feedback)) {
    if (out.feedback_type.empty())
      out.feedback_type = printable(lower(field(fields, "feedback-type")));
    if (out.recipient.empty()) out.recipient = behind_type(field(fields, "original-rcpt-to"));
    if (out.mail_from.empty()) out.mail_from = behind_type(field(fields, "original-mail-from"));
  }
  if (out.mail_from.empty()) out.mail_from = parts.inner_path;
  out.message_id = parts.inner_id;
  return out;
}

// RFC 3834, and what was usual before it.
bool is_automatic(GMimeObject* mail) {
  const auto submitted = lower(header(mail, "Auto-Submitted"));
  if (!submitted.empty() && !submitted.starts_with("no")) return true;
  const auto precedence = lower(header(mail, "Precedence"));
  if (precedence == "bulk" || precedence == "junk" || precedence == "auto_reply" ||
      precedence == "list")
    return true;
  const auto suppress = lower(header(mail, "X-Auto-Response-Suppress"));
  if (!header(mail, "X-Autoreply").empty() || !header(mail, "X-Autorespond").empty() ||
      !header(mail, "X-Auto-Reply").empty())
    return true;
  if (header(mail, "Return-Path") == "<>") return true;
  return suppress.find("all") != std::string::npos || suppress.find("oof") != std::string::npos;
}

std::string first_address(InternetAddressList* list) {
  for (int i = 0; list != nullptr && i < internet_address_list_length(list); ++i) {
    auto* address = internet_address_list_get_address(list, i);
    if (!INTERNET_ADDRESS_IS_MAILBOX(address)) continue;
    const char* text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
    if (text != nullptr) return printable(text);
  }
  return {};
}

Reply reply_of(GMimeMessage* mail) {
  Reply out;
  auto* object = GMIME_OBJECT(mail);
  out.from = first_address(g_mime_message_get_from(mail));
  if (const char* subject = g_mime_message_get_subject(mail);
      subject != nullptr && is_utf8(subject))
    out.subject = std::string{subject}.substr(0, utf8_end(subject, 500));
  out.in_reply_to = first_id(header(object, "In-Reply-To"));
  auto thread = all_ids(header(object, "References"));
  if (out.in_reply_to.empty() && !thread.empty()) out.in_reply_to = thread.front();
  if (!out.in_reply_to.empty()) out.references.push_back(out.in_reply_to);
  std::reverse(thread.begin(), thread.end());
  for (auto& id : thread) {
    if (out.references.size() == kReferencesMax) break;
    if (id != out.in_reply_to) out.references.push_back(std::move(id));
  }
  out.message_id = first_id(header(object, "Message-ID"));
  out.automatic = is_automatic(object);
  return out;
}

}  // namespace

Result<Incoming> read_incoming(std::string_view bytes) {
  if (bytes.size() > kIncomingBytesMax)
    return Error{Code::kInvalid, "a mail that came in is larger than 10 MiB"};
  bytes = without_mbox_line(bytes);
  ready_gmime();
  const auto stream = stream_of(bytes);
  const Ref<GMimeParser> parser{g_mime_parser_new_with_stream(stream.get())};
  const Ref<GMimeMessage> mail{g_mime_parser_construct_message(parser.get(), nullptr)};
  if (!mail) return Error{Code::kInvalid, "what came in is no mail"};
  Parts parts;
  walk(g_mime_message_get_mime_part(mail.get()), parts, 0);
  if (!parts.feedback.empty()) return Incoming{complaint_of(parts)};
  if (!parts.delivery.empty()) return Incoming{report_of(parts)};
  return Incoming{reply_of(mail.get())};
}

std::vector<std::string> addresses_in(std::string_view list) {
  constexpr std::string_view kAround = " \t\r\n,;:<>()\"'";
  std::vector<std::string> out;
  while (!list.empty() && out.size() < kAddressesMax) {
    const auto end = std::min(list.find_first_of(kAround), list.size());
    const auto word = list.substr(0, end);
    if (word.size() <= kAddressBytesMax && word.find('@') != std::string_view::npos)
      out.push_back(printable(word));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

std::vector<std::string> addressed_to(std::string_view bytes) {
  const auto fields = groups_of(head_of(bytes)).front();
  std::vector<std::string> out;
  for (const auto* name : {"delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to"}) {
    for (const auto& [key, value] : fields) {
      if (key != name) continue;
      for (auto& address : addresses_in(value)) {
        if (out.size() < kAddressesMax) out.push_back(std::move(address));
      }
    }
  }
  return out;
}

}  // namespace dealwright::smtp
