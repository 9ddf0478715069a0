// libopendkim 2.11 does not give back all of a key that it loaded: some 500 bytes with a signature.
// Nothing of ours is held by it, and nothing else is passed over.
extern "C" {
const char* __asan_default_options() { return "fast_unwind_on_malloc=0"; }
const char* __lsan_default_suppressions() { return "leak:dkim_privkey_load\n"; }
}
