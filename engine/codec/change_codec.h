// Decided changes inside a decision record. Inside engine/codec.
#pragma once

#include "engine/codec/wire.h"
#include "engine/domain/changes.h"

namespace dealwright::codec {

void write_change(WireWriter& out, const Change& change);
bool read_change(std::string_view bytes, Change& out);
void write_effect_moved(WireWriter& out, const EffectMoved& moved);
bool read_effect_moved(std::string_view bytes, EffectMoved& out);
void write_timer(WireWriter& out, const TimerKey& timer);
bool read_timer(std::string_view bytes, TimerKey& out);

}  // namespace dealwright::codec
