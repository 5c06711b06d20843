// Probes of tokens: operators and operands counted by hand.
// cc=2 n1=9 N1=11 n2=6 N2=8
int f(char *s) { return *s == 'a' ? sizeof(int) : 0; }
// cc=1 cog=0 branches=2
int g(void) {
#if A && B
  return 1;
#elif C
  return 2;
#else
  return 3;
#endif
}
// cc=3 mod=2 cog=1
int h(int a) { switch (a) { case 1: return 1; case 2: return 2; default: return 3; } }
