# Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
# cc=3 cog=3
def p01_if_elif_else(a, b):
    if a:
        return 1
    elif b:
        return 2
    else:
        return 3


# cc=3 cog=1
def p02_bool_same(a, b, c):
    return a and b and c


# cc=4 cog=3
def p03_bool_mixed(a, b, c, d):
    return a and b or c and d


# cc=3 cog=2
def p04_bool_not_group(a, b, c):
    return a and not (b and c)


# cc=3 cog=3
def p05_ternary_nested(a, b):
    return (1 if b else 2) if a else 3


# cc=4 cog=2
def p06_try_except_else_finally(a):
    try:
        a()
    except ValueError:
        return 1
    except (KeyError, TypeError):
        return 2
    else:
        return 3
    finally:
        a()


# cc=3 cog=2
def p07_for_else(a):
    for x in a:
        pass
    else:
        return 1


# cc=3 cog=2
def p08_while_else(a):
    while a:
        a -= 1
    else:
        return 1


# cc=4 cog=0
def p09_comprehension_if(a):
    return [x for x in a if x if x > 1]


# cc=1 cog=2
def p10_lambda_ternary(a):
    # cc=2 cog=1
    return lambda x: 1 if x else 2


# cc=1 cog=1
def p11_nested_def_if(a):
    # cc=2 cog=1
    def inner(b):
        if b:
            return 1
    return inner


# cc=1 cog=1
def p12_decorator_shape(f):
    # cc=2 cog=1
    def wrapper(b):
        if b:
            return 1
        return f(b)
    return wrapper


# cc=2 cog=2
def p13_recursion(n):
    if n:
        return p13_recursion(n - 1)
    return 0


# cc=4 cog=1
def p14_match(a):
    match a:
        case 1:
            return 1
        case 2 if a > 1:
            return 2
        case _:
            return 3


# cc=2 cog=1
def p15_with_if(a):
    with a as b:
        if b:
            return 1


# cc=3 cog=1
def p16_assert_bool(a, b):
    assert a and b


# cc=4 cog=5
def p17_break_continue(a):
    for x in a:
        if x:
            continue
        if not x:
            break


# cc=4 cog=6
def p18_if_in_loop(a):
    for x in a:
        if x:
            while x:
                x -= 1


# cc=3 cog=4
def p19_else_if_nested(a, b):
    if a:
        return 1
    else:
        if b:
            return 2


# cc=4 cog=3
def p20_bool_in_if(a, b, c):
    if a and b or c:
        return 1


# cc=1 cog=2
def nested_beside_other_work(a):
    a += 1

    # cc=2 cog=1
    def inner(b):
        if b:
            return 1
    return inner


# cc=1 cog=1
def decorator_with_arguments(a):
    # cc=1 cog=1
    def decorate(f):
        @wraps(f)
        # cc=2 cog=1
        def wrapper(*args, **kwargs):
            return f(*args) if a else f(**kwargs)
        return wrapper
    return decorate


# cc=3 cog=2
def a_condition_is_not_nested(a):
    if (1 if a else 0):
        return 1


# cc=5 cog=6
def a_chain_nests_once(a, b, c):
    if a:
        return 1
    elif b:
        return 2
    elif c:
        if a:
            return 3
    else:
        return 4


class Kind:
    # cc=2 cog=2 params=2 kind=method
    def walk(self, node, *, depth=0):
        if node:
            return self.walk(node.next)

    # cc=2 cog=1 params=1 kind=method
    def walk_other(self, node):
        if node:
            return node.walk_other(walk_other(1))

    # cc=1 cog=0 params=3 kind=constructor name=Kind::__init__
    def __init__(self, a, /, *args, **kwargs):
        pass


# cc=4 cog=2
def parentheses_keep_a_run(a, b, c, d):
    return a and (b and c) if d else a


# cc=5 cog=3
def runs_are_read_from_left_to_right(a, b, c, d, e):
    return a or b and c or (d or e)


# cc=3 cog=2
def comparisons_part_runs(a, b, c, d):
    return (a and b) == (c and d)


# cc=3 cog=1 exits=3
async def a_guarded_wildcard_takes_not_everything(a, b):
    match a:
        case (1 | 2), _:
            return 1
        case _ if b:
            raise b
        case _:
            return 3


# cc=4 cog=2 nest=1
def a_loop_in_its_else(a):
    for x in a:
        pass
    else:
        a = [y for y in a]
