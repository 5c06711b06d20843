/* Probes: a header of C that C++ can include as well. */
#ifndef C_H
#define C_H
#ifdef __cplusplus
extern "C" {
class Never;
#endif
// cc=2 cog=1 params=1 name=class_of kind=function
static inline int class_of(int class) { return class ? 1 : 0; }
#ifdef __cplusplus
}
#endif
#endif
