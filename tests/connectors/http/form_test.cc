// What is read from a request's head, without a socket.
#include <gtest/gtest.h>

#include "connectors/http/accept.h"
#include "connectors/http/csv.h"
#include "connectors/http/etag.h"
#include "connectors/http/event_stream.h"
#include "connectors/http/head.h"
#include "connectors/http/query.h"
#include "connectors/http/text.h"
#include "connectors/http/trace.h"
#include "tests/table.h"

namespace dealwright::http {
namespace {

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
  }
  return out;
}

std::string come_to(const std::string& bytes, const Limits& limits = {}) {
  Head head;
  const auto fault = read_head(bytes, limits, head);
  if (fault) return std::string{fault->code};
  return head.method + " " + head.path + (head.query.empty() ? "" : " ?" + head.query) +
         (head.chunked ? " chunked" : "") +
         (head.has_content_length ? " length " + std::to_string(head.content_length) : "") +
         (head.keep_alive ? "" : " close") + (head.expects_continue ? " continue" : "");
}

// Rows are the head after its request line and Host; \\ stands for an escape.
TEST(HttpHead, RequestLine) {
  expect_table(R"(
    line                          | then
    GET / HTTP/1.1                | GET /
    GET /a?b=c HTTP/1.1           | GET /a ?b=c
    GET /a HTTP/1.0               | GET /a close
    OPTIONS * HTTP/1.1            | OPTIONS *
    GET http://x/a?b HTTP/1.1     | GET /a ?b
    GET https://x HTTP/1.1        | GET /
    GET ftp://x/a HTTP/1.1        | bad_request
    GET * HTTP/1.1                | bad_request
    GET a HTTP/1.1                | bad_request
    GET /a                        | bad_request
    GET  /a HTTP/1.1              | bad_request
    GET /a b HTTP/1.1             | bad_request
    G{T /a HTTP/1.1               | bad_request
    GET /a HTTP/2.0               | http_version
    GET /a HTTP/1.10              | http_version
    GET /a http/1.1               | bad_request
    GET /a#b HTTP/1.1             | bad_request
    GET /\xc3 HTTP/1.1            | GET /\xc3
    GET /a\t HTTP/1.1             | bad_request
    GET /a\rb HTTP/1.1            | bad_request
    GET /a\0b HTTP/1.1            | bad_request
  )",
               [](const Row& row) {
                 auto line = row["line"];
                 if (line.find("\\x") == std::string::npos) line = unescape(line);
                 return come_to(line + "\r\nHost: x\r\n\r\n");
               });
}

TEST(HttpHead, FieldsThatTwoServersCouldReadInTwoWays) {
  expect_table(R"(
    fields                                                            | then
    Host: x\r\nContent-Length: 5                                      | POST / length 5
    Host: x\r\nTransfer-Encoding: chunked                             | POST / chunked
    Host: x\r\nTransfer-Encoding: CHUNKED                             | POST / chunked
    Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked        | bad_framing
    Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5        | bad_framing
    Host: x\r\nContent-Length: 5\r\nContent-Length: 5                 | bad_framing
    Host: x\r\nContent-Length: 5, 5                                   | bad_framing
    Host: x\r\nContent-Length: +5                                     | bad_framing
    Host: x\r\nContent-Length: 0x5                                    | bad_framing
    Host: x\r\nContent-Length: -1                                     | bad_framing
    Host: x\r\nContent-Length:                                        | bad_framing
    Host: x\r\nContent-Length: 18446744073709551616                   | bad_framing
    Host: x\r\nTransfer-Encoding: gzip, chunked                       | bad_framing
    Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked | bad_framing
    Host: x\r\nTransfer-Encoding: xchunked                            | bad_framing
    Host: x\r\nTransfer-Encoding : chunked                            | bad_request
    Host: x\r\n Transfer-Encoding: chunked                            | bad_request
    Host: x\r\nA: b\r\n c                                             | bad_request
    Host: x\r\nA: b\r\n\tc                                            | bad_request
    Host: x\r\nA: b\nC: d                                             | bad_request
    Host: x\r\nA: b\rC: d                                             | bad_request
    Host: x\r\nA: b\0                                                 | bad_request
    Host: x\r\n: b                                                    | bad_request
    Host: x\r\nA                                                      | bad_request
    Host: x\r\nA: \tb c\t                                             | POST /
    A: b                                                              | bad_host
    Host: x\r\nHost: x                                                | bad_host
    Host: x, y                                                        | bad_host
    Host:                                                             | bad_host
    Host: user@x                                                      | bad_host
    Host: x/y                                                         | bad_host
    Host: x:65536                                                     | bad_host
    Host: x:                                                          | bad_host
    Host: [::1]:80                                                    | POST /
    Host: [::1                                                        | bad_host
    Host: [g]                                                         | bad_host
    Host: x.y-z:8080                                                  | POST /
    Host: x\r\nConnection: close; x                                     | bad_request
    Host: x\r\nConnection: ,upgrade,                                    | POST /
    Host: x\r\nConnection: keep-alive, close                          | POST / close
    Host: x\r\nExpect: 100-continue\r\nContent-Length: 1              | POST / length 1 continue
    Host: x\r\nExpect: 100-continue                                   | POST /
    Host: x\r\nExpect: a-rabbit                                       | expectation_failed
  )",
               [](const Row& row) {
                 return come_to("POST / HTTP/1.1\r\n" + unescape(row["fields"]) + "\r\n\r\n");
               });
}

TEST(HttpHead, Sizes) {
  Limits limits;
  limits.target_bytes = 10;
  limits.head_fields = 2;
  EXPECT_EQ(come_to("GET /23456789 HTTP/1.1\r\nHost: x\r\n\r\n", limits), "GET /23456789");
  EXPECT_EQ(come_to("GET /23456789ab HTTP/1.1\r\nHost: x\r\n\r\n", limits), "target_too_long");
  EXPECT_EQ(come_to("GET / HTTP/1.1\r\nHost: x\r\na: b\r\n\r\n", limits), "GET /");
  EXPECT_EQ(come_to("GET / HTTP/1.1\r\nHost: x\r\na: b\r\nc: d\r\n\r\n", limits),
            "too_many_fields");
  EXPECT_EQ(head_length("GET / HTTP/1.1\r\n\r"), 0U);
  EXPECT_EQ(head_length("GET / HTTP/1.1\r\n\r\nmore"), 18U);
}

TEST(HttpText, Escapes) {
  expect_table(R"(
    text       | then
    a%20b      | a b
    %C3%BC     | ü
    %2F        | /
    %252F      | %2F
    a+b        | a+b
    %          | refused
    %4         | refused
    %4g        | refused
    %00        | refused
    %0A        | refused
    %7F        | refused
    %C3        | refused
    %ED%A0%80  | refused
  )",
               [](const Row& row) { return percent_decode(row["text"]).value_or("refused"); });
  EXPECT_EQ(percent_encode("a b/ü~"), "a%20b%2F%C3%BC~");
  for (const std::string text : {"", "a", "ab", "abc", "\xff\xfe\x01"})
    EXPECT_EQ(base64url_decode(base64url(text)).value_or("refused"), text);
  EXPECT_EQ(base64url("\xff\xef"), "_-8");
  EXPECT_FALSE(base64url_decode("_-9")) << "the last digit has bits that encoding never sets";
  EXPECT_FALSE(base64url_decode("a"));
  EXPECT_FALSE(base64url_decode("ab=="));
}

TEST(HttpQuery, Pairs) {
  expect_table(R"(
    query           | then
    a=1&b=2         | a=1;b=2;
    a=1+2%2B3       | a=1 2+3;
    a&b=&&=c        | a=;b=;=c;
    a=%zz           | refused
    a=%00           | refused
    a=b=c           | a=b=c;
  )",
               [](const Row& row) -> std::string {
                 const auto query = Query::parse(row["query"]);
                 if (!query) return "refused";
                 std::string out;
                 for (const auto& [name, value] : query.value()) out += name + "=" + value + ";";
                 return out;
               });
  std::string many;
  for (int i = 0; i < 101; ++i) many += "a=1&";
  EXPECT_FALSE(Query::parse(many));
  EXPECT_EQ(Query::parse("a=1&cursor=x&b=%26").value().with("cursor", "y z"),
            "a=1&b=%26&cursor=y%20z");
}

TEST(HttpQuery, CursorsAreOfTheirList) {
  const auto cursor = make_cursor("deals", "3:8112/d1");
  EXPECT_EQ(read_cursor("deals", cursor).value(), "3:8112/d1");
  EXPECT_FALSE(read_cursor("leads", cursor));
  EXPECT_FALSE(read_cursor("deals", cursor.substr(1)));
  EXPECT_FALSE(read_cursor("deals", ""));
  EXPECT_FALSE(read_cursor("deals", std::string(5'000, 'A')));
}

TEST(HttpAccept, Negotiation) {
  expect_table(R"(
    accept                                        | then
                                                  | application/json
    */*                                           | application/json
    text/csv                                      | text/csv
    TEXT/CSV; charset=utf-8                       | text/csv
    application/x-ndjson, text/csv                | text/csv
    text/csv;q=0.5, application/x-ndjson          | application/x-ndjson
    text/*                                        | text/csv
    application/*;q=0.2, text/csv;q=0.1           | application/json
    application/json;q=0, */*                     | text/csv
    text/html, */*;q=0.1                          | application/json
    text/html                                     | none
    application/json;q=0                          | none
    text/csv;q=2                                  | application/json
    nonsense                                      | application/json
    text/csv;a="x,y;q=0";q=0.3, application/*;q=0 | text/csv
  )",
               [](const Row& row) -> std::string {
                 const auto best = negotiate(row["accept"], kTable);
                 return best ? std::string{kTable[*best]} : "none";
               });
  EXPECT_EQ(media_type("Application/JSON; charset=utf-8"), "application/json");
  EXPECT_EQ(media_type("json"), "");
  EXPECT_TRUE(covers("application/cloudevents*", "application/cloudevents-batch+json"));
  EXPECT_FALSE(covers("application/cloudevents*", "application/json"));
}

TEST(HttpEtag, Conditions) {
  expect_table(R"(
    method | match       | none      | then
    GET    |             |           | go on
    GET    |             | "7"       | not_modified
    HEAD   |             | W/"7"     | not_modified
    GET    |             | "6", "7"  | not_modified
    GET    |             | "6"       | go on
    GET    |             | *         | not_modified
    PUT    |             | *         | stale
    PUT    |             |           | if_match_missing
    PUT    | "7"         |           | go on
    PUT    | "5", "7"    |           | go on
    PUT    | *           |           | go on
    PUT    | "6"         |           | stale
    PUT    | W/"7"       |           | stale
  )",
               [](const Row& row) {
                 Fields fields;
                 if (!row["match"].empty()) fields.add("If-Match", row["match"]);
                 if (!row["none"].empty()) fields.add("If-None-Match", row["none"]);
                 const auto fault = check_conditions(fields, row["method"], make_etag("7"),
                                                     row["method"] == "PUT");
                 return std::string{fault.value_or("go on")};
               });
  Fields any;
  any.add("If-Match", "*");
  EXPECT_EQ(check_conditions(any, "PUT", std::nullopt).value_or(""), "stale");
}

TEST(HttpTrace, ContinuedOrBegunAnew) {
  expect_table(R"(
    traceparent                                                | then
    00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01    | b7ad6b7169203331 sampled
    00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00    | b7ad6b7169203331
    00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe    | b7ad6b7169203331
    cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01    | b7ad6b7169203331 sampled
    cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x  | b7ad6b7169203331 sampled
    cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.x  | anew
    00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x  | anew
    ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01    | anew
    00-00000000000000000000000000000000-b7ad6b7169203331-01    | anew
    00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01    | anew
    00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01    | anew
    00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1     | anew
    00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01    | anew
    nonsense                                                   | anew
  )",
               [](const Row& row) {
                 Fields fields;
                 fields.add("traceparent", row["traceparent"]);
                 const auto trace = continue_trace(fields, {1, 2, 3});
                 EXPECT_EQ(trace.span_id, "0000000000000001");
                 EXPECT_EQ(trace.traceparent().size(), 55U);
                 if (trace.parent_id.empty()) return std::string{"anew"};
                 EXPECT_EQ(trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
                 return trace.parent_id + (trace.sampled ? " sampled" : "");
               });
  Fields twice;
  twice.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  twice.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(continue_trace(twice, {1, 0, 3}).parent_id, "");
  EXPECT_EQ(clean_tracestate("a=1, b@c=2,,"), "a=1,b@c=2");
  EXPECT_EQ(clean_tracestate("a=1,a=2"), "");
  EXPECT_EQ(clean_tracestate("A=1"), "");
  EXPECT_EQ(clean_tracestate("a@b@c=1"), "");
  EXPECT_EQ(clean_tracestate("a@=1"), "");
  EXPECT_EQ(clean_tracestate("a@1=1"), "");
}

TEST(HttpCsv, GuardsFormulas) {
  std::string out;
  CsvWriter csv{out};
  csv.text("=1+1");
  csv.text("-x");
  csv.text("@a");
  csv.text("plain");
  csv.cell(Value{-5});
  csv.cell(Value{"a,\"b\"\n"});
  csv.cell(Value{});
  csv.cell(Value{true});
  csv.cell(Value{Instant{1'772'442'000'000}});
  csv.end_row();
  csv.text("next");
  csv.end_row();
  EXPECT_EQ(out,
            "'=1+1,'-x,'@a,plain,-5,\"a,\"\"b\"\"\n\",,true,2026-03-02T09:00:00.000Z\r\nnext\r\n");
}

TEST(HttpEventStream, Text) {
  EXPECT_EQ(to_text({"3:4", "moved", "a\nb\r\nc", 2'000}),
            "id: 3:4\nevent: moved\nretry: 2000\ndata: a\ndata: b\ndata: c\n\n");
  EXPECT_EQ(to_text({"1\n2", "", "", 0}), "id: 1 2\ndata: \n\n");
}

}  // namespace
}  // namespace dealwright::http
