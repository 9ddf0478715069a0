// What can be set, as one table: it drives the reader of files, the environment's names, the flags,
// `config print` and docs/configuration.md. A file is read first, then the environment, then flags;
// what comes later stands. Each part of the engine gets its own struct.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace dealwright::daemon {

inline constexpr std::uint64_t kKi = 1024, kMi = kKi * 1024, kGi = kMi * 1024;  // bytes

struct LogConfig {
  std::string kind;  // embedded, kafka
  std::uint32_t partitions = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t queue_bytes = 0;  // these three for each partition
  std::uint64_t group_bytes = 0;
  std::uint64_t tail_cache_bytes = 0;
  std::size_t open_files = 0;
  std::uint64_t retain_bytes = 0;  // 0: all
  std::uint64_t retain_days = 0;   // 0: for ever
};

struct KafkaConfig {
  std::string brokers;  // host:port, with commas between
  std::string prefix;
  std::uint32_t replication = 0;
  bool create_topics = true;
  std::string properties_file;
  std::uint64_t answer_ms = 0;
};

struct StateConfig {
  std::size_t memory_bytes = 0;      // over all partitions
  std::size_t generation_bytes = 0;  // the rest for each partition
  std::uint64_t generation_events = 0;
  std::uint64_t dedup_bytes = 0;
  std::size_t timers_in_memory = 0;
};

struct DecideConfig {
  std::uint32_t events_per_record = 0;
  std::size_t records_in_flight = 0;
};

struct EffectsConfig {
  std::uint64_t mails_per_hour = 0;  // 0: no budget
  std::uint64_t mails_per_domain_per_hour = 0;
  std::uint64_t mails_per_provider_per_hour = 0;
  std::string providers;  // name=domain,domain, with blanks between
};

struct ImportConfig {
  std::size_t append_bytes = 0;  // on their way to the log
  std::size_t rows_bytes = 0;
  std::uint64_t file_bytes = 0;  // of a file that comes over HTTP
};

struct HttpConfig {
  std::string address;
  std::uint16_t port = 0;
  std::string certificate_file, key_file;
  bool clear_text = false;
  std::string hosts;  // with blanks between
  std::string public_url;
  std::size_t threads = 0;
  std::size_t workers = 0;
  std::size_t connections = 0;
  std::size_t requests = 0;
  std::size_t memory_bytes = 0;
  std::uint64_t rate = 0;  // a second
};

struct MailConfig {
  std::string send;  // off, drop, smtp
  std::string from;  // addresses, with blanks between
  std::string from_name;
  std::string reply_to;
  std::string bounce_domain;
  std::string server;
  std::uint16_t port = 0;
  std::string security;  // starttls, tls, loopback
  std::string ca_file;
  std::string user;
  std::string password_file;
  std::size_t parallel = 0;
  std::string dkim_selector, dkim_key_files;  // with blanks between
};

// Of commands: whom they ask.
struct ServerConfig {
  std::string url;
  std::string key_file;
  std::string ca_file;
};

struct Config {
  std::string data;
  ServerConfig server;
  std::string ops;
  bool trust_clock = false;
  std::string cluster_key_file;
  LogConfig log;
  KafkaConfig kafka;
  StateConfig state;
  DecideConfig decide;
  EffectsConfig effects;
  ImportConfig import;
  HttpConfig http;
  MailConfig mail;
  bool webhook_loopback = false;
  std::string webhook_ca_file;
  bool metrics_open = false;
};

// A row of the table.
struct ConfigKey {
  enum class Type : std::uint8_t { kText, kChoice, kBool, kBytes, kCount };
  std::string_view name;  // state.memory
  Type type = Type::kText;
  std::string_view unit;      // of a count; of a choice its words
  std::string_view fallback;  // as a file would say it; "" of a text: it may be left out
  std::uint64_t least = 0;    // of bytes and counts
  std::uint64_t most = 0;
  std::string_view says;  // a sentence
  void (*set)(Config& config, std::uint64_t number, std::string_view text) = nullptr;
};
std::span<const ConfigKey> config_keys();
std::string environment_name(const ConfigKey& key);  // DEALWRIGHT_STATE_MEMORY
std::string flag_name(const ConfigKey& key);         // --state-memory
std::string limits_text(const ConfigKey& key);       // "1 MiB to 1 GiB", "true or false"

// Where configuration is looked for if no flag names a file; besides <data>/dealwright.yaml.
inline constexpr std::string_view kConfigVariable = "DEALWRIGHT_CONFIG";
// The key that commands show a server: a secret, so no key of the table and never printed.
inline constexpr std::string_view kKeyVariable = "DEALWRIGHT_KEY";

// A value, and who said so: "default", "FILE:3", "DEALWRIGHT_X", "--x".
struct ConfigValue {
  const ConfigKey* key = nullptr;
  std::string text;  // in one spelling: 64 MiB
  std::string from;
};

// Takes values in the order in which they are to win. One thread.
class ConfigReader {
 public:
  ConfigReader();
  // All of a YAML file's faults at once, rendered with file, line, column and hint: kInvalid.
  // `in_data`: the file lies in the data directory, and so cannot name another.
  Result<void> take_file(std::string_view text, std::string_view name, bool in_data = false);
  // Of all variables those that begin with DEALWRIGHT_. kInvalid: one is unknown or does not fit.
  Result<void> take_environment(const std::vector<std::pair<std::string, std::string>>& variables);
  Result<void> take(std::string_view key, std::string_view text, std::string from);

  Config config() const;
  const std::vector<ConfigValue>& values() const { return values_; }  // as the table is ordered

 private:
  std::vector<ConfigValue> values_;
};

// The table as docs/configuration.md has it.
std::string config_table_markdown();

// What blanks part, as settings write lists.
std::vector<std::string> words(std::string_view text);

}  // namespace dealwright::daemon
