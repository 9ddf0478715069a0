// A program of another's beside a test: lines go in and out. It ends with the object.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/base/assert.h"

namespace dealwright {

class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments) {
    int in[2];
    int out[2];
    DW_ASSERT(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    std::vector<char*> argv;
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    DW_ASSERT(::posix_spawnp(&pid_, argv[0], &files, nullptr, argv.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    in_ = ::fdopen(in[1], "w");
    out_ = ::fdopen(out[0], "r");
  }
  ~Child() {
    close_input();
    std::fclose(out_);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void say(const std::string& text) {
    std::fputs(text.c_str(), in_);
    std::fflush(in_);
  }
  void close_input() {
    if (in_ != nullptr) std::fclose(in_);
    in_ = nullptr;
  }
  // The next line, without its end; empty at the end of the output.
  std::string line() {
    char* text = nullptr;
    std::size_t room = 0;
    const auto size = ::getline(&text, &room, out_);
    std::string out{text, size > 0 ? static_cast<std::size_t>(size) : 0};
    std::free(text);
    if (out.ends_with('\n')) out.pop_back();
    return out;
  }
  std::string rest() {
    std::string out;
    for (int c = 0; (c = std::fgetc(out_)) != EOF;) out.push_back(static_cast<char>(c));
    return out;
  }

 private:
  pid_t pid_ = 0;
  std::FILE* in_ = nullptr;
  std::FILE* out_ = nullptr;
};

// What a program prints, given its input.
inline std::string output_of(const std::vector<std::string>& arguments,
                             const std::string& input = {}) {
  Child child{arguments};
  child.say(input);
  child.close_input();
  return child.rest();
}

// Where the tools of tests/npm are, or why they are not here (then `folder` is empty).
struct NpmTools {
  std::string folder;
  std::string reason;
};
inline const NpmTools& npm_tools() {
  static const NpmTools tools = [] {
    auto said = output_of({std::string{DW_SOURCE_DIR} + "/deploy/npm-tools"});
    while (said.ends_with('\n')) said.pop_back();
    return said.starts_with('/') ? NpmTools{said, {}} : NpmTools{{}, said};
  }();
  return tools;
}

}  // namespace dealwright
