#include "connectors/smtp/mail_channel.h"

#include <utility>

#include "connectors/smtp/return_path.h"

namespace dealwright::smtp {
namespace {

std::string text_of(const Attempt& attempt, std::string_view key) {
  const auto* value = find(attempt.content, key);
  if (value == nullptr) value = find(attempt.effect.payload, key);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}

// What can never be sent like this. A repeat would meet it again.
AttemptResult refused(const Error& error) {
  return {AttemptResult::What::kRejected, printable(error.detail), {}};
}

class MailChannel final : public Channel {
 public:
  MailChannel(MailSettings settings, std::string server, std::optional<DkimSigner> signer,
              std::unique_ptr<Sender> sender)
      : settings_{std::move(settings)},
        server_{std::move(server)},
        signer_{std::move(signer)},
        sender_{std::move(sender)} {}

  std::string_view name() const override { return "email"; }
  bool waits_at_gate() const override { return true; }
  std::string destination(const Effect&) const override { return server_; }
  void send(Attempt attempt, std::function<void(Gate)> ready,
            std::function<void(AttemptResult)> done) override {
    auto mail = transaction_of(attempt, settings_, signer_ ? &*signer_ : nullptr);
    if (!mail) return sender_->refuse(refused(mail.error()), std::move(done));
    sender_->send(std::move(mail.value()), std::move(ready), std::move(done));
  }

 private:
  const MailSettings settings_;
  const std::string server_;
  const std::optional<DkimSigner> signer_;
  const std::unique_ptr<Sender> sender_;
};

class DropChannel final : public Channel {
 public:
  DropChannel(MailSettings settings, DropMail write, Worker& worker)
      : settings_{std::make_shared<const MailSettings>(std::move(settings))},
        write_{std::move(write)},
        worker_{worker} {}

  std::string_view name() const override { return "email"; }
  bool waits_at_gate() const override { return false; }
  void send(Attempt attempt, std::function<void(Gate)>,
            std::function<void(AttemptResult)> done) override {
    worker_.post([settings = settings_, write = write_, attempt = std::move(attempt),
                  done = std::move(done)] {
      auto mail = transaction_of(attempt, *settings, nullptr);
      if (!mail) return done(refused(mail.error()));
      // Its delivery ends here, so it is told where its bounce would go (RFC 5321 4.4).
      const auto bytes = "Return-Path: <" + mail.value().from + ">\r\n" + mail.value().bytes;
      if (auto kept = write(attempt.effect, bytes); !kept)
        return done({AttemptResult::What::kRetry, printable(kept.error().detail), {}});
      done({AttemptResult::What::kDelivered, "a file in the mail folder", {}});
    });
  }

 private:
  const std::shared_ptr<const MailSettings> settings_;
  const DropMail write_;
  Worker& worker_;
};

}  // namespace

Result<Message> message_of(const Attempt& attempt, const MailSettings& settings) {
  Message out;
  out.effect = attempt.effect.id;
  out.date = attempt.effect.requested;
  out.to = Mailbox{text_of(attempt, "name"), text_of(attempt, "address")};
  out.from = settings.from;
  if (auto from = text_of(attempt, "from"); !from.empty())
    out.from = Mailbox{text_of(attempt, "from_name"), std::move(from)};
  out.reply_to = text_of(attempt, "reply_to");
  if (out.reply_to.empty()) out.reply_to = settings.reply_to;
  out.subject = text_of(attempt, "subject");
  out.text = text_of(attempt, "text");
  out.html = text_of(attempt, "html");
  out.unsubscribe_url = text_of(attempt, "unsubscribe_url");
  return out;
}

Result<Transaction> transaction_of(const Attempt& attempt, const MailSettings& settings,
                                   const DkimSigner* signer) {
  DW_TRY(const auto message, message_of(attempt, settings));
  DW_TRY(auto bytes, build(message, settings.identity));
  if (signer != nullptr) {
    DW_TRY(auto with_signature, signer->sign(bytes, message.date));
    bytes = std::move(with_signature);
  }
  return Transaction{return_path(message.effect, settings.bounce_key, settings.bounce_domain),
                     message.to.address, std::move(bytes)};
}

Result<std::unique_ptr<Channel>> make_mail_channel(MailSettings settings, ServerSettings server,
                                                   std::optional<DkimSigner> signer,
                                                   const Clock& clock) {
  DW_TRY(check_domain(settings.bounce_domain));
  DW_TRY(check_domain(settings.identity.domain));
  for (const auto& from : settings.identity.from) {
    DW_TRY(check_address(from));
  }
  if (settings.bounce_key.size() < 32)
    return Error{Code::kInvalid, "the key of return paths has at least 32 bytes"};
  auto name = server.host + ":" + std::to_string(server.port);
  DW_TRY(auto sender, Sender::make(std::move(server), clock));
  std::unique_ptr<Channel> out = std::make_unique<MailChannel>(
      std::move(settings), std::move(name), std::move(signer), std::move(sender));
  return out;
}

std::unique_ptr<Channel> make_drop_channel(MailSettings settings, DropMail write, Worker& worker) {
  return std::make_unique<DropChannel>(std::move(settings), std::move(write), worker);
}

}  // namespace dealwright::smtp
