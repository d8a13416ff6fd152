#pragma once

#if defined(__GNUC__)
#define LANCE_EXPORT __attribute__((visibility("default")))
#else
#define LANCE_EXPORT
#endif
