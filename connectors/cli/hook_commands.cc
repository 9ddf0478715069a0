// hook check, test: files of webhooks in, offline.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "connectors/cli/context.h"
#include "connectors/hooks/hook.h"
#include "engine/codec/cloudevents_json.h"

namespace dealwright::cli {
namespace {

struct HookArguments {
  std::vector<std::string> files;
  std::string payload;
  std::vector<std::string> headers;
  std::string uri = "https://localhost/";
  std::string at;
  bool verify = false;
};

Result<hooks::Hook> hook_in(const std::string& path, bool with_secrets) {
  DW_TRY(auto text, read_file(path));
  const auto folder = std::filesystem::path{path}.parent_path().string();
  auto hook = hooks::Hook::make(text, path,
                                with_secrets ? hooks::secrets_from(folder) : hooks::SecretReader{});
  if (!hook && hook.error().code == Code::kInvalid) return refused(hook.error());
  return hook;
}

Result<void> check_files(Context& context, const HookArguments& arguments) {
  std::size_t bad = 0;
  std::string first;
  for (const auto& path : arguments.files) {
    auto hook = hook_in(path, arguments.verify);
    if (!hook && hook.error().code != Code::kRefused && hook.error().code != Code::kInvalid)
      return hook.error();
    if (!hook) {
      ++bad;
      context.print_error(hook.error());
    } else if (context.json) {
      context.print_object({{"file", Value{path}},
                            {"sound", Value{true}},
                            {"route", Value{"/v1/hooks/" + std::string{hook.value().connector()} +
                                            "/" + hook.value().name()}}});
    } else {
      context.print_line(path + ": sound, POST /v1/hooks/" + std::string{hook.value().connector()} +
                         "/" + hook.value().name());
    }
  }
  if (bad == 0) return ok();
  return refused({Code::kInvalid, std::to_string(bad) + " of " +
                                      std::to_string(arguments.files.size()) +
                                      " files have errors"});
}

Result<hooks::HookRequest> request_of(const Context& context, const HookArguments& arguments,
                                      const std::string& body) {
  hooks::HookRequest request;
  request.method = "POST";
  request.uri = arguments.uri;
  request.body = body;
  request.received = context.now();
  if (!arguments.at.empty()) {
    DW_TRY(request.received, parse_instant(arguments.at));
  }
  for (const auto& header : arguments.headers) {
    const auto colon = header.find(':');
    if (colon == std::string::npos)
      return Error{Code::kInvalid, "--header '" + header + "' has no colon; 'Name: value'"};
    const auto value = header.find_first_not_of(' ', colon + 1);
    request.headers.emplace_back(header.substr(0, colon),
                                 value == std::string::npos ? "" : header.substr(value));
  }
  return request;
}

Result<void> test_file(Context& context, const HookArguments& arguments) {
  DW_TRY(const auto hook, hook_in(arguments.files.front(), arguments.verify));
  DW_TRY(const auto body, read_file(arguments.payload));
  DW_TRY(const auto request, request_of(context, arguments, body));
  const auto read = arguments.verify ? hook.read(request) : hook.dry_run(request);
  if (!read) {
    const auto& refusal = read.error();
    return refused({Code::kInvalid, arguments.payload + ": " + std::to_string(refusal.status) +
                                        " " + refusal.code + ": " + refusal.detail});
  }
  for (const auto& event : read.value().events) std::cout << codec::to_cloudevent(event) << '\n';
  for (const auto& left : read.value().left_out) {
    if (context.json) {
      context.print_object({{"left_out", Value{left.what}},
                            {"code", Value{left.code}},
                            {"reason", Value{left.reason}}});
    } else {
      context.print_line("left out: " + left.code + " " + left.what + ": " + left.reason);
    }
  }
  const auto count = read.value().events.size();
  context.print_line(std::to_string(count) + (count == 1 ? " event" : " events") +
                     (arguments.verify
                          ? ", signature good; nothing was appended"
                          : "; the signature was not looked at, nothing was appended"));
  return ok();
}

}  // namespace

void add_hook_commands(CLI::App& app, Context& context) {
  auto* hook = noun(app, "hook", "Webhooks in: how posts of a CRM become events");
  auto checked = std::make_shared<HookArguments>();
  auto* check = verb(*hook, context, "check",
                     "Everything that is wrong with hook files, with where and how to mend it",
                     "dealwright hook check docs/examples/hubspot.hook.yaml",
                     [&context, checked] { return check_files(context, *checked); });
  check->add_option("files", checked->files, "*.hook.yaml")->required();
  check->add_flag("--secrets", checked->verify, "their secrets can be had here too");
  auto tested = std::make_shared<HookArguments>();
  auto* test =
      verb(*hook, context, "test", "The events that a payload would make, without appending any",
           "dealwright hook test docs/examples/hubspot.hook.yaml --payload "
           "docs/examples/hubspot.payload.json",
           [&context, tested] { return test_file(context, *tested); });
  test->add_option("file", tested->files, "a *.hook.yaml")->required()->expected(1);
  test->add_option("--payload", tested->payload, "the body as it was posted; - is standard input")
      ->required();
  test->add_option("--header", tested->headers,
                   "a field of the request, 'Name: value'; again for more")
      ->take_all();
  test->add_option("--uri", tested->uri, "what the sender called, with scheme and host");
  test->add_option("--at", tested->at, "when it came; now if left out");
  test->add_flag("--verify", tested->verify, "look at the signature too, with the file's secrets");
  for (auto* command : {check, test})
    command->preparse_callback([&context](std::size_t) { context.needs_config = false; });
}

}  // namespace dealwright::cli
