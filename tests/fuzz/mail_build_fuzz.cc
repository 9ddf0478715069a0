// Mails from any parts: refused, or bytes whose head holds each of our headers at most once and no
// other, with no CR or LF alone.
#include <set>

#include "connectors/smtp/message.h"
#include "engine/base/assert.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dealwright::smtp;
  static const std::set<std::string_view> kOurs{"From",
                                                "To",
                                                "Reply-To",
                                                "Subject",
                                                "Date",
                                                "Message-Id",
                                                "MIME-Version",
                                                "Mime-Version",
                                                "List-Unsubscribe",
                                                "List-Unsubscribe-Post",
                                                "Content-Type",
                                                "Content-Transfer-Encoding",
                                                "Auto-Submitted"};
  auto rest = dealwright::fuzz::text_of(data, size);
  const auto part = [&rest] {  // up to a byte that no part may hold as it is
    const auto end = std::min(rest.find('\xff'), rest.size());
    const std::string out{rest.substr(0, end)};
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return out;
  };
  Message message;
  message.from = {part(), "sales@example.com"};
  message.to = {part(), part()};
  message.reply_to = part();
  message.subject = part();
  message.unsubscribe_url = part();
  message.text = part();
  message.html = part();
  const auto built = build(message, {{"sales@example.com"}, "mail.example.com"});
  if (!built) return 0;
  std::string_view bytes = built.value();
  std::set<std::string_view> seen;
  bool head = true;
  while (!bytes.empty()) {
    const auto end = bytes.find("\r\n");
    DW_ASSERT(end != std::string_view::npos);
    const auto line = bytes.substr(0, end);
    DW_ASSERT(line.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos);
    head = head && !line.empty();
    if (head && line[0] != ' ' && line[0] != '\t') {
      const auto name = line.substr(0, line.find(':'));
      DW_ASSERT(kOurs.contains(name) && seen.insert(name).second);
    }
    bytes.remove_prefix(end + 2);
  }
  DW_ASSERT(seen.contains("From") && seen.contains("To") && seen.contains("Date"));
  return 0;
}
