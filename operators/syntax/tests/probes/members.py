# First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
# cc=1 cog=0 params=2 kind=function
def free(cls, a): return cls
# cc=1 cog=0 params=2 kind=function
def also_free(self, a): return self
class M(type):
    # cc=1 cog=0 params=2 kind=method
    def __new__(metacls, name, bases): return metacls
    # cc=1 cog=0 params=1
    def __call__(cls, *a): return cls
    # cc=1 cog=0 params=1
    def any_name(mcs, a): return mcs.x
    @staticmethod
    # cc=1 cog=0 params=2 kind=method
    def static(self, a): return self
    @classmethod
    # cc=1 cog=1 params=1
    def of_class(klass, a): return klass.of_class(a)
    @property
    # cc=1 cog=0 params=0
    def prop(this): return this.q
    # cc=1 cog=0 params=1
    def rest(*args): return args
    # cc=1 cog=1 params=2
    def typed(self: "M", a, /, *, b=1): return self.typed(a)
    # cc=1 cog=0 params=0
    def default(self=None): return self
    # cc=1 cog=0 params=0
    def inner(self):
        # cc=1 cog=0 params=2 kind=function
        def deep(self, a): return self
        return deep
    @functools.cache
    @abc.abstractstaticmethod
    # cc=1 cog=0 params=2
    def also_static(a, b): pass
    if X:
        # cc=1 cog=0 params=1 kind=method
        def conditional(self, a): pass
    # cc=1 cog=0 params=2 kind=closure
    f = lambda self, a: a
# cc=3 cog=3 nest=2
def heads(a):
    for x in (a if a else b):
        pass
# cc=1 cog=1
def alternatives(a):
    match a:
        case 1 | _:
            return 1
# cc=2 cog=1
def captured(a):
    match a:
        case 2: return 0
        case _ as x: return 1
# cc=4 cog=1
def sequences(a):
    match a:
        case _, x: return 1
        case x, _: return 1
        case [_]: return 2
