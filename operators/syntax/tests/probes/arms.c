// Probes: arms of conditionals that are not whole by themselves; one is read, the others are lines only.
#ifdef X
// cc=2 cog=1 params=1 name=headers branches=0
int headers(int a) {
#else
int headers(int a, int b) {
#endif
  return a ? 1 : 0;
}
// cc=2 cog=1 branches=1 name=loops
int loops(int a, int b) {
#ifdef X
  while (a) {
#else
  while (b && a) {
#endif
    a--;
  }
  return a;
}
// cc=1 cog=0 name=not_swallowed
int not_swallowed(void) { return 0; }
// cc=3 cog=3 branches=3
int nested(int a) {
#if A
  if (a) {
# ifdef B
    if (a > 1) {
# else
    if (a > 2 && a < 9) {
# endif
      a++;
    }
#elif C
  {
#else
  if (a || !a) {
#endif
  }
  return a;
}
// cc=2 cog=1 branches=3
int chains(int a) {
#if A == 1
  if (a) {
#elif A == 2
  if (a && a > 2) {
#elif A == 3
  if (a || a > 2) {
#else
  {
#endif
    a++;
  }
  return a;
}
// cc=3 cog=2 branches=2
int never(int a) {
#if 0
  this isn't read { while
#else
  if (a && a > 1) {
#endif
    a++;
#if 0
  } else if (
#endif
  }
  return a;
}
// cc=2 cog=1 branches=2
int open_and_close(int a) {
#ifndef UNKNOWN
  if (a) {
#endif
    a++;
#if !defined(UNKNOWN) // the same
  }
#else
  }}
#endif
  return a;
}
// cc=2 cog=1 branches=1 params=1
int only_in_text(int a) {
#ifdef X /* { */
  f("{\"", '{', '\'', "}}"); // {
# define OPEN(a) \
  while (a) {
  return a ? 1 : 2; /* {
  {{ */
#else
  f('"', "//", '\\');
#endif
  return a;
}
// cc=3 cog=2 branches=2
int in_an_expression(int a, int b) {
  if (a
#ifdef X
      && b
#elif Y
      || b
#endif
  )
    return 1;
  return 0;
}
// cc=3 cog=2 branches=1
int an_else_apart(int a, int b) {
  if (a)
    b++;
#ifdef X
  else if (b)
    b--;
#endif
  return b;
}
// cc=2 cog=1 branches=2
int both_arms_are_read(int a) {
#ifdef X
  if (a) return 1;
#elif Y
  return 2;
#endif
  return a;
}
