#include "connectors/import/xes_reader.h"

#include <libxml/xmlreader.h>

#include <algorithm>
#include <cstring>

namespace dealwright::import {
namespace {

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view{}
                         : std::string_view{reinterpret_cast<const char*>(text)};
}

class XesReader final : public RowReader {
 public:
  explicit XesReader(std::unique_ptr<Input> input) : input_{std::move(input)} {}
  ~XesReader() override {
    if (reader_ != nullptr) xmlFreeTextReader(reader_);
  }
  XesReader(const XesReader&) = delete;
  XesReader& operator=(const XesReader&) = delete;

  Result<bool> next(Row& row, std::vector<BadRow>& bad) override {
    if (done_) return false;
    if (reader_ == nullptr) {
      DW_TRY(open());
    }
    for (;;) {
      const int status = xmlTextReaderRead(reader_);
      // libxml2 may take an input that failed for one that ended.
      if (status < 0 || input_error_) return stop(failure());
      if (status == 0) {
        done_ = true;
        return false;
      }
      DW_TRY(auto whole, take(row, bad));
      if (whole) return true;
    }
  }
  const Columns& columns() const override { return columns_; }
  std::uint64_t bytes_read() const override { return input_->bytes_read(); }
  std::uint64_t bytes_total() const override { return input_->bytes_total(); }

 private:
  static int feed(void* self, char* out, int count) {
    auto& reader = *static_cast<XesReader*>(self);
    auto got = reader.input_->read(out, static_cast<std::size_t>(count));
    if (got) {
      reader.fed_ = reader.fed_ || got.value() > 0;
      return static_cast<int>(got.value());
    }
    reader.input_error_ = got.error();
    return -1;
  }
  static void complain(void* self, xmlErrorPtr error) {
    auto& reader = *static_cast<XesReader*>(self);
    if (!reader.message_.empty() || error->level < XML_ERR_ERROR) return;
    reader.message_ = error->message == nullptr ? "not well-formed" : error->message;
    while (reader.message_.ends_with('\n')) reader.message_.pop_back();
    reader.message_line_ = static_cast<std::uint64_t>(std::max(error->line, 0));
  }

  Result<void> open() {
    reader_ = xmlReaderForIO(&feed, nullptr, this, nullptr, nullptr,
                             XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_NOCDATA);
    if (reader_ == nullptr) {
      done_ = true;
      return failure();
    }
    xmlTextReaderSetStructuredErrorHandler(reader_, &complain, this);
    return ok();
  }

  Error stop(Error error) {
    done_ = true;
    return error;
  }
  Error failure() const {
    if (input_error_) return *input_error_;
    if (!fed_) return Error{Code::kInvalid, "the file is empty; XES begins with <log>"};
    return Error{Code::kInvalid, "line " + std::to_string(message_line_) + ": " +
                                     (message_.empty() ? "not well-formed XML" : message_) +
                                     "; export the process log again"};
  }
  // libxml2 keeps lines of nodes in 16 bits; from there on the ends of line between nodes count.
  void count_lines(const xmlNode& node) {
    if (node.type == XML_ELEMENT_NODE && node.line < 65'535) {
      line_ = node.line;
    } else if (node.type == XML_TEXT_NODE && line_ >= 65'000) {
      const auto text = view(node.content);
      line_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    }
  }
  Error at_line(std::string text) {
    return stop(Error{Code::kInvalid, "line " + std::to_string(line_) + ": " + std::move(text)});
  }

  // Looks at the node read last; true: it ended an event.
  Result<bool> take(Row& row, std::vector<BadRow>& bad) {
    const int type = xmlTextReaderNodeType(reader_);
    if (type == XML_READER_TYPE_DOCUMENT_TYPE || type == XML_READER_TYPE_ENTITY_REFERENCE) {
      return at_line("a DTD or an entity of the file's own is not taken; remove it");
    }
    const auto* node = xmlTextReaderCurrentNode(reader_);
    count_lines(*node);
    const int depth = xmlTextReaderDepth(reader_);
    if (type == XML_READER_TYPE_END_ELEMENT) {
      if (depth == 1) in_trace_ = false;
      if (depth == 2 && in_event_) return finish(row, bad);
      return false;
    }
    if (type != XML_READER_TYPE_ELEMENT) return false;
    const auto name = view(node->name);
    switch (depth) {
      case 0:
        if (name != "log")
          return at_line("<" + std::string{name} + "> is no XES; it begins with <log>");
        return false;
      case 1:
        in_trace_ = name == "trace" && xmlTextReaderIsEmptyElement(reader_) == 0;
        trace_.clear();
        trace_has_events_ = false;
        return false;
      case 2:
        return in_trace_ ? take_in_trace(*node, name, row, bad) : Result<bool>{false};
      case 3:
        if (in_event_) {
          DW_TRY(take_attribute(*node, row));
        }
        return false;
      default:
        return false;  // attributes of attributes
    }
  }

  Result<bool> take_in_trace(const xmlNode& node, std::string_view name, Row& row,
                             std::vector<BadRow>& bad) {
    if (name != "event") {
      if (trace_has_events_) {
        return at_line("an attribute of a trace stands behind its events; XES asks for it before");
      }
      const auto key = attribute(node, "key", key_);
      if (key.empty()) return false;
      DW_TRY(auto column, column_of(case_key(key)));
      trace_.emplace_back(column, attribute(node, "value", value_));
      return false;
    }
    trace_has_events_ = true;
    in_event_ = true;
    complaint_.clear();
    row.clear();
    row.number = ++rows_;
    row.line = line_;
    for (const auto& [column, text] : trace_) row.set(column, text);
    return xmlTextReaderIsEmptyElement(reader_) == 1 ? finish(row, bad) : Result<bool>{false};
  }

  Result<void> take_attribute(const xmlNode& node, Row& row) {
    const auto key = attribute(node, "key", key_);
    if (key.empty()) {
      complaint_ = "an attribute of the event has no key";
      return ok();
    }
    DW_TRY(auto column, column_of(key));
    row.set(column, attribute(node, "value", value_));
    return ok();
  }

  Result<bool> finish(const Row& row, std::vector<BadRow>& bad) {
    in_event_ = false;
    if (complaint_.empty()) return true;
    bad.push_back({row.number,
                   row.line,
                   {},
                   "bad_xes",
                   complaint_,
                   "give each attribute a key and a value",
                   std::string{row.text().substr(0, kRawBytesMax)}});
    return false;
  }

  Result<std::size_t> column_of(std::string_view name) {
    if (const auto found = columns_.find(name)) return *found;
    if (columns_.size() >= kColumnsMax) {
      return at_line("more than " + std::to_string(kColumnsMax) + " different keys; split the log");
    }
    return columns_.add(name);
  }
  std::string_view case_key(std::string_view key) {
    case_key_ = "case:";
    case_key_ += key;
    return case_key_;
  }
  // The text of an XML attribute; `keep` holds it if libxml2 has it in pieces.
  static std::string_view attribute(const xmlNode& node, std::string_view name, std::string& keep) {
    for (const auto* at = node.properties; at != nullptr; at = at->next) {
      if (view(at->name) != name || at->children == nullptr) continue;
      if (at->children->next == nullptr && at->children->type == XML_TEXT_NODE) {
        return view(at->children->content);
      }
      auto* text = xmlNodeListGetString(node.doc, at->children, 1);
      keep = view(text);
      xmlFree(text);
      return keep;
    }
    return {};
  }

  std::unique_ptr<Input> input_;
  xmlTextReaderPtr reader_ = nullptr;
  Columns columns_;
  std::vector<std::pair<std::size_t, std::string>> trace_;
  std::string key_, value_, case_key_;  // scratch
  std::string complaint_;               // about the event at hand
  std::string message_;
  std::uint64_t message_line_ = 0;
  std::optional<Error> input_error_;
  std::uint64_t rows_ = 0;
  std::uint64_t line_ = 1;
  bool fed_ = false;
  bool in_trace_ = false;
  bool trace_has_events_ = false;
  bool in_event_ = false;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<RowReader> make_xes_reader(std::unique_ptr<Input> input) {
  return std::make_unique<XesReader>(std::move(input));
}

}  // namespace dealwright::import
