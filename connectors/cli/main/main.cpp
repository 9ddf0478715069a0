#include "connectors/cli/cli.h"

int main(int argc, char** argv) { return dealwright::cli::run(argc, argv); }
