# Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
module N
  class P < Q
    # cc=3 cog=3 nest=1 params=2
    def if_else(a, b)
      if a > 0 then 1 elsif b > 0 then 2 else 3 end
    end

    # cc=2 cog=2
    def unless_else(a)
      unless a then 1 else 2 end
    end

    # cc=5 cog=4
    def modifiers(a)
      x = 1 if a
      x = 2 unless a
      x += 1 while a
      x rescue nil
    end

    # cc=3 cog=1
    def same(a, b, c) = (a && b and c)

    # cc=4 cog=3
    def mixed(a, b, c, d)
      a && b || c && d
    end

    # cc=3 cog=2
    def negated(a, b, c)
      a && !(b && c)
    end

    # cc=3 cog=3
    def ternary(a, b)
      a ? (b ? 1 : 2) : 3
    end

    # cc=4 cog=2
    def tries
      f
    rescue E, F => e
      1
    rescue
      2
    else
      3
    ensure
      4
    end

    # cc=3 cog=1 mod=2
    def cases(a)
      case a when 1, 2 then 1 when 3 then 2 else 3 end
    end

    # cc=4 cog=1
    def patterns(a)
      case a
      in [1, x] if x then 1
      in { k: v } then 2
      else 3
      end
    end

    # cc=1 cog=2 name=N::P::block kind=method params=1
    def block(a)
      # cc=2 cog=1 kind=closure name=N::P::block::<anonymous> params=2
      a.each do |r, s|
        puts r if s
      end
    end

    # cc=1 cog=2 name=N::P::lambda_named params=0
    def lambda_named
      # cc=2 cog=1 name=N::P::lambda_named::l params=2
      l = ->(x, y) { x ? y : x }
    end

    # cc=4 cog=3
    def loops(a)
      while a do break end
      until a do next end
      for i in a do redo end
    end

    # cc=4 cog=6 nest=3
    def nested(a)
      for x in a
        while x
          if x then next end
        end
      end
    end

    # cc=2 cog=2 exits=1
    def recursion(n)
      return recursion(n - 1) if n
    end

    # cc=3 cog=4
    def else_if(a)
      if a
        1
      else
        if a then 2 end
      end
    end

    # cc=5 cog=0
    def nils(a)
      a ||= 1
      a &&= 2
      a&.b&.c
    end

    # cc=1 cog=0 yields=1 exits=0
    def yields
      yield 1
    end

    # cc=1 cog=0 exits=2
    def raises(a)
      raise E, 'x'
      raise
    end

    # cc=3 cog=2
    def condition(a)
      if (a ? true : false) then true end
    end

    # cc=1 cog=0 params=7
    def params(a, b = 7, *c, d:, e: 1, **f, &g); end

    # cc=1 cog=0 kind=constructor name=N::P::initialize
    def initialize; end

    # cc=1 cog=1 name=N::P::make kind=method
    def self.make(x) = self.make(x)

    class << self
      # cc=1 cog=0 name=N::P::self::inner kind=method
      def inner; end
    end

    # cc=1 cog=0 name=N::P::+
    def +(other) = other

    # cc=1 cog=0 name=N::P::x=
    def x=(v)
      @x = v
    end

    # cc=5 cog=2
    def runs(a, b, c)
      a && (b && c) && !(a && b)
    end
  end
end

# cc=1 cog=0 kind=function name=top
def top; end
