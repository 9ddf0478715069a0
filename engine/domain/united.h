// A subject that stands in two partitions, read as one (sales.md 1): what both know of it, as if
// its facts had come to one place.
#pragma once

#include <span>

#include "engine/domain/record.h"
#include "engine/domain/reference.h"

namespace dealwright {

// Of each field the value that was said last, of values said at the same instant that of the record
// that stands first; lists united; consents of both; the life as all facts that shape it make it,
// read in the newest version of their pipeline. History, watchers and chunks are left out: they
// name places of one partition.
// REQUIRES: not empty; all of the same key
Record unite(std::span<const Record* const> parts, const Pipelines& pipelines);

}  // namespace dealwright
