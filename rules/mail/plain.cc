#include "rules/mail/plain.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace dealwright::rules::mail {
namespace {

constexpr auto kNone = std::string_view::npos;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

void append_point(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  }
}

// The character reference at `at` (an &), written to `out`; where it ends. One that is unknown
// stands as it is.
std::size_t reference(std::string_view html, std::size_t at, std::string& out) {
  static constexpr std::pair<std::string_view, std::string_view> kNamed[] = {
      {"amp", "&"},         {"lt", "<"},        {"gt", ">"},         {"quot", "\""},
      {"apos", "'"},        {"nbsp", " "},      {"ndash", "\u2013"}, {"mdash", "\u2014"},
      {"hellip", "\u2026"}, {"copy", "\u00a9"}, {"euro", "\u20ac"},  {"shy", ""}};
  const auto end = html.find(';', at);
  if (end != kNone && end - at <= 10) {
    const auto name = html.substr(at + 1, end - at - 1);
    for (const auto& [known, text] : kNamed) {
      if (known != name) continue;
      out += text;
      return end + 1;
    }
    if (name.starts_with('#')) {
      const bool hex = name.size() > 1 && small(name[1]) == 'x';
      const auto digits = name.substr(hex ? 2 : 1);
      std::uint32_t point = 0;
      const auto parsed =
          std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
      const bool whole = parsed.ec == std::errc{} && parsed.ptr == digits.data() + digits.size();
      const bool sound = point >= 0x20 && point < 0x110000 && (point < 0xd800 || point > 0xdfff);
      if (whole && (sound || point == '\n' || point == '\t')) {
        append_point(out, point);
        return end + 1;
      }
    }
  }
  out += '&';
  return at + 1;
}

struct Tag {
  std::string name;  // small letters; with / in front if it closes
  std::string href;
};

class Page {
 public:
  explicit Page(std::string_view html) : html_{html} {}

  std::string text() {
    for (std::size_t at = 0; at < html_.size();) {
      if (html_[at] == '<') {
        at = markup(at);
      } else if (is_space(html_[at])) {
        gap_ = true;
        ++at;
      } else {
        begin_word();
        if (html_[at] == '&') {
          at = reference(html_, at, out_);
        } else {
          out_ += html_[at++];
        }
      }
    }
    while (!out_.empty() && is_space(out_.back())) out_.pop_back();
    if (!out_.empty()) out_ += '\n';
    return std::move(out_);
  }

 private:
  void begin_word() {
    if (gap_ && !out_.empty() && !is_space(out_.back())) out_ += ' ';
    gap_ = false;
  }
  void lines(int count) {
    gap_ = false;
    if (out_.empty()) return;
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    auto there = 0;
    for (auto i = out_.size(); i > 0 && out_[i - 1] == '\n'; --i) ++there;
    for (; there < count; ++there) out_ += '\n';
  }

  std::size_t markup(std::size_t at) {
    if (html_.substr(at).starts_with("<!--")) {
      const auto end = html_.find("-->", at + 4);
      return end == kNone ? html_.size() : end + 3;
    }
    const bool tag =
        at + 1 < html_.size() && (html_[at + 1] == '/' || html_[at + 1] == '!' ||
                                  (small(html_[at + 1]) >= 'a' && small(html_[at + 1]) <= 'z'));
    if (!tag) {
      begin_word();
      out_ += '<';
      return at + 1;
    }
    Tag found;
    auto end = read(at, found);
    for (const std::string_view hidden : {"script", "style", "head", "title"}) {
      if (found.name == hidden) end = behind(hidden, end);
    }
    apply(found);
    return end;
  }

  // Behind the end tag of an element that is not shown.
  std::size_t behind(std::string_view name, std::size_t at) const {
    for (auto close = html_.find("</", at); close != kNone; close = html_.find("</", close + 2)) {
      const auto rest = html_.substr(close + 2);
      if (rest.size() < name.size()) break;
      const bool same = std::equal(name.begin(), name.end(), rest.begin(),
                                   [](char a, char b) { return a == small(b); });
      if (!same) continue;
      const auto end = html_.find('>', close);
      return end == kNone ? html_.size() : end + 1;
    }
    return html_.size();
  }

  std::size_t read(std::size_t at, Tag& out) const {
    ++at;
    if (at < html_.size() && html_[at] == '/') {
      out.name = "/";
      ++at;
    }
    while (at < html_.size() && !is_space(html_[at]) && html_[at] != '>' && html_[at] != '/')
      out.name += small(html_[at++]);
    std::string word;
    while (at < html_.size() && html_[at] != '>') {
      const char c = html_[at++];
      if (c == '"' || c == '\'') {
        const auto end = std::min(html_.find(c, at), html_.size());
        if (word == "href=") {
          for (auto i = at; i < end;) {
            if (html_[i] == '&') {
              i = reference(html_.substr(0, end), i, out.href);
            } else {
              out.href += html_[i++];
            }
          }
        }
        at = std::min(end + 1, html_.size());
        word.clear();
      } else if (is_space(c)) {
        if (!word.ends_with('=')) word.clear();
      } else {
        word += small(c);
      }
    }
    return std::min(at + 1, html_.size());
  }

  void apply(const Tag& tag) {
    static constexpr std::string_view kParagraphs[] = {"p",  "h1", "h2", "h3",    "h4",        "h5",
                                                       "h6", "ul", "ol", "table", "blockquote"};
    static constexpr std::string_view kLines[] = {"div", "tr", "section", "header", "footer"};
    const auto name = std::string_view{tag.name}.substr(tag.name.starts_with('/') ? 1 : 0);
    const bool opens = name.size() == tag.name.size();
    if (std::find(std::begin(kParagraphs), std::end(kParagraphs), name) != std::end(kParagraphs)) {
      lines(2);
    } else if (std::find(std::begin(kLines), std::end(kLines), name) != std::end(kLines)) {
      lines(1);
    } else if (name == "br") {
      gap_ = false;
      out_ += '\n';
    } else if (name == "hr") {
      lines(2);
      out_ += "--";
      lines(2);
    } else if (name == "li" && opens) {
      lines(1);
      out_ += "- ";
    } else if ((name == "td" || name == "th") && !opens) {
      gap_ = true;
    } else if (name == "a" && opens) {
      href_ = tag.href;
      begin_word();
      link_begin_ = out_.size();
    } else if (name == "a" && !href_.empty()) {
      const auto words = std::string_view{out_}.substr(std::min(link_begin_, out_.size()));
      if (words.find(href_) == kNone) out_ += " (" + href_ + ")";
      href_.clear();
    }
  }

  std::string_view html_;
  std::string out_;
  std::string href_;
  std::size_t link_begin_ = 0;
  bool gap_ = false;  // white space is due in front of the next word
};

}  // namespace

std::string plain_text(std::string_view html) { return Page{html}.text(); }

}  // namespace dealwright::rules::mail
