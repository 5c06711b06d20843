# Probes of tokens: operators and operands counted by hand.
class Tokens
  # cc=2 n1=9 N1=10 n2=7 N2=9
  def f(a, b)
    b.get(0) == nil ? :x : -a
  end

  # cc=4 cog=4 A=2 B=1 C=4
  def g(a)
    b = 1
    b += a
    if a == b || a > 2
      h(a)
    else
      1
    end
  rescue E
    2
  end

  # cc=1 n1=5 N1=5 n2=5 N2=5
  def s(a)
    "x#{@b.c}"
  end
end
