// A record's life as a fold over the few facts that shape it. Inside engine/domain; evolve uses it.
#pragma once

#include "engine/domain/evolve.h"
#include "engine/domain/record.h"
#include "engine/domain/reference.h"

namespace dealwright {

// Whether facts of this type shape the life of a record of this kind.
bool shapes_life(Kind kind, TypeId type);
// The part of an event that its life fact keeps; resolves the stage by the pipeline in force.
LifeFact life_fact(const Record& record, const Event& event, const FoldAt& at,
                   const Pipelines& pipelines);
// Whether a fact that shapes no life tells when undated ones in front of it happened at the latest.
bool dates_others(const Record& record, const FoldAt& at);
// Whether a fact says again what stands where it lands (a second deal.lost, offer.accepted ...): it
// changes no values then. Asked before the fact is folded.
bool repeats_final(const Record& record, const Event& event, const FoldAt& at,
                   const Pipelines& pipelines);
// Puts the fact where history wants it, brings record.life up to date and appends what went out of
// force and into it to out.steps. Sets out.late, out.too_late.
void insert_life_fact(Record& record, LifeFact fact, const Pipelines& pipelines, Folded& out);
// Gives the record the life that these facts make, whatever it had, and the values that follow from
// it. REQUIRES: in order of their stamps
void set_life(Record& record, std::vector<LifeFact> facts, const Pipelines& pipelines);
// Values that the life decides, as fields that rules and views read.
void sync_life(Record& record, Stamp stamp, Folded& out);

}  // namespace dealwright
