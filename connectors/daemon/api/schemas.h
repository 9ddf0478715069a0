// JSON Schemas of what the API takes and gives, by name: components of the OpenAPI document.
#pragma once

#include "engine/base/value.h"

namespace dealwright::daemon::api {

Map schemas();

}  // namespace dealwright::daemon::api
