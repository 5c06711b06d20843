# First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
class P
  # cc=2 cog=1
  def alternatives(a)
    case a
    in 1 then 2
    in 3 | _ then 4
    end
  end
  # cc=3 cog=1
  def parts(a)
    case a
    in [_, 1] then 2
    in _ if b then 3
    in _ then 4
    end
  end
  # cc=3 cog=3 nest=2
  def heads(a)
    for x in (a ? p : q) do g end
  end
end
