// A kind of sender: how its requests are cut into notices, and what is made of them by default.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/hooks/hook.h"
#include "connectors/hooks/notice.h"

namespace dealwright::hooks {

struct Verify;

struct Batch {
  std::vector<Notice> notices;
  std::vector<LeftOut> left_out;
};

// Pure: a body and what the file says give notices. Any bytes may come in.
using Split = Read<Batch> (*)(const HookRequest&, const HookConfig&);

struct Connector {
  std::string_view name;
  Split split;
  std::string_view defaults;  // YAML, entries of `emit`
  HookReply reply;            // when all is durable
  std::string_view schemes;   // of `verify`, the first is the default; separated by blanks
};

// Null: no such connector.
const Connector* find_connector(std::string_view name);

// The body as JSON: at most kBatchMax elements of a list, or the one value.
Read<std::vector<Value>> json_items(std::string_view body);

extern const Connector kGenericConnector;
extern const Connector kHubspotConnector;
extern const Connector kPipedriveConnector;
extern const Connector kSalesforceCdcConnector;
extern const Connector kSalesforceOutboundConnector;

}  // namespace dealwright::hooks
