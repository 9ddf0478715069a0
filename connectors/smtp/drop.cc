#include "connectors/smtp/drop.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace dealwright::smtp {
namespace {

constexpr std::string_view kEnd = ".eml";
constexpr std::size_t kTimeSize = sizeof "20260302T090000.000Z" - 1;

// 20260302T090000.000Z: sorts by time, and no file system minds it.
std::string time_text(Instant at) {
  auto text = to_text(at);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::optional<DroppedMail> parse_name(const std::string& name) {
  DroppedMail out{name, {}, {}};
  if (name.size() != kTimeSize + 1 + 64 + kEnd.size() || !name.ends_with(kEnd) ||
      name[kTimeSize] != '-')
    return {};
  auto time = name.substr(0, kTimeSize);
  for (const auto& [at, letter] : {std::pair{4, '-'}, {7, '-'}, {13, ':'}, {16, ':'}})
    time.insert(static_cast<std::size_t>(at), 1, letter);
  const auto parsed = parse_instant(time);
  if (!parsed) return {};
  out.at = parsed.value();
  const char* hex_digits = name.data() + kTimeSize + 1;
  for (auto& byte : out.effect) {
    const auto [end, error] = std::from_chars(hex_digits, hex_digits + 2, byte, 16);
    if (error != std::errc{} || end != hex_digits + 2) return {};
    hex_digits += 2;
  }
  return out;
}

}  // namespace

Result<void> MailDrop::write(const EffectId& effect, Instant at, std::string_view bytes) {
  DW_TRY(create_durable(files_, folder_));
  const auto path = fmt::format("{}/{}-{}{}", folder_, time_text(at), hex(effect), kEnd);
  return write_durable(files_, path, bytes);
}

Result<std::vector<DroppedMail>> MailDrop::list() const {
  std::vector<DroppedMail> out;
  auto names = files_.list(folder_);
  if (!names && names.error().code == Code::kNotFound) return out;
  if (!names) return names.error();
  for (const auto& name : names.value()) {
    if (auto mail = parse_name(name)) out.push_back(std::move(*mail));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Result<std::string> MailDrop::read(const std::string& name) const {
  if (!parse_name(name)) return Error{Code::kInvalid, name + " is no mail of this folder"};
  DW_TRY(const auto file, files_.open(folder_ + "/" + name, FileSystem::Mode::kRead));
  DW_TRY(const auto size, file->size());
  std::string out(size, '\0');
  DW_TRY(const auto count, file->read_at(0, size, out.data()));
  out.resize(count);
  return out;
}

}  // namespace dealwright::smtp
