// Mail templates: places in HTML, what is found at load, what a mail comes to.
#include "rules/mail/mail.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "rules/mail/plain.h"
#include "rules/mail/renderer.h"

namespace dealwright::rules::mail {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

class Given : public liquid::Environment {
 public:
  explicit Given(std::string value) : value_{std::move(value)} {}
  liquid::Datum value(const liquid::Path& path, std::size_t) override {
    if (path.text == "nothing") return {};
    return Value{value_};
  }

 private:
  const std::string value_;
};

// The text, or what is wrong with it at load or at run.
std::string html(std::string_view text, std::string value) {
  liquid::Template parsed;
  const auto wrong =
      liquid::parse(text, parsed, {liquid::Form::kFull, liquid::Escape::kHtml, true});
  if (wrong) return "load: " + wrong->message;
  Given given{std::move(value)};
  std::string out;
  const auto failed = liquid::render(parsed, given, {}, liquid::Missing::kError, out);
  return failed ? "run: " + failed->message : out;
}

TEST(MailTest, AValueStaysAValueWhereverItStands) {
  constexpr const char* kEvil = "<script>\"'&";
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {"<p>{{ x }}</p>", kEvil, "<p>&lt;script&gt;&quot;&#39;&amp;</p>"},
      {"<p title=\"{{ x }}\">", kEvil, "<p title=\"&lt;script&gt;&quot;&#39;&amp;\">"},
      {"<p title='{{ x }}'>", "' onload='x", "<p title='&#39; onload=&#39;x'>"},
      {"<p title={{ x }}>", "a", "load: no output may stand in an attribute without quotes"},
      {"<p {{ x }}>", "a", "load: no output may stand in the name of a tag or attribute"},
      {"<{{ x }}>", "a", "load: '<' stands alone in front of a tag or an output"},
      {"<p onclick=\"{{ x }}\">", "a", "load: no output may stand in a script or style"},
      {"<p style=\"{{ x }}\">", "a", "load: no output may stand in a script or style"},
      {"<style>{{ x }}</style>", "a", "load: no output may stand in a script or style"},
      {"<script>{{ x }}</script>", "a", "load: no output may stand in a script or style"},
      {"<SCRIPT>1</SCRIPT><p>{{ x }}</p>", "&", "<SCRIPT>1</SCRIPT><p>&amp;</p>"},
      {"<!-- {{ x }} -->", "a", "load: no output may stand in a comment of the page"},
      {"<!-- > --><b>{{ x }}</b>", "<", "<!-- > --><b>&lt;</b>"},
      {"<a href=\"{{ x }}\">", "https://a.example/?b=1&c=2",
       "<a href=\"https://a.example/?b=1&amp;c=2\">"},
      {"<a href=\"{{ x }}\">", "mailto:ada@example.com", "<a href=\"mailto:ada@example.com\">"},
      {"<a href=\"{{ x }}\">", "javascript:alert(1)",
       "run: 'x': a link begins with https:// or mailto:"},
      {"<a href=\"{{ x }}\">", " https://a.example",
       "run: 'x': a link begins with https:// or mailto:"},
      {"<a href=\"{{ x }}\">", "http://a.example",
       "run: 'x': a link begins with https:// or mailto:"},
      {"<img SRC='{{ x }}'>", "data:text/html,x",
       "run: 'x': a link begins with https:// or mailto:"},
      {"<a href=\"https://a.example/{{ x }}?q={{ x }}\">", "a b/&\"",
       "<a href=\"https://a.example/a%20b%2F%26%22?q=a%20b%2F%26%22\">"},
      {"<a href=\"javascript:x\">", "",
       "load: a link begins with https:// or mailto:, this one with 'j'"},
      {"<a href=\"http://a.example\">", "",
       "load: a link begins with https:// or mailto:, this one with 'http:'"},
      {"<a href=\"htt{{ x }}\">", "ps://a",
       "load: a link begins with https:// or mailto:, this one with 'htt'"},
      {"<a href=https://a.example>{{ x }}</a>", "1", "<a href=https://a.example>1</a>"},
      {"{% if x %}<p title=\"{% else %}<p>{% endif %}", "a",
       "load: this stands elsewhere in the HTML than the other branches end"},
      {"{% for a in x %}<p title=\"{% endfor %}", "a",
       "load: this stands elsewhere in the HTML than the loop begins"},
      {"<p title=\"{% if x %}{{ x }}\"{% endif %}>", "a",
       "load: this stands elsewhere in the HTML than without it"},
      {"<p title=\"{% if x == 'a' %}A{% else %}{{ x }}{% endif %}\">", "\"",
       "<p title=\"&quot;\">"},
      {"<p title=\"{{ x }}", "a", "load: the HTML ends inside a tag, a comment, a script or style"},
      {"{{ x | raw }}", "<b>", "<b>"},
      {"<p title=\"{{ x | raw }}\">", "\"><b>&amp;", "<p title=\"&quot;&gt;&lt;b&gt;&amp;\">"},
      {"{{ x | escape }}", "<", "&lt;"},  // once
      {"{{ x | newline_to_br }}", "<\nb", "&lt;<br />\nb"},
      {"{{ x | append: '<' | upcase }}", "&", "&amp;&lt;"},
      {"{% capture c %}<b>{{ x }}</b>{% endcapture %}{{ c }}", "<", "<b>&lt;</b>"},
      {"{% capture c %}<b>{{ x }}{% endcapture %}<p title=\"{{ c }}\">", "\"",
       "<p title=\"&lt;b&gt;&quot;\">"},
      {"{% capture c %}<b title=\"{% endcapture %}", "",
       "load: this stands elsewhere in the HTML than the capture begins"},
      {"{{ nothing }}", "", "run: 'nothing' has no value"},
      {"{{ nothing | upcase }}", "", "run: 'nothing' has no value"},
      {"{{ nothing | default: 'x' }}", "", "x"},
      {"{{ x | append: nothing }}", "", "run: 'nothing' has no value"},
      {"{% assign a = nothing %}{{ a }}", "", "run: 'a' has no value"},
      {"{% if nothing %}{{ nothing }}{% endif %}ok", "", "ok"},
      {"{{ '{{ x }}' }}", "1", "{{ x }}"},
      {"{{ x }}", "{{ y }}{% if %}", "{{ y }}{% if %}"},  // values are never templates
      {"{% render 'x' %}", "", "load: 'render' is not part of mails"},
      {"{% include 'x' %}", "", "load: unknown tag 'include'"},
  };
  for (const auto& [text, value, expected] : rows) EXPECT_EQ(html(text, value), expected) << text;
}

TEST(MailTest, HeadersTakeNoLineBreak) {
  for (const char* value : {"a\r\nBcc: x", "a\nb", "a\rb"}) {
    liquid::Template parsed;
    ASSERT_FALSE(
        liquid::parse("To {{ x }}", parsed, {liquid::Form::kFull, liquid::Escape::kHeader, true}));
    Given given{value};
    std::string out;
    const auto failed = liquid::render(parsed, given, {}, liquid::Missing::kError, out);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->message, "'x': a header cannot hold a line break");
  }
}

TEST(MailTest, ARenderingHasItsLimits) {
  const std::pair<const char*, const char*> rows[] = {
      {"{% for a in (1..1000) %}{% for b in (1..1000) %}{% endfor %}{% endfor %}", "operations"},
      {"{% for a in (1..9000000000) %}{% assign x = a %}{% endfor %}", "operations"},
      {"{% assign x = 'x' %}{% for a in (1..64) %}{% assign x = x | append: x %}{% endfor %}",
       "bytes"},
      {"{% for a in (1..30000) %}0123456789{% endfor %}", "bytes"},
      {"{% assign x = (1..200000) | join: '' %}", "too long"},
      {"{{ x | replace: '', '0123456789' | replace: '', '0123456789' | replace: '', '0123456789' | "
       "replace: '', '0123456789' | replace: '', '0123456789' | replace: '', '01234567890'}}",
       "bytes"},
      {"{% capture a %}{% for i in (1..50) %}{{ x }}0123456789{% endfor %}{% endcapture %}"
       "{% for i in (1..2000) %}{% assign b = b | append: a %}{% endfor %}",
       "operations"},
      {"{% assign l = 'a' | split: ' ' %}{% for i in (1..30) %}{% assign l = l | concat: l %}"
       "{% endfor %}",
       "too long"},
  };
  for (const auto& [text, expected] : rows) {
    const auto got = html(text, std::string(30, 'v'));
    EXPECT_NE(got.find(expected), std::string::npos) << text << ": " << got.substr(0, 100);
    EXPECT_TRUE(got.starts_with("run: ")) << text;
  }
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "{% if x %}";
  EXPECT_TRUE(html(deep, "").starts_with("load: ")) << html(deep, "").substr(0, 100);
  EXPECT_TRUE(html("{{ " + std::string(5000, '[') + " }}", "").starts_with("load: "));
}

std::string found(std::string_view source) {
  const auto compiled = compile(source);
  std::string out;
  for (const auto& d : compiled.diagnostics) {
    out += std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + " " +
           std::to_string(d.code) + " " + d.message + "\n";
  }
  return out;
}

TEST(MailTest, WhatIsWrongIsFoundAtLoad) {
  const std::string head = "---\nsubject: Hi\nabout: deal\n---\n";
  const std::pair<std::string, const char*> rows[] = {
      {head + "<p>{{ deal.id }} {{ deal.stage }} {{ deal.status }}</p>", ""},
      {head + "<p>{{ deal.amout }}</p>", "5:7 5003 unknown field 'deal.amout'\n"},
      {head + "\n<p>{{ deal.amount }}</p>", "6:7 5004 'deal.amount' may be absent\n"},
      {head + "{{ deal.amount | money }}", "5:4 5004 'deal.amount' may be absent\n"},
      {head + "{{ deal.amount | default: '-' }}", ""},
      {head + "{% if deal.amount %}{{ deal.amount | money: 'de' }}{% endif %}", ""},
      {head + "{% if deal.amount and deal.name != blank %}{{ deal.name }}{% endif %}", ""},
      {head + "{% if deal.amount or deal.name %}{{ deal.name }}{% endif %}",
       "5:37 5004 'deal.name' may be absent\n"},
      {head + "{% if deal.name == 'x' %}{{ deal.name }}{% else %}{{ deal.name }}{% endif %}",
       "5:54 5004 'deal.name' may be absent\n"},
      {head + "{% assign a = deal.name %}{{ a }}", "5:30 5004 'a' may be absent\n"},
      {head + "{% assign a = deal.name | default: 'x' %}{{ a }}", ""},
      {head + "{{ deal.id | append: deal.name }}", "5:22 5004 'deal.name' may be absent\n"},
      {head + "{% for c in deal.contacts %}{{ c.contact }}{% endfor %}", ""},
      {head + "{{ deal.contacts.size | default: 0 }}", ""},
      {head + "{{ event.id }}", "5:4 5003 'event.id' is not at hand in a mail\n"},
      {head + "{{ recipent.name }}", "5:4 5003 unknown name 'recipent'\n"},
      {head + "{{ recipient.name }}", "5:4 5004 'recipient.name' may be absent\n"},
      {head + "{{ deal.id | raw }}", "5:4 5005 this is printed as HTML, not escaped\n"},
      {head + "{{ now | local_date }} {{ today }} {{ workspace.name }}", ""},
      {head + "<p>{{ deal.id | shout }}</p>", "5:17 5003 unknown filter 'shout'\n"},
      {head + "x\n--- text ---\n{{ deal.name }}", "7:4 5004 'deal.name' may be absent\n"},
      {head + "x\n--- text\n\n{{ deal.id }", "8:1 5003 '{{' is not closed\n"},
      {head, "1:1 5006 the template holds neither HTML nor text\n"},
      {"<p>x</p>", "1:1 1001 a template begins with a line '---' and its subject\n"},
      {"---\nsubject: Hi\n", "1:1 1001 the front matter is not closed\n"},
      {"---\nabout: deal\n---\nx", "2:1 1005 'subject' is missing\n"},
      {"---\nsubject: Hi\nabot: deal\n---\nx",
       "3:1 1004 unknown key 'abot' in the front matter of a template\n"},
      {"---\nsubject: Hi\nabout: dael\n---\nx", "3:8 2004 'dael' is no kind of record\n"},
      {"---\nsubject: Hi {{ deal.name }}\n---\nx", "2:16 5004 'deal.name' may be absent\n"},
      {"---\nsubject: Hi\nfrom: a{{ deal.id }}@b.example\n---\nx",
       "3:7 5009 'from' is fixed: it holds no output\n"},
      {"---\nsubject: Hi\nlayout: true\n---\n{{ content }}", "2:10 5008 a layout has no subject\n"},
      {"---\nlayout: true\n---\n<b>{{ content }}</b>", ""},
      {"---\nsubject: Hi\n---\n{{ content }}", "4:4 5003 unknown name 'content'\n"},
  };
  for (const auto& [source, expected] : rows) EXPECT_EQ(found(source), expected) << source;
}

TEST(MailTest, ATextIsMadeOfHtml) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"<p>Hello  there,<br>you &amp; me</p>\n<p>Bye</p>", "Hello there,\nyou & me\n\nBye\n"},
      {"<ul><li>one</li><li>two</li></ul>", "- one\n- two\n"},
      {"a <a href=\"https://x.example/?a=1&amp;b=2\">link</a>.",
       "a link (https://x.example/?a=1&b=2).\n"},
      {"<a href=\"https://x.example/\">https://x.example/</a>", "https://x.example/\n"},
      {"<style>p{}</style><script>1<2</script><!-- no -->yes", "yes\n"},
      {"<html><head><title>t</title></head><body>b</body></html>", "b\n"},
      {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
      {"1 &lt; 2 &#228; &#x20AC; &unknown; 3 < 4", "1 < 2 ä € &unknown; 3 < 4\n"},
      {"<p title=\"a>b\">x</p>", "x\n"},
      {"x<", "x<\n"},
      {"<a href=\"https://x", ""},
  };
  for (const auto& [source, expected] : rows) EXPECT_EQ(plain_text(source), expected) << source;
}

// ---- what we ship

std::map<std::string, std::string> shipped() {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::directory_iterator{fs::path{DW_SOURCE_DIR} / "deploy/templates"})
    out[entry.path().stem().string()] = slurp(entry.path());
  return out;
}

TEST(MailTest, TheTemplatesThatWeShipAreSoundAndSoAreTheirSamples) {
  const auto all = shipped();
  for (const auto& [id, text] : all) {
    EXPECT_TRUE(is_template_id(id)) << id;
    const auto compiled = compile(text);
    EXPECT_EQ(render(compiled.diagnostics, id + ".liquid", text), "");
    if (compiled.mail == nullptr) continue;
    EXPECT_TRUE(compiled.mail->is_layout || !compiled.mail->samples.empty()) << id;
    EXPECT_EQ(render(check_samples(*compiled.mail, id, all, {}, {}, nullptr), id + ".liquid", text),
              "");
  }
}

TEST(MailTest, EveryRuleThatWeShipHasItsTemplates) {
  const auto all = shipped();
  static const std::regex kTemplate{R"(send_email: \{ template: ([a-z0-9-]+))"};
  std::size_t asked = 0;
  for (const auto& entry : fs::directory_iterator{fs::path{DW_SOURCE_DIR} / "deploy/rules"}) {
    const auto rule = slurp(entry.path());
    for (std::sregex_iterator it{rule.begin(), rule.end(), kTemplate}, end; it != end; ++it) {
      ++asked;
      EXPECT_TRUE(all.contains((*it)[1].str())) << entry.path() << ": " << (*it)[1].str();
    }
  }
  EXPECT_GT(asked, 5U);
}

// docs/templates.md: each block ```liquid is a template that is sound.
TEST(MailTest, TheExamplesOfThePageAreSound) {
  const auto page = slurp(fs::path{DW_SOURCE_DIR} / "docs/templates.md");
  std::size_t examples = 0;
  for (auto at = page.find("```liquid\n"); at != std::string::npos;
       at = page.find("```liquid\n", at + 10)) {
    const auto begin = at + 10;
    const auto text = page.substr(begin, page.find("```", begin) - begin);
    const auto compiled = compile(text);
    EXPECT_EQ(render(compiled.diagnostics, "docs/templates.md", text), "");
    if (compiled.mail != nullptr) {
      EXPECT_EQ(render(check_samples(*compiled.mail, "example", shipped(), {}, {}, nullptr),
                       "docs/templates.md", text),
                "");
    }
    ++examples;
  }
  EXPECT_GE(examples, 3U);
}

}  // namespace
}  // namespace dealwright::rules::mail
