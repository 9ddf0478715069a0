// Dev mode: mails as files that any mail program opens, `<time>-<effect>.eml`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/domain/enrolment.h"
#include "engine/ports/file_system.h"

namespace dealwright::smtp {

struct DroppedMail {
  std::string name;  // of the file
  Instant at;
  EffectId effect{};
};

// A folder of mails. Any thread.
class MailDrop {
 public:
  // `files` has to outlive it; the folder is made when the first mail comes.
  MailDrop(FileSystem& files, std::string folder) : files_{files}, folder_{std::move(folder)} {}

  // Writes it whole or not at all, durable when this returns. The same effect and time again
  // replaces it. kNoSpace, kIo.
  Result<void> write(const EffectId& effect, Instant at, std::string_view bytes);
  // The newest first; other files in the folder are left out. Empty if there is no folder.
  Result<std::vector<DroppedMail>> list() const;
  // The bytes of one of list(). kInvalid: no name of ours; kNotFound.
  Result<std::string> read(const std::string& name) const;

  const std::string& folder() const { return folder_; }

 private:
  FileSystem& files_;
  const std::string folder_;
};

}  // namespace dealwright::smtp
