// What a client that is not ours makes of the server: the curl program, in clear text and over TLS
// with a certificate that openssl made.
#include <gtest/gtest.h>

#include <cstdio>
#include <thread>

#include "tests/connectors/http/rig.h"
#include "tests/contract/temporary_directory.h"
#include "tests/outside.h"

namespace dealwright::http {
namespace {

std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  char buffer[4'096];
  for (std::size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    out.append(buffer, count);
  ::pclose(pipe);
  return out;
}

class HttpCurl : public ::testing::Test {
 protected:
  void SetUp() override {
    outside("curl");
    if (run("curl --version").find("libcurl") == std::string::npos)
      GTEST_SKIP() << "the curl program is not here; deploy/setup installs it";
  }
  std::string curl(const std::string& path, const std::string& options = {}) {
    const auto scheme = rig.options.certificate_file.empty() ? "http" : "https";
    return run("curl -sS --max-time 60 -H 'Authorization: Bearer " + rig.key + "' " + options +
               ' ' + scheme + "://localhost:" + std::to_string(rig.server->port()) + path);
  }
  Rig rig;
};

TEST_F(HttpCurl, ClearText) {
  rig.start();
  EXPECT_EQ(curl("/v1/hello"), "hello");
  EXPECT_EQ(curl("/v1/pieces", "-o /dev/null -w '%{http_code} %{size_download}'"), "200 100000");
  EXPECT_NE(curl("/v1/hello", "-I").find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(curl("/v1/hello", "-X DELETE -o /dev/null -w '%{http_code}'"), "405");
  EXPECT_EQ(curl("/v1/echo", "-d abc -H 'Content-Type: text/plain'"), "abc");
  EXPECT_EQ(
      curl("/v1/echo", "-d abc -H 'Content-Type: text/plain' -H 'Transfer-Encoding: chunked'"),
      "abc");
  EXPECT_EQ(curl("/v1/echo", "-d abc -H 'Content-Type: text/plain' -H 'Expect: 100-continue'"),
            "abc");
  EXPECT_EQ(curl("/v1/hello", "-0"), "hello");
  // Two requests of one run share a connection.
  const auto url = "http://localhost:" + std::to_string(rig.server->port()) + "/v1/open";
  EXPECT_EQ(run("curl -sS -o /dev/null -o /dev/null -w '%{num_connects} ' " + url + ' ' + url),
            "1 0 ");
}

TEST_F(HttpCurl, ABodyTooLargeIsToldBeforeItIsSent) {
  rig.start();
  const auto answer = run(
      "head -c 3000000 /dev/zero | curl -sS --max-time 60 -H 'Authorization: Bearer " + rig.key +
      "' -H 'Content-Type: text/plain' --data-binary @- -w ' %{http_code}' "
      "http://localhost:" +
      std::to_string(rig.server->port()) + "/v1/echo");
  EXPECT_NE(answer.find("body_too_large"), std::string::npos) << answer;
}

TEST_F(HttpCurl, Stream) {
  rig.start();
  std::thread pusher{[this] {
    const auto stream = rig.streams.take();
    stream->push({"6", "", "six", 0});
    stream->close();
  }};
  EXPECT_EQ(curl("/v1/stream", "-N -H 'Last-Event-ID: 4'"),
            "id: 5\nevent: thing\ndata: number 5\n\nid: 6\ndata: six\n\n");
  pusher.join();
}

TEST_F(HttpCurl, Tls) {
  const TemporaryDirectory directory;
  const auto key = directory.path() + "/key.pem";
  const auto certificate = directory.path() + "/certificate.pem";
  const auto made =
      run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
          "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
          key + " -out " + certificate);
  rig.options.certificate_file = certificate;
  rig.options.key_file = key;
  rig.start();
  ASSERT_NE(rig.server, nullptr) << made;
  const auto trusted = "--cacert " + certificate;
  EXPECT_EQ(curl("/v1/hello", trusted), "hello");
  EXPECT_EQ(curl("/v1/echo", trusted + " -d abc -H 'Content-Type: text/plain'"), "abc");
  EXPECT_EQ(curl("/v1/pieces", trusted + " -o /dev/null -w '%{http_code} %{size_download}'"),
            "200 100000");
  EXPECT_EQ(curl("/v1/hello", trusted + " -H 'Connection: close'"), "hello");
  EXPECT_EQ(
      curl("/v1/hello", trusted + " --tls-max 1.1 -o /dev/null -w '%{http_code}'").substr(0, 5),
      "curl:");
  EXPECT_NE(curl("/v1/hello").find("certificate"), std::string::npos)
      << "not trusted: not spoken to";
  auto clear = rig.connect();
  clear.send(rig.get("/v1/hello"));
  EXPECT_EQ(clear.read().status, 0) << "clear text is no TLS";
  std::thread pusher{[this] { rig.streams.take()->close(); }};
  EXPECT_EQ(curl("/v1/stream", trusted + " -N -H 'Last-Event-ID: 4'"),
            "id: 5\nevent: thing\ndata: number 5\n\n");
  pusher.join();
}

TEST(HttpCertificate, AndKeyMustBelongTogether) {
  Rig rig;
  const TemporaryDirectory directory;
  const auto make = [&](const std::string& name) {
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=" +
        name + " -keyout " + directory.path() + '/' + name + ".key -out " + directory.path() + '/' +
        name + ".pem");
  };
  make("a");
  make("b");
  const auto code = [&](const std::string& certificate, const std::string& key) {
    Options options;
    options.certificate_file = certificate.empty() ? "" : directory.path() + '/' + certificate;
    options.key_file = key.empty() ? "" : directory.path() + '/' + key;
    const auto started = Server::start(options, RouteTable{}, rig.keys, rig.clock, rig.random);
    return started ? "started" : std::string{code_name(started.error().code)};
  };
  EXPECT_EQ(code("a.pem", "a.key"), "started");
  EXPECT_EQ(code("a.pem", "b.key"), "invalid");
  EXPECT_EQ(code("a.pem", ""), "invalid");
  EXPECT_EQ(code("a.key", "a.key"), "invalid");
  EXPECT_EQ(code("none.pem", "a.key"), "invalid");
}

}  // namespace
}  // namespace dealwright::http
