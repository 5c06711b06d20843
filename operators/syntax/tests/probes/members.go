package p

// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.

// cc=1 cog=0 name=Set::A kind=method params=0
func (s *Set[K, V]) A() int { return 1 }

// cc=1 cog=0 name=Set::B
func (s Set[K, _]) B() int { return 1 }

// cc=1 cog=0 name=Set::C
func (Set[K, V]) C() int { return 1 }

// cc=1 cog=0 name=Set::D
func (*Set[K, V]) D() int { return 1 }

// cc=1 cog=0 name=Set::E
func (Set[K]) E() int { return 1 }

// cc=1 cog=0 name=Set::F
func (*Set[K]) F() int { return 1 }

// cc=1 cog=0 name=Set::G
func (_ Set[K, V]) G() int { return 1 }

// cc=1 cog=0 name=Set::H
func (Set[_, _]) H() int { return 1 }

// cc=1 cog=0 name=Plain::I
func (Plain) I() int { return 1 }

// cc=1 cog=0 name=Plain::J
func (*Plain) J() int { return 1 }

// cc=1 cog=0 name=Plain::K
func (s (*Plain)) K() int { return 1 }

// cc=1 cog=1 name=Set::recursive params=1
func (s /* the set */ *((Set[K]))) recursive(n int) int { return s.recursive(n) }
