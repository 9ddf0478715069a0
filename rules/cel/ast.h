// An expression as a tree, and its parser.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/value.h"

namespace re2 {
class RE2;
}

namespace dealwright::rules::cel {

enum class NodeKind : std::uint8_t {
  kLiteral,
  kIdent,      // name; a variable, of the scope or of a macro
  kSelect,     // args[0].name; test_only: has()
  kOptSelect,  // args[0].?name; without a name: args[0] is a path, none where it has no value
  kIndex,      // args[0][args[1]]
  kOptIndex,
  kCall,    // name(args); operators by their names: _+_, !_, _?_:_
  kMember,  // args[0].name(args[1..])
  kList,    // args
  kMap,     // args: key, value, key, value
  kMacro,   // name all, exists, exists_one, map, filter: args[0] range, [1] body (, [2] transform);
            // vars
  kPath,    // a chain of selects from a scope variable, set by the checker: slot
};

// Which operator a kCall is, where the evaluator treats it by itself.
enum class Form : std::uint8_t {
  kOther,
  kAnd,
  kOr,
  kTernary,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
};

struct Node {
  NodeKind kind = NodeKind::kLiteral;
  Value literal;
  std::string name;
  std::vector<std::string> path;  // of kPath, the variable first
  std::vector<std::unique_ptr<Node>> args;
  std::string variable;    // of kMacro
  bool test_only = false;  // has(...)
  int slot = -1;           // of kPath
  std::size_t begin = 0;   // where it stands in the text
  std::size_t end = 0;
  Form form = Form::kOther;
  bool rooted = false;      // of kIdent: written with a leading point, never a macro's variable
  std::uint16_t depth = 1;  // of the tree below, itself included
  // Set by the checker: the function that a kCall or kMember means, the pattern of a constant
  // matches().
  Value (*builtin)(std::span<const Value>) = nullptr;
  std::shared_ptr<const re2::RE2> pattern;
};
using NodePtr = std::unique_ptr<Node>;

// What is wrong with an expression; offsets into its text.
struct Problem {
  std::string code;  // DW2008 ...
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string message;
  std::string hint;
  bool note = false;  // worth knowing, not wrong
};

struct Parsed {
  NodePtr root;  // null if there is a problem
  std::optional<Problem> problem;
};

// Never throws; nesting is limited to 64, a chain of operators to 500.
Parsed parse(std::string_view text);

}  // namespace dealwright::rules::cel
