#include "connectors/daemon/api/schemas.h"

#include "engine/base/assert.h"
#include "engine/codec/json.h"

namespace dealwright::daemon::api {
namespace {

// Each as JSON.
struct Named {
  const char* name;
  const char* schema;
};

constexpr Named kSchemas[] = {
    {"Any", R"({"type":"object"})"},
    {"Rows", R"({"type":"array","items":{"type":"object"},
        "description":"Flat objects with fixed names. Money is three members: <name>_minor, <name>_currency, <name>. The head Dealwright-Columns names the columns in their order, each with its type."})"},
    {"CloudEvent", R"({"type":"object","required":["specversion","id","source","type","subject"],
        "properties":{"specversion":{"const":"1.0"},
          "id":{"type":"string","minLength":1},"source":{"type":"string","minLength":1},
          "type":{"type":"string","minLength":1},"subject":{"type":"string","minLength":1},
          "time":{"type":"string","format":"date-time"},"partitionkey":{"type":"string"},
          "datacontenttype":{"type":"string"},"data":{},"data_base64":{"type":"string"}}})"},
    {"CloudEvents", R"({"oneOf":[{"$ref":"#/components/schemas/CloudEvent"},
        {"type":"array","items":{"$ref":"#/components/schemas/CloudEvent"},"maxItems":10000}]})"},
    {"Receipt", R"({"type":"object","required":["position","duplicates"],
        "properties":{"position":{"type":"string",
            "description":"partition:position of the furthest event in each partition; wait_for takes it"},
          "duplicates":{"type":"integer","minimum":0}}})"},
    {"Event", R"({"type":"object","required":["position","event","way"],
        "properties":{"position":{"type":"string"},
          "event":{"$ref":"#/components/schemas/CloudEvent"},
          "way":{"type":"array","items":{"type":"object","required":["position","decided"],
            "properties":{"position":{"type":"string"},"decided":{"type":"boolean"},
              "verdict":{"type":"string"},"code":{"type":"string"},"detail":{"type":"string"}}}}}})"},
    {"Events", R"({"type":"array","items":{"type":"object","required":["position","event"],
        "properties":{"position":{"type":"string"},
          "event":{"$ref":"#/components/schemas/CloudEvent"}}}})"},
    {"Record", R"({"type":"object","required":["record","partition","facts"],
        "properties":{"record":{"type":"string"},"partition":{"type":"integer"},
          "facts":{"type":"integer"},"flags":{"type":"array","items":{"type":"string"}}}})"},
    {"ViewSchema", R"({"type":"object","required":["view","version","columns"],
        "properties":{"view":{"type":"string"},"version":{"type":"integer"},
          "description":{"type":"string"},
          "columns":{"type":"array","items":{"type":"object","required":["name","type"],
            "properties":{"name":{"type":"string"},"type":{"type":"string"}}}}}})"},
    {"Rule", R"({"type":"object","required":["rule","version","status"],
        "properties":{"rule":{"type":"string"},"version":{"type":"integer"},
          "status":{"type":"string"},"text":{"type":"string"},"draft":{"type":"string"}}})"},
    {"Diagnostics", R"({"type":"object","required":["rule","sound","diagnostics"],
        "properties":{"rule":{"type":"string"},"sound":{"type":"boolean"},
          "passed":{"type":"boolean"},
          "diagnostics":{"type":"array","items":{"type":"object",
            "required":["severity","code","line","column","message"],
            "properties":{"severity":{"type":"string"},"code":{"type":"string"},
              "line":{"type":"integer"},"column":{"type":"integer"},"message":{"type":"string"},
              "hint":{"type":"string"},"text":{"type":"string"}}}},
          "tests":{"type":"array","items":{"type":"object","required":["test","line","passed"],
            "properties":{"test":{"type":"string"},"line":{"type":"integer"},
              "passed":{"type":"boolean"},"report":{"type":"string"}}}}}})"},
    {"Published", R"({"type":"object","required":["rule","version","changed"],
        "properties":{"rule":{"type":"string"},"version":{"type":"integer"},
          "changed":{"type":"boolean"}}})"},
    {"RuleStatus", R"({"type":"object","required":["rule","status","changed"],
        "properties":{"rule":{"type":"string"},"status":{"type":"string"},
          "changed":{"type":"boolean"}}})"},
    {"Enrolment", R"({"type":"object","required":["enrolment","rule","version","subject","state"],
        "properties":{"enrolment":{"type":"string"},"rule":{"type":"string"},
          "version":{"type":"integer"},"subject":{"type":"string"},"state":{"type":"string"}}})"},
    {"Effect", R"({"type":"object","required":["effect","state","rule","channel","subject"],
        "properties":{"effect":{"type":"string"},"state":{"type":"string"},
          "reason":{"type":"string"},"rule":{"type":"string"},"version":{"type":"integer"},
          "channel":{"type":"string"},"subject":{"type":"string"},
          "attempts":{"type":"integer"},"payload":{"type":"object"}}})"},
    {"Redriven", R"({"type":"object","required":["position","stays"],
        "properties":{"position":{"type":"string"},"stays":{"type":"boolean"},
          "code":{"type":"string"},"detail":{"type":"string"}}})"},
    {"KeyInfo", R"({"type":"object","required":["id","name","roles","scopes","created"],
        "properties":{"id":{"type":"string"},"name":{"type":"string"},
          "roles":{"type":"array","items":{"type":"string"}},
          "scopes":{"type":"array","items":{"type":"string"}},
          "created":{"type":"string","format":"date-time"},
          "expires":{"type":["string","null"],"format":"date-time"},
          "revoked":{"type":["string","null"],"format":"date-time"}}})"},
    {"Keys", R"({"type":"array","items":{"$ref":"#/components/schemas/KeyInfo"}})"},
    {"Key", R"({"allOf":[{"$ref":"#/components/schemas/KeyInfo"},
        {"type":"object","required":["key"],"properties":{"key":{"type":"string"}}}]})"},
    {"NewKey", R"({"type":"object","required":["name","roles"],"additionalProperties":false,
        "properties":{"name":{"type":"string","minLength":1,"maxLength":200},
          "roles":{"type":"array","minItems":1,"items":{"enum":["publisher","viewer","author",
            "approver","operator","admin","auditor"]}},
          "scopes":{"type":"array","items":{"type":"string"}},
          "expires":{"type":"string","format":"date-time"}}})"},
    {"Revoked", R"({"type":"object","required":["id","revoked"],
        "properties":{"id":{"type":"string"},"revoked":{"const":true}}})"},
    {"Live", R"({"type":"object","required":["live"],"properties":{"live":{"const":true}}})"},
    {"Readiness", R"({"type":"object","required":["ready","faults"],
        "properties":{"ready":{"type":"boolean"},"faults":{"type":"array","items":{"type":"object",
          "required":["partition","reason","cure"],"properties":{"partition":{"type":"integer"},
            "reason":{"type":"string"},"cure":{"type":"string"}}}}}})"},
};

}  // namespace

Map schemas() {
  Map out;
  for (const auto& [name, schema] : kSchemas) {
    auto value = codec::parse_json(schema);
    DW_ASSERT(value.has_value());
    out.emplace_back(name, std::move(value.value()));
  }
  return *Value{std::move(out)}.as_map();  // sorted
}

}  // namespace dealwright::daemon::api
