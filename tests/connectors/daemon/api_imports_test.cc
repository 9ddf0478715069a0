// Imports over HTTP: sent piece by piece, run beside all else, gone on with behind a restart.
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "connectors/daemon/import_run.h"
#include "connectors/daemon/imports.h"
#include "connectors/os/posix_file_system.h"
#include "tests/connectors/daemon/service_bed.h"

namespace dealwright::daemon {
namespace {

const std::string kMapping =
    "mapping: deals\\nformat: csv\\npolicy: suppress\\nbatch: deals-2026\\norder: file\\nemit:\\n"
    "  - type: deal.opened\\n    subject: deal/{Id}\\n    time: \\\"{Opened}\\\"\\n"
    "    data: { pipeline: sales, amount: \\\"{Amount}\\\" }\\n";
const std::string kBytes = "application/octet-stream";

std::string file_of(int rows) {
  std::string out = "Id,Opened,Amount\n";
  for (int i = 0; i < rows; ++i) {
    out += "d" + std::to_string(i) + ",2026-01-02T09:00:00Z," + std::to_string(100 + i) + " EUR\n";
  }
  return out;
}

http::Answer make(ServiceBed& bed, std::size_t bytes, const std::string& more = {},
                  const std::string& fields = {}) {
  return bed.post("/v1/imports", "application/json",
                  R"({"mapping":")" + kMapping + R"(","file":"deals.csv","bytes":)" +
                      std::to_string(bytes) + more + "}",
                  fields);
}

http::Answer put(ServiceBed& bed, const std::string& id, std::size_t offset,
                 const std::string& bytes) {
  return bed.ask("PUT", "/v1/imports/" + id + "/file?offset=" + std::to_string(offset), kBytes,
                 bytes);
}

// Made and sent in one piece; its id.
std::string send(ServiceBed& bed, const std::string& file, const std::string& more = {}) {
  const auto made = make(bed, file.size(), more);
  EXPECT_EQ(made.status, 201) << made.body;
  const auto id = ServiceBed::text_in(made.body, "import");
  EXPECT_EQ(put(bed, id, 0, file).status, 200);
  return id;
}

std::string ended(ServiceBed& bed, const std::string& id) {
  for (;;) {
    const auto answer = bed.get("/v1/imports/" + id + "?timeout=30000");
    EXPECT_EQ(answer.status, 200) << answer.body;
    if (answer.status != 200 || ServiceBed::text_in(answer.body, "state") != "running")
      return answer.body;
  }
}

std::int64_t count_in(const std::string& body, std::string_view name) {
  const auto value = ServiceBed::json(body);
  const auto* found = value.as_map() == nullptr ? nullptr : find(*value.as_map(), name);
  return found == nullptr || found->as_int() == nullptr ? -1 : *found->as_int();
}

void open_pipeline(ServiceBed& bed) {
  const auto at = bed.append(
      "pipeline.updated", "pipeline/sales",
      R"({"stages":[{"id":"demo"},{"id":"won","category":"won"},{"id":"lost","category":"lost"}]})",
      "p");
  ASSERT_EQ(bed.get("/v1/records/pipeline/sales?timeout=20000&wait_for=" + at).status, 200);
}

// Deals that there are.
std::int64_t deals(ServiceBed& bed) {
  const auto board = ServiceBed::json(bed.get("/v1/views/board").body);
  std::int64_t out = 0;
  for (const auto& row : *board.as_list()) out += *find(*row.as_map(), "count")->as_int();
  return out;
}

std::string folder_of(const ServiceBed& bed, const std::string& id) {
  return bed.config.data + "/imports/" + id;
}

bool has_data(const ServiceBed& bed, const std::string& id) {
  return std::filesystem::exists(folder_of(bed, id) + "/data");
}

// Makes of what a stopped server wrote what a crash would have left.
void write(const std::string& path, const std::string& text) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << text;
}
void change_record(const ServiceBed& bed, const std::string& id, const std::string& from,
                   const std::string& to) {
  const auto path = folder_of(bed, id) + "/import.json";
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  auto changed = text.str();
  const auto at = changed.find(from);
  ASSERT_NE(at, std::string::npos) << changed;
  write(path, changed.replace(at, from.size(), to));
}

// Its file is all there, and nothing of it was run: then the process was gone, with `more` in the
// record.
void break_off_sent(ServiceBed& bed, const std::string& id, const std::string& file,
                    const std::string& state, const std::string& more) {
  bed.stop();
  write(folder_of(bed, id) + "/data", file);
  change_record(bed, id, R"("received_bytes":0)",
                R"("received_bytes":)" + std::to_string(file.size()) + more);
  change_record(bed, id, R"("state":"uploading")", R"("state":")" + state + "\"");
  bed.start();
}

TEST(ApiImportsTest, InPiecesOnceAndNeverTwice) {
  ServiceBed bed;
  open_pipeline(bed);
  auto file = file_of(6);
  file += "d6,tomorrow,5 EUR\nd7,2026-01-02T09:00:00Z,much\n";
  const auto made = make(bed, file.size());
  ASSERT_EQ(made.status, 201) << made.body;
  const auto id = ServiceBed::text_in(made.body, "import");
  EXPECT_EQ(made.fields.at("location"), "/v1/imports/" + id);
  EXPECT_EQ(ServiceBed::text_in(made.body, "state"), "uploading");
  EXPECT_EQ(put(bed, id, 5, "x").code(), "conflict");
  EXPECT_EQ(put(bed, id, 0, file + "more").code(), "invalid");
  EXPECT_EQ(count_in(put(bed, id, 0, file.substr(0, 40)).body, "received_bytes"), 40);
  EXPECT_EQ(put(bed, id, 0, file.substr(0, 40)).code(), "conflict") << "it goes on at 40";
  EXPECT_EQ(put(bed, id, 40, file.substr(40)).status, 200);
  const auto whole = ended(bed, id);
  EXPECT_EQ(ServiceBed::text_in(whole, "state"), "whole") << whole;
  EXPECT_EQ(count_in(whole, "rows"), 8) << whole;
  EXPECT_EQ(count_in(whole, "bad_rows"), 2) << whole;
  EXPECT_EQ(count_in(whole, "appended"), 8) << whole;  // six deals between two marks
  EXPECT_NE(whole.find(R"("code":"bad_time","column":"Opened")"), std::string::npos) << whole;
  EXPECT_NE(whole.find(R"("line":9,"row":8)"), std::string::npos) << whole;
  EXPECT_EQ(deals(bed), 6);
  const auto bad = bed.get("/v1/imports/" + id + "/bad-rows");
  EXPECT_TRUE(bad.body.starts_with("row,line,column,code,detail,hint,raw\r\n7,8,Opened,bad_time,"))
      << bad.body;
  // The same file again: all of it is there.
  const auto again = ended(bed, send(bed, file));
  EXPECT_EQ(count_in(again, "appended"), 0) << again;
  EXPECT_EQ(count_in(again, "already_there"), 8) << again;
  EXPECT_EQ(deals(bed), 6);
  // Another file under the same name is none of that batch.
  const auto other = ended(bed, send(bed, file_of(7)));
  EXPECT_EQ(ServiceBed::text_in(other, "code"), "refused") << other;
  EXPECT_NE(other.find("another file"), std::string::npos) << other;
  const auto list = bed.get("/v1/imports");
  EXPECT_NE(list.body.find(id), std::string::npos) << list.body;
  EXPECT_NE(bed.get("/v1/imports?limit=1").fields.at("link").find("cursor="), std::string::npos);
}

TEST(ApiImportsTest, ADryRunFirstThenTheSameFile) {
  ServiceBed bed;
  open_pipeline(bed);
  const auto file = file_of(3);
  const auto dry = send(bed, file, R"(,"dry_run":true,"sha256":")" + hex(sha256(file)) + "\"");
  const auto checked = ended(bed, dry);
  EXPECT_EQ(ServiceBed::text_in(checked, "state"), "checked") << checked;
  EXPECT_EQ(count_in(checked, "would_append"), 5) << checked;
  EXPECT_EQ(deals(bed), 0);
  const auto real = bed.post("/v1/imports", "application/json",
                             R"({"mapping":")" + kMapping + R"(","file_of":")" + dry + "\"}");
  ASSERT_EQ(real.status, 201) << real.body;
  const auto whole = ended(bed, ServiceBed::text_in(real.body, "import"));
  EXPECT_EQ(ServiceBed::text_in(whole, "state"), "whole") << whole;
  EXPECT_EQ(deals(bed), 3);
}

TEST(ApiImportsTest, WhatCannotBe) {
  ServiceBed bed([](Config& config) { config.import.file_bytes = 1'000; });
  const auto first = make(bed, 100, "", "Idempotency-Key: a\r\n");
  const auto id = ServiceBed::text_in(first.body, "import");
  EXPECT_EQ(make(bed, 100, "", "Idempotency-Key: a\r\n").body, first.body);
  EXPECT_EQ(make(bed, 101, "", "Idempotency-Key: a\r\n").status, 422);
  const auto second = make(bed, 100);
  EXPECT_EQ(second.code(), "conflict") << second.body;
  EXPECT_NE(second.body.find(id), std::string::npos) << "says which one is in the way";
  EXPECT_EQ(bed.post("/v1/imports/" + id + "/pause").code(), "conflict");
  EXPECT_EQ(ServiceBed::text_in(bed.post("/v1/imports/" + id + "/cancel").body, "state"),
            "cancelled");
  EXPECT_EQ(put(bed, id, 0, "x").code(), "conflict");
  EXPECT_EQ(bed.post("/v1/imports/" + id + "/resume").code(), "conflict");
  EXPECT_EQ(make(bed, 1'001).code(), "invalid");
  EXPECT_EQ(make(bed, 10, R"(,"policy":"never")").code(), "invalid");
  EXPECT_EQ(make(bed, 10, R"(,"colour":"red")").code(), "invalid");
  EXPECT_EQ(make(bed, 10, R"(,"batch":"")").code(), "invalid");
  EXPECT_EQ(make(bed, 10, R"(,"batch":")" + std::string(101, 'b') + "\"").code(), "invalid");
  const auto named = bed.post(
      "/v1/imports", "application/json",
      R"({"mapping":")" + kMapping + R"(","bytes":9,"file":")" + std::string(256, 'f') + "\"}");
  EXPECT_EQ(named.code(), "invalid") << named.body;
  EXPECT_NE(named.body.find("file has 1 to 255 bytes"), std::string::npos) << named.body;
  EXPECT_EQ(bed.get("/v1/imports/none").status, 404);
  EXPECT_EQ(bed.post("/v1/imports/none/cancel").status, 404);
  const auto faulty = bed.post("/v1/imports", "application/json",
                               R"({"mapping":"mapping: x\nemit: 5\n","file":"a","bytes":5})");
  EXPECT_EQ(faulty.code(), "mapping_invalid") << faulty.body;
  EXPECT_NE(faulty.body.find("\"line\":2"), std::string::npos) << faulty.body;
  // What came is not what was said.
  const auto wrong = send(bed, file_of(1), R"(,"sha256":")" + hex(sha256("else")) + "\"");
  const auto failed = ended(bed, wrong);
  EXPECT_EQ(ServiceBed::text_in(failed, "state"), "failed") << failed;
  EXPECT_NE(failed.find("SHA-256"), std::string::npos) << failed;
}

TEST(ApiImportsTest, PausedAndResumed) {
  ServiceBed bed;
  open_pipeline(bed);
  constexpr int kRows = 20'000;
  const auto id = send(bed, file_of(kRows));
  std::string seen;
  while (count_in(seen.empty() ? "{}" : seen, "appended") < 1)
    seen = bed.get("/v1/imports/" + id).body;
  const auto paused = bed.post("/v1/imports/deals-2026/pause");  // by its batch
  ASSERT_EQ(ServiceBed::text_in(ended(bed, id), "state"), "paused") << paused.body;
  const auto before = count_in(bed.get("/v1/imports/" + id).body, "appended");
  EXPECT_GT(before, 0);
  EXPECT_LT(before, kRows);
  EXPECT_EQ(make(bed, 10).code(), "conflict") << "its batch is paused";
  const auto dry = make(bed, 10, R"(,"dry_run":true)");
  EXPECT_EQ(dry.status, 201) << dry.body;
  EXPECT_EQ(bed.post("/v1/imports/" + id + "/resume").code(), "conflict") << "one at a time";
  EXPECT_EQ(bed.post("/v1/imports/" + ServiceBed::text_in(dry.body, "import") + "/cancel").status,
            200);
  EXPECT_EQ(bed.post("/v1/imports/deals-2026/resume").status, 200);
  const auto whole = ended(bed, id);
  EXPECT_EQ(ServiceBed::text_in(whole, "state"), "whole") << whole;
  EXPECT_GT(count_in(whole, "already_there"), 0) << whole;
  EXPECT_EQ(deals(bed), kRows);
}

TEST(ApiImportsTest, ARestartGoesOn) {
  ServiceBed bed;
  open_pipeline(bed);
  constexpr int kRows = 20'000;
  const auto file = file_of(kRows);
  const auto made = make(bed, file.size());
  const auto id = ServiceBed::text_in(made.body, "import");
  EXPECT_EQ(put(bed, id, 0, file.substr(0, 100'000)).status, 200);
  bed.stop();  // in the middle of being sent
  bed.start();
  EXPECT_EQ(count_in(bed.get("/v1/imports/" + id).body, "received_bytes"), 100'000);
  EXPECT_EQ(put(bed, id, 100'000, file.substr(100'000)).status, 200);
  std::string seen;
  while (count_in(seen.empty() ? "{}" : seen, "appended") < 1)
    seen = bed.get("/v1/imports/" + id).body;
  bed.stop();  // in the middle of being imported
  bed.start();
  const auto whole = ended(bed, id);
  EXPECT_EQ(ServiceBed::text_in(whole, "state"), "whole") << whole;
  EXPECT_EQ(count_in(whole, "appended") + count_in(whole, "already_there"), kRows + 2) << whole;
  EXPECT_GT(count_in(whole, "already_there"), 0) << whole;
  EXPECT_EQ(deals(bed), kRows);
}

TEST(ApiImportsTest, AnOrderOutlivesARestart) {
  ServiceBed bed;
  open_pipeline(bed);
  const auto file = file_of(3);
  const auto first = ServiceBed::text_in(make(bed, file.size()).body, "import");
  break_off_sent(bed, first, file, "running", R"(,"order":"cancel","ordered_by":"key/x")");
  EXPECT_EQ(ServiceBed::text_in(ended(bed, first), "state"), "cancelled");
  EXPECT_EQ(deals(bed), 0) << "nothing of it fires";
  EXPECT_FALSE(has_data(bed, first));

  const auto second = ServiceBed::text_in(make(bed, file.size()).body, "import");
  break_off_sent(bed, second, file, "running", R"(,"order":"pause","ordered_by":"key/x")");
  EXPECT_EQ(ServiceBed::text_in(ended(bed, second), "state"), "paused");
  EXPECT_EQ(deals(bed), 0);
  bed.stop();
  bed.start();
  EXPECT_EQ(ServiceBed::text_in(ended(bed, second), "state"), "paused") << "the order was obeyed";
  EXPECT_EQ(bed.post("/v1/imports/" + second + "/resume").status, 200);
  EXPECT_EQ(ServiceBed::text_in(ended(bed, second), "state"), "whole");
  EXPECT_EQ(deals(bed), 3);
}

// Its batch was paused in the log by somebody else, and its record says that it runs.
TEST(ApiImportsTest, ARestartOverrulesNoPause) {
  ServiceBed bed;
  open_pipeline(bed);
  constexpr int kRows = 20'000;
  const auto id = send(bed, file_of(kRows));
  std::string seen;
  while (count_in(seen.empty() ? "{}" : seen, "appended") < 1)
    seen = bed.get("/v1/imports/" + id).body;
  bed.post("/v1/imports/" + id + "/pause");
  ASSERT_EQ(ServiceBed::text_in(ended(bed, id), "state"), "paused");
  bed.stop();
  change_record(bed, id, R"("state":"paused")", R"("state":"running")");
  bed.start();
  EXPECT_EQ(ServiceBed::text_in(ended(bed, id), "state"), "paused");
  EXPECT_LT(deals(bed), kRows);
  // A crash came between a resume and its mark in the log.
  bed.stop();
  change_record(bed, id, R"("state":"paused")", R"("may_resume":true,"state":"running")");
  bed.start();
  EXPECT_EQ(ServiceBed::text_in(ended(bed, id), "state"), "whole");
  EXPECT_EQ(deals(bed), kRows);
}

TEST(ApiImportsTest, WhatACrashLeft) {
  ServiceBed bed;
  open_pipeline(bed);
  const auto file = file_of(3);
  // Its last piece came, and it was not begun.
  const auto sent = ServiceBed::text_in(make(bed, file.size()).body, "import");
  break_off_sent(bed, sent, file, "uploading", "");
  EXPECT_EQ(ServiceBed::text_in(ended(bed, sent), "state"), "whole");
  EXPECT_EQ(deals(bed), 3);
  EXPECT_FALSE(has_data(bed, sent));
  // It was saved as whole, and its file did not go; another was not answered yet.
  const auto key = "Idempotency-Key: again\r\n";
  const auto lost = ServiceBed::text_in(make(bed, file.size(), "", key).body, "import");
  bed.stop();
  write(folder_of(bed, sent) + "/data", file);
  std::filesystem::remove(folder_of(bed, lost) + "/import.json");
  bed.start();
  EXPECT_FALSE(has_data(bed, sent));
  EXPECT_EQ(bed.get("/v1/imports/" + lost).status, 404);
  EXPECT_FALSE(std::filesystem::exists(folder_of(bed, lost)));
  const auto made = make(bed, file.size(), "", key);
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(ServiceBed::text_in(made.body, "import"), lost);
  EXPECT_EQ(ServiceBed::text_in(made.body, "state"), "uploading");
}

TEST(ApiImportsTest, RowsLeftOutOfOneThatFailed) {
  ServiceBed bed;
  open_pipeline(bed);
  const std::string header = "Id,Opened,Amount\n";
  const auto broken = header + "d0,tomorrow,5 EUR\n" + std::string((1 << 20) + 100, 'x');
  const auto id = send(bed, broken);
  const auto failed = ended(bed, id);
  EXPECT_EQ(ServiceBed::text_in(failed, "state"), "failed") << failed;
  const auto bad = bed.get("/v1/imports/" + id + "/bad-rows").body;
  EXPECT_NE(bad.find("\r\n1,2,Opened,bad_time,"), std::string::npos) << bad;
  // A later try that reads no row leaves none of an earlier one.
  bed.stop();
  write(folder_of(bed, id) + "/data", "");
  bed.start();
  EXPECT_EQ(bed.post("/v1/imports/" + id + "/resume").status, 200);
  const auto again = ended(bed, id);
  EXPECT_EQ(ServiceBed::text_in(again, "state"), "failed") << again;
  EXPECT_EQ(bed.get("/v1/imports/" + id + "/bad-rows").body, "");
}

TEST(ApiImportsTest, FilesOfTheNewestTwoStay) {
  ServiceBed bed;
  open_pipeline(bed);
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(send(bed, file_of(i + 1), R"(,"dry_run":true)"));
    EXPECT_EQ(ServiceBed::text_in(ended(bed, ids.back()), "state"), "checked");
  }
  EXPECT_FALSE(has_data(bed, ids[0]));
  EXPECT_TRUE(has_data(bed, ids[1]));
  EXPECT_TRUE(has_data(bed, ids[2]));
  const auto again = bed.post("/v1/imports", "application/json",
                              R"({"mapping":")" + kMapping + R"(","file_of":")" + ids[0] + "\"}");
  EXPECT_EQ(again.code(), "not_found") << again.body;
}

// Of the command line too.
TEST(ApiImportsTest, ABatchHasAName) {
  TemporaryDirectory folder;
  write(folder.path() + "/deals.csv", file_of(1));
  const auto files = os::make_posix_file_system();
  const auto open = [&](const std::string& batch) {
    ImportAsked asked;
    asked.file = folder.path() + "/deals.csv";
    asked.mapping = *ServiceBed::json("\"" + kMapping + "\"").as_text();
    asked.batch = batch;
    asked.rows_bytes = 1 << 20;
    const auto run = ImportRun::open(nullptr, *files, std::move(asked));
    return run ? std::string{"open"} : run.error().detail;
  };
  EXPECT_EQ(open(std::string(100, 'b')), "open");
  EXPECT_NE(open(std::string(101, 'b')).find("1 to 100 bytes"), std::string::npos);
  EXPECT_NE(open("a\nb").find("no control characters"), std::string::npos);
}

TEST(ApiImportsTest, WhoNoLongerWaitsIsForgotten) {
  ServiceBed bed;
  std::promise<void> reached;
  std::promise<void> go_on;
  ImportsOptions how;
  how.rows_bytes = how.file_bytes_max = 1 << 20;
  how.on_end = [&](const ImportRecord&) {  // it has ended, and nobody was told yet
    reached.set_value();
    go_on.get_future().wait();
  };
  Imports imports{bed.service->workspace(), std::move(how)};
  const auto file = file_of(1);
  NewImport asked;
  asked.record.id = "imp-0000000000000000";
  asked.record.file = "deals.csv";
  asked.record.bytes = file.size();
  asked.record.dry_run = true;
  asked.mapping = *ServiceBed::json("\"" + kMapping + "\"").as_text();
  ASSERT_TRUE(imports.create(std::move(asked)));
  ASSERT_TRUE(imports.put("imp-0000000000000000", 0, file));
  reached.get_future().wait();
  auto held = std::make_shared<int>(0);
  std::promise<void> told;
  const auto first = imports.when_idle([held] { ++*held; });
  EXPECT_NE(first, 0U);
  EXPECT_NE(imports.when_idle([&told] { told.set_value(); }), 0U);
  EXPECT_EQ(held.use_count(), 2);
  imports.forget(first);
  EXPECT_EQ(held.use_count(), 1) << "the time was over: nothing of it is kept";
  go_on.set_value();
  told.get_future().wait();
  EXPECT_EQ(*held, 0);
  EXPECT_EQ(imports.when_idle([held] { ++*held; }), 0U);
  EXPECT_EQ(*held, 1) << "none runs: at once";
}

}  // namespace
}  // namespace dealwright::daemon
