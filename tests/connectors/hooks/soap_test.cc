// XML from outside: what it becomes, and what of it is refused.
#include "connectors/hooks/soap.h"

#include <gtest/gtest.h>

namespace dealwright::hooks {
namespace {

std::string read(const std::string& text) {
  const auto value = read_xml(text);
  return value ? to_json(value.value()) : "refused: " + value.error().detail;
}

TEST(SoapTest, Values) {
  EXPECT_EQ(read("<a><b><c><d>1</d><d>2</d><e/><f> x &amp; &#65;<![CDATA[<y>]]></f></c></b></a>"),
            R"({"a":{"b":{"c":{"d":["1","2"],"e":"","f":" x & A<y>","xmlns":""}},"xmlns":""}})");
  EXPECT_EQ(read("\xef\xbb\xbf<a xmlns='urn:x'/>"), R"({"a":{"xmlns":"urn:x"}})");
  EXPECT_EQ(read("<a xmlns:i='http://www.w3.org/2001/XMLSchema-instance'><n i:nil='true'/>"
                 "<t i:type='s:T'><x/></t><!-- c --><?p i?></a>"),
            R"({"a":{"n":null,"t":{"type":"T","x":{"xmlns":""}},"xmlns":""}})");
}

TEST(SoapTest, NoDeclarationsWhateverTheyAre) {
  for (const std::string text :
       {"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
        "<?xml version=\"1.0\"?><!DocType a><a/>", "<a><!ELEMENT b></a>"})
    EXPECT_TRUE(read(text).starts_with("refused: a DTD or an entity")) << text << read(text);
  EXPECT_TRUE(read("<a>&x;</a>").starts_with("refused: line 1"));
  // In another encoding the declaration would not be seen: nothing but UTF-8 is read.
  std::string wide = "\xff\xfe";
  for (const char c : std::string{"<!DOCTYPE a><a/>"}) wide += std::string{c, '\0'};
  EXPECT_TRUE(read(wide).starts_with("refused: ")) << read(wide);
  EXPECT_TRUE(read("<?xml version='1.0' encoding='UTF-16'?><a/>").starts_with("refused: ") ||
              read("<?xml version='1.0' encoding='UTF-16'?><a/>") == R"({"a":{"xmlns":""}})");
}

TEST(SoapTest, CutWrongOrTooMuch) {
  for (const std::string text : {"", " ", "<a", "<a>", "<a></b>", "<a/><b/>", "text", "<a>\x01</a>",
                                 "<a>\xff</a>", "<a b='1' b='2'/>"})
    EXPECT_TRUE(read(text).starts_with("refused: ")) << text << " " << read(text);
  std::string deep, end;
  for (int i = 0; i < 17; ++i) {
    deep += "<a>";
    end = "</a>" + end;
  }
  EXPECT_EQ(read(deep + end), "refused: line 1: nested deeper than 16");
  EXPECT_TRUE(read(deep.substr(3) + end.substr(4)).starts_with("{"));
  std::string many = "<a>";
  for (int i = 0; i < 50'000; ++i) many += "<b/>";
  EXPECT_EQ(read(many + "</a>"), "refused: line 1: more than 50000 elements");
  EXPECT_EQ(read("<a>" + std::string(1 << 20, 'x') + "</a>"), "refused: larger than 1 MiB");
}

}  // namespace
}  // namespace dealwright::hooks
