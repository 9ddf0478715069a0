// What tests of hooks share: hooks made of texts, and events as lines.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "connectors/hooks/hook.h"
#include "engine/codec/cloudevents_json.h"

namespace dealwright::hooks {

inline constexpr const char* kSecret = "a-secret-of-hooks-0123456789";
inline constexpr const char* kOldSecret = "an-older-secret-0123456789-ab";

// `env: NEW` and `env: OLD` are kSecret and kOldSecret.
inline SecretReader test_secrets() {
  return [](const SecretRef& ref) -> Result<std::string> {
    if (ref.name == "NEW") return std::string{kSecret};
    if (ref.name == "OLD") return std::string{kOldSecret};
    return Error{Code::kNotFound, "no secret " + ref.name};
  };
}

inline Hook hook_of(const std::string& text, const SecretReader& secrets = test_secrets()) {
  auto hook = Hook::make(text, "t.hook.yaml", secrets);
  if (!hook) {
    ADD_FAILURE() << hook.error().detail;
    std::abort();
  }
  return std::move(hook.value());
}
inline Hook hook_of_kind(const std::string& connector, const std::string& more = {}) {
  return hook_of("hook: t\nconnector: " + connector + "\nsecrets: [{ env: NEW }, { env: OLD }]\n" +
                 more);
}

// `time type subject data`, a line each, then what was left out.
inline std::string lines(const Read<HookResult>& read, bool with_ids = false) {
  if (!read) return std::to_string(read.error().status) + " " + read.error().code;
  std::string out;
  for (const auto& event : read.value().events) {
    EXPECT_TRUE(check_envelope(event).empty()) << codec::to_cloudevent(event);
    Event back;
    EXPECT_TRUE(codec::parse_cloudevent(codec::to_cloudevent(event), back).empty());
    if (with_ids) out += event.id + " ";
    out += (event.time ? to_short_text(*event.time) : "undated") + " " +
           std::string{event.type_name()} + " " + to_text(event.subject) + " " +
           to_json(Value{codec::data_of(event)}) + "\n";
  }
  for (const auto& left : read.value().left_out)
    out += "left out: " + left.code + " " + left.reason + "\n";
  return out;
}

inline Read<HookResult> dry(const Hook& hook, std::string_view body) {
  HookRequest request;
  request.body = body;
  return hook.dry_run(request);
}

inline std::string file_text(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// A sample that is not shipped; empty: it is not here.
inline std::string conformance(const std::string& name) {
  return file_text(std::string{DW_SOURCE_DIR} + "/../shared/conformance/" + name);
}

}  // namespace dealwright::hooks
