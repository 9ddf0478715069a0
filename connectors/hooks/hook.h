// Webhooks in: what a CRM posts to us, verified and made into events. No server, no clock, no log:
// the caller brings the request and the time, appends the events, and only then answers.
//
// Repeats: an event's (source, id) is made from the sender's own ids, so that the engine counts a
// request that comes twice once (30 days, or the window that holds). That is also what stops a
// replay inside the 5 minutes in which a signature is good.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/domain/event.h"

namespace dealwright::hooks {

inline constexpr std::size_t kBodyBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kBatchMax = 100;
inline constexpr Duration kToleranceDefault = minutes(5);

struct HookRequest {
  std::string method;
  std::string uri;  // as the caller wrote it: scheme, host, target with its query
  std::vector<std::pair<std::string, std::string>> headers;  // names in any case
  std::string_view body;                                     // the raw bytes; outlives the call
  Instant received;
};

struct HookReply {
  int status = 204;
  std::string media_type;
  std::string body;
};

// What is not in the events, or not as it should be; for the access line and the dry run.
struct LeftOut {
  std::string what;    // the id that the event has or would have had
  std::string code;    // dropped, not_mapped, field_not_mapped, secret: stable
  std::string reason;  // a sentence
};

struct HookResult {
  std::vector<Event> events;  // in the order in which they happened, as far as the sender says
  HookReply when_durable;     // to be sent once all events are durable
  std::vector<LeftOut> left_out;
};

// Nothing of the request was taken. Codes, stable:
//   400 bad_payload, batch_too_large
//   401 not_signed, bad_signature, stale_signature, wrong_sender
//   413 body_too_large
struct HookRefusal {
  std::string code;
  int status = 400;
  std::string detail;
  std::string www_authenticate;  // of a 401 that asks for basic authentication
};
template <class T>
using Read = boost::outcome_v2::basic_result<T, HookRefusal, boost::outcome_v2::policy::terminate>;

// Where a secret stands: never in the file itself.
struct SecretRef {
  enum class From : std::uint8_t { kEnvironment, kFile };
  From from = From::kEnvironment;
  std::string name;  // of the variable, or the path
};
using SecretReader = std::function<Result<std::string>(const SecretRef&)>;
// From the environment of the process, or from a file below `folder` unless its path is absolute;
// an end of line at its end is not part of it. kNotFound, kInvalid: empty, or larger than 4 KiB.
SecretReader secrets_from(std::string folder);

struct HookConfig;

// One `NAME.hook.yaml`. Immutable: any thread may read with it.
class Hook {
 public:
  // kInvalid: all that is wrong with the file, a line each: `file:line:column error HK1004 ..`; or
  // a secret cannot be had. Without a reader the hook checks and dry-runs, and refuses all
  // requests.
  static Result<Hook> make(std::string_view text, std::string_view file,
                           const SecretReader& secrets);

  std::string_view connector() const;  // hubspot, as in the route
  const std::string& name() const;
  // The sizes first, then who sent it, then what it says.
  Read<HookResult> read(const HookRequest& request) const;
  // The events that a body would make, whoever sent it.
  Read<HookResult> dry_run(const HookRequest& request) const;

 private:
  explicit Hook(std::shared_ptr<const HookConfig> config) : config_{std::move(config)} {}
  std::shared_ptr<const HookConfig> config_;
};

// Connectors there are, sorted. `mail` is no file's: bounces of an MTA come in at its route.
std::vector<std::string_view> connector_names();

// The hooks of an ops folder, by connector and name.
class HookSet {
 public:
  // Reads `folder`/*.hook.yaml; a folder that is not there has none. Errors of all files.
  static Result<HookSet> load(const std::string& folder, const SecretReader& secrets);
  const Hook* find(std::string_view connector, std::string_view name) const;  // null: none
  std::size_t size() const { return hooks_.size(); }

 private:
  std::map<std::pair<std::string, std::string>, Hook, std::less<>> hooks_;
};

}  // namespace dealwright::hooks
