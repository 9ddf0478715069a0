// What carries effects out, as configuration says it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "connectors/daemon/config.h"
#include "connectors/daemon/mail_in.h"
#include "connectors/daemon/workspace.h"

namespace dealwright::daemon {

// Receivers of webhooks by the names that rules use: endpoints.yaml.
struct Receiver {
  std::string url;
  std::vector<std::string> secret_files;  // one, or while it changes two, the new one first
};
// `endpoints:`, below it a map of names, each with `url` and `secret_file` (and `old_secret_file`).
// kInvalid: all that is wrong, rendered with file, line, column and hint.
Result<std::map<std::string, Receiver>> read_endpoints(std::string_view text,
                                                       std::string_view name);

// Where dropped mails lie.
std::string mail_folder(const Config& config);

// Dropped mails, the newest first, and the bytes of one. kNotFound.
Result<ViewRows> dropped_mails(FileSystem& files, const Config& config, std::size_t limit);
Result<std::string> dropped_mail(FileSystem& files, const Config& config, const std::string& name);

// What mails of ours are known again by when they come back, whether or not any leave now.
// kInvalid; else what the cluster key's file says. REQUIRES: the data directory was opened once
Result<MailMarks> mail_marks(const Config& config, FileSystem& files);

// Checks what the files and settings say, without opening anything to the outside: `config check`,
// and the first thing a server does. kInvalid.
Result<void> check_channels(const Config& config, FileSystem& files);
// For WorkspaceOptions::channels. Secrets are read from their files now.
Result<Channels> make_channels(const Config& config, FileSystem& files, const Clock& clock);

}  // namespace dealwright::daemon
