// Bytes cut short or garbled: an error that says what it is, never a crash, and what is read is
// written and read again alike.
#include <gtest/gtest.h>

#include <functional>

#include "engine/codec/cloudevents_json.h"
#include "engine/codec/decision_codec.h"
#include "engine/codec/event_codec.h"
#include "engine/codec/state_codec.h"
#include "tests/engine/codec/samples.h"

namespace dealwright::codec {
namespace {

struct Format {
  const char* name;
  std::function<std::string(Sampler&)> write;
  std::function<std::optional<Error>(std::string_view)> read;
};

template <class T, class F>
Format format(const char* name, F&& draw) {
  return {name,
          [draw](Sampler& sampler) {
            std::string out;
            encode(draw(sampler), out);
            return out;
          },
          [](std::string_view bytes) -> std::optional<Error> {
            T out;
            auto read = decode(bytes, out);
            if (!read) return read.error();
            // Whatever was read is a value that can be written and read.
            std::string again;
            encode(out, again);
            T back;
            EXPECT_TRUE(decode(again, back));
            return std::nullopt;
          }};
}

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      format<Event>("event",
                    [](Sampler& s) {
                      return s.event(static_cast<TypeId>(1 + s.below(all_event_specs().size())));
                    }),
      format<DecisionRecord>("decision", [](Sampler& s) { return s.decision(1); }),
      format<Record>("record", [](Sampler& s) { return s.record(); }),
      format<Enrolment>("enrolment", [](Sampler& s) { return s.enrolment(); }),
      format<Effect>("effect", [](Sampler& s) { return s.effect(); }),
      format<SetAside>("set aside", [](Sampler& s) { return s.set_aside(); }),
      format<Entry>("entry",
                    [](Sampler& s) {
                      return Entry{7, s.instant()};
                    }),
      {"history",
       [](Sampler& s) {
         std::string out;
         encode_history_chunk(s.record(), out);
         return out;
       },
       [](std::string_view bytes) -> std::optional<Error> {
         auto read = decode_history_chunk(bytes);
         if (!read) return read.error();
         return std::nullopt;
       }},
  };
  return all;
}

TEST(DamageTest, StateAndDecisionsCutShortAreErrors) {
  for (const auto& format : formats()) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      Sampler sampler{seed};
      const auto whole = format.write(sampler);
      ASSERT_FALSE(format.read(whole)) << format.name;
      for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto error = format.read(std::string_view{whole}.substr(0, size));
        // An event may end behind any whole member; the frame around it has the checksum.
        if (std::string_view{format.name} == "event") continue;
        ASSERT_TRUE(error) << format.name << " seed " << seed << " cut at " << size;
        ASSERT_FALSE(error->detail.empty());
      }
    }
  }
}

TEST(DamageTest, GarbledBytesNeverCrash) {
  for (const auto& format : formats()) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      Sampler sampler{seed};
      const auto whole = format.write(sampler);
      for (std::size_t at = 0; at < whole.size(); ++at) {
        auto bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << sampler.below(8)));
        if (sampler.below(4) == 0) bytes[sampler.below(bytes.size())] = static_cast<char>(0xff);
        const auto error = format.read(bytes);
        if (bytes != whole && std::string_view{format.name} == "decision") {
          ASSERT_TRUE(error) << "the checksum missed a change at byte " << at;
          ASSERT_EQ(error->code, Code::kDamaged);
        }
      }
    }
  }
}

TEST(DamageTest, NoiseNeverCrashes) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    Sampler sampler{seed};
    std::string noise;
    for (auto pieces = sampler.below(5); pieces > 0; --pieces) noise += sampler.bytes();
    for (const auto& format : formats()) (void)format.read(noise);
    Event event;
    (void)parse_cloudevent(noise, event);
  }
}

// A length or a count beyond the bytes that are there reserves no memory.
TEST(DamageTest, ACountBeyondTheBytesIsAnError) {
  const std::string huge = std::string(9, '\xff') + '\x01';
  for (const auto& format : formats()) {
    Sampler sampler{7};
    const auto whole = format.write(sampler);
    for (std::size_t at = 0; at <= whole.size(); ++at)
      (void)format.read(whole.substr(0, at) + huge + whole.substr(at));
  }
}

TEST(DamageTest, NestingHasAnEnd) {
  Value deep{1};
  for (int i = 0; i < 2000; ++i) deep = List{deep};
  auto event = sample_event(TypeId::kDealOpened);
  event.extra = {{"deep", deep}};
  std::string bytes;
  encode(event, bytes);
  Event out;
  EXPECT_FALSE(decode(bytes, out));
  const std::string brackets(100'000, '[');
  EXPECT_FALSE(parse_cloudevent(brackets, out).empty());
}

}  // namespace
}  // namespace dealwright::codec
