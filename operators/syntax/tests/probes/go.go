package p

// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.

// cc=3 cog=3
func p01(a, b bool) int { if a { return 1 } else if b { return 2 } else { return 3 } }
// cc=3 cog=1
func p02(a, b, c bool) bool { return a && b && c }
// cc=4 cog=3
func p03(a, b, c, d bool) bool { return a && b || c && d }
// cc=3 cog=2
func p04(a, b, c bool) bool { return a && !(b && c) }
// cc=3 cog=1
func p06(a int) int { switch a { case 1: return 1; case 2, 3: return 2; default: return 3 } }
// cc=3 cog=1
func p07(a any) int { switch a.(type) { case int: return 1; case string: return 2 }; return 0 }
// cc=3 cog=1
func p08(a, b chan int) int { select { case <-a: return 1; case x := <-b: return x; default: return 0 } }
// cc=4 cog=3
func p09(a []int) int { for i := 0; i < 3; i++ { _ = i }; for range a { }; for { break }; return 0 }
// cc=1/2 cog=2/1
func p10(a bool) func() { return func() { if a { p02(a, a, a) } } }
// cc=2 cog=2
func p11(n int) int { if n > 0 { return p11(n - 1) }; return 0 }
// cc=4 cog=7
func p12(a [][]int) { outer: for _, x := range a { for _, y := range x { if y > 0 { continue outer } } } }
// cc=2 cog=2
func p13(a bool) { if a { goto end }; p02(a, a, a); end: }
// cc=3 cog=1
func p14(a int) int { switch { case a > 0: return 1; case a < 0: fallthrough; default: return 2 } }
// cc=2/2 cog=3/1
func p15() (err error) { if _, err := q(); err != nil { return err }; defer func() { if err != nil { _ = err } }(); return }
// cc=1 cog=0
func q() (int, error) { return 0, nil }

// cc=1 cog=0 params=3
func grouped(a, b int, c ...string) {}

// cc=2 cog=2 kind=method name=Server::serve params=1
func (s *Server[T]) serve(n int) { if n > 0 { s.serve(n - 1) } }

// cc=2 cog=1 kind=method
func (s Server) other(t Server) { if t.ok { t.other(s); other(s) } }

// cc=4 cog=4 nest=1
func chainNestsOnce(a, b, c bool) { if a { } else if b { } else if c { } else { } }

// cc=4 cog=5
func elseWithIf(a bool) { if a { } else { if a && a { } } }

// cc=2/2 cog=4/1
func callbackInHeader(a []int) { for i := pick(func() int { if a == nil { return 1 }; return 0 }); i > 0; i-- { } }

func withoutBody(a int) int
