/// What this process was started with, as it was given and where it is shown from: Swift's `CommandLine` has a
/// copy, in which what is no UTF-8 has become so.
#ifndef CAIRN_CSTART_H
#define CAIRN_CSTART_H

/// How many arguments there are, with the program's name; -1 where the system did not say.
int cairn_argument_count(void);

/// The arguments where the kernel has put them, and shows them from.
char *_Nullable *_Nullable cairn_arguments(void);

/// The variables, `NAME=value` each, until one is null.
char *_Nullable *_Nullable cairn_variables(void);

#endif
