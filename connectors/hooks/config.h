// What a hook file says, checked. The language is described in docs/hooks.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/hooks/connector.h"
#include "connectors/hooks/hook.h"
#include "connectors/hooks/path.h"
#include "engine/domain/event.h"
#include "engine/domain/vocabulary.h"

namespace dealwright::hooks {

using Recode = std::vector<std::pair<std::string, std::string>>;

// A value of event data: a constant, texts of the notice, or maps and lists of such.
struct ValueSpec {
  enum class Kind : std::uint8_t { kConstant, kText, kMap, kList };
  Kind kind = Kind::kConstant;
  Value constant;
  std::vector<Text> from;  // the first that is not empty
  std::string table;       // texts for texts by name; one that it lacks stays as it is
  Recode recode;           // the same, in place
  std::optional<std::string> otherwise;  // for one that these lack
  bool null_if_empty = false;
  std::optional<FieldType> as;  // in free data; else a lone reference keeps its type
  std::vector<Text> currency;   // of money without one: the first that is not empty
  std::vector<std::pair<Text, ValueSpec>> members;  // of a map: name and value; of a list: values
};

// A test on what stands at a place.
struct Condition {
  enum class Op : std::uint8_t {
    kIn,
    kNotIn,
    kFilled,
    kEmpty,
    kPresent,
    kAbsent,
    kPrefix,
    kHas,
    kLacks
  };
  Path path;
  Op op = Op::kIn;
  std::vector<std::string> values;
};

struct Emit {
  std::vector<Condition> when;  // all hold
  bool otherwise = false;       // only if no entry before it matched
  Text type;
  Text subject;
  std::optional<ValueSpec> time;  // else the notice's
  Text actor;                     // else the notice's
  Text partition_key;
  std::vector<std::pair<std::string, ValueSpec>> data;
  std::optional<Path> each;  // an event for each element of a list
  std::string drop;          // instead of an event: why there is none
};

// How a caller proves who it is.
struct Verify {
  enum class Scheme : std::uint8_t { kHubspot, kBasic, kHeader, kQuery, kHmac, kStandard };
  enum class Part : std::uint8_t { kLiteral, kBody, kTimestamp, kMethod, kUri, kHeader };
  Scheme scheme = Scheme::kHubspot;
  std::vector<int> versions{3};  // hubspot: 1, 2, 3
  std::string user;              // basic
  std::string name;              // header, hmac: the field; query: the parameter
  std::string prefix;            // header, hmac: before the secret or signature
  bool base64 = false;           // hmac; else hex
  std::vector<std::pair<Part, std::string>> what{{Part::kBody, {}}};  // that is signed
  std::string time_header;  // hmac: where the timestamp stands; empty: there is none
  std::string time_prefix;
  Duration tolerance = kToleranceDefault;
};

// How the body of a generic hook is cut into notices.
struct Cut {
  std::optional<Path> each;  // a list; else the body, or its elements if it is one
  Text id;
  std::vector<Text> time;
  Text type;
  Text subject;
  Text actor;
};

struct HookConfig {
  std::string file;
  std::string name;
  const Connector* connector = nullptr;
  std::string source;
  std::string url;  // as the sender knows it, where a proxy stands before us
  std::vector<SecretRef> secret_refs;
  std::vector<std::string> secrets;  // one or two; none: dry runs only
  Verify verify;
  Cut cut;
  Map settings;  // currency, organization, pipeline, prefix
  std::vector<std::pair<std::string, Recode>> tables;
  std::vector<Emit> emits;     // the file's
  std::vector<Emit> defaults;  // the connector's, for notices that the file's do not match
  const Recode* table(std::string_view name) const;
  std::string setting(std::string_view name) const;
};

// kInvalid as Hook::make says; without secrets.
Result<HookConfig> parse_hook(std::string_view text, std::string_view file);

}  // namespace dealwright::hooks
