#include "connectors/hooks/soap.h"

#include <libxml/xmlreader.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace dealwright::hooks {
namespace {

constexpr std::size_t kBytesMax = std::size_t{1} << 20;
constexpr int kNamespaceDepth = 2;  // Envelope, Body, notifications

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view{}
                         : std::string_view{reinterpret_cast<const char*>(text)};
}

// A declaration is all that `<!` begins, save comments and CDATA.
bool declares(std::string_view text) {
  for (auto at = text.find("<!"); at != std::string_view::npos; at = text.find("<!", at + 2)) {
    const auto rest = text.substr(at);
    if (!rest.starts_with("<!--") && !rest.starts_with("<![CDATA[")) return true;
  }
  return false;
}

struct Frame {
  std::string name;
  Map members;  // in the order they come; several of one name are joined at the end
  std::string text;
  bool nil = false;
  bool has_elements = false;
};

Value joined(Map members) {
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Map out;
  for (std::size_t i = 0; i < members.size();) {
    List same;
    auto& name = members[i].first;
    std::size_t next = i;
    for (; next < members.size() && members[next].first == name; ++next)
      same.push_back(members[next].second);
    out.emplace_back(name, same.size() == 1 ? same.front() : Value{std::move(same)});
    i = next;
  }
  return Value{std::move(out)};
}

class Builder {
 public:
  explicit Builder(std::string_view text)
      : reader_{xmlReaderForMemory(text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
                                   XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR |
                                       XML_PARSE_NOWARNING | XML_PARSE_COMPACT),
                &xmlFreeTextReader} {}

  Result<Value> document() {
    if (reader_ == nullptr) return Error{Code::kInvalid, "no XML can be read of it"};
    xmlTextReaderSetStructuredErrorHandler(
        reader_.get(), [](void*, xmlErrorPtr) {}, nullptr);
    for (;;) {
      const int status = xmlTextReaderRead(reader_.get());
      if (status < 0)
        return at_line("no well-formed XML in UTF-8; send it as Salesforce writes it");
      if (status == 0) break;
      DW_TRY(take());
    }
    if (root_.absent() || !frames_.empty()) return Error{Code::kInvalid, "the XML is cut off"};
    return root_;
  }

 private:
  Error at_line(const char* what) const {
    const auto line = xmlTextReaderGetParserLineNumber(reader_.get());
    return Error{Code::kInvalid, "line " + std::to_string(line) + ": " + what};
  }

  Result<void> take() {
    switch (xmlTextReaderNodeType(reader_.get())) {
      case XML_READER_TYPE_ELEMENT:
        return open();
      case XML_READER_TYPE_END_ELEMENT:
        close();
        return ok();
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
      case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        if (!frames_.empty()) frames_.back().text += view(xmlTextReaderConstValue(reader_.get()));
        return ok();
      case XML_READER_TYPE_DOCUMENT_TYPE:
      case XML_READER_TYPE_ENTITY_REFERENCE:
      case XML_READER_TYPE_ENTITY:
        return at_line("a DTD or an entity of its own is not taken");
      default:
        return ok();  // comments, instructions, blanks
    }
  }

  Result<void> open() {
    if (frames_.size() >= kXmlDepthMax) return at_line("nested deeper than 16");
    if (++elements_ > kXmlElementsMax) return at_line("more than 50000 elements");
    auto* reader = reader_.get();
    Frame frame;
    frame.name = view(xmlTextReaderConstLocalName(reader));
    if (frames_.empty() || frames_.size() == kNamespaceDepth)
      frame.members.emplace_back("xmlns", Value{view(xmlTextReaderConstNamespaceUri(reader))});
    const bool empty = xmlTextReaderIsEmptyElement(reader) == 1;
    while (xmlTextReaderMoveToNextAttribute(reader) == 1) {
      if (view(xmlTextReaderConstNamespaceUri(reader)) !=
          "http://www.w3.org/2001/XMLSchema-instance")
        continue;
      const auto name = view(xmlTextReaderConstLocalName(reader));
      const auto value = view(xmlTextReaderConstValue(reader));
      if (name == "nil") frame.nil = value == "true" || value == "1";
      if (name == "type")
        frame.members.emplace_back("type", Value{value.substr(value.find(':') + 1)});
    }
    xmlTextReaderMoveToElement(reader);
    frames_.push_back(std::move(frame));
    if (empty) close();
    return ok();
  }

  void close() {
    auto frame = std::move(frames_.back());
    frames_.pop_back();
    Value value;
    if (frame.nil)
      value = Value{Null{}};
    else if (frame.has_elements || frames_.size() == kNamespaceDepth || frames_.empty())
      value = joined(std::move(frame.members));
    else
      value = Value{std::move(frame.text)};
    if (frames_.empty()) {
      root_ = Value{Map{{std::move(frame.name), std::move(value)}}};
      return;
    }
    frames_.back().has_elements = true;
    frames_.back().members.emplace_back(std::move(frame.name), std::move(value));
  }

  std::unique_ptr<xmlTextReader, decltype(&xmlFreeTextReader)> reader_;
  std::vector<Frame> frames_;
  std::size_t elements_ = 0;
  Value root_;
};

}  // namespace

Result<Value> read_xml(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.size() > kBytesMax) return Error{Code::kInvalid, "larger than 1 MiB"};
  if (declares(text))
    return Error{Code::kInvalid, "a DTD or an entity of its own is not taken; leave it out"};
  return Builder{text}.document();
}

}  // namespace dealwright::hooks
