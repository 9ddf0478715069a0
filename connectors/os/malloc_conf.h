// What jemalloc is told; for the file of main(), once a program.
#pragma once

// An arena a core: a generation is made by one thread and freed by another, and with the default,
// four arenas a core, each keeps a share of what was freed.
extern "C" {
[[gnu::used]] inline const char* malloc_conf = "percpu_arena:percpu";
}
