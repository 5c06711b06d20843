// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
// cc=3 cog=3
int p01(int a, int b) { if (a) { return 1; } else if (b) { return 2; } else { return 3; } }
// cc=3 cog=1
int p02(int a, int b, int c) { return a && b && c; }
// cc=4 cog=3
int p03(int a, int b, int c, int d) { return a && b || c && d; }
// cc=3 cog=2
int p04(int a, int b, int c) { return a && !(b && c); }
// cc=3 cog=3
int p05(int a, int b) { return a ? (b ? 1 : 2) : 3; }
// cc=3 cog=1
int p06(int a) { switch (a) { case 1: return 1; case 2: return 2; default: return 3; } }
// cc=3 cog=1
int p07(int a) { switch (a) { case 1: case 2: return 2; default: return 3; } }
// cc=2 cog=2
int p08(int a) { if (a) goto out; a = 1; out: return a; }
// cc=4 cog=3
int p09(int a) { for (int i = 0; i < 3; i++) { a++; } do { a--; } while (a > 3); while (a) { a--; } return a; }
// cc=2 cog=2
int p10(int n) { if (n) { return p10(n - 1); } return 0; }
#ifdef X
// cc=2 cog=1
int p11(int a) { if (a) { return 1; } return 0; }
#else
// cc=1 cog=0
int p11(int a) { return 0; }
#endif
#define MAX2(a, b) ((a) > (b) ? (a) : (b))
// cc=1 cog=0
int p12(int a, int b) { return MAX2(a, b); }
// cc=4 cog=6
int p13(int a) { if (a) { if (a > 1) { if (a > 2) { return 1; } } } return 0; }
// cc=2 cog=1 params=1 name=pointer
static char **pointer(const char *a[]) { return a ? 0 : 1; }
// cc=1 cog=0 params=1 name=returns_function
int (*returns_function(int a))(char, char) { return 0; }
// cc=1 cog=0 params=0
int takes_nothing(void) { return 0; }
// cc=1 cog=0 params=1
int takes_the_rest(const char *format, ...) { return 0; }
#if defined(A) && defined(B) || C
// cc=2 cog=1
int under_a_condition(int a) {
#if X && Y
  if (a) return 1;
#elif Z && W
  return 2;
#endif
  return a;
}
#endif
// cc=4 cog=4 nest=1
int a_chain_nests_once(int a) { if (a) ; else if (a > 1) ; else if (a > 2) ; else ; return 0; }
// cc=5 cog=3
int runs_left_to_right(int a, int b, int c, int d, int e) { return a || b && c || (d || e); }
int declared_only(int a);
