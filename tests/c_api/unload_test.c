/* A plugin that uses the library is loaded and unloaded again and again. The library's threads go on, so its
 * code must stay.
 *
 * usage: unload_test PLUGIN LIBRARY... */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CYCLES 100

static void fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, dlerror());
  exit(1);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  for (int cycle = 0; cycle < CYCLES; ++cycle) {
    void* plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) fail("cannot load the plugin");
    void* symbol = dlsym(plugin, "use_library");
    if (symbol == NULL) fail("the plugin has no use_library()");
    void (*use_library)(const char*);
    memcpy(&use_library, &symbol, sizeof symbol);
    char uri[64];
    snprintf(uri, sizeof uri, "memory://unload_test/%d", cycle);
    use_library(uri);
    if (dlclose(plugin) != 0) fail("cannot unload the plugin");
    if (dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != NULL) fail("the plugin was not unloaded");
    for (int i = 2; i < argc; ++i) {
      void* library = dlopen(argv[i], RTLD_NOW | RTLD_NOLOAD);
      if (library == NULL) fail("the library was unloaded");
      dlclose(library);
    }
  }
  printf("\n[figure] L3 dlopen_dlclose_cycles=%d\n", CYCLES);
  return 0;
}
