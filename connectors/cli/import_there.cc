#include "connectors/cli/import_there.h"

#include <filesystem>
#include <fstream>

#include "engine/base/hash.h"

namespace dealwright::cli {
namespace {

constexpr std::size_t kPiece = std::size_t{4} << 20;

std::string text_in(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  return value == nullptr ? std::string{} : std::string{value->text_or_empty()};
}
std::uint64_t count_in(const Map& map, std::string_view name) {
  const auto* value = find(map, name);
  const auto* count = value == nullptr ? nullptr : value->as_int();
  return count == nullptr ? 0 : static_cast<std::uint64_t>(*count);
}

Result<Map> object_of(const Result<Value>& answer) {
  if (!answer) return answer.error();
  if (const auto* map = answer.value().as_map()) return *map;
  return Error{Code::kIo, "the server answered no object"};
}

std::string path_of(const std::string& id, std::string_view rest = {}) {
  return "/v1/imports/" + escaped(id) + std::string{rest};
}

// The file, read twice: once for its hash, once to be sent.
class Source {
 public:
  explicit Source(const std::string& path) : path_{path}, in_{path, std::ios::binary} {}
  Result<void> measure() {
    Sha256Stream hash;
    for (;;) {
      DW_TRY(const auto piece, next());
      if (piece.empty()) break;
      hash.update(piece);
      bytes_ += piece.size();
    }
    sha256_ = hex(hash.finish());
    return ok();
  }
  Result<std::string> piece(std::uint64_t offset) {
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(offset));
    return next();
  }
  std::uint64_t bytes() const { return bytes_; }
  const std::string& sha256() const { return sha256_; }

 private:
  Result<std::string> next() {
    if (!in_.is_open()) return Error{Code::kNotFound, "cannot read " + path_};
    std::string out(kPiece, '\0');
    in_.read(out.data(), static_cast<std::streamsize>(out.size()));
    if (in_.bad()) return Error{Code::kIo, "cannot read " + path_};
    out.resize(static_cast<std::size_t>(in_.gcount()));
    return out;
  }

  const std::string path_;
  std::ifstream in_;
  std::uint64_t bytes_ = 0;
  std::string sha256_;
};

Result<Map> begin(const Remote& remote, const ImportFlags& flags, const Source& source) {
  DW_TRY(const auto mapping, read_file(flags.mapping));
  Map asked{{"mapping", Value{mapping}},
            {"file", Value{std::filesystem::path{flags.file}.filename().string()}},
            {"bytes", Value{static_cast<std::int64_t>(source.bytes())}},
            {"sha256", Value{source.sha256()}},
            {"dry_run", Value{flags.dry_run}}};
  if (!flags.batch.empty()) asked.emplace_back("batch", Value{flags.batch});
  if (!flags.policy.empty()) asked.emplace_back("policy", Value{flags.policy});
  if (flags.rate > 0) asked.emplace_back("rate", Value{flags.rate});
  return object_of(
      remote.post("/v1/imports", "application/json", to_json(Value{std::move(asked)})));
}

Result<Map> send(Context& context, Source& source, Map status) {
  const auto id = text_in(status, "import");
  while (text_in(status, "state") == "uploading") {
    const auto there = count_in(status, "received_bytes");
    context.progress("sent", there, source.bytes());
    DW_TRY(const auto piece, source.piece(there));
    if (piece.empty()) return Error{Code::kIo, "the file has become shorter meanwhile"};
    DW_TRY(status,
           object_of(context.remote()->put(path_of(id, "/file?offset=" + std::to_string(there)),
                                           "application/octet-stream", piece, "")));
  }
  return status;
}

Result<Map> wait(Context& context, Map status) {
  const auto path = path_of(text_in(status, "import"), "?timeout=500");
  while (text_in(status, "state") == "running") {
    const auto planned = count_in(status, "planned_events");
    context.progress(std::to_string(count_in(status, "rows")) + " rows",
                     planned > 0 ? count_in(status, "events") : count_in(status, "read_bytes"),
                     planned > 0 ? planned : count_in(status, "bytes"));
    DW_TRY(status, object_of(context.remote()->get(path)));
  }
  context.progress_done();
  return status;
}

Result<void> fetch_bad_rows(Context& context, const std::string& id, const std::string& path) {
  DW_TRY(const auto text, context.remote()->text(path_of(id, "/bad-rows"), "text/csv"));
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) return Error{Code::kIo, "could not write the bad rows to " + path};
  return ok();
}

void print_errors(const Context& context, const Map& status) {
  const auto* errors = find(status, "errors");
  if (errors == nullptr || errors->as_list() == nullptr) return;
  for (const auto& error : *errors->as_list()) {
    if (error.as_map() == nullptr) continue;
    const auto& row = *error.as_map();
    if (context.json) {
      context.print_object(row);
      continue;
    }
    const auto column = text_in(row, "column");
    const auto hint = text_in(row, "hint");
    context.print_line("line " + std::to_string(count_in(row, "line")) +
                       (column.empty() ? "" : ", column " + column) + ": " + text_in(row, "code") +
                       " " + text_in(row, "detail") + (hint.empty() ? "" : "; " + hint));
  }
}

// As the same import in a data directory of our own tells it.
Result<void> report(Context& context, const ImportFlags& flags, const Map& status) {
  const auto id = text_in(status, "import");
  const auto state = text_in(status, "state");
  if (state == "failed") {
    return Error{text_in(status, "code") == "invalid" ? Code::kRefused : Code::kIo,
                 "import " + id + " failed: " + text_in(status, "reason") +
                     "; dealwright import resume " + id + " tries again"};
  }
  const auto bad = count_in(status, "bad_rows");
  const auto bad_path = flags.bad_file.empty() ? flags.file + ".bad.csv" : flags.bad_file;
  if (flags.dry_run) {
    print_errors(context, status);
  } else if (bad > 0) {
    DW_TRY(fetch_bad_rows(context, id, bad_path));
  }
  Map out{
      {"import", Value{id}}, {"batch", Value{text_in(status, "batch")}}, {"state", Value{state}}};
  for (const auto* name :
       {"rows", flags.dry_run ? "would_append" : "appended", "already_there", "bad_rows"}) {
    out.emplace_back(name, Value{static_cast<std::int64_t>(count_in(status, name))});
  }
  if (bad > 0 && !flags.dry_run) out.emplace_back("bad_rows_in", Value{bad_path});
  context.print_object(out);
  if (bad == 0) return ok();
  return Error{Code::kRefused, std::to_string(bad) + " rows are bad" +
                                   (flags.dry_run ? "" : " and were left out, see " + bad_path)};
}

}  // namespace

Result<void> run_import_there(Context& context, const ImportFlags& flags) {
  if (!flags.clock.empty()) {
    return Error{Code::kRefused, "--clock is for a data directory of your own, not for a server"};
  }
  Source source{flags.file};
  DW_TRY(source.measure());
  DW_TRY(auto status, begin(*context.remote(), flags, source));
  DW_TRY(status, send(context, source, std::move(status)));
  DW_TRY(status, wait(context, std::move(status)));
  return report(context, flags, status);
}

Result<void> order_import_there(Context& context, const std::string& name, const char* verb) {
  return context.print_value(context.remote()->post(path_of(name, "/" + std::string{verb})));
}

}  // namespace dealwright::cli
