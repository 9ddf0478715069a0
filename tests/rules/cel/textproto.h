// Reads Protobuf's text format without its schema: fields in order, repeated ones repeated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dealwright::rules::cel {

struct ProtoField {
  std::string name;
  std::string text;                // of a scalar; strings unescaped
  std::vector<ProtoField> fields;  // of a message
  bool message = false;

  const ProtoField* find(std::string_view wanted) const;
  std::vector<const ProtoField*> all(std::string_view wanted) const;
  std::string text_of(std::string_view wanted) const;  // "" if it is not there
};

// The fields of a file; `problem` says what could not be read.
std::vector<ProtoField> read_textproto(std::string_view text, std::string& problem);

}  // namespace dealwright::rules::cel
