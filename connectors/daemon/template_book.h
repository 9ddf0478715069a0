// Mail templates in force, and the mail that one would come to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/daemon/workspace.h"
#include "engine/base/value.h"

namespace dealwright::daemon {

struct PublishedTemplate {
  std::string id;  // NAME or NAME.LANGUAGE
  std::string text;
  std::int64_t version = 0;
  bool retired = false;
};
// All there are, as the first partition that is served has them; by id.
Result<std::vector<PublishedTemplate>> published_templates(Workspace& workspace);
// Null: there is none.
const PublishedTemplate* find_template(const std::vector<PublishedTemplate>& known,
                                       std::string_view id);
Error unknown_template(const std::vector<PublishedTemplate>& known, const std::string& id);

struct PreviewAsked {
  std::string name;  // NAME
  RecordKey about;
  std::optional<RecordKey> to;  // else the record's contact
  std::string language;         // else the recipient's
  std::string purpose = "marketing";
};
// The mail about a record as it would be written at `now`, nothing is sent: subject, text, html,
// to, from ... kNotFound: no such record or template; kRefused: it cannot be written.
Result<Map> preview_template(Workspace& workspace, const PreviewAsked& asked, Instant now);

}  // namespace dealwright::daemon
