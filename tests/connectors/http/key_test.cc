#include <gtest/gtest.h>

#include "connectors/http/api_key.h"
#include "engine/ports/fake/fake_clock.h"
#include "engine/ports/fake/fake_file_system.h"

namespace dealwright::http {
namespace {

constexpr Instant kNoon{1'772'442'000'000};

KeyRecord asked(RoleSet roles) {
  KeyRecord out;
  out.name = "crm";
  out.workspace = "main";
  out.roles = roles;
  return out;
}

TEST(HttpKey, ATypoIsToldFromAnotherKey) {
  FakeRandom random{1};
  const auto key = make_api_key(random);
  EXPECT_EQ(key.size(), 51U);
  EXPECT_TRUE(is_api_key(key));
  for (std::size_t i = 0; i < key.size(); ++i) {
    auto typo = key;
    typo[i] = typo[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(is_api_key(typo)) << i;
    EXPECT_FALSE(is_api_key(key.substr(0, i))) << i;
  }
  EXPECT_NE(make_api_key(random), key);
}

TEST(HttpKey, Verdicts) {
  FakeRandom random{1};
  KeyBook book;
  using Verdict = KeyBook::Verdict;
  auto short_lived = asked({Role::kViewer});
  short_lived.expires = kNoon + seconds(10);
  const auto made = book.make(random, kNoon, std::move(short_lived)).value();
  const auto check = [&](std::string_view key, Duration later) {
    return book.check(key, kNoon + later).verdict;
  };
  EXPECT_EQ(check(made.key, seconds(9)), Verdict::kGood);
  EXPECT_EQ(check(made.key, seconds(10)), Verdict::kExpired);
  EXPECT_EQ(check("", seconds(0)), Verdict::kMissing);
  EXPECT_EQ(check(made.key + "x", seconds(0)), Verdict::kMistyped);
  EXPECT_EQ(check(make_api_key(random), seconds(0)), Verdict::kUnknown);
  EXPECT_FALSE(book.revoke("k_000000000000", kNoon));
  ASSERT_TRUE(book.revoke(made.record.id, kNoon));
  EXPECT_EQ(check(made.key, seconds(0)), Verdict::kRevoked);
  EXPECT_FALSE(book.make(random, kNoon, asked({}))) << "no role: no key";
}

TEST(HttpKey, Scopes) {
  EXPECT_TRUE(scopes_reach({}, "events", false));
  EXPECT_TRUE(scopes_reach({"events"}, "events", false));
  EXPECT_TRUE(scopes_reach({"rules", "events:read"}, "events", true));
  EXPECT_FALSE(scopes_reach({"events:read"}, "events", false));
  EXPECT_FALSE(scopes_reach({"events"}, "event", true));
  FakeRandom random{1};
  KeyBook book;
  auto bad = asked({Role::kViewer});
  bad.scopes = {"events:write"};
  EXPECT_FALSE(book.make(random, kNoon, std::move(bad)));
}

TEST(HttpKey, TheFileReadsBackAndHoldsNoKey) {
  FakeRandom random{1};
  FakeFileSystem files;
  ASSERT_TRUE(files.create_directories("keys"));
  KeyBook book;
  auto first = asked({Role::kPublisher, Role::kAuditor});
  first.scopes = {"events"};
  first.expires = kNoon + days(1);
  const auto made = book.make(random, kNoon, std::move(first)).value();
  ASSERT_TRUE(book.make(random, kNoon, asked({Role::kAdmin})));
  ASSERT_TRUE(book.revoke(made.record.id, kNoon + seconds(1)));
  KeyBook again;
  EXPECT_EQ(KeyBook::load(files, "keys/api.json", again).error().code, Code::kNotFound);
  ASSERT_TRUE(book.save(files, "keys/api.json", kNoon));
  ASSERT_TRUE(book.save(files, "keys/api.json", kNoon));
  ASSERT_TRUE(KeyBook::load(files, "keys/api.json", again));
  EXPECT_EQ(again.to_text(), book.to_text());
  EXPECT_EQ(book.to_text().find(made.key.substr(3)), std::string::npos);
  EXPECT_EQ(again.check(made.key, kNoon).verdict, KeyBook::Verdict::kRevoked);
}

TEST(HttpKey, OneRequestMakesOneKeyUnlessItIsTakenBack) {
  FakeRandom random{1};
  KeyBook book;
  auto wanted = asked({Role::kViewer});
  wanted.request = "r1";
  const auto made = book.make(random, kNoon, wanted).value();
  EXPECT_EQ(book.make(random, kNoon, wanted).error().code, Code::kConflict);
  EXPECT_NE(book.make(random, kNoon, wanted).error().detail.find(made.record.id),
            std::string::npos);
  ASSERT_TRUE(book.revoke(made.record.id, kNoon));
  EXPECT_FALSE(book.make(random, kNoon, wanted)) << "it was shown";
  book.forget(made.record.id);  // nobody has seen it
  EXPECT_TRUE(book.make(random, kNoon, wanted));
  EXPECT_EQ(book.list().size(), 1U);
}

TEST(HttpKey, TheLastUseIsKeptToTheMinute) {
  FakeRandom random{1};
  FakeFileSystem files;
  ASSERT_TRUE(files.create_directories("keys"));
  KeyBook book;
  const auto made = book.make(random, kNoon, asked({Role::kAdmin})).value();
  EXPECT_FALSE(book.list().front().used);
  EXPECT_FALSE(book.uses_to_save(kNoon + hours(1)));
  book.check(made.key, kNoon + seconds(90));
  EXPECT_EQ(book.list().front().used, kNoon + minutes(1));
  EXPECT_TRUE(book.uses_to_save(kNoon + hours(1)));
  ASSERT_TRUE(book.save(files, "keys/api.json", kNoon + hours(1)));
  EXPECT_FALSE(book.uses_to_save(kNoon + hours(9)));
  book.check(made.key, kNoon + hours(1));
  EXPECT_FALSE(book.uses_to_save(kNoon + hours(1) + minutes(9)));
  EXPECT_TRUE(book.uses_to_save(kNoon + hours(1) + minutes(10)));
  KeyBook again;
  ASSERT_TRUE(KeyBook::load(files, "keys/api.json", again));
  EXPECT_EQ(again.list().front().used, kNoon + minutes(1));
  ASSERT_TRUE(book.revoke(made.record.id, kNoon + hours(2)));
  book.check(made.key, kNoon + hours(3));
  EXPECT_EQ(book.list().front().used, kNoon + hours(1)) << "it let nobody in";
}

// At each of the changes a save makes the power goes: the file is the old one or the new one.
TEST(HttpKey, ASaveIsWholeOrNotAtAll) {
  for (std::uint64_t n = 1; n < 12; ++n) {
    FakeRandom random{1};
    FakeFileSystem files{n};
    ASSERT_TRUE(create_durable(files, "keys"));
    KeyBook book;
    ASSERT_TRUE(book.make(random, kNoon, asked({Role::kViewer})));
    ASSERT_TRUE(book.save(files, "keys/api.json", kNoon));
    const auto before = book.to_text();
    ASSERT_TRUE(book.make(random, kNoon, asked({Role::kAdmin})));
    files.fail_change(n, FakeFileSystem::Fault::kPowerCut);
    const bool saved = static_cast<bool>(book.save(files, "keys/api.json", kNoon));
    files.power_cut();
    files.reboot();
    files.fail_nothing();
    KeyBook after;
    const auto loaded = KeyBook::load(files, "keys/api.json", after);
    ASSERT_TRUE(loaded) << n << ' ' << loaded.error().detail;
    EXPECT_TRUE(after.to_text() == book.to_text() || (!saved && after.to_text() == before)) << n;
  }
}

TEST(HttpKey, DamagedFilesAreRefused) {
  KeyBook book;
  for (const auto* text :
       {"", "{}", "{\"format\":2,\"keys\":[]}", "{\"format\":1,\"keys\":[{}]}",
        "{\"format\":1,\"keys\":[{\"id\":\"k_000000000000\",\"digest\":\"00\"}]}",
        "{\"format\":1,\"keys\":[{\"new\":1}]}"})
    EXPECT_FALSE(KeyBook::read(text, book)) << text;
}

}  // namespace
}  // namespace dealwright::http
