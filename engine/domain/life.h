// A record's life as a fold over the few facts that shape it. For evolve, and for folding anew.
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
// force and into it to out.steps, and the values that changed to out.changed. Sets out.late,
// out.too_late.
void insert_life_fact(Record& record, LifeFact fact, const Pipelines& pipelines, Folded& out);
// Gives the record the life that these facts make, whatever it had. REQUIRES: in order of their
// stamps
void set_life(Record& record, std::vector<LifeFact> facts, const Pipelines& pipelines);
// The values that the life decides and that differ, as they were in `before`.
void append_changes(const Record& before, const Record& after, std::vector<FieldChange>& out);

}  // namespace dealwright
