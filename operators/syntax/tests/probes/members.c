// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
// cc=1 cog=1 N1=23
int computed(int a) { static void *t[] = { &&x, &&y }; goto *t[a]; x: return 1; y: return 2; }
// cc=2 cog=2
int plain(int a) { if (a) goto x; return 0; x: return 1; }
// cc=1 cog=1
int next(int *p) { void *t[2]; t[0] = &&l; goto *t[*p++]; l: return 0; }
// cc=2 cog=4
int in_both_arms(int *p) { if (p) goto *t[*p]; else goto *u; return 0; }
// cc=2 cog=3
int in_a_switch(int *p) { switch (*p) { case 1: goto *t[0]; default: goto *(t[1]); } }
// cc=2 cog=2
int in_a_loop(int *p) { for (;;) { next_one(); goto * /* far */ (void *)p; l: p++; } }
// cc=4 cog=5 nest=2
int heads(int a) { for (int i = a ? 1 : 2; i < (a ? 1 : 2); i++) { } return 0; }
