#include "connectors/daemon/logs.h"

#include <cstdlib>

#include "connectors/embedded_log/meta.h"
#include "connectors/kafka_log/identity.h"

namespace dealwright::daemon {
namespace {

constexpr std::size_t kPropertiesBytesMax = std::size_t{1} << 20;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// $NAME is what the environment says.
Result<std::string> value_of(std::string_view text, const std::string& where) {
  if (!text.starts_with('$')) return std::string{text};
  const std::string name{text.substr(1)};
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    return Error{Code::kInvalid, where + ": the environment has no " + name + "; set it"};
  }
  return std::string{value};
}

}  // namespace

Result<bool> has_log(FileSystem& files, const std::string& data) {
  DW_TRY(const auto embedded, files.exists(embedded_log::meta_path(data)));
  DW_TRY(const auto kafka, files.exists(kafka_log::identity_path(data)));
  return embedded || kafka;
}

Result<std::map<std::string, std::string>> read_properties(FileSystem& files,
                                                           const std::string& path) {
  std::map<std::string, std::string> out;
  DW_TRY(const auto text, read_whole(files, path, kPropertiesBytesMax));
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = trimmed(std::string_view{text}.substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto where = path + ":" + std::to_string(number);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Error{Code::kInvalid, where + " is no name=value; such as security.protocol=SASL_SSL"};
    }
    DW_TRY(auto value, value_of(trimmed(line.substr(equals + 1)), where));
    out[std::string{trimmed(line.substr(0, equals))}] = std::move(value);
  }
  return out;
}

Result<kafka_log::Options> kafka_options(FileSystem& files, const Config& config) {
  kafka_log::Options out;
  out.brokers = config.kafka.brokers;
  out.prefix = config.kafka.prefix;
  out.partitions = config.log.partitions;
  out.replication = config.kafka.replication;
  out.create = config.kafka.create_topics;
  out.queue_bytes_max = config.log.queue_bytes;
  out.answer_time = milliseconds(static_cast<std::int64_t>(config.kafka.answer_ms));
  if (!config.kafka.properties_file.empty()) {
    DW_TRY(auto client, read_properties(files, config.kafka.properties_file));
    out.client = std::move(client);
  }
  return out;
}

}  // namespace dealwright::daemon
