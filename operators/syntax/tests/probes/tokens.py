# Probes of tokens: operators and operands counted by hand.
# cc=2 n1=8 N1=8 n2=4 N2=7
def strings_are_operands(a, b):
    return a + b if a else "x"


# cc=1 n1=6 N1=6 n2=4 N2=5
def code_in_strings_is_code(a):
    return f"y{a.b}"


# cc=1 n1=8 N1=8 n2=4 N2=9 A=2 B=0 C=2
def comparisons(a, b):
    c = a < b
    c += a not in b


# cc=1 n1=4 N1=5 n2=2 N2=4 yields=2 exits=0
def yields(a):
    yield a
    # A comment is no token.
    yield a


# cc=3 mod=3 cog=3 own=3 A=1 B=1 C=3
def conditions(a):
    if a == 1:
        b = 2
    elif a:
        c(a)
    else:
        pass
