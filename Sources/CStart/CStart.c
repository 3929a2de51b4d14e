#include "CStart.h"

extern char **environ;

static int count = -1;
static char **arguments;

// The system's library gives to what runs before `main` what `main` is given.
__attribute__((constructor)) static void keep(int argc, char **argv) {
  if (argc < 0 || !argv) return;
  count = argc;
  arguments = argv;
}

int cairn_argument_count(void) { return count; }

char **cairn_arguments(void) { return arguments; }

char **cairn_variables(void) { return environ; }
