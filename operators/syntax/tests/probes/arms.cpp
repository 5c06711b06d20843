// Probes: what only C++ has in arms that share brackets.
#ifdef __cplusplus
extern "C" {
#endif
#ifdef X
namespace a {
#else
namespace b {
#endif
struct A {
#ifdef X
  // cc=2 cog=1 params=1 name=a::A::f kind=method
  int f(int a) const {
#else
  int f(int a) {
#endif
    const char *text = R"x({)" { #else)x";
    return a ? 1'000 : 2;
  }
};
#ifdef X
}
#else
}
#endif
// cc=1 cog=0 name=g kind=function
int g() { return 1; }
#ifdef __cplusplus
}
#endif
