// Mails that come in: which of ours each is about, to whom that went, and the fact that it makes
// (docs/mail.md). Anybody can write a mail, so what it says counts only as far as it knows what
// nobody else does: a bounce its return path with the mac, the others the id of a mail of ours.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/workspace.h"

namespace dealwright::daemon {

// What mails of ours are known again by: see mail_marks() in channels.h.
struct MailMarks {
  std::string domain;             // right of @ in Message-IDs
  std::string bounce_domain;      // of return paths
  std::string bounce_key;         // secret: what proves them
  std::vector<std::string> from;  // addresses of our own
};

struct MailIn {
  std::string_view bytes;  // as it came; outlives the call
  std::string to;          // the envelope's recipient; "": as its own head says
  std::string name;        // who handed it in. REQUIRES: is_mail_source()
};
// a-z, 0-9, -; 1 to 64: it stands in the route, and in the source of events.
bool is_mail_source(std::string_view name);

struct MailRead {
  std::string_view result;     // of mail_results()
  std::string detail;          // a sentence for who looks after it, if nothing comes of it
  std::optional<Event> event;  // none: ignored
};
// All that a mail can come to: what counts first, then why one is ignored. A closed list.
std::span<const std::string_view> mail_results();

// Asks every partition, so it may wait. The event's id is made of the mail of ours and of what is
// said, so the same again is a duplicate. Errors are for a while: a partition that is down, or
// still folds, may know the mail that the others do not.
Result<MailRead> read_mail(Workspace& workspace, const MailMarks& marks, const MailIn& in);
// `event`, `effect` and `hard` or `auto`; else `ignored` and `detail`.
Map describe(const MailRead& read);

}  // namespace dealwright::daemon
