#include "connectors/cli/cli.h"
#include "connectors/os/malloc_conf.h"

int main(int argc, char** argv) { return dealwright::cli::run(argc, argv); }
