// The command line: noun, verb, flags. Works on a data directory.
#pragma once

namespace dealwright::cli {

// Exit: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 no server, 6 damage,
// 75 try again (mail receive alone).
int run(int argc, char** argv);

}  // namespace dealwright::cli
