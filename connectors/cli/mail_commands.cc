// mail receive: a mail as a mail server pipes it in. mail list, show: those that were dropped.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <limits>

#include "connectors/cli/context.h"
#include "connectors/daemon/channels.h"
#include "connectors/os/posix_file_system.h"

namespace dealwright::cli {
namespace {

// EX_TEMPFAIL of sysexits.h: the mail server keeps the mail and tries again.
constexpr int kTryAgain = 75;
// What says what came back, and of which mail, stands in front; attachments are not read.
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

struct Asked {
  std::string to;
  std::string name = "mta";
};

// The mail's first bytes. The rest is read too, so that who pipes it in meets no closed pipe.
std::string read_mail_in() {
  std::string out(kReadBytes, '\0');
  std::cin.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(std::cin.gcount()));
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
  return out;
}

Result<Value> hand_in(Context& context, const Asked& asked, const std::string& bytes) {
  DW_TRY(context.configure());
  if (const auto* remote = context.remote()) {
    return remote->post(with_query("/v1/hooks/mail/" + escaped(asked.name), {{"to", asked.to}}),
                        "message/rfc822", bytes);
  }
  DW_TRY(auto workspace, context.open());
  DW_TRY(const auto marks, daemon::mail_marks(context.config(), workspace->files()));
  DW_TRY(const auto read, daemon::read_mail(*workspace, marks, {bytes, asked.to, asked.name}));
  auto told = daemon::describe(read);
  if (read.event) {
    DW_TRY(const auto placed, workspace->append({*read.event}));
    DW_TRY(workspace->wait_folded(placed.front()));
    told.emplace_back("position", Value{place_text(placed.front())});
  }
  DW_TRY(workspace->stop());
  return Value{std::move(told)};
}

// One line, the word that counts first: mail servers note its beginning in their log.
void print_taken(const Context& context, const Map& told) {
  if (context.json) return context.print_object(told);
  const auto text = [&](const char* name) {
    const auto* value = find(told, name);
    return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
  };
  if (const auto why = text("ignored"); !why.empty())
    return context.print_line("ignored, " + why + ": " + text("detail"));
  context.print_line(text("event") + " at " + text("position") + ", effect " + text("effect"));
}

Result<void> receive(Context& context, const Asked& asked) {
  if (!daemon::is_mail_source(asked.name))
    return Error{Code::kInvalid, "--name has a-z, 0-9 and -, 64 at most"};
  const auto bytes = read_mail_in();
  const auto told = hand_in(context, asked, bytes);
  if (told) {
    if (const auto* map = told.value().as_map()) print_taken(context, *map);
    return ok();
  }
  // Whatever it is, the mail is not to be lost for it.
  context.exit_code = kTryAgain;
  context.print_error(told.error(), kTryAgain);
  return ok();
}

// ---- mails that were dropped as files

Result<ViewRows> dropped(const Context& context, std::size_t limit) {
  if (const auto* remote = context.remote()) {
    const auto most = limit == 0 ? std::size_t{1'000} : std::min<std::size_t>(limit, 1'000);
    return remote->rows(with_query("/v1/mails", {{"limit", std::to_string(most)}}));
  }
  const auto files = os::make_posix_file_system();
  return daemon::dropped_mails(*files, context.config(), limit);
}

Result<void> list(Context& context, std::size_t limit) {
  DW_TRY(const auto rows, dropped(context, limit));
  context.print(rows);
  return ok();
}

Result<std::string> newest(const Context& context) {
  DW_TRY(const auto rows, dropped(context, 1));
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.columns[i].name == "mail" && !rows.rows.empty())
      return std::string{rows.rows[0][i].text_or_empty()};
  }
  return Error{Code::kNotFound, "no mail was dropped yet; mail.send: drop writes them"};
}

Result<void> show(Context& context, std::string name) {
  if (name.empty()) {
    DW_TRY(name, newest(context));
  }
  std::string bytes;
  if (const auto* remote = context.remote()) {
    DW_TRY(bytes, remote->text("/v1/mails/" + escaped(name), "message/rfc822"));
  } else {
    const auto files = os::make_posix_file_system();
    DW_TRY(bytes, daemon::dropped_mail(*files, context.config(), name));
  }
  if (context.json) {
    context.print_object({{"mail", Value{name}}, {"text", Value{bytes}}});
  } else {
    std::cout << bytes;
  }
  return ok();
}

}  // namespace

void add_mail_commands(CLI::App& app, Context& context) {
  auto* mail = noun(app, "mail", "Mails that come in, and those that were dropped as files");
  auto asked = std::make_shared<Asked>();
  auto* received = verb(
      *mail, context, "receive",
      "Take a mail from standard input, as a mail server pipes it in (docs/mail.md); exit 75 if it "
      "is to be tried again, 0 if it was taken or ignored",
      "dealwright mail receive --name postfix < docs/examples/bounce.eml",
      [&context, asked] { return receive(context, *asked); });
  received->add_option("--to", asked->to,
                       "The envelope's recipient; else what the mail's head says");
  received->add_option("--name", asked->name,
                       "Who hands it in: part of the source of its events; mta if left out");
  auto limit = std::make_shared<std::size_t>(50);
  verb(*mail, context, "list", "Mails that were dropped as files, the newest first",
       "dealwright mail list --limit 5", [&context, limit] { return list(context, *limit); })
      ->add_option("--limit", *limit, "rows at most; 0: all, 1,000 of a server")
      ->capture_default_str();
  auto file = std::make_shared<std::string>();
  verb(*mail, context, "show", "One of them, as it would have been sent", "dealwright mail show",
       [&context, file] { return show(context, *file); })
      ->add_option("mail", *file, "as mail list shows it; the newest if left out");
  // Settings that are wrong are no reason to lose a mail either: it reads them itself.
  received->preparse_callback([&context](std::size_t) { context.needs_config = false; });
}

}  // namespace dealwright::cli
