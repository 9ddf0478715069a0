// The channel `email`: from an attempt to a signed mail to its outcome.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/smtp/dkim.h"
#include "connectors/smtp/message.h"
#include "connectors/smtp/sender.h"
#include "engine/ports/channel.h"
#include "engine/ports/worker.h"

namespace dealwright::smtp {

struct MailSettings {
  Identity identity;
  Mailbox from;               // where an attempt names none; one of identity.from
  std::string reply_to;       // likewise; may be empty
  std::string bounce_domain;  // of return paths
  std::string bounce_key;     // secret
};

// The mail of an attempt: keys of `content`, and where it has none, of the effect's payload:
//   address (required), name, from, from_name, reply_to, subject, text (required), html,
//   unsubscribe_url. `from` has to be one of identity.from.
// Its date is that of the request: each attempt has the same bytes. kInvalid, kRefused: as build().
Result<Message> message_of(const Attempt& attempt, const MailSettings& settings);
// Built and signed, with its return path.
Result<Transaction> transaction_of(const Attempt& attempt, const MailSettings& settings,
                                   const DkimSigner* signer);

// Sends through a server. `clock` has to outlive it. Without a signer mails go unsigned: the server
// signs them.
Result<std::unique_ptr<Channel>> make_mail_channel(MailSettings settings, ServerSettings server,
                                                   std::optional<DkimSigner> signer,
                                                   const Clock& clock);

// Dev mode: nothing leaves; each mail becomes a file (drop.h), its Return-Path on top. It does not
// wait at the gate.
// `write` is called on `worker`, which must not run what is posted at once, and outlives the
// channel.
using DropMail = std::function<Result<void>(const Effect& effect, std::string_view bytes)>;
std::unique_ptr<Channel> make_drop_channel(MailSettings settings, DropMail write, Worker& worker);

}  // namespace dealwright::smtp
