// Process logs in XES (IEEE 1849): a row per event. Streams; takes no DTD, no entities of the
// file's own, nothing from the network.
//
//   log = trace*   trace = attribute* event*   event = attribute*
//   attribute = <string|date|int|float|boolean|id key="..." value="..."/>
//
// An event's attribute is the column of its key, its trace's that of `case:` + key. Attributes of
// attributes, of the log and its globals are no data of events and are passed over.
#pragma once

#include <memory>

#include "connectors/import/input.h"
#include "connectors/import/row.h"

namespace dealwright::import {

std::unique_ptr<RowReader> make_xes_reader(std::unique_ptr<Input> input);

}  // namespace dealwright::import
