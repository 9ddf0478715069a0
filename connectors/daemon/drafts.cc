#include "connectors/daemon/drafts.h"

#include <algorithm>

namespace dealwright::daemon {
namespace {

constexpr std::string_view kEnd = ".rule.yaml";
constexpr std::size_t kTextBytesMax = std::size_t{256} << 10;

}  // namespace

Result<std::string> Drafts::path_of(const std::string& rule) const {
  const bool sound =
      !rule.empty() && rule.size() <= 100 && std::all_of(rule.begin(), rule.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
  if (sound) return folder_ + "/" + rule + std::string{kEnd};
  return Error{Code::kInvalid,
               "'" + rule + "' is no id of a rule: lower case letters, digits and dashes"};
}

Result<std::optional<std::string>> Drafts::read(const std::string& rule) const {
  const auto path = path_of(rule);
  if (!path) return std::optional<std::string>{};
  auto text = read_whole(files_, path.value(), kTextBytesMax);
  if (text) return std::optional{std::move(text.value())};
  if (text.error().code == Code::kNotFound) return std::optional<std::string>{};
  return text.error();
}

Result<void> Drafts::write(const std::string& rule, const std::optional<std::string>& before,
                           std::string_view text) {
  DW_TRY(const auto path, path_of(rule));
  const std::lock_guard lock{mutex_};
  DW_TRY(const auto now, read(rule));
  if (now != before) return Error{Code::kConflict, "somebody wrote the draft of " + rule};
  DW_TRY(create_durable(files_, folder_));
  return write_durable(files_, path, text);
}

Result<void> Drafts::remove(const std::string& rule, std::string_view text) {
  DW_TRY(const auto path, path_of(rule));
  const std::lock_guard lock{mutex_};
  DW_TRY(const auto now, read(rule));
  if (now != text) return ok();
  DW_TRY(files_.remove(path));
  return files_.sync_directory(folder_);
}

Result<std::vector<std::string>> Drafts::list() const {
  DW_TRY(const bool there, files_.exists(folder_));
  std::vector<std::string> out;
  if (!there) return out;
  DW_TRY(const auto names, files_.list(folder_));
  for (const auto& name : names) {
    if (name.ends_with(kEnd)) out.push_back(name.substr(0, name.size() - kEnd.size()));
  }
  return out;
}

}  // namespace dealwright::daemon
