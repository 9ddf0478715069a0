#include <algorithm>

#include "rules/cel/ast.h"
#include "rules/cel/lexer.h"

namespace dealwright::rules::cel {
namespace {

constexpr int kDepthMax = 64;
constexpr std::uint16_t kChainMax = 500;  // the evaluator walks the tree by recursion

constexpr std::pair<std::string_view, Form> kForms[] = {
    {"_&&_", Form::kAnd},       {"_||_", Form::kOr},       {"_?_:_", Form::kTernary},
    {"_==_", Form::kEqual},     {"_!=_", Form::kNotEqual}, {"_<_", Form::kLess},
    {"_<=_", Form::kLessEqual}, {"_>_", Form::kGreater},   {"_>=_", Form::kGreaterEqual}};

// Precedence of binary operators, loosest first.
struct Level {
  std::vector<std::string_view> operators;
};
const std::vector<Level>& levels() {
  static const std::vector<Level> kLevels = {{{"||"}},
                                             {{"&&"}},
                                             {{"<", "<=", ">=", ">", "==", "!=", "in"}},
                                             {{"+", "-"}},
                                             {{"*", "/", "%"}}};
  return kLevels;
}

constexpr std::string_view kMacros[] = {"all", "exists", "exists_one", "map", "filter"};

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_{std::move(tokens)} {}

  Parsed run() {
    auto root = conditional();
    if (root != nullptr && peek().kind != TokenKind::kEnd)
      root = fail("an operator is missing before '" + shown() + "'");
    if (root == nullptr) return {nullptr, problem_};
    return {std::move(root), std::nullopt};
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  bool is(std::string_view punct) const {
    return peek().kind == TokenKind::kPunct && peek().text == punct;
  }
  bool take(std::string_view punct) {
    if (!is(punct)) return false;
    ++at_;
    return true;
  }
  std::string shown() const {
    if (peek().kind == TokenKind::kEnd) return "the end";
    if (peek().kind == TokenKind::kLiteral) return "a value";
    return peek().text;
  }
  NodePtr fail(std::string message, std::string hint = {}) {
    if (!problem_)
      problem_ =
          Problem{"DW2008",           peek().begin,    std::max(peek().end, peek().begin + 1),
                  std::move(message), std::move(hint), false};
    return nullptr;
  }
  bool expect(std::string_view punct) {
    if (take(punct)) return true;
    fail("'" + std::string{punct} + "' is missing before " +
         (peek().kind == TokenKind::kEnd ? "the end" : "'" + shown() + "'"));
    return false;
  }
  static NodePtr make(NodeKind kind, std::string name, std::size_t begin, std::size_t end) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->name = std::move(name);
    node->begin = begin;
    node->end = end;
    return node;
  }
  // The node with its depth; null if that is too much.
  NodePtr measured(NodePtr node) {
    for (const auto& arg : node->args) {
      node->depth = std::max(node->depth, static_cast<std::uint16_t>(arg->depth + 1));
    }
    if (node->depth <= kChainMax) return node;
    return fail("more than 500 terms in a chain", "write x in [a, b, c] for many alternatives");
  }
  NodePtr call(std::string name, std::vector<NodePtr> args) {
    auto node = make(NodeKind::kCall, std::move(name), args.front()->begin, args.back()->end);
    for (const auto& [text, form] : kForms) {
      if (text == node->name) node->form = form;
    }
    node->args = std::move(args);
    return measured(std::move(node));
  }
  template <class... N>
  NodePtr call_of(std::string name, N... nodes) {
    std::vector<NodePtr> args;
    (args.push_back(std::move(nodes)), ...);
    return call(std::move(name), std::move(args));
  }

  NodePtr conditional() {
    if (++depth_ > kDepthMax) return fail("nested deeper than 64");
    auto condition = binary(0);
    if (condition != nullptr && take("?")) {
      auto yes = binary(0);
      if (yes == nullptr || !expect(":")) return nullptr;
      auto no = conditional();
      if (no == nullptr) return nullptr;
      condition = call_of("_?_:_", std::move(condition), std::move(yes), std::move(no));
    }
    --depth_;
    return condition;
  }

  NodePtr binary(std::size_t level) {
    if (level == levels().size()) return unary();
    auto left = binary(level + 1);
    while (left != nullptr) {
      std::string_view found;
      for (const auto op : levels()[level].operators) {
        if (is(op)) found = op;
      }
      if (found.empty()) return left;
      ++at_;
      auto right = binary(level + 1);
      if (right == nullptr) return nullptr;
      const auto name = found == "in" ? std::string{"@in"} : "_" + std::string{found} + "_";
      left = call_of(name, std::move(left), std::move(right));
    }
    return left;
  }

  NodePtr unary() {
    const auto begin = peek().begin;
    if (is("!") || is("-")) {
      const auto op = peek().text;
      int count = 0;
      while (take(op)) {
        if (++count > kDepthMax) return fail("nested deeper than 64");
      }
      // A number keeps its sign: the least integer can be written, and -5 is a constant.
      if (op == "-" && count % 2 == 1 && take_sign(tokens_[at_])) {
        auto node = member();
        if (node != nullptr) node->begin = begin;
        return node;
      }
      auto node = member();
      if (node == nullptr) return nullptr;
      if (count % 2 == 0 && op == "-") count = 2;
      for (int i = 0; i < (count % 2 == 0 ? 2 : 1); ++i) {
        node = call_of(op == "!" ? "!_" : "-_", std::move(node));
        if (node == nullptr) return nullptr;
        node->begin = begin;
      }
      return node;
    }
    return member();
  }

  static bool take_sign(Token& token) {
    if (token.kind != TokenKind::kLiteral) return false;
    if (const auto* i = token.literal.get<std::int64_t>()) {
      if (!token.min_int) token.literal = -*i;
      token.min_int = false;
      return true;
    }
    if (const auto* d = token.literal.get<double>()) {
      token.literal = -*d;
      return true;
    }
    return false;
  }

  NodePtr member() {
    auto node = primary();
    int steps = 0;
    while (node != nullptr) {
      if (++steps > 4 * kDepthMax) return fail("too long a chain");
      if (take(".")) {
        node = select(std::move(node), false);
      } else if (take(".?")) {
        node = select(std::move(node), true);
      } else if (is("[") || is("[?")) {
        node = index(std::move(node));
      } else {
        return node;
      }
    }
    return node;
  }

  NodePtr select(NodePtr of, bool optional) {
    const auto& token = peek();
    if (token.kind != TokenKind::kIdent && token.kind != TokenKind::kQuotedIdent)
      return fail("a field's name is missing after the point");
    const auto name = token.text;
    const auto end = token.end;
    ++at_;
    const auto begin = of->begin;
    if (!optional && is("(")) return member_call(std::move(of), name);
    auto node = make(optional ? NodeKind::kOptSelect : NodeKind::kSelect, name, begin, end);
    node->args.push_back(std::move(of));
    return measured(std::move(node));
  }

  NodePtr index(NodePtr of) {
    const bool optional = is("[?");
    ++at_;
    const auto begin = of->begin;
    auto key = conditional();
    if (key == nullptr || !expect("]")) return nullptr;
    auto node =
        make(optional ? NodeKind::kOptIndex : NodeKind::kIndex, "", begin, tokens_[at_ - 1].end);
    node->args.push_back(std::move(of));
    node->args.push_back(std::move(key));
    return measured(std::move(node));
  }

  bool arguments(std::vector<NodePtr>& out, std::string_view close) {
    if (take(close)) return true;
    do {
      auto argument = conditional();
      if (argument == nullptr) return false;
      out.push_back(std::move(argument));
    } while (take(",") && !is(close));
    return expect(close);
  }

  NodePtr member_call(NodePtr of, const std::string& name) {
    ++at_;  // (
    const auto begin = of->begin;
    std::vector<NodePtr> args;
    if (!arguments(args, ")")) return nullptr;
    const auto end = tokens_[at_ - 1].end;
    const bool macro = std::find(std::begin(kMacros), std::end(kMacros), name) != std::end(kMacros);
    if (macro && args.size() >= 2 && args[0]->kind == NodeKind::kIdent &&
        (args.size() == 2 || (name == "map" && args.size() == 3))) {
      auto node = make(NodeKind::kMacro, name, begin, end);
      node->variable = args[0]->name;
      node->args.push_back(std::move(of));
      for (std::size_t i = 1; i < args.size(); ++i) node->args.push_back(std::move(args[i]));
      return measured(std::move(node));
    }
    auto node = make(NodeKind::kMember, name, begin, end);
    node->args.push_back(std::move(of));
    for (auto& arg : args) node->args.push_back(std::move(arg));
    return measured(std::move(node));
  }

  NodePtr primary() {
    const auto token = peek();
    if (token.kind == TokenKind::kLiteral) {
      if (token.min_int) return fail("the integer is too large");
      ++at_;
      auto node = make(NodeKind::kLiteral, "", token.begin, token.end);
      node->literal = token.literal;
      return node;
    }
    if (take("(")) {
      auto node = conditional();
      return node == nullptr || !expect(")") ? nullptr : std::move(node);
    }
    if (take("[")) return list(token.begin);
    if (take("{")) return map(token.begin);
    const bool rooted = take(".");
    if (peek().kind != TokenKind::kIdent)
      return fail(token.kind == TokenKind::kEnd ? "the expression breaks off"
                                                : "a value is missing before '" + shown() + "'");
    const auto name = peek().text;
    const auto end = peek().end;
    ++at_;
    if (is("(")) return global_call(name, token.begin);
    auto node = make(NodeKind::kIdent, name, token.begin, end);
    node->rooted = rooted;
    return node;
  }

  NodePtr global_call(const std::string& name, std::size_t begin) {
    ++at_;
    std::vector<NodePtr> args;
    if (!arguments(args, ")")) return nullptr;
    const auto end = tokens_[at_ - 1].end;
    if (name == "has") {
      if (args.size() != 1 || args[0]->kind != NodeKind::kSelect)
        return fail("has() asks for a field", "has(deal.amount)");
      args[0]->test_only = true;
      args[0]->begin = begin;
      args[0]->end = end;
      return std::move(args[0]);
    }
    auto node = make(NodeKind::kCall, name, begin, end);
    node->args = std::move(args);
    return measured(std::move(node));
  }

  NodePtr list(std::size_t begin) {
    auto node = make(NodeKind::kList, "", begin, begin);
    if (!arguments(node->args, "]")) return nullptr;
    node->end = tokens_[at_ - 1].end;
    return measured(std::move(node));
  }

  NodePtr map(std::size_t begin) {
    auto node = make(NodeKind::kMap, "", begin, begin);
    while (!is("}")) {
      auto key = conditional();
      if (key == nullptr || !expect(":")) return nullptr;
      auto value = conditional();
      if (value == nullptr) return nullptr;
      node->args.push_back(std::move(key));
      node->args.push_back(std::move(value));
      if (!take(",")) break;
    }
    if (!expect("}")) return nullptr;
    node->end = tokens_[at_ - 1].end;
    return measured(std::move(node));
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<Problem> problem_;
};

}  // namespace

Parsed parse(std::string_view text) {
  std::vector<Token> tokens;
  if (auto problem = tokenize(text, tokens)) return {nullptr, std::move(problem)};
  return Parser{std::move(tokens)}.run();
}

}  // namespace dealwright::rules::cel
