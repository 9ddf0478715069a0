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
// One step: the life after `fact`. `occurred`: when the fact counts from.
void advance(Kind kind, Life& life, const LifeFact& fact, Instant occurred);
// Puts the fact where history wants it, brings record.life up to date and appends what went out of
// force and into it to out.steps. Sets out.late, out.too_late.
void insert_life_fact(Record& record, LifeFact fact, Folded& out);

}  // namespace dealwright
