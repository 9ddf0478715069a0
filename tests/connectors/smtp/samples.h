// A mail that tests begin with.
#pragma once

#include <string>

#include "connectors/smtp/message.h"
#include "engine/base/hash.h"

namespace dealwright::smtp {

inline Identity sample_identity() { return {{"sales@example.com"}, "mail.example.com"}; }

inline Message sample_message(std::string_view what = "one") {
  Message out;
  out.effect = sha256(what);
  out.from = {"Anna Sørensen", "sales@example.com"};
  out.to = {"Jürgen Müller", "juergen@example.org"};
  out.reply_to = "anna@example.com";
  out.subject = "Ihr Angebot über 2 500 €";
  out.text = "Guten Tag,\n\n.a line that begins with a dot\n.\nGrüße\n";
  out.html = "<p>Grüße</p>";
  out.date = Instant{1'772'442'000'000};
  out.unsubscribe_url = "https://example.com/u/3fd9a1";
  return out;
}

}  // namespace dealwright::smtp
