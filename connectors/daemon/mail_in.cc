#include "connectors/daemon/mail_in.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "connectors/http/text.h"
#include "connectors/smtp/bounce.h"
#include "connectors/smtp/message.h"
#include "connectors/smtp/return_path.h"
#include "engine/base/assert.h"
#include "engine/base/overloaded.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kRepliesTo = 10;  // mails of ours in one thread that are looked for

constexpr std::string_view kBouncedHard = "bounced_hard", kBouncedSoft = "bounced_soft",
                           kDelivered = "delivered", kComplained = "complained",
                           kReplied = "replied", kAutoReplied = "auto_replied",
                           kDelayed = "delayed", kNoMail = "no_mail",
                           kNoMailOfOurs = "no_mail_of_ours",
                           kNotToReturnPath = "not_to_return_path", kWrongMac = "wrong_mac",
                           kUnknownEffect = "unknown_effect", kNotAComplaint = "not_a_complaint",
                           kNotACustomer = "not_a_customer", kFromUs = "from_us";
constexpr std::string_view kResults[] = {
    kBouncedHard, kBouncedSoft,   kDelivered,     kComplained,   kReplied,
    kAutoReplied, kDelayed,       kNoMail,        kNoMailOfOurs, kNotToReturnPath,
    kWrongMac,    kUnknownEffect, kNotAComplaint, kNotACustomer, kFromUs};

// Feedback that no person sent because he wanted no such mail: RFC 6430, RFC 6591, RFC 5965 7.3.
constexpr std::string_view kNoComplaints[] = {"not-spam", "auth-failure", "dmarc", "virus"};

MailRead ignored(std::string_view result, std::string detail) {
  return {result, std::move(detail), std::nullopt};
}

// A mail server in person.
bool is_daemon(std::string_view address) {
  const auto local = http::lower(address.substr(0, address.find('@')));
  return local == "mailer-daemon" || local == "postmaster";
}

// The failure that counts, of all that a report tells of one mail to one person: a list that passed
// it on to somebody is there.
smtp::Bounce gravest(const std::vector<smtp::Bounce>& bounces) {
  using Kind = smtp::Bounce::Kind;
  if (bounces.empty()) return {};
  const bool arrived = std::any_of(bounces.begin(), bounces.end(),
                                   [](const auto& b) { return b.kind == Kind::kArrived; });
  auto out = *std::min_element(bounces.begin(), bounces.end(),
                               [](const auto& a, const auto& b) { return a.kind < b.kind; });
  if (out.kind == Kind::kHard && arrived) out.kind = Kind::kSoft;
  return out;
}

bool holds(const Value* value, const std::string& address) {
  if (value == nullptr) return false;
  if (const auto* list = value->as_list()) {
    return std::any_of(list->begin(), list->end(),
                       [&](const auto& one) { return holds(&one, address); });
  }
  if (const auto* map = value->as_map()) {
    return std::any_of(map->begin(), map->end(),
                       [&](const auto& one) { return holds(&one.second, address); });
  }
  return value->as_text() != nullptr && http::lower(*value->as_text()) == address;
}

// Whether that is an address of the person now, wherever rules look for one.
bool has_address(const Record& person, std::string_view address) {
  const auto wanted = http::lower(address);
  if (holds(person.find(Field::kEmails), wanted) || holds(person.find(Field::kPerson), wanted))
    return true;
  for (const auto* name : {"email", "emails"}) {
    if (holds(person.find_custom(name), wanted) || holds(person.find_extra(name), wanted))
      return true;
  }
  return false;
}

// A line of the ledger, and what is known of its reader where it is.
struct Found {
  Effect effect;
  std::string key = {};  // of his facts; "": himself
  bool moved = false;    // has other addresses by now than the one that it went to
};

class Reader {
 public:
  Reader(Workspace& workspace, const MailMarks& marks, const MailIn& in)
      : workspace_{workspace}, marks_{marks}, in_{in} {}

  Result<MailRead> read() {
    const auto mail = smtp::read_incoming(in_.bytes);
    if (!mail) return ignored(kNoMail, mail.error().detail);
    find_path();
    return std::visit(overloaded{[&](const smtp::Report& report) { return take(report); },
                                 [&](const smtp::Complaint& complaint) { return take(complaint); },
                                 [&](const smtp::Reply& reply) { return take(reply); }},
                      mail.value());
  }

 private:
  // What the mac proves needs no trust in who says it: the envelope, or the mail's own head.
  void find_path() {
    auto to = smtp::addresses_in(in_.to);
    for (auto& address : smtp::addressed_to(in_.bytes)) to.push_back(std::move(address));
    for (const auto& address : to) {
      path_ = proven(address);
      if (path_) return;
      forged_ = forged_ || smtp::looks_like_return_path(address, marks_.bounce_domain);
    }
  }
  // The effect's id or its beginning, in hex.
  std::optional<std::string> proven(const std::string& address) const {
    const auto prefix =
        smtp::effect_of_return_path(address, marks_.bounce_key, marks_.bounce_domain);
    return prefix ? std::optional{hex(*prefix)} : std::nullopt;
  }
  std::optional<std::string> named(const std::string& message_id) const {
    const auto effect = smtp::effect_of_message_id(message_id, marks_.domain);
    return effect ? std::optional{hex(*effect)} : std::nullopt;
  }
  MailRead not_proven() const {
    if (forged_) {
      return ignored(kWrongMac,
                     "it came to a return path that this data directory did not make: forged, or "
                     "of another server");
    }
    return ignored(kNotToReturnPath,
                   "a bounce counts if it comes to the return path of a mail of ours; hand in the "
                   "envelope's recipient");
  }

  Result<MailRead> take(const smtp::Report& report) {
    if (!path_) return not_proven();
    const auto bounce = gravest(report.bounces);
    if (bounce.kind == smtp::Bounce::Kind::kDelayed)
      return ignored(kDelayed, "the mail server still tries; what comes of it is told later");
    return take_bounce(bounce);
  }

  Result<MailRead> take_bounce(const smtp::Bounce& bounce) {
    using Kind = smtp::Bounce::Kind;
    const bool arrived = bounce.kind == Kind::kArrived;
    bool hard = bounce.kind == Kind::kHard;
    if (hard) {  // what is not there any more is nobody's end
      DW_TRY(const auto found, find(*path_));
      hard = !found || !found->moved;
    }
    return word(*path_,
                arrived ? kDelivered
                : hard  ? kBouncedHard
                        : kBouncedSoft,
                http::lower(bounce.recipient) + "\n" + bounce.status, [&](Event& event) {
                  if (arrived) return;
                  event.data.set(Field::kHard, Value{hard});
                  put_text(event, Field::kStatus, bounce.status);
                  put_text(event, Field::kReason, bounce.diagnostic);
                });
  }

  Result<MailRead> take(const smtp::Complaint& complaint) {
    const auto& type = complaint.feedback_type;
    if (std::find(std::begin(kNoComplaints), std::end(kNoComplaints), type) !=
        std::end(kNoComplaints))
      return ignored(kNotAComplaint, "feedback of the type " + type);
    auto about = path_;
    if (!about) about = proven(complaint.mail_from);
    if (!about) about = named(complaint.message_id);
    if (!about) return no_mail_of_ours();
    return word(*about, kComplained, "",
                [&](Event& event) { put_text(event, Field::kReason, type); });
  }

  // Who answers names a mail of ours; a machine that does not, answers to the return path.
  Result<MailRead> take(const smtp::Reply& reply) {
    if (is_daemon(reply.from) && (path_ || reply.automatic)) {  // a report in words
      if (!path_) return not_proven();
      smtp::Bounce bounce;
      bounce.diagnostic = reply.subject;
      return take_bounce(bounce);
    }
    std::optional<MailRead> unknown;
    std::size_t looked_for = 0;
    for (const auto& id : reply.references) {
      const auto about = named(id);
      if (!about) continue;
      if (is_own(reply.from))
        return ignored(kFromUs, "an answer of our own in a thread; it says nothing of the reader");
      if (looked_for++ == kRepliesTo) break;
      DW_TRY(auto read, answer(*about, reply, reply.automatic));
      if (read.result != kUnknownEffect) return read;
      unknown = std::move(read);
    }
    if (unknown) return std::move(*unknown);
    if (path_) return answer(*path_, reply, true);
    if (forged_) return not_proven();
    return no_mail_of_ours();
  }

  Result<MailRead> answer(const std::string& about, const smtp::Reply& reply, bool automatic) {
    const auto own = reply.message_id.empty() ? hex(sha256(in_.bytes)) : reply.message_id;
    return word(about, automatic ? kAutoReplied : kReplied, own, [&](Event& event) {
      event.data.set(Field::kAuto, Value{automatic});
      if (!automatic) event.actor = to_text(event.subject);
    });
  }

  bool is_own(const std::string& address) const {
    return std::any_of(marks_.from.begin(), marks_.from.end(),
                       [&](const auto& own) { return http::lower(own) == http::lower(address); });
  }
  static MailRead no_mail_of_ours() {
    return ignored(kNoMailOfOurs, "it names no mail of ours, and came to no return path");
  }
  static void put_text(Event& event, Field field, const std::string& text) {
    if (!text.empty()) event.data.set(field, Value{text});
  }

  // The fact about the mail `about`. `what`: beside mail and result, what tells it from others.
  Result<MailRead> word(const std::string& about, std::string_view result, std::string_view what,
                        const std::function<void(Event&)>& fill) {
    DW_TRY(const auto found, find(about));
    if (!found || found->effect.channel != "email")
      return ignored(kUnknownEffect, "no mail " + about.substr(0, 12) + ".. stands in the ledger");
    const auto& effect = found->effect;
    Event event;
    event.subject = parse_record_key(effect.recipient);
    if (event.subject.kind != Kind::kContact && event.subject.kind != Kind::kLead)
      return ignored(kNotACustomer, "that mail went to nobody who is a contact or a lead");
    event.source = "mail/" + in_.name;
    event.id = std::string{result} + "-" +
               hex(sha256(hex(effect.id) + "\n" + std::string{result} + "\n" + std::string{what}))
                   .substr(0, 40);
    event.type = type_of(result);
    event.partition_key = found->key;
    if (!workspace_.event_clock()) event.time = workspace_.clock().wall();
    event.actor = "system/mail";
    event.data.set(Field::kMessage, Value{smtp::message_id(effect.id, marks_.domain)});
    event.data.set(Field::kEffect, Value{hex(effect.id)});
    if (const auto* thread = dealwright::find(effect.payload, "thread"))
      put_text(event, Field::kThread, std::string{thread->text_or_empty()});
    fill(event);
    return MailRead{result, {}, std::move(event)};
  }

  static TypeId type_of(std::string_view result) {
    if (result == kDelivered) return TypeId::kEmailDelivered;
    if (result == kComplained) return TypeId::kEmailComplained;
    if (result == kReplied || result == kAutoReplied) return TypeId::kEmailReplied;
    return TypeId::kEmailBounced;
  }

  // Of one partition's ledger.
  static std::optional<Found> look(runtime::State& state, const std::string& id) {
    auto effect = state.find_effect(id);
    if (!effect) return std::nullopt;
    const auto* person = state.find(parse_record_key(effect->recipient));
    Found out{std::move(*effect)};
    if (person == nullptr) return out;
    const auto* address = dealwright::find(out.effect.payload, "address");
    out.key = person->home_key.get();
    out.moved = address != nullptr && !has_address(*person, address->text_or_empty());
    return out;
  }

  Result<std::optional<Found>> find(const std::string& id) {
    std::vector<PartitionId> all(workspace_.partitions());
    std::iota(all.begin(), all.end(), PartitionId{0});
    std::vector<std::optional<Found>> found(all.size());
    std::vector<char> folded(all.size());
    const auto asked =
        workspace_.engine().ask_each(all, [&](PartitionId p, runtime::Partition& partition) {
          folded[p] = partition.status().leading ? 1 : 0;
          found[p] = look(partition.state(), id);
        });
    for (auto& one : found) {
      if (one) return std::move(one);
    }
    if (!asked) return asked.error();
    const auto behind = std::find(folded.begin(), folded.end(), 0);
    if (behind == folded.end()) return std::optional<Found>{};
    return Error{Code::kOverload,
                 "partition " + std::to_string(behind - folded.begin()) +
                     " is still folding its log, or has stopped; try again",
                 true};
  }

  Workspace& workspace_;
  const MailMarks& marks_;
  const MailIn& in_;
  std::optional<std::string> path_;  // the effect of the return path that it came to
  bool forged_ = false;
};

}  // namespace

bool is_mail_source(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::span<const std::string_view> mail_results() { return kResults; }

Result<MailRead> read_mail(Workspace& workspace, const MailMarks& marks, const MailIn& in) {
  DW_ASSERT(is_mail_source(in.name));
  return Reader{workspace, marks, in}.read();
}

Map describe(const MailRead& read) {
  if (!read.event) return {{"ignored", Value{read.result}}, {"detail", Value{read.detail}}};
  const auto& event = *read.event;
  Map out{{"event", Value{event.type_name()}}, {"effect", Value{event.data.text(Field::kEffect)}}};
  for (const auto field : {Field::kHard, Field::kAuto}) {
    if (const auto* said = event.data.find(field))
      out.emplace_back(std::string{field_name(field)}, *said);
  }
  return out;
}

}  // namespace dealwright::daemon
